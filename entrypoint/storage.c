#include "storage.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#define SCRATCH ".dind-trial"

enum { MAX_DEPTH = 6 };

/* What the child mounts, in the scratch folder; 0 or a negative errno. */
typedef int trial(void);

/* ---- what is there ---- */

bool storage_on(const char *path, unsigned long magic)
{
    char *folder cleanup_free = file_nearest_folder(path);
    struct statfs fs;

    return statfs(folder, &fs) == 0 && (unsigned long)fs.f_type == magic;
}

static bool has_entries(const char *data_root, const char *below)
{
    char *path cleanup_free = str_format("%s/%s", data_root, below);
    cleanup_closedir DIR *folder = opendir(path);
    const struct dirent *entry = folder ? readdir(folder) : NULL;

    while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                        strcmp(entry->d_name, SCRATCH) == 0))
        entry = readdir(folder);
    return entry != NULL;
}

void storage_prior(const char *data_root, struct strings *drivers)
{
    static const char *const names[] = {"overlay2", "fuse-overlayfs", "btrfs", "zfs", "vfs"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (has_entries(data_root, names[i]))
            strings_add(drivers, names[i]);
    if (has_entries(data_root, "containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots") ||
        has_entries(data_root, "containerd/daemon/io.containerd.snapshotter.v1.native/snapshots"))
        strings_add(drivers, "containerd");
}

/* ---- scratch folders ---- */

/* An overlay's work folder holds what the kernel put there. */
static void remove_tree(int parent, const char *name, unsigned depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_closedir DIR *list = fd >= 0 ? fdopendir(fd) : NULL;

    if (fd >= 0 && !list)
        (void)close(fd);
    for (const struct dirent *entry = list ? readdir(list) : NULL; entry; entry = readdir(list)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) < 0 && depth < MAX_DEPTH)
            remove_tree(fd, entry->d_name, depth + 1);
    }
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

static int make_scratch(int parent)
{
    static const char *const names[] = {"lower1", "lower2", "upper", "work", "merged"};

    remove_tree(parent, SCRATCH, 0);
    if (mkdirat(parent, SCRATCH, 0700) < 0)
        return -errno;
    int fd = openat(parent, SCRATCH, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (mkdirat(fd, names[i], 0700) < 0) {
            int cause = -errno;
            (void)close(fd);
            return cause;
        }
    return fd;
}

/* ---- the trials, in the child ---- */

/* Relative names: whatever the data folder is called, no character in it has a meaning for the kernel. */
static int mount_overlay(void)
{
    if (mount("overlay", "merged", "overlay", 0, "lowerdir=lower2:lower1,upperdir=upper,workdir=work") < 0)
        return -errno;
    /* Where the work folder does not do, the kernel mounts it read-only and says so in its log alone. */
    int r = mkdir("merged/written", 0700) < 0 ? -errno : 0;
    (void)umount2("merged", MNT_DETACH);
    return r;
}

static int mount_fuse(void)
{
    char options[96];
    cleanup_close int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    (void)snprintf(
        options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u", fd, getuid(), getgid());
    if (mount("dind-trial", "merged", "fuse", MS_NODEV | MS_NOSUID, options) < 0)
        return -errno;
    (void)umount2("merged", MNT_DETACH);
    return 0;
}

/* Nothing of this is seen outside, and the kernel takes it away however the child ends. First into the
 * folder: the new namespace gets a mount of its own for the current one, and none for an open descriptor. */
static _Noreturn void be_child(trial *attempt, int scratch)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fchdir(scratch) < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        _exit(errno);
    _exit(-attempt());
}

static int run_trial(trial *attempt, int scratch)
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0)
        be_child(attempt, scratch);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

/* overlay2 may be a mount of its own in the data folder: then that is where it has to work. */
static char *place_of(const char *data_root)
{
    char *above cleanup_free = file_nearest_folder(data_root);
    char *own = str_format("%s/overlay2", above);
    struct stat here, there;

    if (strcmp(above, data_root) == 0 && stat(own, &there) == 0 && stat(above, &here) == 0 &&
        S_ISDIR(there.st_mode) && here.st_dev != there.st_dev)
        return own;
    free(own);
    return take(above);
}

static int try_in(const char *folder, trial *attempt)
{
    cleanup_close int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return -errno;
    cleanup_close int scratch = make_scratch(parent);
    int r = scratch < 0 ? scratch : run_trial(attempt, scratch);

    remove_tree(parent, SCRATCH, 0);
    return r;
}

int storage_try_overlay(const char *data_root, struct err *e)
{
    char *folder cleanup_free = place_of(data_root);

    int r = try_in(folder, mount_overlay);
    if (r == 0)
        return 0;
    if (storage_on(folder, OVERLAYFS_SUPER_MAGIC))
        return err_set(e, r, "%s is on overlayfs, on which the kernel mounts no second one", data_root);
    if (r == -ENODEV)
        return err_set(e, r, "the kernel has no overlayfs");
    return err_errno(e, r, "an overlay cannot be mounted in %s", data_root);
}

int storage_try_fuse(const char *data_root, struct err *e)
{
    char *folder cleanup_free = file_nearest_folder(data_root);
    int r = try_in(folder, mount_fuse);

    if (r == -ENOENT || r == -ENXIO || r == -ENODEV)
        return err_set(e, r, "there is no FUSE: no /dev/fuse, or no driver behind it");
    return r == 0 ? 0 : err_errno(e, r, "FUSE cannot be mounted in %s", data_root);
}
