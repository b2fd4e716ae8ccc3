/*
 * Mounts. Should: make exactly the mounts of the plan. Must not: cover what is already mounted, or follow
 * what a volume's owner put into the path of a target. Not earlier: the first of all steps. Not later:
 * certificates and the engine's data may live on an extra mount, and mounting needs CAP_SYS_ADMIN.
 */
#include "base/cleanup.h"
#include "entrypoint/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

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

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000 /* statx(2), Linux 5.8; musl names only masks */
#endif

/* True if `path`, or `fd` itself where that is empty, is the root of a mount. */
static bool is_mount_root(int fd, const char *path)
{
    struct statx self;

    return statx(fd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH, 0, &self) == 0 &&
           (self.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
           (self.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int step_securityfs(struct outcome *outcome, struct err *e)
{
    static const char target[] = "/sys/kernel/security";

    if (is_mount_root(AT_FDCWD, target)) {
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
    if (is_mount_root(AT_FDCWD, "/tmp")) {
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

/* What an entry asks for: flags to set, flags to clear, and the rest for the filesystem. */
struct mount_options {
    unsigned long set, clear;
    struct text data;
};

static void mount_options_free(struct mount_options *o)
{
    text_free(&o->data);
}

static void read_options(struct mount_options *o, const char *options)
{
    cleanup_strings struct strings list = {0};

    strings_split(&list, options, ",");
    for (size_t i = 0; i < list.count; i++) {
        size_t w = 0;
        while (w < sizeof(words) / sizeof(*words) && strcmp(words[w].word, list.items[i]) != 0)
            w++;
        if (w == sizeof(words) / sizeof(*words)) {
            text_addf(&o->data, "%s%s", o->data.length ? "," : "", list.items[i]);
            continue;
        }
        o->set = (o->set | words[w].set) & ~words[w].clear;
        o->clear = (o->clear | words[w].clear) & ~words[w].set;
    }
}

static int make_component(int at, const char *name, bool folder)
{
    if (folder)
        return mkdirat(at, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
    cleanup_close int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    return fd < 0 && errno != EEXIST ? -errno : 0;
}

static int open_component(int at, const char *name, bool folder)
{
    struct stat st;
    cleanup_close int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT) {
        int r = make_component(at, name, folder);
        if (r < 0)
            return r;
        fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return S_ISLNK(st.st_mode) ? -ELOOP : take_fd(&fd);
}

/* The target as a descriptor, made where it is missing. No symbolic link is followed on the way: a volume's
 * owner must neither move our mount elsewhere nor have us make anything there. */
static int open_target(const char *path, bool folder)
{
    cleanup_strings struct strings parts = {0};
    cleanup_close int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (at < 0)
        return -errno;
    strings_split(&parts, path, "/");
    for (size_t i = 0; i < parts.count; i++) {
        int next = open_component(at, parts.items[i], folder || i + 1 < parts.count);
        if (next < 0)
            return next;
        (void)close(at);
        at = next;
    }
    return take_fd(&at);
}

static int mount_at(int target, const char *source, const char *type, unsigned long flags, const char *data)
{
    char place[64];

    (void)snprintf(place, sizeof(place), "/proc/self/fd/%d", target);
    return mount(source, place, type, flags, data) < 0 ? -errno : 0;
}

/* The same thing is there already: an earlier start of this container mounted it. */
static bool is_there(int target, const struct stat *source)
{
    struct stat st;

    return is_mount_root(target, "") && (!source || (fstat(target, &st) == 0 && st.st_dev == source->st_dev &&
                                                        st.st_ino == source->st_ino));
}

unsigned long mount_flags(unsigned long statvfs_flags)
{
    static const struct {
        unsigned long of_statvfs, of_mount;
    } kept[] = {{ST_RDONLY, MS_RDONLY}, {ST_NOSUID, MS_NOSUID}, {ST_NODEV, MS_NODEV}, {ST_NOEXEC, MS_NOEXEC},
        {ST_NOATIME, MS_NOATIME}, {ST_NODIRATIME, MS_NODIRATIME}, {ST_RELATIME, MS_RELATIME}};
    unsigned long flags = 0;

    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        if (statvfs_flags & kept[i].of_statvfs)
            flags |= kept[i].of_mount;
    return flags;
}

/*
 * mount(2) takes only MS_REC beside MS_BIND: flags need a second call. That one sets all of them, so what
 * already protects the source is said again; only an option of the entry takes it away.
 */
static int set_bind_flags(const struct extra_mount *m, const struct mount_options *o, bool *changed)
{
    struct statvfs fs;
    cleanup_close int target = open_target(m->target, true); /* now the root of what was mounted */

    if (target < 0 || fstatvfs(target, &fs) < 0)
        return target < 0 ? target : -errno;
    unsigned long now = mount_flags(fs.f_flag);
    unsigned long wanted = (now | (o->set & ~(unsigned long)(MS_BIND | MS_REC))) & ~o->clear;
    if (wanted == now)
        return 0;
    /* The three ways of keeping access times exclude each other: the entry's counts. */
    if (o->set & (MS_NOATIME | MS_STRICTATIME | MS_RELATIME))
        wanted &= ~(unsigned long)(MS_NOATIME | MS_STRICTATIME | MS_RELATIME) | o->set;
    *changed = true;
    return mount_at(target, NULL, NULL, MS_REMOUNT | MS_BIND | wanted, NULL);
}

static int bind_mount(const struct extra_mount *m, const struct mount_options *o, bool *changed)
{
    struct stat source;

    if (stat(m->source, &source) < 0)
        return -errno;
    cleanup_close int target = open_target(m->target, S_ISDIR(source.st_mode));
    if (target < 0)
        return target;
    if (!is_there(target, &source)) {
        int r = mount_at(target, m->source, NULL, o->set & (MS_BIND | MS_REC), NULL);
        if (r < 0)
            return r;
        *changed = true;
    }
    return set_bind_flags(m, o, changed);
}

static int filesystem_mount(const struct extra_mount *m, const struct mount_options *o, bool *changed)
{
    cleanup_close int target = open_target(m->target, true);

    if (target < 0)
        return target;
    if (is_there(target, NULL))
        return 0;
    *changed = true;
    return mount_at(target, m->source, m->type, o->set, text_get(&o->data));
}

static int mount_hint(const struct extra_mount *m, bool bind, struct err *e)
{
    if (e->code == -ELOOP)
        return err_hint(e, "name the target without symbolic links");
    if (bind && access(m->source, F_OK) < 0)
        return err_hint(e, "mount a volume at %s, or correct source", m->source);
    return err_hint(e, "correct the entry of mounts.extra: source, target, type and options are mount(8)'s");
}

int step_extra_mount(const struct extra_mount *m, struct outcome *outcome, struct err *e)
{
    cleanup(mount_options_free) struct mount_options o = {
        .set = str_equal(m->type, "bind") ? MS_BIND | MS_REC : 0};
    bool changed = false;

    read_options(&o, m->options);
    bool bind = o.set & MS_BIND;
    if (bind && o.data.length) {
        (void)err_set(e, -EINVAL, "mount: %s on %s (mounts.extra): a bind mount has no option %s", m->source,
            m->target, text_get(&o.data));
        return err_hint(e, "use ro, rw, nosuid, nodev, noexec, noatime, relatime or strictatime");
    }
    int r = bind ? bind_mount(m, &o, &changed) : filesystem_mount(m, &o, &changed);
    outcome->kind = changed ? OUTCOME_DONE : OUTCOME_ALREADY;
    if (r == 0)
        return 0;
    (void)err_errno(e, r, "mount: %s on %s (mounts.extra)", m->source, m->target);
    return mount_hint(m, bind, e);
}
