#include "store.h"

#include "base/deadline.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

static const char lock_name[] = ".lock";

const char *store_file_name(enum store_name name)
{
    static const char *const names[STORE_NAMES] = {
        [STORE_CA_PEM] = "ca.pem",
        [STORE_CERT_PEM] = "cert.pem",
        [STORE_KEY_PEM] = "key.pem",
    };
    return names[name];
}

char *store_shown_folder(const struct store *store, size_t folder)
{
    const char *path = store->folders[folder].path;

    return *path == '/' ? str_dup(path) : str_format("%s/%s", store->path, path);
}

char *store_shown(const struct store *store, size_t folder, enum store_name name)
{
    char *where cleanup_free = store_shown_folder(store, folder);

    return str_format("%s/%s", where, store_file_name(name));
}

mode_t store_mode(const struct store *store, size_t folder, enum store_name name)
{
    return name == STORE_KEY_PEM ? store->folders[folder].key_mode : 0644;
}

static void add_folder(struct store *store, const char *path, struct store_owner owner, mode_t key_mode)
{
    store->folders = mem_grow(store->folders, store->count + 1, sizeof(*store->folders));
    store->folders[store->count++] =
        (struct store_folder){.path = str_dup(path), .owner = owner, .key_mode = key_mode, .fd = -1};
}

void store_add_client(struct store *store, const char *path, struct store_owner owner, mode_t key_mode)
{
    add_folder(store, path, owner, key_mode);
}

int store_open(struct store *store, const char *path, struct store_owner owner, struct err *e)
{
    /* The CA stays with whoever started us: the engine must not be able to mint certificates. */
    const struct store_owner as_created = {.uid = (uid_t)-1, .gid = (gid_t)-1};

    *store = (struct store){.path = str_dup(path), .dir = -1, .lock = -1};
    add_folder(store, "ca", as_created, 0600);
    add_folder(store, "server", owner, 0600);

    /* DIR itself is the user's word, links in it included; only what is below it may be somebody else's. */
    int fd = file_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, FILE_FOLLOW_LINKS);
    if (fd < 0 && fd != -ENOENT) {
        err_errno(e, fd, "certs: %s", path);
        return err_hint(e, "make it a folder that this user may read, or set tls.dir (DOCKER_TLS_CERTDIR)");
    }
    store->dir = fd < 0 ? -1 : fd;
    return 0;
}

static void close_fd(int *fd)
{
    cleanup_close_(fd);
    *fd = -1;
}

void store_close(struct store *store)
{
    if (!store->path)
        return;
    store_discard(store);
    close_fd(&store->lock);
    for (size_t i = 0; i < store->count; i++) {
        close_fd(&store->folders[i].fd);
        free(store->folders[i].path);
    }
    close_fd(&store->dir);
    free(store->folders);
    free(store->path);
    *store = (struct store){.dir = -1, .lock = -1};
}

/* One sentence on what to do about a failed write. */
static int write_hint(struct err *e, const char *path)
{
    if (e->code == -EROFS)
        return err_hint(e, "mount %s writable, or mount server/{ca,cert,key}.pem of your own into it", path);
    if (e->code == -EACCES || e->code == -EPERM)
        return err_hint(e,
            "chown %s to the user that starts this program, or mount server/{ca,cert,key}.pem of your own "
            "into "
            "it, or turn TLS off with an empty DOCKER_TLS_CERTDIR",
            path);
    if (e->code == -ENOSPC || e->code == -EDQUOT)
        return err_hint(e, "free space on the file system of %s", path);
    if (e->code == -ENOENT)
        return err_hint(e, "find out who else changes %s while it is written", path);
    return e->code;
}

/*
 * Opens a folder, and makes it and those above it where they are missing. One component at a time and without
 * following links: somebody else may be able to write there. *made tells whether the last one is new.
 */
static int open_making(int at, const char *path, mode_t mode, bool *made)
{
    cleanup_strings struct strings parts = {0};
    cleanup_close int dir = file_open(at, *path == '/' ? "/" : ".", O_PATH | O_DIRECTORY, 0, FILE_NO_LINKS);

    *made = false;
    strings_split(&parts, path, "/");
    for (size_t i = 0; i < parts.count && dir >= 0; i++) {
        bool last = i + 1 == parts.count;
        int flags = O_DIRECTORY | (last ? O_RDONLY : O_PATH);
        int fd = file_open(dir, parts.items[i], flags, 0, FILE_NO_LINKS);
        if (fd == -ENOENT) {
            /* The final mode at once: a run that ends here must not leave a folder that its readers cannot
             * enter. */
            *made = mkdirat(dir, parts.items[i], last ? mode : 0755) == 0;
            if (!*made && errno != EEXIST)
                return -errno;
            fd = file_open(dir, parts.items[i], flags, 0, FILE_NO_LINKS);
        }
        close_fd(&dir);
        dir = fd;
    }
    return take_fd(&dir);
}

static int folder_error(const struct store *store, size_t folder, int code, struct err *e)
{
    char *shown cleanup_free = store_shown_folder(store, folder);

    if (code == -ELOOP || code == -ENOTDIR) {
        err_set(e, code, "certs: %s: is not a folder, or is below a symbolic link", shown);
        return err_hint(e, "remove what is there, or mount a volume there, or name the real path");
    }
    err_errno(e, code, "certs: %s: cannot make the folder", shown);
    return write_hint(e, shown);
}

static int open_folder(struct store *store, size_t index, struct err *e)
{
    struct store_folder *folder = &store->folders[index];
    bool outside = *folder->path == '/', deep = strchr(folder->path, '/') != NULL;
    bool made = false;
    int fd =
        open_making(outside ? AT_FDCWD : store->dir, folder->path, index == STORE_CA ? 0700 : 0755, &made);

    /* Nothing is written into what cannot be: the decision knows of it. */
    if (fd == -EROFS && index >= STORE_CLIENTS)
        return 0;
    if (fd < 0)
        return folder_error(store, index, fd, e);
    folder->fd = fd;
    bool given = folder->owner.uid != (uid_t)-1 || folder->owner.gid != (gid_t)-1;
    if (made && given && !deep && fchown(fd, folder->owner.uid, folder->owner.gid) < 0)
        return err_errno(e, -errno, "certs: %s/%s: cannot set its owner", store->path, folder->path);
    return 0;
}

/* Links are followed in DIR, and a volume can be mounted twice: two names may lead to one folder. */
static int refuse_twins(const struct store *store, struct err *e)
{
    struct stat *found cleanup_free = mem_zero(store->count, sizeof(*found));

    for (size_t i = 0; i < store->count; i++) {
        if (store->folders[i].fd < 0 || fstat(store->folders[i].fd, &found[i]) < 0)
            continue;
        for (size_t j = 0; j < i; j++) {
            if (found[i].st_ino != found[j].st_ino || found[i].st_dev != found[j].st_dev)
                continue;
            char *one cleanup_free = store_shown_folder(store, i);
            char *other cleanup_free = store_shown_folder(store, j);
            err_set(e, -EEXIST, "certs: %s: is the same folder as %s", one, other);
            return err_hint(e, "give each a folder, or a volume, of its own");
        }
    }
    return 0;
}

static int open_dir(struct store *store, struct err *e)
{
    int r = file_make_folders(store->path, 0755);
    if (r < 0) {
        err_errno(e, r, "certs: %s: cannot make the folder", store->path);
        return write_hint(e, store->path);
    }
    int fd = file_open(AT_FDCWD, store->path, O_RDONLY | O_DIRECTORY, 0, FILE_FOLLOW_LINKS);
    if (fd < 0)
        return err_errno(e, fd, "certs: %s", store->path);
    store->dir = fd;
    return 0;
}

int store_prepare(struct store *store, struct err *e)
{
    /* A narrow umask must not keep the readers out. */
    mode_t mask = umask(0);
    int r = store->dir < 0 ? open_dir(store, e) : 0;

    for (size_t i = 0; i < store->count && r == 0; i++)
        r = open_folder(store, i, e);
    (void)umask(mask);
    return r < 0 ? r : refuse_twins(store, e);
}

/* The lock file, or the folder itself where no file can be made (read-only file system). */
static int open_lock(const struct store *store)
{
    int fd =
        file_open(store->folders[STORE_CA].fd, lock_name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, FILE_NO_LINKS);

    if (fd == -EROFS || fd == -EACCES || fd == -EPERM)
        fd = file_open(store->folders[STORE_CA].fd, ".", O_RDONLY | O_DIRECTORY, 0, FILE_NO_LINKS);
    return fd;
}

static bool without_locks(int code)
{
    return code == ENOLCK || code == EOPNOTSUPP || code == ENOSYS || code == EBADF || code == EINVAL;
}

int store_lock(struct store *store, int seconds, bool *unlocked, struct err *e)
{
    const struct timespec pause = {.tv_nsec = 20L * 1000 * 1000};
    const long long deadline = deadline_in(seconds * 1000LL);
    cleanup_close int fd = open_lock(store);

    if (fd < 0) {
        err_errno(e, fd, "certs: %s/ca/%s: cannot lock the store", store->path, lock_name);
        return write_hint(e, store->path);
    }
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (without_locks(errno)) {
            if (unlocked)
                *unlocked = true;
            return 0;
        }
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(e, -errno, "certs: %s/ca/%s: cannot lock the store", store->path, lock_name);
        if (deadline_left(deadline) == 0) {
            err_set(e, -EBUSY, "certs: %s/ca/%s: another process has kept the store locked for %d seconds",
                store->path, lock_name, seconds);
            return err_hint(
                e, "stop the other daemon that uses %s, or give each its own volume", store->path);
        }
        (void)nanosleep(&pause, NULL);
    }
    store->lock = take_fd(&fd);
    return 0;
}

static void sweep_folder(int folder)
{
    /* A descriptor of its own: the position of a directory stream is shared otherwise. */
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir cleanup_closedir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        cleanup_close_(&fd);
        return;
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (str_starts(entry->d_name, ".dind-") && str_ends(entry->d_name, ".tmp"))
            (void)unlinkat(folder, entry->d_name, 0);
}

void store_sweep(const struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        if (store->folders[i].fd >= 0)
            sweep_folder(store->folders[i].fd);
}

int store_stage(
    struct store *store, size_t folder, enum store_name name, const struct text *content, struct err *e)
{
    struct store_folder *f = &store->folders[folder];
    char *shown cleanup_free = store_shown(store, folder, name);
    const struct file_owner as = {
        .mode = store_mode(store, folder, name), .uid = f->owner.uid, .gid = f->owner.gid};
    char *temporary = f->staged[name];
    unsigned long long unique;

    if (f->fd < 0) {
        err_errno(e, -EROFS, "certs: %s: cannot write", shown);
        return write_hint(e, store->path);
    }
    if (content->length > STORE_FILE_LIMIT) {
        err_set(e, -E2BIG, "certs: %s: would be longer than 64 KiB", shown);
        return err_hint(e, "shorten tls.san (DOCKER_TLS_SAN)");
    }
    if (getrandom(&unique, sizeof(unique), 0) != (ssize_t)sizeof(unique))
        return err_errno(e, -EIO, "certs: %s: random name", shown);
    (void)snprintf(temporary, sizeof(f->staged[name]), ".dind-%016llx.tmp", unique);
    if (file_replace(f->fd, temporary, text_get(content), content->length, as, shown, e) < 0) {
        *temporary = '\0';
        err_prefix(e, "certs");
        return write_hint(e, store->path);
    }
    return 0;
}

static int put(struct store *store, size_t index, enum store_name name, struct err *e)
{
    struct store_folder *folder = &store->folders[index];
    char *temporary = folder->staged[name];

    if (*temporary == '\0')
        return 0;
    if (renameat(folder->fd, temporary, folder->fd, store_file_name(name)) < 0) {
        char *shown cleanup_free = store_shown(store, index, name);
        err_errno(e, -errno, "certs: %s: cannot replace", shown);
        return write_hint(e, store->path);
    }
    *temporary = '\0';
    return 0;
}

int store_sync(const struct store *store, size_t folder, struct err *e)
{
    /* Some network file systems cannot sync a folder (EINVAL): that is no failure of the disk. */
    if (fsync(store->folders[folder].fd) == 0 || (errno != EIO && errno != ENOSPC && errno != EDQUOT))
        return 0;
    int code = -errno;
    char *shown cleanup_free = store_shown_folder(store, folder);
    err_errno(e, code, "certs: %s: cannot be synced", shown);
    return write_hint(e, store->path);
}

int store_commit(struct store *store, size_t folder, struct err *e)
{
    const struct store_folder *f = &store->folders[folder];
    bool pair = f->staged[STORE_KEY_PEM][0] || f->staged[STORE_CERT_PEM][0];
    bool ca = f->staged[STORE_CA_PEM][0];
    int r = put(store, folder, STORE_KEY_PEM, e);

    if (r == 0)
        r = put(store, folder, STORE_CERT_PEM, e);
    if (r == 0 && pair)
        r = store_sync(store, folder, e);
    if (r == 0)
        r = put(store, folder, STORE_CA_PEM, e);
    if (r == 0 && ca)
        r = store_sync(store, folder, e);
    return r;
}

void store_discard(struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        for (size_t j = 0; j < STORE_NAMES; j++)
            if (store->folders[i].staged[j][0]) {
                (void)unlinkat(store->folders[i].fd, store->folders[i].staged[j], 0);
                store->folders[i].staged[j][0] = '\0';
            }
}

int store_remove(const struct store *store, size_t folder, enum store_name name, bool *removed, struct err *e)
{
    bool gone = unlinkat(store->folders[folder].fd, store_file_name(name), 0) == 0;

    if (!gone && errno != ENOENT) {
        int code = -errno;
        char *shown cleanup_free = store_shown(store, folder, name);
        err_errno(e, code, "certs: %s: cannot remove", shown);
        return write_hint(e, store->path);
    }
    if (removed)
        *removed = gone;
    return 0;
}

int store_write_record(const struct store *store, const struct text *record, struct err *e)
{
    const struct file_owner as = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    char *shown cleanup_free = str_format("%s/ca/" STORE_RECORD, store->path);

    if (file_replace(
            store->folders[STORE_CA].fd, STORE_RECORD, text_get(record), record->length, as, shown, e) == 0)
        return store_sync(store, STORE_CA, e);
    err_prefix(e, "certs");
    return write_hint(e, store->path);
}
