/*
 * What a rootless engine finds at its place: accounts, newuidmap, folders. Should: make or mend what is
 * missing, and prove as the user that it can be used. Must not: follow as root what the user has put into
 * folders of their own, change the image's account files, or leave a program with both a set-user-ID bit and
 * file capabilities. Not earlier: volumes of the user may be mounts. Not later: root is gone then.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "entrypoint/identity.h"
#include "entrypoint/rootless.h"
#include "entrypoint/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- accounts ---- */

#define ACCOUNTS_FOLDER "/run/dind/accounts"
#define SUBORDINATE_IDS "100000:65536" /* what adduser(8) gives the first user */

enum { ACCOUNTS_LIMIT = 4 * 1024 * 1024 };

/* The file as it is, and a line more. */
static int write_copy(int folder, const char *name, const char *path, const char *line, struct err *e)
{
    cleanup_text struct text content = {0};
    char *shown cleanup_free = str_format("%s/%s", ACCOUNTS_FOLDER, name);
    struct err missing = {0};

    if (file_read(AT_FDCWD, path, ACCOUNTS_LIMIT, FILE_FOLLOW_LINKS, &content, &missing) < 0 &&
        missing.code != -ENOENT) {
        *e = missing;
        return e->code;
    }
    text_addf(&content, "%s%s\n",
        content.length && text_get(&content)[content.length - 1] != '\n' ? "\n" : "", line);
    return file_replace(
        folder, name, text_get(&content), content.length, (struct file_owner){0644, 0, 0}, shown, e);
}

/* A bind mount needs something to lie on. */
static int make_mount_point(const char *path, struct err *e)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0644);

    if (fd >= 0 || errno == ELOOP)
        return 0;
    (void)err_errno(e, -errno, "%s: is missing and cannot be made", path);
    return err_hint(e, "add an empty %s to the image", path);
}

static int lay_over(int folder, const char *name, const char *line, struct err *e)
{
    char *path cleanup_free = str_format("/etc/%s", name);
    char *copy cleanup_free = str_format("%s/%s", ACCOUNTS_FOLDER, name);

    int r = write_copy(folder, name, path, line, e);
    if (r == 0)
        r = make_mount_point(path, e);
    if (r < 0)
        return r;
    if (mount(copy, path, NULL, MS_BIND, NULL) < 0) {
        (void)err_errno(e, -errno, "mount: %s on %s", copy, path);
        return err_hint(e, "add the user and the subordinate ids to the image");
    }
    return 0;
}

int step_accounts(const struct host *host, struct outcome *outcome, struct err *e)
{
    const struct host_user *user = &host->user;
    char *ids cleanup_free = str_format("%u:%s", user->uid, SUBORDINATE_IDS);
    /* A name that no other line has: the first one counts (getpwnam(3)). */
    char *account cleanup_free =
        str_format("dind-%u:x:%u:%u::%s:/bin/sh", user->uid, user->uid, user->gid, host->home);
    int r = file_make_folders(ACCOUNTS_FOLDER, 0755);

    if (r < 0)
        return err_errno(e, r, "%s: cannot be made", ACCOUNTS_FOLDER);
    cleanup_close int folder =
        file_open(AT_FDCWD, ACCOUNTS_FOLDER, O_PATH | O_DIRECTORY, 0, FILE_FOLLOW_LINKS);
    if (folder < 0)
        return err_errno(e, folder, "%s", ACCOUNTS_FOLDER);
    if (!user->name)
        r = lay_over(folder, "passwd", account, e);
    if (r == 0 && !host->rootless.subuid)
        r = lay_over(folder, "subuid", ids, e);
    if (r == 0 && !host->rootless.subgid)
        r = lay_over(folder, "subgid", ids, e);
    if (r < 0)
        return r;
    outcome->kind = OUTCOME_DONE;
    (void)snprintf(outcome->detail, sizeof(outcome->detail),
        "uid %u has%s%s%s in copies laid over those of /etc", user->uid,
        user->name ? "" : " a line in passwd", host->rootless.subuid ? "" : " subordinate uids",
        host->rootless.subgid ? "" : " subordinate gids");
    return 0;
}

/* ---- newuidmap and newgidmap ---- */

/* setcap(8) NAME=ep, as linux/capability.h lays it out. */
static int set_file_capability(int fd, unsigned capability)
{
    const unsigned char value[XATTR_CAPS_SZ_2] = {
        VFS_CAP_FLAGS_EFFECTIVE, 0, 0, VFS_CAP_REVISION_2 >> 24, (unsigned char)(1U << capability)};

    return fsetxattr(fd, "security.capability", value, sizeof(value), 0) < 0 ? -errno : 0;
}

/* The set-user-ID bit goes first: with both, the kernel would start the program as root. */
static int mend_idmap(const struct host_idmap *idmap, unsigned capability)
{
    cleanup_close int fd = open(idmap->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return -EPERM;
    if ((st.st_mode & S_ISUID) && fchmod(fd, st.st_mode & 07777 & ~(mode_t)S_ISUID) < 0)
        return -errno;
    int r = set_file_capability(fd, capability);
    if (r < 0 && (st.st_mode & S_ISUID))
        (void)fchmod(fd, st.st_mode & 07777); /* as it was: it still works with more around it */
    return r;
}

int step_idmap(const struct host_rootless *rootless, bool *mended, struct outcome *outcome, struct err *e)
{
    const struct {
        const struct host_idmap *idmap;
        unsigned capability;
    } programs[] = {{&rootless->newuidmap, CAP_SETUID}, {&rootless->newgidmap, CAP_SETGID}};

    for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
        int r = programs[i].idmap->path ? mend_idmap(programs[i].idmap, programs[i].capability) : -ENOENT;
        if (r < 0) {
            (void)err_errno(e, r, "%s: cannot be given a file capability",
                programs[i].idmap->path ? programs[i].idmap->path : "newuidmap or newgidmap");
            return err_hint(e,
                "do it in the image: chmod u-s, then setcap cap_setuid=ep on newuidmap and cap_setgid=ep on "
                "newgidmap; until then DAC_OVERRIDE and SYS_ADMIN stay in the bounding set");
        }
    }
    *mended = true;
    outcome->kind = OUTCOME_DONE;
    return 0;
}

/* ---- folders ---- */

static bool owned_by_root(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static bool is_empty(int folder)
{
    cleanup_close int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir)
        return false;
    (void)take_fd(&fd);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return false;
    return true;
}

enum give {
    GIVE_NEW,  /* what was made here */
    GIVE_ALSO, /* and what is root's: a volume, when nothing of the image lies below it */
};

/* A uid that shares the home of the image's own user takes over its folders, but not its engine's data. */
static bool to_be_given(int fd, bool last, bool made, const struct host_user *user, enum give give)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return false;
    if (st.st_uid == 0)
        return last && (made || give == GIVE_ALSO);
    return st.st_uid == user->home_owner && user->home_owner != user->uid &&
           (!last || give == GIVE_NEW || is_empty(fd));
}

/*
 * As root: makes what is missing of the path while its parents are root's alone, and gives folders to the
 * user as above. Ends quietly where anybody else's folder or link begins: there the user goes on.
 */
static void give_folder(const char *path, mode_t mode, const struct host_user *user, enum give give)
{
    cleanup_strings struct strings parts = {0};
    cleanup_close int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    strings_split(&parts, path, "/");
    for (size_t i = 0; i < parts.count && at >= 0; i++) {
        bool last = i + 1 == parts.count;
        bool made = owned_by_root(at) && mkdirat(at, parts.items[i], last ? mode : 0755) == 0;
        int next = openat(at, parts.items[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        (void)close(at);
        at = next;
        if (at >= 0 && to_be_given(at, last, made, user, give) &&
            fchownat(at, "", user->uid, user->gid, AT_EMPTY_PATH) < 0)
            log_debug("rootless: %s stays root's: %s", path, err_words(-errno));
    }
}

/* The engine sets the mode of its data folder, which only the owner may (moby daemon_unix.go,
 * setupDaemonRoot). */
static int usable_folder(const char *path, mode_t mode, bool own)
{
    struct stat st;

    int r = file_make_folders(path, mode);
    if (r < 0)
        return r;
    /* access(2) would ask about the real uid, which may still be root's. EPERM is an old seccomp filter's,
     * which does not know faccessat2(2). */
    if ((faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0 && errno != EPERM) || stat(path, &st) < 0)
        return -errno;
    return own && st.st_uid != geteuid() ? -EPERM : 0;
}

static int use_folders(const struct host *host, const char *data, struct err *e)
{
    /* 0700: the XDG base directory specification wants the runtime folder for its owner alone. */
    int r = usable_folder(host->runtime_dir, 0700, false);
    if (r < 0)
        return rootless_folder_error(host, host->runtime_dir, r, e);
    r = usable_folder(data, 0755, true);
    return r < 0 ? rootless_folder_error(host, data, r, e) : 0;
}

int step_user_folders(const struct host *host, struct err *e)
{
    char *data cleanup_free = rootless_data_folder(host->home);

    if (host->user.uid == host->uid)
        return use_folders(host, data, e);
    if (host->effective & CAPSET_ONE(CAP_CHOWN)) {
        give_folder(host->runtime_dir, 0700, &host->user, GIVE_NEW);
        give_folder(host->home, 0755, &host->user, GIVE_NEW);
        give_folder(data, 0755, &host->user, GIVE_ALSO);
    }
    int r = identity_borrow(&host->user, e);
    if (r < 0)
        return r;
    r = use_folders(host, data, e);
    identity_return();
    return r;
}
