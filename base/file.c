#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
    READ_CHUNK = 64 * 1024,
    KERNEL_LIMIT = 4 * 1024 * 1024,
};

/* Of a link, O_DIRECTORY with O_NOFOLLOW says that it is no folder. */
static bool is_link(int at, const char *name)
{
    struct stat st;

    return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/* For kernels before 5.6 and seccomp filters that do not know openat2: the same walk, one component at a
 * time. */
static int open_walking(int dirfd, const char *path, int flags, mode_t mode)
{
    if (*path == '/' && dirfd != AT_FDCWD)
        return -EXDEV;
    cleanup_close int at = *path == '/' ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)
                                        : openat(dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -errno;

    cleanup_strings struct strings parts = {0};
    strings_split(&parts, path, "/");
    if (parts.count == 0) {
        int fd = openat(at, ".", flags, mode);
        return fd < 0 ? -errno : fd;
    }
    for (size_t i = 0; i < parts.count; i++) {
        bool last = i + 1 == parts.count;
        if (strcmp(parts.items[i], "..") == 0)
            return -EXDEV;
        int next = last ? openat(at, parts.items[i], flags | O_NOFOLLOW, mode)
                        : openat(at, parts.items[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r = next < 0 ? -errno : 0;
        if (r < 0)
            return r == -ENOTDIR && is_link(at, parts.items[i]) ? -ELOOP : r;
        (void)close(at);
        at = next;
    }
    return take_fd(&at);
}

/* "a/b" is "a" then, and "a" is "". */
static void drop_last(char *path)
{
    char *slash = strrchr(path, '/');

    *(slash ? slash : path) = '\0';
}

/*
 * For such a walk that follows links, but never out of dirfd: *plain gets the path without any, which the
 * caller frees. What changes afterwards is refused by the walk along it.
 */
static int resolve_beneath(int dirfd, const char *path, char **plain)
{
    enum { LINKS = 40 }; /* as many as the kernel follows: path_resolution(7) */
    char *passed cleanup_free = str_dup(""), *rest cleanup_free = str_dup(path);
    int links = 0;

    while (*rest) {
        char target[PATH_MAX] = "";
        size_t length = strcspn(rest, "/");
        char *name cleanup_free = str_dup_n(rest, length);
        char *here cleanup_free = str_format("%s%s%s", passed, *passed ? "/" : "", name);
        bool up = strcmp(name, "..") == 0;

        if (length == 0 || (up && !*passed))
            return -EXDEV; /* it begins with a slash, or leads above dirfd */
        if (readlinkat(dirfd, here, target, sizeof(target) - 1) >= 0) {
            if (++links > LINKS)
                return -ELOOP;
        } else if (up) {
            drop_last(passed);
        } else if (strcmp(name, ".") != 0) {
            free(passed);
            passed = take(here);
        }
        const char *after = rest + length + strspn(rest + length, "/");
        char *next = *target ? str_format("%s/%s", target, after) : str_dup(after);
        free(rest);
        rest = next;
    }
    *plain = *passed ? take(passed) : str_dup(".");
    return 0;
}

/* What openat2 does with the same arguments. */
static int open_without_openat2(int dirfd, const char *path, int flags, mode_t mode, enum file_links links)
{
    char *plain cleanup_free = NULL;

    if (links == FILE_NO_LINKS)
        return open_walking(dirfd, path, flags, mode);
    if (dirfd == AT_FDCWD) {
        int fd = openat(dirfd, path, flags, mode);
        return fd < 0 ? -errno : fd;
    }
    int r = resolve_beneath(dirfd, path, &plain);
    return r < 0 ? r : open_walking(dirfd, plain, flags, mode);
}

int file_open(int dirfd, const char *path, int flags, mode_t mode, enum file_links links)
{
    flags |= O_CLOEXEC;
    /* openat2(2) refuses what O_PATH would ignore. */
    if (!(flags & O_PATH))
        flags |= O_NOCTTY;
    if (links == FILE_NO_LINKS)
        flags |= O_NOFOLLOW;

    struct open_how how = {
        .flags = (unsigned int)flags,
        .mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
        .resolve = RESOLVE_NO_MAGICLINKS,
    };
    if (links == FILE_NO_LINKS)
        how.resolve |= RESOLVE_NO_SYMLINKS;
    if (dirfd != AT_FDCWD)
        how.resolve |= RESOLVE_BENEATH;

    long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
    if (fd >= 0)
        return (int)fd;
    if (errno != ENOSYS && errno != EPERM)
        return -errno;
    return open_without_openat2(dirfd, path, flags, mode, links);
}

int file_read_fd(int fd, size_t limit, struct text *out)
{
    char *chunk cleanup_free = mem_alloc(READ_CHUNK);
    size_t total = 0;
    int r = 0;

    for (;;) {
        ssize_t n = read(fd, chunk, READ_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = -errno;
        if (n <= 0)
            break;
        total += (size_t)n;
        if (total > limit) {
            r = -EFBIG;
            break;
        }
        text_add_n(out, chunk, (size_t)n);
    }
    explicit_bzero(chunk, READ_CHUNK);
    return r;
}

int file_read(
    int dirfd, const char *path, size_t limit, enum file_links links, struct text *out, struct err *e)
{
    /* O_NONBLOCK: opening a FIFO that somebody put here must not hang. */
    cleanup_close int fd = file_open(dirfd, path, O_RDONLY | O_NONBLOCK, 0, links);
    if (fd < 0)
        return err_errno(e, fd, "%s", path);

    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(e, -errno, "%s", path);
    if (S_ISDIR(st.st_mode))
        return err_set(e, -EISDIR, "%s: is a folder, not a file", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, -EINVAL, "%s: is not a regular file", path);
    if (st.st_size > 0 && (unsigned long long)st.st_size > limit)
        return err_set(e, -EFBIG, "%s: is longer than %zu bytes", path, limit);

    cleanup_secret struct text content = {0};
    int r = file_read_fd(fd, limit, &content);
    if (r == -EFBIG)
        return err_set(e, r, "%s: is longer than %zu bytes", path, limit);
    if (r < 0)
        return err_errno(e, r, "%s", path);
    text_add_n(out, text_get(&content), content.length);
    return 0;
}

int file_read_kernel(const char *path, struct text *out, struct err *e)
{
    return file_read(AT_FDCWD, path, KERNEL_LIMIT, FILE_FOLLOW_LINKS, out, e);
}

char *file_first_line(const char *path)
{
    cleanup_text struct text content = {0};
    struct err ignored;

    if (file_read_kernel(path, &content, &ignored) < 0)
        return NULL;
    const char *start = text_get(&content);
    return str_dup_n(start, strcspn(start, "\n"));
}

int file_write_kernel(const char *path, const char *data)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, data, strlen(data));
    if (n < 0)
        return -errno;
    return (size_t)n == strlen(data) ? 0 : -EIO;
}

static int write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        length -= (size_t)n;
    }
    return 0;
}

static int fill(int fd, const void *data, size_t length, struct file_owner owner, bool durable)
{
    int r = write_all(fd, data, length);
    if (r < 0)
        return r;
    /* Owner before mode: chown(2) may clear mode bits, and the mode must never be wider than the owner
     * allows. */
    if ((owner.uid != (uid_t)-1 || owner.gid != (gid_t)-1) && fchown(fd, owner.uid, owner.gid) < 0)
        return -errno;
    if (fchmod(fd, owner.mode) < 0)
        return -errno;
    return durable && fsync(fd) < 0 ? -errno : 0;
}

static int replace(int dirfd, const char *name, const void *data, size_t length, struct file_owner owner,
    bool durable, const char *shown, struct err *e)
{
    char temporary[64];
    uint64_t unique;

    if (getrandom(&unique, sizeof(unique), 0) != (ssize_t)sizeof(unique))
        return err_errno(e, -EIO, "%s: random name", shown);
    (void)snprintf(temporary, sizeof(temporary), ".dind-%016llx.tmp", (unsigned long long)unique);

    cleanup_close int fd =
        openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return err_errno(e, -errno, "%s: cannot write", shown);

    int r = fill(fd, data, length, owner, durable);
    if (r == 0 && renameat(dirfd, temporary, dirfd, name) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlinkat(dirfd, temporary, 0);
        return err_errno(e, r, "%s: cannot write", shown);
    }
    return 0;
}

int file_publish(int dirfd, const char *name, const void *data, size_t length, struct file_owner owner,
    const char *shown, struct err *e)
{
    return replace(dirfd, name, data, length, owner, false, shown, e);
}

int file_replace(int dirfd, const char *name, const void *data, size_t length, struct file_owner owner,
    const char *shown, struct err *e)
{
    int r = replace(dirfd, name, data, length, owner, true, shown, e);
    if (r < 0)
        return r;
    /* The rename is done; a folder that cannot be synced (some network filesystems) loses durability, not
     * content. */
    cleanup_close int folder = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0)
        (void)fsync(folder);
    return 0;
}

int file_make_folders(const char *path, mode_t mode)
{
    char *copy cleanup_free = str_dup(path);

    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    if (mkdir(copy, mode) < 0 && errno != EEXIST)
        return -errno;
    return file_is_folder(path) ? 0 : -ENOTDIR;
}

bool file_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_is_regular(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

char *file_nearest_folder(const char *path)
{
    char *found = str_dup(path);

    while (strcmp(found, "/") != 0 && !file_is_folder(found)) {
        char *slash = strrchr(found, '/');
        if (!slash)
            return found;
        slash[slash == found ? 1 : 0] = '\0';
    }
    return found;
}

static bool runnable(const char *path)
{
    return file_is_regular(path) && access(path, X_OK) == 0;
}

char *file_find_program(const char *program, const char *search)
{
    if (strchr(program, '/'))
        return runnable(program) ? str_dup(program) : NULL;

    cleanup_strings struct strings folders = {0};
    strings_split(&folders, search ? search : FILE_DEFAULT_SEARCH, ":");
    for (size_t i = 0; i < folders.count; i++) {
        char *path = str_format("%s/%s", folders.items[i], program);
        if (runnable(path))
            return path;
        free(path);
    }
    return NULL;
}
