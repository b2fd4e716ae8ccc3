#include "harness.h"

#include "certs/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { FOLDERS = 3 }; /* of the tests' store */

static const struct store_owner as_created = {.uid = (uid_t)-1, .gid = (gid_t)-1};

/* A folder for one test; the store is DIR/certs in it. */
struct place {
    char folder[32];
    char *path;
    struct store store;
};

static int open_with_client(struct store *store, const char *path, struct err *e)
{
    int r = store_open(store, path, as_created, e);

    store_add_client(store, "client", as_created, 0644);
    return r;
}

static int begin(void **state)
{
    struct place *place = mem_zero(1, sizeof(*place));
    struct err e;

    (void)strcpy(place->folder, "/tmp/certs_store.XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    place->path = str_format("%s/certs", place->folder);
    *state = place;
    return open_with_client(&place->store, place->path, &e);
}

static int finish(void **state)
{
    struct place *place = *state;
    char *command cleanup_free = str_format("rm -rf %s", place->folder);

    store_close(&place->store);
    int r = system(command);
    free(place->path);
    free(place);
    return r;
}

static void prepare(struct place *place)
{
    struct err e = {0};

    assert_int_equal(store_prepare(&place->store, &e), 0);
}

static char *path_of(const struct place *place, const char *name)
{
    return str_format("%s/%s", place->path, name);
}

static void put(const struct place *place, const char *name, const char *content, size_t length)
{
    char *path cleanup_free = path_of(place, name);
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, length), length);
}

static bool exists(const struct place *place, const char *name)
{
    char *path cleanup_free = path_of(place, name);
    struct stat st;

    return lstat(path, &st) == 0;
}

static mode_t mode_of(const struct place *place, const char *name)
{
    char *path cleanup_free = path_of(place, name);
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static int count_temporaries(const struct place *place)
{
    char *command cleanup_free = str_format("exit $(find %s -name '.dind-*' | wc -l)", place->path);

    return WEXITSTATUS(system(command));
}

#define cleanup_content cleanup(store_content_free)

static const struct store_file *read_one(
    struct place *place, struct store_content *content, size_t folder, enum store_name name)
{
    store_read(&place->store, content);
    return &content->places[folder].files[name];
}

static void a_missing_store_is_empty(void **state)
{
    struct place *place = *state;
    struct store_content content cleanup_content = {0};

    assert_int_equal(place->store.dir, -1);
    store_read(&place->store, &content);
    for (int i = 0; i < FOLDERS; i++)
        for (int j = 0; j < STORE_NAMES; j++)
            assert_int_equal(content.places[i].files[j].state, STORE_ABSENT);
    assert_false(content.places[STORE_CA].exists);
}

static void folders_are_made_with_their_modes_whatever_the_umask(void **state)
{
    struct place *place = *state;
    mode_t mask = umask(0077);

    prepare(place);
    assert_int_equal(umask(mask), 0077);
    assert_int_equal(mode_of(place, ""), 0755);
    assert_int_equal(mode_of(place, "ca"), 0700);
    assert_int_equal(mode_of(place, "server"), 0755);
    assert_int_equal(mode_of(place, "client"), 0755);
}

static void folders_that_exist_keep_their_modes(void **state)
{
    struct place *place = *state;
    char *ca cleanup_free = path_of(place, "ca");
    char *client cleanup_free = path_of(place, "client");

    assert_int_equal(mkdir(place->path, 0711), 0);
    assert_int_equal(mkdir(ca, 0750), 0);
    assert_int_equal(mkdir(client, 0700), 0);
    prepare(place);
    assert_int_equal(mode_of(place, ""), 0711);
    assert_int_equal(mode_of(place, "ca"), 0750);
    assert_int_equal(mode_of(place, "client"), 0700);
}

static void a_link_or_a_file_in_place_of_a_folder_is_refused(void **state)
{
    static const char *const folders[] = {"ca", "server", "client"};
    struct place *place = *state;
    char *elsewhere cleanup_free = str_format("%s/elsewhere", place->folder);

    assert_int_equal(mkdir(place->path, 0755), 0);
    assert_int_equal(mkdir(elsewhere, 0755), 0);
    for (size_t i = 0; i < 3; i++) {
        struct store store cleanup(store_close) = {0};
        char *path cleanup_free = path_of(place, folders[i]);
        struct err e = {0};
        assert_int_equal(symlink(elsewhere, path), 0);
        assert_int_equal(open_with_client(&store, place->path, &e), 0);
        assert_true(store_prepare(&store, &e) < 0);
        assert_contains(e.what, path);
        assert_contains(e.what, "is not a folder");
        assert_true(*e.hint);
        assert_int_equal(unlink(path), 0);
        put(place, folders[i], "x", 1);
        assert_true(store_prepare(&store, &e) < 0);
        assert_contains(e.what, path);
        assert_int_equal(unlink(path), 0);
    }
}

static void a_file_is_read_with_mode_and_owner(void **state)
{
    struct place *place = *state;
    struct store_content content cleanup_content = {0};

    prepare(place);
    put(place, "server/cert.pem", "hello", 5);
    const struct store_file *file = read_one(place, &content, STORE_SERVER, STORE_CERT_PEM);
    assert_int_equal(file->state, STORE_PRESENT);
    assert_string_equal(text_get(&file->content), "hello");
    assert_int_equal(file->mode, 0644);
    assert_int_equal(file->uid, geteuid());
    assert_false(file->linked);
    assert_true(content.places[STORE_SERVER].exists);
    assert_int_equal(content.places[STORE_SERVER].uid, geteuid());
}

static void an_empty_file_is_as_good_as_none(void **state)
{
    struct place *place = *state;
    struct store_content content cleanup_content = {0};

    prepare(place);
    put(place, "ca/key.pem", "", 0);
    assert_int_equal(read_one(place, &content, STORE_CA, STORE_KEY_PEM)->state, STORE_ABSENT);
}

static void assert_hostile(struct place *place, size_t folder, enum store_name name, const char *problem)
{
    struct store_content content cleanup_content = {0};
    const struct store_file *file = read_one(place, &content, folder, name);

    assert_int_equal(file->state, STORE_HOSTILE);
    assert_string_equal(file->problem, problem);
}

static void what_is_no_regular_file_is_hostile_and_never_blocks(void **state)
{
    struct place *place = *state;
    char *fifo cleanup_free = path_of(place, "server/key.pem");
    char *folder cleanup_free = path_of(place, "server/ca.pem");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cleanup_close int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    prepare(place);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/client/key.pem", place->path);
    assert_int_equal(bind(sock, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(mkfifo(fifo, 0644), 0);
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_hostile(place, STORE_SERVER, STORE_KEY_PEM, "is not a regular file");
    assert_hostile(place, STORE_SERVER, STORE_CA_PEM, "is a folder");
    assert_hostile(place, STORE_CLIENTS, STORE_KEY_PEM, "is not a regular file");
}

static void a_file_of_64_kib_is_read_and_a_longer_one_is_hostile(void **state)
{
    struct place *place = *state;
    char *long_text cleanup_free = mem_zero(1, 65537);
    struct store_content content cleanup_content = {0};

    (void)memset(long_text, 'x', 65537);
    prepare(place);
    put(place, "ca/cert.pem", long_text, 65536);
    assert_int_equal(read_one(place, &content, STORE_CA, STORE_CERT_PEM)->content.length, 65536);
    put(place, "ca/cert.pem", long_text, 65537);
    assert_hostile(place, STORE_CA, STORE_CERT_PEM, "is longer than 64 KiB");
}

static void a_file_with_a_second_name_is_hostile(void **state)
{
    struct place *place = *state;
    char *name cleanup_free = path_of(place, "server/key.pem");
    char *second cleanup_free = path_of(place, "server/second");

    prepare(place);
    put(place, "server/key.pem", "secret", 6);
    assert_int_equal(link(name, second), 0);
    assert_hostile(place, STORE_SERVER, STORE_KEY_PEM, "is a hard link to a file with another name");
}

static void links_within_the_store_are_followed_but_not_in_client(void **state)
{
    static const char *const folders[] = {"ca", "server", "client"};
    struct place *place = *state;
    struct store_content content cleanup_content = {0};

    prepare(place);
    for (size_t i = 0; i < 3; i++) {
        char *link cleanup_free = str_format("%s/%s/cert.pem", place->path, folders[i]);
        char *data cleanup_free = str_format("%s/real", folders[i]);
        put(place, data, "hello", 5);
        assert_int_equal(symlink("real", link), 0);
    }
    store_read(&place->store, &content);
    for (int i = STORE_CA; i <= STORE_SERVER; i++) {
        assert_int_equal(content.places[i].files[STORE_CERT_PEM].state, STORE_PRESENT);
        assert_true(content.places[i].files[STORE_CERT_PEM].linked);
    }
    assert_int_equal(content.places[STORE_CLIENTS].files[STORE_CERT_PEM].state, STORE_HOSTILE);
    assert_string_equal(
        content.places[STORE_CLIENTS].files[STORE_CERT_PEM].problem, "is a symbolic link, or below one");
}

static void a_link_out_of_the_store_is_hostile_and_not_read(void **state)
{
    static const char *const targets[] = {"/etc/passwd", "../../outside"};
    struct place *place = *state;
    char *link cleanup_free = path_of(place, "server/key.pem");

    prepare(place);
    put(place, "../outside", "secret", 6);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(symlink(targets[i], link), 0);
        assert_hostile(place, STORE_SERVER, STORE_KEY_PEM, "is a symbolic link that leads out of the store");
        assert_int_equal(unlink(link), 0);
    }
}

static struct text text_of(const char *content)
{
    struct text t = {0};

    text_add(&t, content);
    return t;
}

static void stage(struct place *place, size_t folder, enum store_name name, const char *content)
{
    cleanup_text struct text text = text_of(content);
    struct err e = {0};

    assert_int_equal(store_stage(&place->store, folder, name, &text, &e), 0);
}

static void staged_files_are_complete_but_not_there_yet(void **state)
{
    struct place *place = *state;

    prepare(place);
    put(place, "server/key.pem", "old", 3);
    stage(place, STORE_SERVER, STORE_KEY_PEM, "new");
    struct store_content before cleanup_content = {0}, after cleanup_content = {0};
    assert_string_equal(text_get(&read_one(place, &before, STORE_SERVER, STORE_KEY_PEM)->content), "old");
    assert_int_equal(count_temporaries(place), 1);

    struct err e = {0};
    assert_int_equal(store_commit(&place->store, STORE_SERVER, &e), 0);
    assert_string_equal(text_get(&read_one(place, &after, STORE_SERVER, STORE_KEY_PEM)->content), "new");
    assert_int_equal(after.places[STORE_SERVER].files[STORE_KEY_PEM].mode, 0600);
    assert_int_equal(count_temporaries(place), 0);
}

static void discarding_leaves_the_old_files_and_no_temporary_one(void **state)
{
    struct place *place = *state;

    prepare(place);
    put(place, "client/ca.pem", "old", 3);
    stage(place, STORE_CLIENTS, STORE_CA_PEM, "new");
    stage(place, STORE_SERVER, STORE_KEY_PEM, "new");
    store_discard(&place->store);
    assert_int_equal(count_temporaries(place), 0);
    assert_false(exists(place, "server/key.pem"));
    struct store_content content cleanup_content = {0};
    assert_string_equal(text_get(&read_one(place, &content, STORE_CLIENTS, STORE_CA_PEM)->content), "old");
}

static void committing_one_folder_leaves_the_others(void **state)
{
    struct place *place = *state;
    struct err e = {0};

    prepare(place);
    stage(place, STORE_CA, STORE_KEY_PEM, "a");
    stage(place, STORE_CLIENTS, STORE_KEY_PEM, "b");
    assert_int_equal(store_commit(&place->store, STORE_CA, &e), 0);
    assert_true(exists(place, "ca/key.pem") && !exists(place, "client/key.pem"));
    store_discard(&place->store);
    assert_true(exists(place, "ca/key.pem"));
}

static void every_file_has_the_mode_of_the_contract(void **state)
{
    struct place *place = *state;
    struct err e = {0};
    mode_t mask = umask(0027);

    prepare(place);
    for (int i = 0; i < FOLDERS; i++)
        for (int j = 0; j < STORE_NAMES; j++)
            stage(place, (size_t)i, (enum store_name)j, "x");
    for (int i = 0; i < FOLDERS; i++)
        assert_int_equal(store_commit(&place->store, (size_t)i, &e), 0);
    (void)umask(mask);
    assert_int_equal(mode_of(place, "ca/key.pem"), 0600);
    assert_int_equal(mode_of(place, "ca/cert.pem"), 0644);
    assert_int_equal(mode_of(place, "server/key.pem"), 0600);
    assert_int_equal(mode_of(place, "server/cert.pem"), 0644);
    assert_int_equal(mode_of(place, "server/ca.pem"), 0644);
    assert_int_equal(mode_of(place, "client/key.pem"), 0644);
    assert_int_equal(mode_of(place, "client/cert.pem"), 0644);
    assert_int_equal(mode_of(place, "client/ca.pem"), 0644);
}

static void too_much_to_read_back_is_not_written(void **state)
{
    struct place *place = *state;
    cleanup_text struct text big = {0};
    struct err e = {0};

    prepare(place);
    while (big.length <= 65536)
        text_add(&big, "0123456789abcdef");
    assert_int_equal(store_stage(&place->store, STORE_SERVER, STORE_CERT_PEM, &big, &e), -E2BIG);
    assert_contains(e.what, "certs/server/cert.pem: would be longer than 64 KiB");
    assert_contains(e.hint, "DOCKER_TLS_SAN");
    assert_int_equal(count_temporaries(place), 0);
}

static void a_folder_in_the_way_is_named_and_its_content_stays(void **state)
{
    struct place *place = *state;
    char *folder cleanup_free = path_of(place, "client/key.pem");
    struct err e = {0};

    prepare(place);
    assert_int_equal(mkdir(folder, 0755), 0);
    put(place, "client/key.pem/x", "x", 1);
    stage(place, STORE_CLIENTS, STORE_KEY_PEM, "new");
    assert_int_equal(store_commit(&place->store, STORE_CLIENTS, &e), -EISDIR);
    assert_contains(e.what, "client/key.pem: cannot replace");
    assert_true(store_remove(&place->store, STORE_CLIENTS, STORE_KEY_PEM, NULL, &e) < 0);
    assert_contains(e.what, "client/key.pem: cannot remove");
    store_discard(&place->store);
    assert_true(exists(place, "client/key.pem/x"));
    assert_int_equal(count_temporaries(place), 0);
}

static void removing_tells_whether_there_was_something(void **state)
{
    struct place *place = *state;
    struct err e = {0};
    bool removed = true;

    prepare(place);
    assert_int_equal(store_remove(&place->store, STORE_CLIENTS, STORE_CA_PEM, &removed, &e), 0);
    assert_false(removed);
    put(place, "client/ca.pem", "x", 1);
    assert_int_equal(store_remove(&place->store, STORE_CLIENTS, STORE_CA_PEM, &removed, &e), 0);
    assert_true(removed);
    assert_false(exists(place, "client/ca.pem"));
}

static void a_link_in_client_is_replaced_and_its_target_is_not_touched(void **state)
{
    struct place *place = *state;
    char *link cleanup_free = path_of(place, "client/key.pem");
    struct err e = {0};

    prepare(place);
    put(place, "../outside", "secret", 6);
    assert_int_equal(symlink("../../outside", link), 0);
    stage(place, STORE_CLIENTS, STORE_KEY_PEM, "new");
    assert_int_equal(store_commit(&place->store, STORE_CLIENTS, &e), 0);
    struct store_content content cleanup_content = {0};
    assert_string_equal(text_get(&read_one(place, &content, STORE_CLIENTS, STORE_KEY_PEM)->content), "new");
    char *outside cleanup_free = str_format("%s/outside", place->folder);
    struct stat st;
    assert_int_equal(stat(outside, &st), 0);
    assert_int_equal(st.st_size, 6);
}

static void leftovers_are_swept_and_nothing_else(void **state)
{
    struct place *place = *state;
    char *folder cleanup_free = path_of(place, "client/.dind-folder.tmp");
    char *link cleanup_free = path_of(place, "client/.dind-link.tmp");

    prepare(place);
    put(place, "../outside", "secret", 6);
    assert_int_equal(symlink("../../outside", link), 0);
    assert_int_equal(mkdir(folder, 0755), 0);
    put(place, "ca/.dind-0.tmp", "x", 1);
    put(place, "server/.dind-1.tmp", "x", 1);
    put(place, "server/.dind-keep", "x", 1);
    put(place, "server/mine.tmp", "x", 1);
    store_sweep(&place->store);
    assert_false(exists(place, "ca/.dind-0.tmp") || exists(place, "server/.dind-1.tmp"));
    assert_false(exists(place, "client/.dind-link.tmp"));
    assert_true(exists(place, "client/.dind-folder.tmp") && exists(place, "../outside"));
    assert_true(exists(place, "server/.dind-keep") && exists(place, "server/mine.tmp"));
}

static void the_lock_is_in_ca_and_waits_its_time_only(void **state)
{
    struct place *place = *state;
    bool unlocked = false;
    struct err e = {0};

    prepare(place);
    assert_int_equal(store_lock(&place->store, 0, &unlocked, &e), 0);
    assert_false(unlocked);
    assert_int_equal(mode_of(place, "ca/.lock"), 0600);

    struct store second cleanup(store_close) = {0};
    assert_int_equal(open_with_client(&second, place->path, &e), 0);
    assert_int_equal(store_prepare(&second, &e), 0);
    assert_int_equal(store_lock(&second, 0, NULL, &e), -EBUSY);
    assert_contains(e.what, "ca/.lock: another process");
    assert_true(*e.hint);

    store_close(&place->store);
    assert_int_equal(store_lock(&second, 0, NULL, &e), 0);
    assert_int_equal(open_with_client(&place->store, place->path, &e), 0);
}

static void a_link_in_place_of_the_lock_is_refused(void **state)
{
    struct place *place = *state;
    char *lock cleanup_free = path_of(place, "ca/.lock");
    struct err e = {0};

    prepare(place);
    assert_int_equal(symlink("../../outside", lock), 0);
    assert_int_equal(store_lock(&place->store, 0, NULL, &e), -ELOOP);
    assert_contains(e.what, "ca/.lock: cannot lock the store");
    assert_false(exists(place, "../outside"));
}

static void a_file_as_store_is_refused_with_its_name(void **state)
{
    struct place *place = *state;
    struct store store cleanup(store_close) = {0};
    char *file cleanup_free = str_format("%s/file", place->folder);
    struct err e = {0};

    (void)mkdir(place->path, 0755);
    put(place, "../file", "x", 1);
    assert_int_equal(open_with_client(&store, file, &e), -ENOTDIR);
    assert_contains(e.what, file);
    assert_contains(e.hint, "tls.dir");
}

static void the_folders_of_clients_are_made_wherever_they_are(void **state)
{
    struct place *place = *state;
    char *outside cleanup_free = str_format("%s/a/b/ci", place->folder);
    char *above cleanup_free = str_format("%s/a", place->folder);
    struct err e = {0};
    struct stat st;

    store_add_client(&place->store, "clients/bob", as_created, 0600);
    store_add_client(&place->store, outside, as_created, 0440);
    assert_int_equal(store_prepare(&place->store, &e), 0);
    assert_int_equal(mode_of(place, "clients"), 0755);
    assert_int_equal(mode_of(place, "clients/bob"), 0755);
    assert_int_equal(stat(above, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    stage(place, STORE_CLIENTS + 1, STORE_KEY_PEM, "bob's");
    stage(place, STORE_CLIENTS + 2, STORE_KEY_PEM, "ci's");
    for (size_t i = STORE_CLIENTS; i < place->store.count; i++)
        assert_int_equal(store_commit(&place->store, i, &e), 0);
    assert_int_equal(mode_of(place, "clients/bob/key.pem"), 0600);
    assert_int_equal(mode_of(place, "../a/b/ci/key.pem"), 0440);
    struct store_content content cleanup_content = {0};
    store_read(&place->store, &content);
    assert_int_equal(content.count, 5);
    assert_string_equal(text_get(&content.places[3].files[STORE_KEY_PEM].content), "bob's");
    assert_string_equal(text_get(&content.places[4].files[STORE_KEY_PEM].content), "ci's");
    char *shown cleanup_free = store_shown(&place->store, 4, STORE_KEY_PEM);
    assert_true(str_starts(shown, outside) && str_ends(shown, "/ci/key.pem"));
}

static void a_link_on_the_way_to_a_client_is_neither_followed_nor_read(void **state)
{
    struct place *place = *state;
    char *link cleanup_free = str_format("%s/link", place->folder);
    char *real cleanup_free = str_format("%s/real", place->folder);
    char *client cleanup_free = str_format("%s/link/ci", place->folder);
    char *inner cleanup_free = str_format("%s/real/ci", place->folder);
    struct store_content content cleanup_content = {0};
    struct err e = {0};

    prepare(place);
    assert_int_equal(mkdir(real, 0755), 0);
    assert_int_equal(symlink(real, link), 0);
    store_add_client(&place->store, client, as_created, 0600);
    assert_true(store_prepare(&place->store, &e) < 0);
    assert_contains(e.what, client);
    assert_contains(e.what, "below a symbolic link");
    assert_contains(e.hint, "real path");
    assert_int_equal(access(inner, F_OK), -1);

    assert_int_equal(mkdir(inner, 0755), 0);
    put(place, "../real/ci/key.pem", "secret", 6);
    assert_int_equal(read_one(place, &content, STORE_CLIENTS + 1, STORE_KEY_PEM)->state, STORE_HOSTILE);
}

static void one_folder_for_two_is_refused(void **state)
{
    struct place *place = *state;
    char *same cleanup_free = path_of(place, "server");
    struct err e = {0};

    prepare(place);
    store_add_client(&place->store, same, as_created, 0600);
    assert_int_equal(store_prepare(&place->store, &e), -EEXIST);
    assert_contains(e.what, "is the same folder as");
    assert_true(*e.hint);
}

static void the_record_is_private_and_read_back(void **state)
{
    struct place *place = *state;
    struct store_content content cleanup_content = {0}, hostile cleanup_content = {0};
    cleanup_text struct text record = text_of("ci clients/ci\n");
    char *path cleanup_free = path_of(place, "ca/.clients");
    struct err e = {0};

    prepare(place);
    assert_int_equal(store_write_record(&place->store, &record, &e), 0);
    assert_int_equal(mode_of(place, "ca/.clients"), 0600);
    store_read(&place->store, &content);
    assert_string_equal(text_get(&content.record), "ci clients/ci\n");

    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    store_read(&place->store, &hostile);
    assert_int_equal(hostile.record.length, 0);
}

int main(void)
{
#define with_a_place(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        with_a_place(a_missing_store_is_empty),
        with_a_place(folders_are_made_with_their_modes_whatever_the_umask),
        with_a_place(folders_that_exist_keep_their_modes),
        with_a_place(a_link_or_a_file_in_place_of_a_folder_is_refused),
        with_a_place(a_file_is_read_with_mode_and_owner),
        with_a_place(an_empty_file_is_as_good_as_none),
        with_a_place(what_is_no_regular_file_is_hostile_and_never_blocks),
        with_a_place(a_file_of_64_kib_is_read_and_a_longer_one_is_hostile),
        with_a_place(a_file_with_a_second_name_is_hostile),
        with_a_place(links_within_the_store_are_followed_but_not_in_client),
        with_a_place(a_link_out_of_the_store_is_hostile_and_not_read),
        with_a_place(staged_files_are_complete_but_not_there_yet),
        with_a_place(discarding_leaves_the_old_files_and_no_temporary_one),
        with_a_place(committing_one_folder_leaves_the_others),
        with_a_place(every_file_has_the_mode_of_the_contract),
        with_a_place(too_much_to_read_back_is_not_written),
        with_a_place(a_folder_in_the_way_is_named_and_its_content_stays),
        with_a_place(removing_tells_whether_there_was_something),
        with_a_place(a_link_in_client_is_replaced_and_its_target_is_not_touched),
        with_a_place(leftovers_are_swept_and_nothing_else),
        with_a_place(the_lock_is_in_ca_and_waits_its_time_only),
        with_a_place(a_link_in_place_of_the_lock_is_refused),
        with_a_place(a_file_as_store_is_refused_with_its_name),
        with_a_place(the_folders_of_clients_are_made_wherever_they_are),
        with_a_place(a_link_on_the_way_to_a_client_is_neither_followed_nor_read),
        with_a_place(one_folder_for_two_is_refused),
        with_a_place(the_record_is_private_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
