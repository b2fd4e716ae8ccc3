/*
 * What a container runtime laid over the kernel's file systems, undone: read-only /sys and cgroup mounts,
 * masks over parts of /proc and /sys. Should: find masks in mountinfo as it is now, and leave a mount that an
 * outer user namespace has locked (mount_namespaces(7)), saying so. Must not: touch a mount that hides
 * nothing (lxcfs, binfmt_misc), or change a superblock's flags where the mount's are enough. Not earlier:
 * nothing is. Not later: everything else needs /proc/sys and the cgroup tree, and CAP_SYS_ADMIN may go.
 */
#include "base/file.h"
#include "entrypoint/kernel_text.h"
#include "entrypoint/steps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

static bool is_read_only(const char *path, unsigned long *flags)
{
    struct statvfs fs;

    if (statvfs(path, &fs) < 0)
        return false;
    *flags = mount_flags(fs.f_flag) & ~(unsigned long)MS_RDONLY;
    return fs.f_flag & ST_RDONLY;
}

/* The mount first; its superblock only if that is read-only itself, since other containers may share it. */
static int make_writable(const char *path, struct outcome *outcome, struct err *e)
{
    unsigned long flags = 0;

    outcome->kind = OUTCOME_ALREADY;
    if (!is_read_only(path, &flags))
        return 0;
    if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0 ||
        (is_read_only(path, &flags) && mount(NULL, path, NULL, MS_REMOUNT | flags, NULL) < 0)) {
        (void)err_errno(e, -errno, "mount: %s cannot be made writable", path);
        return e->code;
    }
    outcome->kind = OUTCOME_DONE;
    return 0;
}

int step_sys_writable(struct outcome *outcome, struct err *e)
{
    int r = make_writable("/sys", outcome, e);

    return r < 0 ? err_hint(
                       e, "nested privileged containers get a read-only /sys; with --privileged they do not")
                 : 0;
}

int step_cgroup_writable(struct outcome *outcome, struct err *e)
{
    int r = make_writable("/sys/fs/cgroup", outcome, e);

    return r < 0 ? err_hint(e, "%s", CGROUP_WRITABLE_HINT) : 0;
}

/* True once it is gone. A mount that was copied from a more privileged namespace is locked: EINVAL. */
static bool unmount_one(const char *point, int *cause)
{
    if (umount2(point, UMOUNT_NOFOLLOW) == 0)
        return true;
    if (errno == EBUSY && umount2(point, UMOUNT_NOFOLLOW | MNT_DETACH) == 0)
        return true;
    *cause = errno;
    return false;
}

int step_unmask(struct outcome *outcome, struct err *e)
{
    cleanup_text struct text info = {0};
    cleanup(mount_table_free) struct mount_table table = {0};
    cleanup_strings struct strings masks = {0}, left = {0};
    int cause = 0;

    int r = file_read_kernel("/proc/self/mountinfo", &info, e);
    if (r < 0)
        return r;
    mount_table_parse(&table, text_get(&info));
    mount_table_masks(&table, &masks);
    for (size_t i = 0; i < masks.count; i++)
        if (!unmount_one(masks.items[i], &cause))
            strings_add(&left, masks.items[i]);
    outcome->kind = masks.count == 0            ? OUTCOME_ALREADY
                    : left.count == masks.count ? OUTCOME_NOT_POSSIBLE
                                                : OUTCOME_DONE;
    if (left.count) {
        char *list cleanup_free = strings_join(&left, " ");
        (void)snprintf(outcome->warning, sizeof(outcome->warning),
            "left in place, as they are locked or refused (%s): %s. Use --security-opt "
            "systempaths=unconfined, or "
            "securityContext.procMount: Unmasked",
            err_words(-cause), list);
    }
    return 0;
}

int step_apparmor(bool can_load, bool *loaded, struct outcome *outcome, struct err *e)
{
    cleanup_text struct text profiles = {0};

    int r = file_read_kernel("/sys/kernel/security/apparmor/profiles", &profiles, e);
    if (r < 0)
        return err_hint(e, "set apparmor: off");
    *loaded = apparmor_profile_listed(text_get(&profiles), "docker-default");
    outcome->kind = OUTCOME_ALREADY;
    if (!*loaded && !can_load) {
        (void)err_set(
            e, -EPERM, "apparmor: docker-default is not loaded, and MAC_ADMIN to load it is missing");
        return err_hint(e,
            "add MAC_ADMIN (docker run --cap-add MAC_ADMIN, Kubernetes capabilities.add), load "
            "docker-default on the node, or set apparmor: off");
    }
    (void)snprintf(outcome->detail, sizeof(outcome->detail), "docker-default %s",
        *loaded ? "is loaded already and stays as it is" : "is not loaded: the engine will load it");
    return 0;
}

int step_oom_score(struct outcome *outcome, struct err *e)
{
    int r = file_write_kernel("/proc/self/oom_score_adj", "0");

    if (r < 0) {
        (void)err_errno(e, r, "/proc/self/oom_score_adj");
        return err_hint(e,
            "add SYS_RESOURCE (docker run --cap-add SYS_RESOURCE, Kubernetes capabilities.add), or set "
            "capabilities.keep: [SYS_RESOURCE]");
    }
    outcome->kind = OUTCOME_DONE;
    return 0;
}
