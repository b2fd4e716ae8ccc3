/* What a rootful engine needs, and what both modes do. */
#include "check_parts.h"

#include "config/dockerd_flags.h"
#include "config/mounts.h"

#include <jansson.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The year 2100: later is no date that a machine has been set to. */
#define LATEST_TIME 4102444800LL

static bool has(const struct host *host, unsigned capability)
{
    return host->effective & host->bounding & CAPSET_ONE(capability);
}

void check_advise_root(struct check *check, const char *docker, const char *compose, const char *kubernetes)
{
    check->by_root = true;
    check_advise(check, CHECK_DOCKER, "--user 0 -e DIND_MODE=rootless %s", docker);
    check_advise(check, CHECK_COMPOSE, "user: \"0\"; environment: [DIND_MODE=rootless]; %s", compose);
    check_advise(check, CHECK_KUBERNETES,
        "securityContext.runAsUser: 0 and the variable DIND_MODE=rootless; %s", kubernetes);
}

void check_advise_capabilities(struct check *check, capset missing)
{
    cleanup_text struct text flags = {0};
    cleanup_strings struct strings names = {0};
    char *all cleanup_free = capset_names(missing);

    strings_split(&names, all, " ");
    for (size_t i = 0; i < names.count; i++)
        text_addf(&flags, "%s--cap-add %s", i ? " " : "", names.items[i]);
    char *list cleanup_free = strings_join(&names, ", ");
    check_advise(check, CHECK_DOCKER, "%s", text_get(&flags));
    check_advise(check, CHECK_COMPOSE, "cap_add: [%s]", list);
    check_advise(check, CHECK_KUBERNETES, "securityContext.capabilities.add: [%s]", list);
}

/* All that the engine should have and this process has not. Other requirements that hang on one of them
 * advise the same, so that the advice is one. */
static void advise_engine_capabilities(const struct check_input *in, struct check *check)
{
    const struct host *host = in->host;

    check_advise_capabilities(
        check, (CAPSET_ENGINE | CAPSET_ONE(CAP_SYS_PTRACE)) & ~(host->effective & host->bounding));
}

bool check_probe_capabilities(const struct check_input *in, struct check *check, struct text *finding)
{
    capset missing = CAPSET_ENGINE & ~(in->host->effective & in->host->bounding);
    cleanup_strings struct strings names = {0};
    char *all cleanup_free = capset_names(missing);

    if (!missing) {
        text_add(finding, "all that the engine cannot do without");
        return true;
    }
    strings_split(&names, all, " ");
    text_add(finding, "missing:");
    for (size_t i = 0; i < names.count; i++)
        text_addf(finding, " CAP_%s", names.items[i]);
    advise_engine_capabilities(in, check);
    return false;
}

bool check_probe_sys_ptrace(const struct check_input *in, struct check *check, struct text *finding)
{
    bool there = in->host->bounding & CAPSET_ONE(CAP_SYS_PTRACE);

    (void)check;
    text_addf(finding, "CAP_SYS_PTRACE is %s", there ? "there" : "missing");
    return there;
}

bool check_probe_seccomp(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host_seccomp *seccomp = &in->host->seccomp;

    (void)check;
    if (!seccomp->refused.count) {
        text_add(finding, seccomp->filtered ? "the filter allows what was tried" : "no filter");
        return true;
    }
    char *names cleanup_free = strings_join(&seccomp->refused, ", ");
    text_addf(finding, "the filter refuses %s", names);
    return false;
}

/* The profiles that Docker, containerd, CRI-O and Podman give to ordinary containers. Another one may have
 * been made for this. */
static bool ordinary_profile(const char *confinement)
{
    static const char *const names[] = {
        "docker-default", "cri-containerd.apparmor.d", "crio-default", "containers-default-"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (str_starts(confinement, names[i]))
            return strstr(confinement, "(enforce)");
    return false;
}

bool check_probe_apparmor(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host_apparmor *apparmor = &in->host->apparmor;
    const char *confinement = apparmor->confinement;

    (void)check;
    if (!apparmor->enabled || !confinement || str_starts(confinement, "unconfined")) {
        text_add(finding, apparmor->enabled ? "unconfined" : "this kernel has none");
        return true;
    }
    bool ordinary = ordinary_profile(confinement);
    text_addf(finding, "confined by %s%s", confinement,
        ordinary ? "" : ": whether that allows what the engine does is not known");
    return !ordinary;
}

bool check_probe_proc_sys(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host *host = in->host;
    bool mended = has(host, CAP_SYS_ADMIN);

    text_addf(finding, "/proc/sys is %s",
        !host->proc_sys_read_only      ? "writable"
        : !mended                      ? "read-only"
        : host->initial_user_namespace ? "read-only, and will be made writable"
                                       : "read-only, and will be made writable if it is not locked");
    if (host->proc_sys_read_only && !mended)
        advise_engine_capabilities(in, check);
    return !host->proc_sys_read_only || mended;
}

bool check_probe_cgroup_writable(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host *host = in->host;
    const struct host_cgroup *cgroup = &host->cgroup;
    bool mended = has(host, CAP_SYS_ADMIN) && host->initial_user_namespace;

    if (cgroup->version != CGROUP_V2) {
        text_add(finding, "not cgroup v2");
        return true;
    }
    if (cgroup->foreign) {
        text_add(finding, "/sys/fs/cgroup belongs to a user outside of this user namespace");
        return false;
    }
    text_addf(finding, "/sys/fs/cgroup is %s",
        !cgroup->read_only ? "writable"
        : mended           ? "read-only, and will be made writable"
                           : "read-only");
    if (!cgroup->read_only || mended)
        return true;
    if (host->initial_user_namespace)
        advise_engine_capabilities(in, check);
    return false;
}

bool check_probe_cgroup_view(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host *host = in->host;
    bool mended = has(host, CAP_SYS_ADMIN) && in->settings->cgroup.namespace_choice == CGROUP_NAMESPACE_AUTO;

    (void)check;
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

bool check_probe_oom_score(const struct check_input *in, struct check *check, struct text *finding)
{
    bool positive = in->host->oom_score_adj > 0, mended = has(in->host, CAP_SYS_RESOURCE);

    (void)check;
    text_addf(finding, "oom_score_adj is %lld%s", in->host->oom_score_adj,
        !positive ? ""
        : mended  ? ", which CAP_SYS_RESOURCE may lower"
                  : " and CAP_SYS_RESOURCE is missing");
    return !positive || mended;
}

bool check_probe_no_new_privs(const struct check_input *in, struct check *check, struct text *finding)
{
    (void)check;
    text_addf(finding, "no_new_privs is %s", in->host->no_new_privs ? "set" : "not set");
    return !in->host->no_new_privs;
}

static bool probe_device(
    const char *path, const struct host *host, const struct host_device *device, struct text *finding)
{
    bool opened = host->uid == 0 && device->state == DEVICE_CLOSED && device->ours;
    bool made =
        opened || (host->initial_user_namespace && has(host, CAP_MKNOD) && device->state == DEVICE_MISSING);

    switch (device->state) {
    case DEVICE_USABLE:
        text_addf(finding, "%s is there", path);
        return true;
    case DEVICE_MISSING:
        text_addf(finding, "%s is missing%s", path,
            made ? ", and will be made; whether the device cgroup lets it be opened is seen only then" : "");
        return made;
    case DEVICE_CLOSED:
        text_addf(finding, "%s is open to root only%s", path, made ? ", and will be opened up" : "");
        return made || host->user.uid == 0;
    case DEVICE_WRONG:
        text_addf(finding, "%s is something else", path);
        return false;
    }
    return false;
}

/* Drivers of rootlesskit that make no tap device. */
static bool needs_tun(const char *driver)
{
    return !str_equal(driver, "host") && !str_equal(driver, "none") && !str_equal(driver, "lxc-user-nic");
}

bool check_probe_tun(const struct check_input *in, struct check *check, struct text *finding)
{
    /* docker run --device copies the mode of the host's node, and many hosts have it for root alone. */
    if (in->host->uid != 0 && in->host->tun.state == DEVICE_CLOSED) {
        check_advise_root(
            check, "--device /dev/net/tun", "devices: [/dev/net/tun]", "a device plugin for /dev/net/tun");
        check->where =
            "as root it opens the node up before it becomes the user, with SETUID and SETGID alone";
    }
    if (in->host->uid != 0 && !needs_tun(in->settings->rootless.net)) {
        text_addf(finding, "rootless.net: %s does without", in->settings->rootless.net);
        return true;
    }
    return probe_device("/dev/net/tun", in->host, &in->host->tun, finding);
}

bool check_probe_fuse(const struct check_input *in, struct check *check, struct text *finding)
{
    (void)check;
    return probe_device("/dev/fuse", in->host, &in->host->fuse, finding);
}

static const char *in_kernel(enum netfilter_state state)
{
    switch (state) {
    case NETFILTER_THERE:
        return "is in the kernel";
    case NETFILTER_LOADABLE:
        return "can be loaded";
    case NETFILTER_ABSENT:
        return "is not in this kernel";
    case NETFILTER_UNKNOWN:
        break;
    }
    return "is not known before it is used";
}

bool check_probe_iptables(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host_netfilter *netfilter = &in->host->netfilter;
    const char *program = in->host->programs.iptables;
    bool none = netfilter->nf_tables == NETFILTER_ABSENT && netfilter->ip_tables == NETFILTER_ABSENT;

    if (!program) {
        text_add(finding, "iptables is not in PATH");
        check_advise(check, CHECK_IMAGE, "iptables, in PATH");
        return false;
    }
    if (netfilter->nf_tables == NETFILTER_UNKNOWN && netfilter->ip_tables == NETFILTER_UNKNOWN)
        text_addf(finding, "%s; what the kernel has for it is not known before it is used", program);
    else
        text_addf(finding, "%s; nf_tables %s, ip_tables %s", program, in_kernel(netfilter->nf_tables),
            in_kernel(netfilter->ip_tables));
    if (none)
        check_advise(check, CHECK_NODE, "a kernel with nf_tables: modprobe nf_tables");
    return !none;
}

bool check_probe_ipv6_nat(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host_netfilter *netfilter = &in->host->netfilter;

    (void)check;
    if (!netfilter->ipv6) {
        text_add(finding, "no IPv6 here");
        return true;
    }
    text_addf(finding, "address translation for IPv6 %s", in_kernel(netfilter->ipv6_nat));
    return netfilter->ipv6_nat != NETFILTER_ABSENT;
}

bool check_probe_engine(const struct check_input *in, struct check *check, struct text *finding)
{
    const char *path = in->host->programs.dockerd;

    text_add(finding, path ? path : "dockerd is not in PATH");
    if (!path)
        check->start = str_format("dockerd: not found in PATH (%s)", in->host->path);
    return path;
}

bool check_probe_data(const struct check_input *in, struct check *check, struct text *finding)
{
    const struct host *host = in->host;

    if (mounts_bring(in->settings, host->data_root)) {
        text_addf(finding, "%s comes by mounts.extra", host->data_root);
        return true;
    }
    if (host->data_closed) {
        text_addf(finding, "%s cannot be looked at", host->data_root);
        check_advise(check, CHECK_IMAGE, "make the folders above %s accessible for uid %u", host->data_root,
            host->user.uid);
        return false;
    }
    text_addf(finding, "%s is %son overlayfs", host->data_root, host->data_on_overlay ? "" : "not ");
    check_advise(check, CHECK_DOCKER, "-v VOLUME:%s", host->data_root);
    check_advise(check, CHECK_COMPOSE, "volumes: [VOLUME:%s]", host->data_root);
    check_advise(check, CHECK_KUBERNETES, "an emptyDir mounted on %s", host->data_root);
    return !host->data_on_overlay;
}

bool check_probe_clock(const struct check_input *in, struct check *check, struct text *finding)
{
    time_t now = (time_t)in->host->now;
    struct tm utc = {0};
    char date[32] = "";

    (void)check;
    if (gmtime_r(&now, &utc))
        (void)strftime(date, sizeof(date), "%Y-%m-%d", &utc);
    bool early = in->host->now<in->host->built, late = in->host->now> LATEST_TIME;
    text_addf(finding, "it is %s%s", date, early ? ", which is before this program was made" : "");
    return !early && !late;
}

/* From 23 on the engine takes what it has as all there is (moby daemon/pkg/oci/caps, the kernel's own set
 * before that). */
bool check_probe_engine_version(const struct check_input *in, struct check *check, struct text *finding)
{
    enum { FIRST_THAT_LOOKS = 23 };
    const struct program_version version = program_version_read(in->engine_version);

    (void)check;
    if (in->settings->capabilities.profile == PROFILE_COMPAT) {
        text_add(finding, "capabilities.profile is compat, which any version can do with");
        return true;
    }
    if (!version.known)
        text_add(finding, "not known");
    else
        text_addf(finding, "dockerd is of version %lld", version.major);
    return !program_version_before(&version, FIRST_THAT_LOOKS, 0);
}
