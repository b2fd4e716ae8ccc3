#include "base/file.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
        unusable(file, STORE_UNREADABLE, strerrordesc_np(-code));
        break;
    default:
        unusable(file, STORE_FAILED, strerrordesc_np(-code));
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
        unusable(file, STORE_FAILED, strerrordesc_np(-r));
    else if (file->content.length > 0)
        file->state = STORE_PRESENT;
}

/*
 * True if the name still leads to the open file and to nothing else. Another run may have put a new file in
 * its place. And whoever may write here can make a hard link to a file elsewhere and remove it again once it
 * is open: the number of links alone would not tell, so it is asked for together with the name.
 */
static bool still_named(const struct store *store, const char *path, const struct stat *st)
{
    struct stat named;

    return fstatat(store->dir, path, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == st->st_dev &&
           named.st_ino == st->st_ino && named.st_nlink == st->st_nlink;
}

/* False if it must be looked at again. */
static bool read_once(
    const struct store *store, enum store_folder folder, enum store_name name, struct store_file *file)
{
    const char *path = store_shown(folder, name);
    cleanup_close int fd = file_open(store->dir, path, O_RDONLY | O_NONBLOCK, 0, FILE_NO_LINKS);
    struct stat st;

    /* Kubernetes mounts a Secret as links into a folder beside them. Not in client/: its readers may be able
     * to write there. */
    if (fd == -ELOOP && folder != STORE_CLIENT) {
        fd = file_open(store->dir, path, O_RDONLY | O_NONBLOCK, 0, FILE_FOLLOW_LINKS);
        file->linked = fd >= 0;
    }
    int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;
    if (r < 0) {
        cannot_open(file, r);
        return r != -ESTALE;
    }
    if (!file->linked && !still_named(store, path, &st))
        return false;
    read_open(fd, &st, file);
    return true;
}

static void read_file(
    const struct store *store, enum store_folder folder, enum store_name name, struct store_file *file)
{
    for (int tries = 0; tries < READ_TRIES; tries++) {
        *file = (struct store_file){0};
        if (read_once(store, folder, name, file))
            return;
    }
    unusable(file, STORE_HOSTILE, "is replaced again and again");
}

static void read_place(const struct store *store, enum store_folder folder, struct store_place *place)
{
    cleanup_close int fd =
        file_open(store->dir, store_folder_name(folder), O_RDONLY | O_DIRECTORY, 0, FILE_NO_LINKS);
    struct statvfs fs;
    struct stat st;

    place->exists = fd >= 0 && fstat(fd, &st) == 0;
    if (place->exists)
        place->uid = st.st_uid;
    place->read_only = fstatvfs(fd >= 0 ? fd : store->dir, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

void store_read(const struct store *store, struct store_content *content)
{
    static const struct {
        enum store_folder folder;
        enum store_name name;
    } order[] = {
        {STORE_CLIENT, STORE_CA_PEM},
        {STORE_CLIENT, STORE_CERT_PEM},
        {STORE_CLIENT, STORE_KEY_PEM},
        {STORE_SERVER, STORE_CA_PEM},
        {STORE_SERVER, STORE_CERT_PEM},
        {STORE_SERVER, STORE_KEY_PEM},
        {STORE_CA, STORE_CERT_PEM},
        {STORE_CA, STORE_KEY_PEM},
    };

    *content = (struct store_content){0};
    for (size_t i = 0; store->dir >= 0 && i < sizeof(order) / sizeof(order[0]); i++)
        read_file(store, order[i].folder, order[i].name, &content->files[order[i].folder][order[i].name]);
    for (int i = 0; store->dir >= 0 && i < STORE_FOLDERS; i++)
        read_place(store, (enum store_folder)i, &content->places[i]);
}

void store_content_free(struct store_content *content)
{
    for (size_t i = 0; i < STORE_FOLDERS; i++)
        for (size_t j = 0; j < STORE_NAMES; j++)
            text_wipe(&content->files[i][j].content);
}
