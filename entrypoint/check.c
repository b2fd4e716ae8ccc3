#include "check.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

/* What a probe looks at. It returns true when the requirement is met, and says in *finding what it saw. */
struct subject {
    const struct settings *settings;
    const struct host *host;
};
typedef bool probe(const struct subject *on, struct text *finding);

static bool has(const struct host *host, unsigned capability)
{
    return host->effective & host->bounding & CAPSET_ONE(capability);
}

/* ---- a rootful engine ---- */

static bool probe_capabilities(const struct subject *on, struct text *finding)
{
    capset missing = CAPSET_ENGINE & ~(on->host->effective & on->host->bounding);
    char *names cleanup_free = capset_names(missing);

    text_addf(
        finding, missing ? "missing: %s" : "all that the engine cannot do without%s", missing ? names : "");
    return !missing;
}

static bool probe_sys_ptrace(const struct subject *on, struct text *finding)
{
    bool there = on->host->bounding & CAPSET_ONE(CAP_SYS_PTRACE);

    text_add(finding, there ? "SYS_PTRACE is there" : "SYS_PTRACE is missing");
    return there;
}

static bool probe_seccomp(const struct subject *on, struct text *finding)
{
    const struct host_seccomp *seccomp = &on->host->seccomp;

    if (!seccomp->refused.count) {
        text_add(finding, seccomp->filtered ? "the filter allows what was tried" : "no filter");
        return true;
    }
    char *names cleanup_free = strings_join(&seccomp->refused, ", ");
    text_addf(finding, "the filter refuses %s", names);
    return false;
}

static bool probe_apparmor(const struct subject *on, struct text *finding)
{
    const struct host_apparmor *apparmor = &on->host->apparmor;
    bool confined =
        apparmor->enabled && apparmor->confinement && !str_starts(apparmor->confinement, "unconfined");

    text_addf(finding, "%s",
        !apparmor->enabled ? "this kernel has none"
        : confined         ? "confined by "
                           : "unconfined");
    if (confined)
        text_add(finding, apparmor->confinement);
    return !confined;
}

static bool probe_proc_sys(const struct subject *on, struct text *finding)
{
    const struct host *host = on->host;

    text_add(finding, !host->proc_sys_read_only  ? "/proc/sys is writable"
                      : has(host, CAP_SYS_ADMIN) ? "/proc/sys is read-only, and will be made writable"
                                                 : "/proc/sys is read-only");
    return !host->proc_sys_read_only || has(host, CAP_SYS_ADMIN);
}

static bool probe_cgroup_writable(const struct subject *on, struct text *finding)
{
    const struct host *host = on->host;
    bool read_only = host->cgroup.version == CGROUP_V2 && host->cgroup.read_only;

    text_add(finding, host->cgroup.version != CGROUP_V2 ? "not cgroup v2"
                      : !read_only                      ? "/sys/fs/cgroup is writable"
                      : has(host, CAP_SYS_ADMIN) ? "/sys/fs/cgroup is read-only, and will be made writable"
                                                 : "/sys/fs/cgroup is read-only");
    return !read_only || has(host, CAP_SYS_ADMIN);
}

static bool probe_cgroup_view(const struct subject *on, struct text *finding)
{
    const struct host *host = on->host;
    bool mended = has(host, CAP_SYS_ADMIN) && on->settings->cgroup.namespace_choice == CGROUP_NAMESPACE_AUTO;

    if (host->cgroup.version != CGROUP_V2) {
        text_add(finding, "not cgroup v2");
        return true;
    }
    switch (host->cgroup.view) {
    case CGROUP_VIEW_OWN:
    case CGROUP_VIEW_NESTED:
        text_add(finding, "the root of this container's own cgroup namespace");
        return true;
    case CGROUP_VIEW_HOST:
        text_addf(finding, "the host's tree is in view%s",
            mended ? ", and a namespace of our own will be entered" : "");
        return mended;
    case CGROUP_VIEW_ROOT:
        text_add(finding, "this process is in the machine's root cgroup");
        return false;
    case CGROUP_VIEW_OUTSIDE:
        text_add(finding, "this process is outside of the cgroup that is mounted on /sys/fs/cgroup");
        return false;
    }
    return false;
}

static bool probe_oom_score(const struct subject *on, struct text *finding)
{
    text_addf(finding, "oom_score_adj is %lld", on->host->oom_score_adj);
    return on->host->oom_score_adj <= 0 || has(on->host, CAP_SYS_RESOURCE);
}

static bool probe_gain(const struct subject *on, struct text *finding)
{
    text_add(finding, on->host->no_new_privs ? "no_new_privs is set" : "no_new_privs is not set");
    return !on->host->no_new_privs;
}

static bool probe_device(
    const char *path, const struct subject *on, const struct host_device *device, struct text *finding)
{
    const struct host *host = on->host;
    bool made = host->initial_user_namespace && has(host, CAP_MKNOD) &&
                (device->state == DEVICE_MISSING || (device->state == DEVICE_CLOSED && device->ours));

    switch (device->state) {
    case DEVICE_USABLE:
        text_addf(finding, "%s is there", path);
        return true;
    case DEVICE_MISSING:
        text_addf(finding, "%s is missing%s", path, made ? ", and will be made" : "");
        return made;
    case DEVICE_CLOSED:
        text_addf(finding, "%s is open to root only%s", path, made ? ", and will be opened up" : "");
        return made || host->uid == 0;
    case DEVICE_WRONG:
        text_addf(finding, "%s is something else", path);
        return false;
    }
    return false;
}

static bool probe_tun(const struct subject *on, struct text *finding)
{
    return probe_device("/dev/net/tun", on, &on->host->tun, finding);
}

static bool probe_fuse(const struct subject *on, struct text *finding)
{
    return probe_device("/dev/fuse", on, &on->host->fuse, finding);
}

static bool probe_iptables(const struct subject *on, struct text *finding)
{
    text_addf(finding, "%s", on->host->programs.iptables ? on->host->programs.iptables : "not in PATH");
    return on->host->programs.iptables;
}

static bool probe_engine(const struct subject *on, struct text *finding)
{
    text_addf(finding, "%s", on->host->programs.dockerd ? on->host->programs.dockerd : "not in PATH");
    return on->host->programs.dockerd;
}

static bool probe_data(const struct subject *on, struct text *finding)
{
    text_addf(finding, "%s is %son overlayfs", on->host->data_root, on->host->data_on_overlay ? "" : "not ");
    return !on->host->data_on_overlay;
}

/* ---- a rootless engine ---- */

static bool probe_rootlesskit(const struct subject *on, struct text *finding)
{
    text_addf(finding, "%s", on->host->programs.rootlesskit ? on->host->programs.rootlesskit : "not in PATH");
    return on->host->programs.rootlesskit;
}

static bool probe_subids(const struct subject *on, struct text *finding)
{
    const struct host_rootless *rootless = &on->host->rootless;

    text_addf(finding, "/etc/subuid %s and /etc/subgid %s an entry for uid %u",
        rootless->subuid ? "has" : "lacks", rootless->subgid ? "has" : "lacks", on->host->user.uid);
    return rootless->subuid && rootless->subgid;
}

static bool probe_user_namespaces(const struct subject *on, struct text *finding)
{
    const struct host_rootless *rootless = &on->host->rootless;

    text_add(finding, rootless->userns_clone_off      ? "kernel.unprivileged_userns_clone is not 1"
                      : rootless->user_namespaces_off ? "user.max_user_namespaces is 0"
                                                      : "the kernel allows them");
    return !rootless->userns_clone_off && !rootless->user_namespaces_off;
}

static bool probe_masks(const struct subject *on, struct text *finding)
{
    char *list cleanup_free = strings_join(&on->host->masks, " ");

    text_addf(
        finding, "%s", on->host->masks.count ? "hidden or read-only: " : "all of /proc and /sys is visible");
    text_add(finding, list);
    return !on->host->masks.count;
}

/* ---- the requirements ---- */

static const struct requirement {
    enum mode mode; /* MODE_AUTO: both */
    const char *name;
    bool required;
    probe *probe;
    const char *why;
    struct check_remedy remedy;
} requirements[] = {
    {MODE_AUTO, "engine", true, probe_engine, "it is what is started",
        {.image = "a Docker engine, with dockerd in PATH"}},
    {MODE_ROOTFUL, "capabilities", true, probe_capabilities,
        "the engine mounts, makes namespaces and bridges, and runc refuses to start a container without the "
        "usual ones",
        {.docker = "--privileged, or --cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add SYS_PTRACE",
            .compose = "privileged: true, or cap_add: [SYS_ADMIN, NET_ADMIN, SYS_PTRACE]",
            .kubernetes =
                "securityContext.privileged: true, or capabilities.add: [SYS_ADMIN, NET_ADMIN, SYS_PTRACE]"}},
    {MODE_ROOTFUL, "sys-ptrace", false, probe_sys_ptrace,
        "nested containers of other users than root need it to start",
        {.docker = "--cap-add SYS_PTRACE",
            .compose = "cap_add: [SYS_PTRACE]",
            .kubernetes = "securityContext.capabilities.add: [SYS_PTRACE]"}},
    {MODE_ROOTFUL, "seccomp", true, probe_seccomp,
        "runc gives each container a keyring and a root folder of its own",
        {.docker = "--security-opt seccomp=FILE, with what `dindctl seccomp rootful` prints",
            .compose = "security_opt: [seccomp=FILE], with what `dindctl seccomp rootful` prints",
            .kubernetes = "securityContext.seccompProfile: {type: Localhost, localhostProfile: FILE}, or "
                          "type: Unconfined"}},
    {MODE_ROOTLESS, "seccomp", true, probe_seccomp, "rootlesskit and runc make namespaces and mounts",
        {.docker = "--security-opt seccomp=FILE, with what `dindctl seccomp rootless` prints",
            .compose = "security_opt: [seccomp=FILE], with what `dindctl seccomp rootless` prints",
            .kubernetes = "securityContext.seccompProfile: {type: Localhost, localhostProfile: FILE}, or "
                          "type: Unconfined"}},
    {MODE_AUTO, "apparmor", true, probe_apparmor, "the profile of ordinary containers refuses every mount",
        {.docker = "--security-opt apparmor=unconfined",
            .compose = "security_opt: [apparmor=unconfined]",
            .kubernetes = "securityContext.appArmorProfile.type: Unconfined"}},
    {MODE_ROOTFUL, "proc-sys", true, probe_proc_sys,
        "the engine sets net.ipv4.ip_forward and containers' sysctls",
        {.docker = "--security-opt systempaths=unconfined, or --cap-add SYS_ADMIN",
            .compose = "security_opt: [systempaths=unconfined]",
            .kubernetes = "securityContext.procMount: Unmasked with hostUsers: false"}},
    {MODE_ROOTFUL, "cgroup-writable", true, probe_cgroup_writable,
        "the engine makes a cgroup for each container",
        {.docker =
                "--privileged, --cap-add SYS_ADMIN, or --security-opt writable-cgroups=true (recent engines)",
            .compose = "privileged: true, or cap_add: [SYS_ADMIN]",
            .kubernetes = "CRI-O's annotation io.kubernetes.cri-o.cgroup2-mount-hierarchy-rw: \"true\"",
            .node = "containerd: cgroup_writable = true for the runtime"}},
    {MODE_ROOTFUL, "cgroup-view", false, probe_cgroup_view,
        "nested containers belong below this container's own cgroup, within its limits",
        {.docker = "--cgroupns private",
            .compose = "cgroup: private",
            .kubernetes = "securityContext.capabilities.add: [SYS_ADMIN]"}},
    {MODE_ROOTFUL, "oom-score", false, probe_oom_score,
        "nested containers are started with 0, and lowering it needs CAP_SYS_RESOURCE",
        {.docker = "--cap-add SYS_RESOURCE, or --oom-score-adj 0",
            .compose = "cap_add: [SYS_RESOURCE], or oom_score_adj: 0",
            .kubernetes =
                "securityContext.capabilities.add: [SYS_RESOURCE], or requests equal to limits (class "
                "Guaranteed)"}},
    {MODE_ROOTFUL, "no-new-privs", false, probe_gain,
        "set-user-ID programs and file capabilities have no effect in nested containers",
        {.docker = "leave out --security-opt no-new-privileges",
            .compose = "leave out security_opt: [no-new-privileges]",
            .kubernetes = "securityContext.allowPrivilegeEscalation: true"}},
    {MODE_ROOTLESS, "no-new-privs", true, probe_gain, "newuidmap gains the right to map subordinate ids",
        {.docker = "leave out --security-opt no-new-privileges",
            .compose = "leave out security_opt: [no-new-privileges]",
            .kubernetes = "securityContext.allowPrivilegeEscalation: true"}},
    {MODE_ROOTFUL, "iptables", false, probe_iptables,
        "the engine writes its rules by it, unless told --iptables=false", {.image = "iptables, in PATH"}},
    {MODE_ROOTLESS, "rootlesskit", true, probe_rootlesskit, "it makes the namespaces of the engine",
        {.image = "rootlesskit, in PATH, as the target dind-rootless has it"}},
    {MODE_ROOTLESS, "subordinate-ids", true, probe_subids, "images have files of more users than one",
        {.docker = "--user rootless, or another user with entries",
            .compose = "user: rootless",
            .kubernetes = "securityContext.runAsUser: 1000"}},
    {MODE_ROOTLESS, "user-namespaces", true, probe_user_namespaces, "a rootless engine lives in one",
        {.node = "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=28633"}},
    {MODE_ROOTLESS, "proc-visible", true, probe_masks,
        "the kernel lets nested containers mount /proc only where all of it is visible (mount_too_revealing)",
        {.docker = "--security-opt systempaths=unconfined",
            .compose = "security_opt: [systempaths=unconfined]",
            .kubernetes = "securityContext.procMount: Unmasked with hostUsers: false"}},
    {MODE_ROOTLESS, "tun", true, probe_tun, "the network of a rootless engine goes through it",
        {.docker = "--device /dev/net/tun, with mode 0666 on the host",
            .compose = "devices: [/dev/net/tun]",
            .kubernetes = "a device plugin for /dev/net/tun",
            .node = "modprobe tun; chmod 666 /dev/net/tun"}},
    {MODE_ROOTFUL, "tun", false, probe_tun, "nested rootless engines and VPNs need it",
        {.docker = "--device /dev/net/tun",
            .compose = "devices: [/dev/net/tun]",
            .kubernetes = "a device plugin for /dev/net/tun",
            .node = "modprobe tun"}},
    {MODE_AUTO, "fuse", false, probe_fuse, "fuse-overlayfs and other FUSE filesystems need it",
        {.docker = "--device /dev/fuse",
            .compose = "devices: [/dev/fuse]",
            .kubernetes = "a device plugin for /dev/fuse",
            .node = "modprobe fuse"}},
    {MODE_AUTO, "data-root", false, probe_data,
        "overlayfs on overlayfs does not work: the engine falls back to a storage driver that copies every "
        "file",
        {.docker = "-v VOLUME:/var/lib/docker",
            .compose = "volumes: [VOLUME:/var/lib/docker]",
            .kubernetes = "an emptyDir mounted on /var/lib/docker"}},
};

void checks_run(struct checks *checks, enum mode mode, const struct settings *s, const struct host *host)
{
    const struct subject on = {s, host};
    const size_t most = sizeof(requirements) / sizeof(*requirements);

    *checks = (struct checks){.mode = mode, .items = mem_zero(most, sizeof(*checks->items))};
    for (size_t i = 0; i < most; i++) {
        const struct requirement *r = &requirements[i];
        struct text finding = {0};
        if (r->mode != MODE_AUTO && r->mode != mode)
            continue;
        bool passed = r->probe(&on, &finding);
        checks->items[checks->count++] =
            (struct check){r->name, r->why, r->required, passed, finding.data, r->remedy};
    }
}

void checks_free(struct checks *checks)
{
    for (size_t i = 0; i < checks->count; i++)
        free(checks->items[i].finding);
    free(checks->items);
    *checks = (struct checks){0};
}

bool checks_passed(const struct checks *checks)
{
    for (size_t i = 0; i < checks->count; i++)
        if (checks->items[i].required && !checks->items[i].passed)
            return false;
    return true;
}
