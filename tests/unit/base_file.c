#include "harness.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/base_file.XXXXXX";
static int at = -1;

static int open_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return at < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char *command cleanup_free = str_format("rm -rf %s", folder);
    (void)close(at);
    return system(command) == 0 ? 0 : -1;
}

static void put(const char *name, const char *content)
{
    cleanup_close int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
}

static void a_regular_file_is_read_whole(void **state)
{
    cleanup_text struct text t = {0};
    struct err e = {0};
    (void)state;

    put("plain", "hello\n");
    assert_int_equal(file_read(at, "plain", 6, FILE_NO_LINKS, &t, &e), 0);
    assert_string_equal(text_get(&t), "hello\n");
}

static void a_file_beyond_the_limit_is_refused_and_nothing_is_added(void **state)
{
    cleanup_text struct text t = {0};
    struct err e = {0};
    (void)state;

    put("long", "hello\n");
    assert_int_equal(file_read(at, "long", 5, FILE_NO_LINKS, &t, &e), -EFBIG);
    assert_int_equal(t.length, 0);
    assert_contains(e.what, "longer than 5 bytes");
}

static void folders_fifos_and_devices_are_refused_without_blocking(void **state)
{
    cleanup_text struct text t = {0};
    struct err e = {0};
    (void)state;

    assert_int_equal(mkdirat(at, "folder", 0755), 0);
    assert_int_equal(mkfifoat(at, "fifo", 0644), 0);
    assert_int_equal(file_read(at, "folder", 100, FILE_NO_LINKS, &t, &e), -EISDIR);
    assert_int_equal(file_read(at, "fifo", 100, FILE_NO_LINKS, &t, &e), -EINVAL);
    assert_int_equal(file_read(AT_FDCWD, "/dev/zero", 100, FILE_NO_LINKS, &t, &e), -EINVAL);
    assert_int_equal(file_read(at, "missing", 100, FILE_NO_LINKS, &t, &e), -ENOENT);
}

static void links_are_followed_only_where_asked(void **state)
{
    cleanup_text struct text t = {0};
    struct err e = {0};
    char *path cleanup_free = str_format("%s/link", folder);
    (void)state;

    put("target", "x");
    assert_int_equal(symlinkat("target", at, "link"), 0);
    assert_int_equal(file_read(at, "link", 10, FILE_NO_LINKS, &t, &e), -ELOOP);
    assert_int_equal(file_read(AT_FDCWD, path, 10, FILE_FOLLOW_LINKS, &t, &e), 0);
    assert_string_equal(text_get(&t), "x");
}

static void no_link_in_the_middle_and_no_way_out_of_the_folder(void **state)
{
    (void)state;
    assert_int_equal(symlinkat("/etc", at, "out"), 0);
    assert_int_equal(file_open(at, "out/passwd", O_RDONLY, 0, FILE_NO_LINKS), -ELOOP);
    assert_int_equal(file_open(at, "../passwd", O_RDONLY, 0, FILE_NO_LINKS), -EXDEV);
    assert_int_equal(file_open(at, "/etc/passwd", O_RDONLY, 0, FILE_NO_LINKS), -EXDEV);
}

static int followed(const char *path)
{
    int fd = file_open(at, path, O_RDONLY, 0, FILE_FOLLOW_LINKS);

    if (fd < 0)
        return fd;
    (void)close(fd);
    return 0;
}

/* As a mounted Secret is made; and each way out of it. Without openat2 (qemu's emulation has none), too. */
static void links_are_followed_below_the_folder_only(void **state)
{
    static const char *const links[][2] = {{"..2026", "secret/..data"}, {"..data/key", "secret/key"},
        {"../secret/key", "elsewhere/key"}, {"../../passwd", "elsewhere/above"},
        {"/etc/passwd", "elsewhere/root"}, {"loop", "loop"}, {".", "self"}, {"missing", "dangling"}};
    (void)state;

    assert_int_equal(mkdirat(at, "secret", 0755), 0);
    assert_int_equal(mkdirat(at, "secret/..2026", 0755), 0);
    assert_int_equal(mkdirat(at, "elsewhere", 0755), 0);
    put("secret/..2026/key", "x");
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
        assert_int_equal(symlinkat(links[i][0], at, links[i][1]), 0);
    assert_int_equal(followed("secret/key"), 0);
    assert_int_equal(followed("elsewhere/key"), 0);
    assert_int_equal(followed("self/self/./secret/../secret//key"), 0);
    assert_int_equal(followed("elsewhere/above"), -EXDEV);
    assert_int_equal(followed("elsewhere/root"), -EXDEV);
    assert_int_equal(followed("../passwd"), -EXDEV);
    assert_int_equal(followed("secret/../../passwd"), -EXDEV);
    assert_int_equal(followed("/etc/passwd"), -EXDEV);
    assert_int_equal(followed("loop"), -ELOOP);
    assert_int_equal(followed("dangling"), -ENOENT);
    assert_int_equal(followed("secret/key/below"), -ENOTDIR);
}

static void replacing_gives_the_mode_and_leaves_no_temporary_file(void **state)
{
    struct err e = {0};
    struct stat st;
    (void)state;

    mode_t before = umask(077);
    assert_int_equal(
        file_replace(at, "new", "data", 4, (struct file_owner){0644, (uid_t)-1, (gid_t)-1}, "new", &e), 0);
    (void)umask(before);
    assert_int_equal(fstatat(at, "new", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(st.st_size, 4);
    char *command cleanup_free = str_format("ls -A %s | grep -q tmp", folder);
    assert_int_not_equal(system(command), 0);
}

static void publishing_replaces_whole_files_too(void **state)
{
    const struct file_owner owner = {0644, (uid_t)-1, (gid_t)-1};
    cleanup_text struct text t = {0};
    struct err e = {0};
    struct stat before, after;
    (void)state;

    assert_int_equal(file_publish(at, "told", "a longer text", 13, owner, "told", &e), 0);
    assert_int_equal(fstatat(at, "told", &before, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(file_publish(at, "told", "short", 5, owner, "told", &e), 0);
    assert_int_equal(fstatat(at, "told", &after, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(before.st_ino != after.st_ino);
    assert_int_equal(after.st_mode & 07777, 0644);
    assert_int_equal(file_read(at, "told", 100, FILE_NO_LINKS, &t, &e), 0);
    assert_string_equal(text_get(&t), "short");
    char *command cleanup_free = str_format("ls -A %s | grep -q tmp", folder);
    assert_int_not_equal(system(command), 0);
}

static void replacing_a_link_replaces_the_link_and_not_its_target(void **state)
{
    struct err e = {0};
    struct stat st;
    cleanup_text struct text t = {0};
    (void)state;

    put("victim", "precious");
    assert_int_equal(symlinkat("victim", at, "trap"), 0);
    assert_int_equal(
        file_replace(at, "trap", "data", 4, (struct file_owner){0600, (uid_t)-1, (gid_t)-1}, "trap", &e), 0);
    assert_int_equal(fstatat(at, "trap", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(file_read(at, "victim", 100, FILE_NO_LINKS, &t, &e), 0);
    assert_string_equal(text_get(&t), "precious");
}

static void a_failed_replacement_keeps_the_old_file(void **state)
{
    struct err e = {0};
    (void)state;

    assert_int_equal(mkdirat(at, "occupied", 0755), 0);
    assert_true(file_replace(at, "occupied", "data", 4, (struct file_owner){0600, (uid_t)-1, (gid_t)-1},
                    "shown", &e) < 0);
    assert_contains(e.what, "shown: cannot write");
    char *command cleanup_free = str_format("ls -A %s | grep -q tmp", folder);
    assert_int_not_equal(system(command), 0);
}

static void programs_are_found_in_the_given_path_only(void **state)
{
    (void)state;
    char *sh cleanup_free = file_find_program("sh", "/nowhere:/bin");
    assert_string_equal(sh, "/bin/sh");
    assert_null(file_find_program("sh", "/nowhere"));
    assert_null(file_find_program("/etc/passwd", NULL));
    assert_null(file_find_program("etc", "/"));
}

static void the_nearest_folder_is_the_one_that_is_there(void **state)
{
    char *deep cleanup_free = str_format("%s/missing/below", folder);
    char *file cleanup_free = str_format("%s/nearest", folder);
    char *of_deep cleanup_free = file_nearest_folder(deep), *own cleanup_free = file_nearest_folder(folder);
    char *top cleanup_free = file_nearest_folder("/no-such-folder");
    char *root cleanup_free = file_nearest_folder("/");
    (void)state;

    put("nearest", "");
    char *of_file cleanup_free = file_nearest_folder(file);
    assert_string_equal(of_deep, folder);
    assert_string_equal(own, folder);
    assert_string_equal(of_file, folder);
    assert_string_equal(top, "/");
    assert_string_equal(root, "/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_regular_file_is_read_whole),
        cmocka_unit_test(a_file_beyond_the_limit_is_refused_and_nothing_is_added),
        cmocka_unit_test(folders_fifos_and_devices_are_refused_without_blocking),
        cmocka_unit_test(links_are_followed_only_where_asked),
        cmocka_unit_test(no_link_in_the_middle_and_no_way_out_of_the_folder),
        cmocka_unit_test(links_are_followed_below_the_folder_only),
        cmocka_unit_test(replacing_gives_the_mode_and_leaves_no_temporary_file),
        cmocka_unit_test(publishing_replaces_whole_files_too),
        cmocka_unit_test(replacing_a_link_replaces_the_link_and_not_its_target),
        cmocka_unit_test(a_failed_replacement_keeps_the_old_file),
        cmocka_unit_test(programs_are_found_in_the_given_path_only),
        cmocka_unit_test(the_nearest_folder_is_the_one_that_is_there),
    };
    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
