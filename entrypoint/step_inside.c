/*
 * The second stage of a rootless start, as root of rootlesskit's namespaces. Should: give the engine what its
 * own dockerd-rootless.sh gives it there. Must not: touch what lies outside. Not earlier: the namespaces are
 * rootlesskit's. Not later: the engine reads all of it when it starts.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "entrypoint/access.h"
#include "entrypoint/steps.h"
#include "entrypoint/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- /run and /etc, which are copies ---- */

static int run_links(struct outcome *outcome, struct err *e)
{
    static const char *const names[] = {"/run/docker", "/run/containerd", "/run/xtables.lock"};
    struct stat st;
    int r = 0;

    outcome->kind = OUTCOME_ALREADY;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (lstat(names[i], &st) < 0 || !S_ISLNK(st.st_mode))
            continue;
        outcome->kind = OUTCOME_DONE;
        if (unlink(names[i]) < 0 && r == 0)
            r = err_errno(e, -errno,
                "%s cannot be removed from the copy of /run, and the engine may take what lies outside for "
                "its own",
                names[i]);
    }
    return r;
}

static bool selinux_is_on(void)
{
    cleanup_text struct text filesystems = {0};
    struct err ignored;
    char *context cleanup_free = file_first_line("/proc/self/attr/current");

    return context && strchr(context, ':') &&
           file_read_kernel("/proc/filesystems", &filesystems, &ignored) == 0 &&
           strstr(text_get(&filesystems), "\tselinuxfs\n");
}

/* moby issue 41230. What lies outside keeps its own label. */
static int run_label(struct outcome *outcome, struct err *e)
{
    static const char label[] = "system_u:object_r:iptables_var_run_t:s0";

    outcome->kind = OUTCOME_ALREADY;
    if (!selinux_is_on())
        return 0;
    outcome->kind = OUTCOME_DONE;
    if (lsetxattr("/run", "security.selinux", label, sizeof(label), 0) == 0)
        return 0;
    (void)err_errno(e, -errno, "/run cannot be labelled for iptables");
    return err_hint(e, "on the node: setenforce 0, or a policy that lets iptables write there");
}

/* rootlesskit issue 225. */
static int ca_certificates(struct outcome *outcome, struct err *e)
{
    static const char path[] = "/etc/ssl";
    struct statfs fs;
    struct stat st;

    outcome->kind = OUTCOME_ALREADY;
    if (statfs("/etc", &fs) < 0 || fs.f_type != TMPFS_MAGIC || lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
        return 0;
    char *real cleanup_free = realpath(path, NULL);
    if (!real || !file_is_folder(real))
        return 0;
    outcome->kind = OUTCOME_DONE;
    if (unlink(path) == 0 && mkdir(path, 0755) == 0 && mount(real, path, NULL, MS_BIND | MS_REC, NULL) == 0) {
        (void)snprintf(outcome->detail, sizeof(outcome->detail), "%s laid on %s", real, path);
        return 0;
    }
    int cause = -errno;
    (void)rmdir(path);
    bool restored = symlink(real, path) == 0; /* as it was: most programs follow it */
    (void)err_errno(e, cause, "%s cannot be laid on %s, %s", real, path,
        restored ? "and not everything finds CA certificates by the link that is there"
                 : "and the link that was there is gone: the engine finds no CA certificates");
    return err_hint(e, "make %s a folder of the image", path);
}

/* ---- the network ---- */

static int forward(struct err *e)
{
    static const struct {
        const char *path, *value;
    } sysctls[] = {
        /* slirp4netns announces the way out by IPv6, and who forwards forgets what was announced (kernel
         * Documentation/networking/ip-sysctl.rst, accept_ra): before forwarding. */
        {"/proc/sys/net/ipv6/conf/tap0/accept_ra", "2"},
        {"/proc/sys/net/ipv4/ip_forward", "1"},
        {"/proc/sys/net/ipv6/conf/all/forwarding", "1"},
    };
    cleanup_text struct text failed = {0};
    int code = 0;

    for (size_t i = 0; i < sizeof(sysctls) / sizeof(*sysctls); i++) {
        int r = file_write_kernel(sysctls[i].path, sysctls[i].value);
        /* -ENOENT: this kernel has no IPv6, or the network no such interface. */
        if (r == 0 || r == -ENOENT)
            continue;
        text_addf(&failed, "%s: %s; ", sysctls[i].path, err_words(r));
        code = r;
    }
    if (code == 0)
        return 0;
    (void)err_set(e, code,
        "%snested containers may have no network with the engine's firewall backend nftables, and no way out "
        "by "
        "IPv6",
        text_get(&failed));
    return err_hint(e,
        "give the container a writable /proc/sys: docker run --security-opt systempaths=unconfined, "
        "Kubernetes procMount: Unmasked");
}

/* /proc/sys/net shows the namespace of whoever asks. Into the outer one, which we are in, there is no way
 * back for us: a child goes, and tells by memory that it shares with us. */
static int forward_detached(int netns, struct err *told)
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0)
        return err_errno(told, -errno, "fork");
    if (pid == 0) {
        if (setns(netns, CLONE_NEWNET) < 0)
            (void)err_errno(told, -errno,
                "the detached network namespace cannot be entered, and nested containers may have no "
                "network");
        else
            (void)forward(told);
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_errno(told, -errno, "waitpid");
    if (status != 0)
        return err_set(told, -EINTR, "killed in the detached network namespace");
    return told->code;
}

/* The network namespace of the engine's containers: ours, or with --detach-netns one beside us. */
static int forwarding(const char *state, struct outcome *outcome, struct err *e)
{
    char *path cleanup_free = str_format("%s/netns", state);
    cleanup_close int netns = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    outcome->kind = OUTCOME_DONE;
    if (netns < 0)
        return errno == ENOENT ? forward(e) : err_errno(e, -errno, "%s", path);
    struct err *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        return err_errno(e, -errno, "mmap");
    int r = forward_detached(netns, told);
    if (r < 0)
        *e = *told;
    (void)munmap(told, sizeof(*told));
    return r;
}

/* What comes from outside has passed the rules out there, and comes by what is here now; nested containers
 * come by interfaces that their networks bring. */
static int access_inside(const struct inside *inside, struct outcome *outcome, struct err *e)
{
    cleanup_strings struct strings everybody = {0}, interfaces = {0};
    struct access_rules rules = {.port = inside->child.guarded_port, .sources = &everybody};

    strings_add(&everybody, "0.0.0.0/0");
    strings_add(&everybody, "::/0");
    int r = access_put_in_place(&rules, &interfaces, NULL, inside->path, e);
    if (r < 0)
        return err_prefix(e, "in rootlesskit's network");
    char *by cleanup_free = strings_join(&interfaces, ", ");
    outcome->kind = OUTCOME_DONE;
    (void)snprintf(
        outcome->detail, sizeof(outcome->detail), "TCP port %lld only by %s", inside->child.guarded_port, by);
    return 0;
}

/* ---- storage ---- */

static int storage_inside(const char *data_root, struct outcome *outcome, struct err *e)
{
    struct err failed = {0};

    outcome->kind = OUTCOME_DONE;
    if (storage_try_overlay(data_root, &failed) == 0)
        return 0;
    (void)err_set(e, failed.code,
        "%s: the engine takes fuse-overlayfs where that and /dev/fuse are there, else vfs, which copies "
        "every "
        "file for every layer and container",
        failed.what);
    return err_hint(e, "put the data on a volume of ext4 or xfs, and use a kernel of 5.11 or newer; "
                       "storage.driver chooses by hand");
}

static int run(void *context, const struct step *step, struct outcome *outcome, struct err *e)
{
    const struct inside *inside = context;

    switch (step->kind) {
    case STEP_RUN_LINKS:
        return run_links(outcome, e);
    case STEP_RUN_LABEL:
        return run_label(outcome, e);
    case STEP_CA_CERTIFICATES:
        return ca_certificates(outcome, e);
    case STEP_FORWARDING:
        return forwarding(inside->state, outcome, e);
    case STEP_ACCESS_INSIDE:
        return access_inside(inside, outcome, e);
    case STEP_STORAGE_INSIDE:
        return storage_inside(inside->child.data_root, outcome, e);
    case STEP_ACCOUNTS:
    case STEP_SYS_WRITABLE:
    case STEP_UNMASK:
    case STEP_CGROUP_WRITABLE:
    case STEP_CGROUP_NAMESPACE:
    case STEP_CGROUP_SYSTEMD:
    case STEP_SECURITYFS:
    case STEP_APPARMOR:
    case STEP_TMP:
    case STEP_EXTRA_MOUNT:
    case STEP_PROPAGATION:
    case STEP_DEVICES:
    case STEP_STORAGE:
    case STEP_CGROUP_NEST:
    case STEP_CGROUP_DELEGATE:
    case STEP_OOM_SCORE:
    case STEP_IPTABLES:
    case STEP_ACCESS:
    case STEP_IDMAP:
    case STEP_USER_FOLDERS:
    case STEP_PID_FILES:
    case STEP_CERTIFICATES:
    case STEP_DAEMON_CONFIG:
    case STEP_SOCKETS:
    case STEP_RECORD:
    case STEP_READY_FILE:
    case STEP_BOUNDING_SET:
    case STEP_IDENTITY:
    case STEP_CAPABILITIES:
        break; /* the first stage's: steps.c */
    }
    return err_set(e, -EINVAL, "plan: unknown step %d", (int)step->kind);
}

struct system steps_system_inside(struct inside *inside)
{
    return (struct system){.context = inside, .run = run, .inside = true};
}
