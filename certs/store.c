#include "store.h"

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

const char *store_folder_name(enum store_folder folder)
{
    static const char *const names[] = {
        [STORE_CA] = "ca",
        [STORE_SERVER] = "server",
        [STORE_CLIENT] = "client",
    };
    return names[folder];
}

const char *store_shown(enum store_folder folder, enum store_name name)
{
    static const char *const shown[STORE_FOLDERS][STORE_NAMES] = {
        [STORE_CA] = {"ca/ca.pem", "ca/cert.pem", "ca/key.pem"},
        [STORE_SERVER] = {"server/ca.pem", "server/cert.pem", "server/key.pem"},
        [STORE_CLIENT] = {"client/ca.pem", "client/cert.pem", "client/key.pem"},
    };
    return shown[folder][name];
}

static const char *base_name(enum store_folder folder, enum store_name name)
{
    return strchr(store_shown(folder, name), '/') + 1;
}

mode_t store_mode(enum store_folder folder, enum store_name name)
{
    /* Other containers of any uid mount client/ and read its key. */
    return name == STORE_KEY_PEM && folder != STORE_CLIENT ? 0600 : 0644;
}

int store_open(struct store *store, const char *path, struct err *e)
{
    *store = (struct store){.path = str_dup(path), .dir = -1, .folders = {-1, -1, -1}, .lock = -1};

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
    close_fd(&store->lock);
    for (size_t i = 0; i < STORE_FOLDERS; i++)
        close_fd(&store->folders[i]);
    close_fd(&store->dir);
    free(take(store->path));
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

static int open_folder(struct store *store, enum store_folder folder, struct store_owner owner, struct err *e)
{
    const char *name = store_folder_name(folder);
    /* The final mode at once: a run that ends here must not leave a folder that its readers cannot enter. */
    bool made = mkdirat(store->dir, name, folder == STORE_CA ? 0700 : 0755) == 0;

    if (!made && errno != EEXIST) {
        err_errno(e, -errno, "certs: %s/%s: cannot make the folder", store->path, name);
        return write_hint(e, store->path);
    }
    int fd = file_open(store->dir, name, O_RDONLY | O_DIRECTORY, 0, FILE_NO_LINKS);
    if (fd == -ELOOP || fd == -ENOTDIR) {
        err_set(e, fd, "certs: %s/%s: is not a folder", store->path, name);
        return err_hint(e, "remove it, or mount a volume there");
    }
    if (fd < 0) {
        err_errno(e, fd, "certs: %s/%s", store->path, name);
        return write_hint(e, store->path);
    }
    store->folders[folder] = fd;
    bool given = owner.uid != (uid_t)-1 || owner.gid != (gid_t)-1;
    if (made && given && folder != STORE_CA && fchown(fd, owner.uid, owner.gid) < 0)
        return err_errno(e, -errno, "certs: %s/%s: cannot set its owner", store->path, name);
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

int store_prepare(struct store *store, struct store_owner owner, struct err *e)
{
    /* A narrow umask must not keep the readers out. */
    mode_t mask = umask(0);
    int r = store->dir < 0 ? open_dir(store, e) : 0;

    for (int i = 0; i < STORE_FOLDERS && r == 0; i++)
        r = open_folder(store, (enum store_folder)i, owner, e);
    (void)umask(mask);
    return r;
}

/* The lock file, or the folder itself where no file can be made (read-only file system). */
static int open_lock(const struct store *store)
{
    int fd =
        file_open(store->folders[STORE_CA], lock_name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, FILE_NO_LINKS);

    if (fd == -EROFS || fd == -EACCES || fd == -EPERM)
        fd = file_open(store->folders[STORE_CA], ".", O_RDONLY | O_DIRECTORY, 0, FILE_NO_LINKS);
    return fd;
}

static bool without_locks(int code)
{
    return code == ENOLCK || code == EOPNOTSUPP || code == ENOSYS || code == EBADF || code == EINVAL;
}

int store_lock(struct store *store, int seconds, bool *unlocked, struct err *e)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    struct timespec now;
    cleanup_close int fd = open_lock(store);

    if (fd < 0) {
        err_errno(e, fd, "certs: %s/ca/%s: cannot lock the store", store->path, lock_name);
        return write_hint(e, store->path);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    time_t deadline = now.tv_sec + seconds;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (without_locks(errno)) {
            if (unlocked)
                *unlocked = true;
            return 0;
        }
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(e, -errno, "certs: %s/ca/%s: cannot lock the store", store->path, lock_name);
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec >= deadline) {
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
    for (size_t i = 0; i < STORE_FOLDERS; i++)
        sweep_folder(store->folders[i]);
}

int store_stage(const struct store *store, struct store_staged *staged, enum store_folder folder,
    enum store_name name, const struct text *content, struct store_owner owner, struct err *e)
{
    char *shown cleanup_free = str_format("%s/%s", store->path, store_shown(folder, name));
    char *temporary = staged->names[folder][name];
    struct file_owner as = {.mode = store_mode(folder, name), .uid = owner.uid, .gid = owner.gid};
    unsigned long long unique;

    /* The CA stays with whoever started us: the engine must not be able to mint certificates. */
    if (folder == STORE_CA) {
        as.uid = (uid_t)-1;
        as.gid = (gid_t)-1;
    }
    if (content->length > STORE_FILE_LIMIT) {
        err_set(e, -E2BIG, "certs: %s: would be longer than 64 KiB", shown);
        return err_hint(e, "shorten tls.san (DOCKER_TLS_SAN)");
    }
    if (getrandom(&unique, sizeof(unique), 0) != (ssize_t)sizeof(unique))
        return err_errno(e, -EIO, "certs: %s: random name", shown);
    (void)snprintf(temporary, sizeof(staged->names[folder][name]), ".dind-%016llx.tmp", unique);
    if (file_replace(store->folders[folder], temporary, text_get(content), content->length, as, shown, e) <
        0) {
        *temporary = '\0';
        err_prefix(e, "certs");
        return write_hint(e, store->path);
    }
    return 0;
}

static int put(const struct store *store, struct store_staged *staged, enum store_folder folder,
    enum store_name name, struct err *e)
{
    char *temporary = staged->names[folder][name];
    int at = store->folders[folder];

    if (*temporary == '\0')
        return 0;
    if (renameat(at, temporary, at, base_name(folder, name)) < 0) {
        err_errno(e, -errno, "certs: %s/%s: cannot replace", store->path, store_shown(folder, name));
        return write_hint(e, store->path);
    }
    *temporary = '\0';
    return 0;
}

static int sync_folder(const struct store *store, enum store_folder folder, struct err *e)
{
    /* Some network file systems cannot sync a folder (EINVAL): that is no failure of the disk. */
    if (fsync(store->folders[folder]) == 0 || (errno != EIO && errno != ENOSPC && errno != EDQUOT))
        return 0;
    err_errno(e, -errno, "certs: %s/%s: cannot be synced", store->path, store_folder_name(folder));
    return write_hint(e, store->path);
}

int store_commit(
    const struct store *store, struct store_staged *staged, enum store_folder folder, struct err *e)
{
    bool pair = staged->names[folder][STORE_KEY_PEM][0] || staged->names[folder][STORE_CERT_PEM][0];
    bool ca = staged->names[folder][STORE_CA_PEM][0];
    int r = put(store, staged, folder, STORE_KEY_PEM, e);

    if (r == 0)
        r = put(store, staged, folder, STORE_CERT_PEM, e);
    if (r == 0 && pair)
        r = sync_folder(store, folder, e);
    if (r == 0)
        r = put(store, staged, folder, STORE_CA_PEM, e);
    if (r == 0 && ca)
        r = sync_folder(store, folder, e);
    return r;
}

void store_discard(const struct store *store, struct store_staged *staged)
{
    for (size_t i = 0; i < STORE_FOLDERS; i++)
        for (size_t j = 0; j < STORE_NAMES; j++)
            if (staged->names[i][j][0]) {
                (void)unlinkat(store->folders[i], staged->names[i][j], 0);
                staged->names[i][j][0] = '\0';
            }
}

int store_remove(
    const struct store *store, enum store_folder folder, enum store_name name, bool *removed, struct err *e)
{
    bool gone = unlinkat(store->folders[folder], base_name(folder, name), 0) == 0;

    if (!gone && errno != ENOENT) {
        err_errno(e, -errno, "certs: %s/%s: cannot remove", store->path, store_shown(folder, name));
        return write_hint(e, store->path);
    }
    if (removed)
        *removed = gone;
    return 0;
}
