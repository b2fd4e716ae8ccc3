/*
 * cgroup v2 nesting. A cgroup hands its controllers to its children only while no process is in it
 * (cgroup-v2.rst, "No Internal Process Constraint"), so whatever lives at the root of our namespace moves to
 * /init first. Should: end within a bound, enable each controller by itself, and say what could not be done.
 * Must not: touch a tree that is not the root of our own namespace (the plan sees to that). Not earlier: the
 * tree may be one of the mounts. Not later: CAP_SYS_ADMIN and DAC rights may go.
 */
#include "base/file.h"
#include "entrypoint/kernel_text.h"
#include "entrypoint/steps.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TOP "/sys/fs/cgroup"

enum {
    ROUNDS = 50, /* each may find processes that were born since the last one */
    /* About a second: a runtime that brings a process in (exec) is itself in the group for a moment, and on a
     * busy machine for a long one; what is refused now is missing for the container's whole life. */
    OUTSIDER_ROUNDS = 24,
    LONGEST_PAUSE_MS = 50,
};

/* What a round of moving found in the root group. */
struct census {
    unsigned moved;
    unsigned stuck;     /* kernel threads and what else may not be moved */
    unsigned outsiders; /* shown as 0: processes of an outer pid namespace, which nobody in here can move */
    char names[256];    /* of the stuck, "123 (comm)", for the message */
};

static void note_stuck(struct census *census, const char *pid)
{
    char path[64];
    size_t used = strlen(census->names);

    (void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
    char *comm cleanup_free = file_first_line(path);
    census->stuck++;
    (void)snprintf(census->names + used, sizeof(census->names) - used, "%s%s (%s)", used ? ", " : "", pid,
        comm ? comm : "?");
}

static int move_all(struct census *census, struct err *e)
{
    cleanup_text struct text procs = {0};
    cleanup_strings struct strings pids = {0};

    int r = file_read_kernel(TOP "/cgroup.procs", &procs, e);
    if (r < 0)
        return r;
    strings_split(&pids, text_get(&procs), "\n");
    for (size_t i = 0; i < pids.count; i++) {
        if (strcmp(pids.items[i], "0") == 0) {
            census->outsiders++;
            continue;
        }
        r = file_write_kernel(TOP "/init/cgroup.procs", pids.items[i]);
        if (r == 0)
            census->moved++;
        else if (r != -ESRCH) /* it ended meanwhile */
            note_stuck(census, pids.items[i]);
    }
    return 0;
}

/* Enables what can be enabled, one write each: a combined write is all or nothing. Returns how many were
 * refused because a process is still in the group. */
static unsigned enable(const char *group, const char *controllers, struct text *enabled, struct text *refused)
{
    cleanup_strings struct strings names = {0};
    cleanup_strings struct strings have = {0};
    cleanup_text struct text now = {0};
    struct err ignored;
    unsigned busy = 0;
    char *control cleanup_free = str_format("%s/cgroup.subtree_control", group);

    text_free(enabled);
    text_free(refused);
    strings_split(&names, controllers, " ");
    if (file_read_kernel(control, &now, &ignored) == 0)
        strings_split(&have, text_get(&now), " \n");
    for (size_t i = 0; i < names.count; i++) {
        char *request cleanup_free = str_format("+%s", names.items[i]);
        int r = strings_have(&have, names.items[i]) ? 0 : file_write_kernel(control, request);
        if (r == 0)
            text_addf(enabled, "%s%s", enabled->length ? " " : "", names.items[i]);
        else
            text_addf(refused, "%s%s (%s)", refused->length ? ", " : "", names.items[i], err_words(r));
        busy += r == -EBUSY;
    }
    return busy;
}

static void pause_before_round(unsigned round)
{
    unsigned milliseconds = round == 0 ? 0 : round > 6 ? LONGEST_PAUSE_MS : 1U << (round - 1);
    const struct timespec time = {.tv_nsec = (long)milliseconds * 1000000};

    if (milliseconds)
        (void)nanosleep(&time, NULL);
}

static void tell(struct outcome *outcome, const struct census *last, const char *enabled, const char *refused)
{
    (void)snprintf(outcome->detail, sizeof(outcome->detail), "cgroup v2, enabled for nested containers: %s",
        *enabled   ? enabled
        : *refused ? "no controller"
                   : "no controller (none is available here)");
    if (!*refused)
        return;
    if (last->outsiders)
        (void)snprintf(outcome->warning, sizeof(outcome->warning),
            "not enabled: %s. Processes of an outer pid namespace (%u) are in this container's cgroup "
            "(nsenter, a debugger, "
            "a runtime's helper) and only the host can move them out; limits of nested containers that need "
            "these "
            "controllers fail",
            refused, last->outsiders);
    else if (last->stuck)
        (void)snprintf(outcome->warning, sizeof(outcome->warning),
            "not enabled: %s. These processes cannot leave the cgroup: %s; limits of nested containers that "
            "need these "
            "controllers fail",
            refused, last->names);
    else
        (void)snprintf(outcome->warning, sizeof(outcome->warning),
            "not enabled: %s; limits of nested containers that need these controllers fail", refused);
}

static int check_type(struct err *e)
{
    char *type cleanup_free = file_first_line(TOP "/cgroup.type");

    if (!type || strcmp(type, "domain") == 0)
        return 0;
    (void)err_set(
        e, -EOPNOTSUPP, "%s is of type '%s': a process enabled threaded controllers before us", TOP, type);
    return err_hint(
        e, "start the container again; what runs beside it in this cgroup must not make threaded groups");
}

/* Nothing is rearranged but the root of our own namespace: also when entering one has failed before. */
static int check_own(struct err *e)
{
    cleanup_text struct text text = {0}, info = {0};
    cleanup(mount_table_free) struct mount_table table = {0};

    int r = file_read_kernel("/proc/self/cgroup", &text, e);
    if (r == 0)
        r = file_read_kernel("/proc/self/mountinfo", &info, e);
    if (r < 0)
        return r;
    char *path cleanup_free = cgroup_v2_path(text_get(&text));
    char *type cleanup_free = file_first_line(TOP "/cgroup.type");
    mount_table_parse(&table, text_get(&info));
    const struct mount_entry *top = mount_table_at(&table, TOP);
    /* A volume with a tree from above has another root: "/..", as seen from our namespace. */
    bool shows_own = !top || str_equal(top->root, "/");
    if (shows_own && type && (str_equal(path, "/") || cgroup_is_nested(path)))
        return 0;
    return err_set(
        e, -EPERM, "%s is not the root of a cgroup namespace of this container: left as it is", TOP);
}

/* What its new owner has to write to (cgroup-v2.rst, "Model of Delegation"); the limits stay ours. */
static int give_cgroup(const char *path, uid_t uid, gid_t gid, struct err *e)
{
    static const char *const knobs[] = {"", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"};

    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return err_errno(e, -errno, "%s: cannot be made", path);
    for (size_t i = 0; i < sizeof(knobs) / sizeof(*knobs); i++) {
        char *name cleanup_free = str_format("%s%s", path, knobs[i]);
        if (lchown(name, uid, gid) < 0)
            return err_errno(e, -errno, "%s: cannot be given to uid %u", name, uid);
    }
    return 0;
}

/* runc makes the cgroups of a rootless container beside the one that it is in itself. */
int step_cgroup_delegate(uid_t uid, gid_t gid, struct outcome *outcome, struct err *e)
{
    cleanup_text struct text enabled = {0}, refused = {0};

    int r = check_own(e);
    if (r == 0)
        r = give_cgroup(TOP "/dind", uid, gid, e);
    if (r == 0)
        r = give_cgroup(TOP "/dind/init", uid, gid, e);
    if (r < 0)
        return r;
    char *controllers cleanup_free = file_first_line(TOP "/dind/cgroup.controllers");
    (void)enable(TOP "/dind", controllers ? controllers : "", &enabled, &refused);
    r = file_write_kernel(TOP "/dind/init/cgroup.procs", "0");
    if (r < 0)
        return err_errno(e, r, "%s/dind/init/cgroup.procs: cannot enter", TOP);
    outcome->kind = OUTCOME_DONE;
    return 0;
}

int step_cgroup_namespace(struct outcome *outcome, struct err *e)
{
    struct err ignored;

    if (check_own(&ignored) == 0) {
        outcome->kind = OUTCOME_ALREADY;
        return 0;
    }
    if (unshare(CLONE_NEWCGROUP) < 0) {
        (void)err_errno(e, -errno, "cgroup: no namespace of our own");
        return err_hint(e, "start the container with one (docker run --cgroupns private)");
    }
    /* The host's tree goes out of sight, so that nobody gets it back by one umount(8). A locked mount is
     * covered. */
    (void)umount2(TOP, UMOUNT_NOFOLLOW | MNT_DETACH);
    if (mount("cgroup2", TOP, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, NULL) < 0) {
        (void)err_errno(e, -errno, "mount: cgroup2 on %s", TOP);
        return err_hint(e, "set cgroup.namespace: host");
    }
    (void)snprintf(outcome->detail, sizeof(outcome->detail),
        "a namespace of our own: nested containers are charged to this container");
    return check_own(e);
}

int step_cgroup_systemd(struct outcome *outcome, struct err *e)
{
    static const char target[] = TOP "/systemd";

    outcome->kind = OUTCOME_DONE;
    if (mkdir(target, 0755) < 0 && errno != EEXIST)
        return err_errno(e, -errno, "%s: cannot be made", target);
    if (mount("cgroup", target, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, "none,name=systemd") < 0)
        return err_errno(e, -errno, "mount: cgroup (name=systemd) on %s", target);
    return 0;
}

int step_cgroup_nest(bool required, struct outcome *outcome, struct err *e)
{
    cleanup_text struct text enabled = {0}, refused = {0};
    char *controllers cleanup_free = file_first_line(TOP "/cgroup.controllers");
    unsigned outsider_rounds = 0, moved = 0;
    struct census census = {0};

    int r = check_own(e);
    if (r == 0)
        r = check_type(e);
    if (r < 0)
        return r;
    if (mkdir(TOP "/init", 0755) < 0 && errno != EEXIST) {
        (void)err_errno(e, -errno, "%s/init: cannot be made", TOP);
        return err_hint(e, "%s", CGROUP_WRITABLE_HINT);
    }
    /* Ourselves first: children that are born from now on are in /init already. */
    r = file_write_kernel(TOP "/init/cgroup.procs", "0");
    if (r < 0)
        return err_errno(e, r, "%s/init/cgroup.procs: cannot enter", TOP);

    for (unsigned round = 0; round < ROUNDS; round++) {
        pause_before_round(round);
        census = (struct census){0};
        r = move_all(&census, e);
        if (r < 0)
            return r;
        moved += census.moved;
        if (enable(TOP, controllers ? controllers : "", &enabled, &refused) == 0)
            break;
        /* Somebody is left. If it is nobody whom we could move, only they can end it. */
        outsider_rounds = census.moved == 0 && (census.outsiders || census.stuck) ? outsider_rounds + 1 : 0;
        if (outsider_rounds >= OUTSIDER_ROUNDS)
            break;
    }
    outcome->kind = moved ? OUTCOME_DONE : OUTCOME_ALREADY;
    tell(outcome, &census, text_get(&enabled), text_get(&refused));
    if (required && refused.length) {
        (void)err_set(e, -EBUSY, "cgroup.nesting: required, but %s", outcome->warning);
        return err_hint(e, "mend that, or set cgroup.nesting: auto");
    }
    return 0;
}
