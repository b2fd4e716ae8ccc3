/* Files from outside are hostile until checked: bounded reads of regular files, atomic writes, folders one by
 * one. */
#pragma once

#include "err.h"
#include "text.h"

#include <stdint.h>
#include <sys/types.h>

/* How a path may be resolved. */
enum file_links {
    FILE_NO_LINKS,     /* no symbolic link anywhere in the path (openat2(2) RESOLVE_NO_SYMLINKS) */
    FILE_FOLLOW_LINKS, /* symbolic links are followed: a mounted ConfigMap consists of them */
};

/*
 * Opens `path` as openat2(2) does with the given resolution, and below `dirfd` only (RESOLVE_BENEATH) unless
 * dirfd is AT_FDCWD. Always O_CLOEXEC | O_NOCTTY; with FILE_NO_LINKS also O_NOFOLLOW. Kernels or seccomp
 * filters without openat2 get a walk component by component with O_NOFOLLOW, to the same end. Returns a
 * descriptor that the caller closes, or a negative errno (ELOOP for a symbolic link, EXDEV for an escape).
 */
int file_open(int dirfd, const char *path, int flags, mode_t mode, enum file_links links);

/*
 * Appends the whole content of a regular file of at most `limit` bytes to *out. Never blocks on a FIFO or a
 * device. Returns 0, or a negative errno with *e set: -ENOENT missing, -EISDIR, -EINVAL not a regular file,
 * -EFBIG too long.
 */
int file_read(
    int dirfd, const char *path, size_t limit, enum file_links links, struct text *out, struct err *e);

/*
 * Appends what is left to read of an open file, at most `limit` bytes: for callers that check the file
 * themselves. Returns 0 or a negative errno (-EFBIG too long), no text; on failure *out may hold a part.
 */
int file_read_fd(int fd, size_t limit, struct text *out);

/* file_read for the kernel's own files in /proc and /sys, limit 4 MiB. On failure *out is left as it was. */
int file_read_kernel(const char *path, struct text *out, struct err *e);

/* As file_read_kernel, without an error text: the first line without its newline, or NULL. The caller frees
 * it. */
char *file_first_line(const char *path);

/* One write(2) to an existing file (a sysctl, a cgroup knob). Returns 0 or a negative errno, no text. */
int file_write_kernel(const char *path, const char *data);

/* What file_replace gives the new file. UID or GID (uid_t)-1 leaves it as created. */
struct file_owner {
    mode_t mode;
    uid_t uid;
    gid_t gid;
};

/*
 * Writes `data` as `name` (one component) in `dirfd`: a temporary file born with mode 0600, given its owner
 * and mode, fsync, rename, fsync of the folder. A reader sees the old or the new content, never a part; on
 * failure the old file stays and no temporary one is left. Returns 0, or a negative errno with *e naming
 * `shown`, the path for people.
 */
int file_replace(int dirfd, const char *name, const void *data, size_t length, struct file_owner owner,
    const char *shown, struct err *e);

/* As file_replace, without waiting for the disk: for what means nothing after a crash of the machine. */
int file_publish(int dirfd, const char *name, const void *data, size_t length, struct file_owner owner,
    const char *shown, struct err *e);

/* Makes a folder and its missing parents with `mode`. Existing ones are left as they are. 0 or negative
 * errno. */
int file_make_folders(const char *path, mode_t mode);

/* True if PATH names something of that kind (following links). */
bool file_is_folder(const char *path);
bool file_is_regular(const char *path);

/* The folder itself, or the nearest one above it that is there (following links). The caller frees it. */
char *file_nearest_folder(const char *path);

/* PATH where the environment has none. */
#define FILE_DEFAULT_SEARCH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * Finds `program` as execvp(3) would in `search` (colon-separated, NULL for the default): a path with a slash
 * is taken as it is. Returns the path of an executable regular file, which the caller frees, or NULL.
 */
char *file_find_program(const char *program, const char *search);
