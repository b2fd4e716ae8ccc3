/*
 * Mounts. Should: make exactly the mounts of the plan. Must not: cover what is already mounted, or follow
 * what a volume's owner put into the path of a target. Not earlier: the first of all steps. Not later:
 * certificates and the engine's data may live on an extra mount, and mounting needs CAP_SYS_ADMIN.
 */
#include "base/file.h"
#include "entrypoint/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

int step_propagation(enum propagation propagation, struct outcome *outcome, struct err *e)
{
    unsigned long flags = MS_REC;

    switch (propagation) {
    case PROPAGATION_SHARED:
        flags |= MS_SHARED;
        break;
    case PROPAGATION_SLAVE:
        flags |= MS_SLAVE;
        break;
    case PROPAGATION_PRIVATE:
        flags |= MS_PRIVATE;
        break;
    case PROPAGATION_UNCHANGED:
        outcome->kind = OUTCOME_ALREADY;
        return 0;
    }
    if (mount(NULL, "/", NULL, flags, NULL) < 0) {
        (void)err_errno(e, -errno, "mount: propagation of /");
        return err_hint(e, "run the container with --privileged, or set mounts.propagation: unchanged");
    }
    return 0;
}

/* True if something else is mounted at `path` than in its parent folder. */
static bool is_mount_point(const char *path)
{
    struct statx self;

    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &self) == 0 &&
           (self.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
           (self.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int step_securityfs(struct outcome *outcome, struct err *e)
{
    static const char target[] = "/sys/kernel/security";

    if (is_mount_point(target)) {
        outcome->kind = OUTCOME_ALREADY;
        return 0;
    }
    if (mount("securityfs", target, "securityfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
        return 0;
    (void)err_errno(e, -errno, "mount: securityfs on %s", target);
    return err_hint(e,
        "run the container with --privileged, or set mounts.securityfs: off; only the engine's view of "
        "AppArmor depends on it");
}

int step_tmp(struct outcome *outcome, struct err *e)
{
    if (is_mount_point("/tmp")) {
        outcome->kind = OUTCOME_ALREADY;
        return 0;
    }
    /* exec and dev, as the shell wrapper had it: builds run programs and make device nodes there. */
    if (mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777") == 0)
        return 0;
    (void)err_errno(e, -errno, "mount: tmpfs on /tmp");
    return err_hint(e, "set mounts.tmp: none");
}

/* mount(8)'s words that are flags of mount(2); everything else is for the filesystem. */
static const struct {
    const char *word;
    unsigned long set, clear;
} words[] = {
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"nosuid", MS_NOSUID, 0},
    {"suid", 0, MS_NOSUID},
    {"nodev", MS_NODEV, 0},
    {"dev", 0, MS_NODEV},
    {"noexec", MS_NOEXEC, 0},
    {"exec", 0, MS_NOEXEC},
    {"noatime", MS_NOATIME, 0},
    {"nodiratime", MS_NODIRATIME, 0},
    {"relatime", MS_RELATIME, 0},
    {"strictatime", MS_STRICTATIME, 0},
    {"sync", MS_SYNCHRONOUS, 0},
    {"bind", MS_BIND, 0},
    {"rbind", MS_BIND | MS_REC, 0},
    {"defaults", 0, 0},
};

static void read_options(const char *options, unsigned long *flags, struct text *data)
{
    cleanup_strings struct strings list = {0};

    strings_split(&list, options, ",");
    for (size_t i = 0; i < list.count; i++) {
        size_t w = 0;
        while (w < sizeof(words) / sizeof(*words) && strcmp(words[w].word, list.items[i]) != 0)
            w++;
        if (w < sizeof(words) / sizeof(*words))
            *flags = (*flags | words[w].set) & ~words[w].clear;
        else
            text_addf(data, "%s%s", data->length ? "," : "", list.items[i]);
    }
}

/* A bind mount wants a target of the source's kind: a folder for a folder, a file for a file. */
static int make_target(const struct extra_mount *m, bool bind)
{
    struct stat source;

    if (access(m->target, F_OK) == 0)
        return 0;
    if (!bind || stat(m->source, &source) < 0 || S_ISDIR(source.st_mode))
        return file_make_folders(m->target, 0755);

    char *parent cleanup_free = str_dup_n(m->target, (size_t)(strrchr(m->target, '/') - m->target));
    int r = *parent ? file_make_folders(parent, 0755) : 0;
    if (r < 0)
        return r;
    cleanup_close int fd = open(m->target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : 0;
}

/* The target as a descriptor, with no symbolic link on the way: a volume's owner must not move our mount
 * elsewhere. */
static int mount_at(
    const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
    char place[64];
    cleanup_close int fd = file_open(AT_FDCWD, target, O_PATH, 0, FILE_NO_LINKS);

    if (fd < 0)
        return fd;
    (void)snprintf(place, sizeof(place), "/proc/self/fd/%d", fd);
    return mount(source, place, type, flags, data) < 0 ? -errno : 0;
}

/* The same thing is there already: an earlier start of this container mounted it. */
static bool is_there(const struct extra_mount *m, bool bind)
{
    struct stat source, target;

    if (!is_mount_point(m->target))
        return false;
    return !bind || (stat(m->source, &source) == 0 && stat(m->target, &target) == 0 &&
                        source.st_dev == target.st_dev && source.st_ino == target.st_ino);
}

int step_extra_mount(const struct extra_mount *m, struct outcome *outcome, struct err *e)
{
    cleanup_text struct text data = {0};
    unsigned long flags = str_equal(m->type, "bind") ? MS_BIND | MS_REC : 0;

    read_options(m->options, &flags, &data);
    bool bind = flags & MS_BIND;
    if (is_there(m, bind)) {
        outcome->kind = OUTCOME_ALREADY;
        return 0;
    }
    int r = make_target(m, bind);
    if (r == 0)
        r = mount_at(m->source, m->target, bind ? NULL : m->type, bind ? flags & (MS_BIND | MS_REC) : flags,
            bind ? NULL : text_get(&data));
    /* mount(2) takes only MS_REC beside MS_BIND: the rest needs a second call. */
    if (r == 0 && bind && (flags & ~(unsigned long)(MS_BIND | MS_REC)))
        r = mount_at(NULL, m->target, NULL, MS_REMOUNT | (flags & ~(unsigned long)MS_REC), NULL);
    if (r == 0)
        return 0;
    (void)err_errno(e, r, "mount: %s on %s (mounts.extra)", m->source, m->target);
    if (r == -ELOOP)
        return err_hint(e, "name the target without symbolic links");
    return err_hint(e, "correct the entry of mounts.extra: source, target, type and options are mount(8)'s");
}
