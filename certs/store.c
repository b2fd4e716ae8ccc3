#include "store.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum { FILE_LIMIT = 64 * 1024 };

static const char lock_name[] = ".lock";

static const char *folder_name(enum store_folder folder)
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

static void hostile(struct store_file *file, const char *problem)
{
    file->state = STORE_HOSTILE;
    (void)snprintf(file->problem, sizeof(file->problem), "%s", problem);
}

static void cannot_open(struct store_file *file, int code)
{
    if (code == -ENOENT)
        return;
    hostile(file, code == -ELOOP     ? "is a symbolic link, or below one"
                  : code == -EXDEV   ? "is a symbolic link that leads out of the store"
                  : code == -ENOTDIR ? "is below something that is not a folder"
                                     : strerrordesc_np(-code));
    if (code == -EACCES || code == -EPERM)
        file->state = STORE_UNREADABLE;
}

static void read_open(int fd, struct store_file *file)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        hostile(file, "cannot be examined");
        return;
    }
    file->mode = st.st_mode & 07777;
    file->uid = st.st_uid;
    file->gid = st.st_gid;
    file->folder = S_ISDIR(st.st_mode);
    if (!S_ISREG(st.st_mode)) {
        hostile(file, file->folder ? "is a folder" : "is not a regular file");
        return;
    }
    /* A second name for a file may lie where others can write. */
    if (st.st_nlink != 1) {
        hostile(file, "is a hard link to a file with another name");
        return;
    }
    int r = file_read_fd(fd, FILE_LIMIT, &file->content);
    if (r < 0)
        hostile(file, r == -EFBIG ? "is longer than 64 KiB" : strerrordesc_np(-r));
    else if (file->content.length > 0)
        file->state = STORE_PRESENT;
}

static void read_file(
    const struct store *store, enum store_folder folder, enum store_name name, struct store_file *file)
{
    const char *path = store_shown(folder, name);
    cleanup_close int fd = file_open(store->dir, path, O_RDONLY | O_NONBLOCK, 0, FILE_NO_LINKS);

    /* Kubernetes mounts a Secret as links into a folder beside them. Not in client/: its readers may be able
     * to write there. */
    if (fd == -ELOOP && folder != STORE_CLIENT) {
        fd = file_open(store->dir, path, O_RDONLY | O_NONBLOCK, 0, FILE_FOLLOW_LINKS);
        file->linked = fd >= 0;
    }
    if (fd < 0)
        cannot_open(file, fd);
    else
        read_open(fd, file);
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
}

void store_content_free(struct store_content *content)
{
    for (size_t i = 0; i < STORE_FOLDERS; i++)
        for (size_t j = 0; j < STORE_NAMES; j++)
            text_wipe(&content->files[i][j].content);
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
    return e->code;
}

static int open_folder(struct store *store, enum store_folder folder, struct store_owner owner, struct err *e)
{
    const char *name = folder_name(folder);
    mode_t mode = folder == STORE_CA ? 0700 : 0755;
    bool made = mkdirat(store->dir, name, 0700) == 0;

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
    /* Owner first: giving a folder away may clear mode bits. */
    if (made && folder != STORE_CA && fchown(fd, owner.uid, owner.gid) < 0)
        return err_errno(e, -errno, "certs: %s/%s: cannot set its owner", store->path, name);
    /* Not by mkdirat: the umask would narrow it. */
    if (made && fchmod(fd, mode) < 0)
        return err_errno(e, -errno, "certs: %s/%s: cannot set its mode", store->path, name);
    return 0;
}

int store_prepare(struct store *store, struct store_owner owner, struct err *e)
{
    if (store->dir < 0) {
        int r = file_make_folders(store->path, 0755);
        if (r < 0) {
            err_errno(e, r, "certs: %s: cannot make the folder", store->path);
            return write_hint(e, store->path);
        }
        store->dir = file_open(AT_FDCWD, store->path, O_RDONLY | O_DIRECTORY, 0, FILE_FOLLOW_LINKS);
        if (store->dir < 0) {
            r = store->dir;
            store->dir = -1;
            return err_errno(e, r, "certs: %s", store->path);
        }
    }
    for (int i = 0; i < STORE_FOLDERS; i++) {
        int r = open_folder(store, (enum store_folder)i, owner, e);
        if (r < 0)
            return r;
    }
    return 0;
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

int store_write(const struct store *store, enum store_folder folder, enum store_name name,
    const struct text *content, struct store_owner owner, struct err *e)
{
    char *shown cleanup_free = str_format("%s/%s", store->path, store_shown(folder, name));
    struct file_owner as = {.mode = store_mode(folder, name), .uid = owner.uid, .gid = owner.gid};

    /* The CA stays with whoever started us: the engine must not be able to mint certificates. */
    if (folder == STORE_CA) {
        as.uid = (uid_t)-1;
        as.gid = (gid_t)-1;
    }
    if (content->length > FILE_LIMIT) {
        err_set(e, -E2BIG, "certs: %s: would be longer than 64 KiB", shown);
        return err_hint(e, "shorten tls.san (DOCKER_TLS_SAN)");
    }
    if (file_replace(store->folders[folder], base_name(folder, name), text_get(content), content->length, as,
            shown, e) < 0) {
        err_prefix(e, "certs");
        return write_hint(e, store->path);
    }
    return 0;
}

int store_remove(const struct store *store, enum store_folder folder, enum store_name name, struct err *e)
{
    if (unlinkat(store->folders[folder], base_name(folder, name), 0) < 0 && errno != ENOENT) {
        err_errno(e, -errno, "certs: %s/%s: cannot remove", store->path, store_shown(folder, name));
        return write_hint(e, store->path);
    }
    return 0;
}
