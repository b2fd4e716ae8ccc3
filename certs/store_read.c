#include "base/file.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { READ_TRIES = 10 }; /* of a file that is replaced again and again while we read it */

static void unusable(struct store_file *file, enum store_state state, const char *problem)
{
    text_wipe(&file->content);
    file->state = state;
    (void)snprintf(file->problem, sizeof(file->problem), "%s", problem);
}

static void cannot_open(struct store_file *file, int code)
{
    switch (code) {
    case -ENOENT:
        break;
    case -ELOOP:
        unusable(file, STORE_HOSTILE, "is a symbolic link, or below one");
        break;
    case -EXDEV:
        unusable(file, STORE_HOSTILE, "is a symbolic link that leads out of the store");
        break;
    case -ENOTDIR:
        unusable(file, STORE_HOSTILE, "is below something that is not a folder");
        break;
    case -ENXIO: /* a socket */
    case -ENODEV:
        unusable(file, STORE_HOSTILE, "is not a regular file");
        break;
    case -EWOULDBLOCK:
        unusable(file, STORE_HOSTILE, "is held by the lease of another process");
        break;
    case -EACCES:
    case -EPERM:
        unusable(file, STORE_UNREADABLE, err_words(code));
        break;
    default:
        unusable(file, STORE_FAILED, err_words(code));
    }
}

static void read_open(int fd, const struct stat *st, struct store_file *file)
{
    file->mode = st->st_mode & 07777;
    file->uid = st->st_uid;
    file->gid = st->st_gid;
    file->folder = S_ISDIR(st->st_mode);
    if (!S_ISREG(st->st_mode)) {
        unusable(file, STORE_HOSTILE, file->folder ? "is a folder" : "is not a regular file");
        return;
    }
    /* A second name for a file may lie where others can write. */
    if (st->st_nlink > 1) {
        unusable(file, STORE_HOSTILE, "is a hard link to a file with another name");
        return;
    }
    int r = file_read_fd(fd, STORE_FILE_LIMIT, &file->content);
    if (r == -EFBIG)
        unusable(file, STORE_HOSTILE, "is longer than 64 KiB");
    else if (r < 0)
        unusable(file, STORE_FAILED, err_words(r));
    else if (file->content.length > 0)
        file->state = STORE_PRESENT;
}

/*
 * True if the name still leads to the open file and to nothing else. Another run may have put a new file in
 * its place. And whoever may write here can make a hard link to a file elsewhere and remove it again once it
 * is open: the number of links alone would not tell, so it is asked for together with the name.
 */
static bool still_named(int at, const char *path, const struct stat *st)
{
    struct stat named;

    return fstatat(at, path, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == st->st_dev &&
           named.st_ino == st->st_ino && named.st_nlink == st->st_nlink;
}

/* False if it must be looked at again. */
static bool read_once(int at, const char *path, bool may_link, struct store_file *file)
{
    cleanup_close int fd = file_open(at, path, O_RDONLY | O_NONBLOCK, 0, FILE_NO_LINKS);
    struct stat st;

    if (fd == -ELOOP && may_link) {
        fd = file_open(at, path, O_RDONLY | O_NONBLOCK, 0, FILE_FOLLOW_LINKS);
        file->linked = fd >= 0;
    }
    int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;
    if (r < 0) {
        cannot_open(file, r);
        return r != -ESTALE;
    }
    if (!file->linked && !still_named(at, path, &st))
        return false;
    read_open(fd, &st, file);
    return true;
}

/* Where the path of a folder begins. */
static int base_of(const struct store *store, size_t folder)
{
    return *store->folders[folder].path == '/' ? AT_FDCWD : store->dir;
}

static void read_file(const struct store *store, size_t folder, enum store_name name, struct store_file *file)
{
    char *path cleanup_free = str_format("%s/%s", store->folders[folder].path, store_file_name(name));
    int at = base_of(store, folder);

    if (at == -1)
        return;
    for (int tries = 0; tries < READ_TRIES; tries++) {
        *file = (struct store_file){0};
        /* Kubernetes mounts a Secret as links into a folder beside them. Not for clients: they may be able to
         * write there. */
        if (read_once(at, path, folder < STORE_CLIENTS, file))
            return;
    }
    unusable(file, STORE_HOSTILE, "is replaced again and again");
}

/* Opens the folder, or the nearest one above it that is there. */
static int open_nearest(const struct store *store, size_t folder, bool *exists)
{
    char *path cleanup_free = str_dup(store->folders[folder].path);
    int at = base_of(store, folder);
    int fd = file_open(at, path, O_RDONLY | O_DIRECTORY, 0, FILE_NO_LINKS);

    *exists = fd >= 0;
    while (fd == -ENOENT) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return file_open(at, ".", O_RDONLY | O_DIRECTORY, 0, FILE_NO_LINKS);
        slash[slash == path] = '\0';
        fd = file_open(at, path, O_RDONLY | O_DIRECTORY, 0, FILE_NO_LINKS);
    }
    return fd;
}

static void read_place(const struct store *store, size_t folder, struct store_place *place)
{
    if (base_of(store, folder) == -1)
        return;
    cleanup_close int fd = open_nearest(store, folder, &place->exists);
    struct statvfs fs;
    struct stat st;

    place->exists = place->exists && fstat(fd, &st) == 0;
    if (place->exists)
        place->uid = st.st_uid;
    place->read_only = fd >= 0 && fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

void store_read(const struct store *store, struct store_content *content)
{
    static const enum store_name order[STORE_NAMES] = {STORE_CA_PEM, STORE_CERT_PEM, STORE_KEY_PEM};
    struct err ignored;

    *content = (struct store_content){
        .places = mem_zero(store->count, sizeof(*content->places)), .count = store->count};
    for (size_t i = store->count; i-- > 0;) {
        for (size_t j = i == STORE_CA ? 1 : 0; j < STORE_NAMES; j++)
            read_file(store, i, order[j], &content->places[i].files[order[j]]);
    }
    for (size_t i = 0; i < store->count; i++)
        read_place(store, i, &content->places[i]);
    if (store->dir >= 0)
        (void)file_read(
            store->dir, "ca/" STORE_RECORD, STORE_FILE_LIMIT, FILE_NO_LINKS, &content->record, &ignored);
}

void store_content_free(struct store_content *content)
{
    for (size_t i = 0; i < content->count; i++)
        for (size_t j = 0; j < STORE_NAMES; j++)
            text_wipe(&content->places[i].files[j].content);
    free(content->places);
    text_free(&content->record);
    *content = (struct store_content){0};
}
