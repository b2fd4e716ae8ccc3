#include "check.h"

#include "entrypoint/check_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct requirement {
    enum mode mode; /* MODE_AUTO: both */
    const char *name;
    bool required;
    check_probe *probe;
    const char *why;
    const char *remedy[CHECK_PLACES]; /* what does not depend on the finding */
    const char *where;
    bool told, privileged;
    int status; /* of a start that has words of its own for it */
} requirements[] = {
    {MODE_AUTO, "engine", true, check_probe_engine, "it is what is started",
        .remedy = {[CHECK_IMAGE] = "a Docker engine, with dockerd in PATH"}, .status = EXIT_NOT_FOUND},
    {MODE_ROOTLESS, "rootlesskit", true, check_probe_rootlesskit, "it makes the namespaces of the engine",
        .remedy = {[CHECK_IMAGE] = "rootlesskit, in PATH; or start the container as root"}, .status = 1},
    {MODE_ROOTLESS, "versions", true, check_probe_versions,
        "an older one fails when the engine is already on its way", .status = EXIT_CONFIG},
    {MODE_ROOTLESS, "identity", true, check_probe_identity,
        "neither the engine nor its containers shall have a right over the host",
        .where = "or start the container as that user: docker run --user, Kubernetes runAsUser"},
    {MODE_ROOTLESS, "subordinate-ids", true, check_probe_subids, "images have files of more users than one",
        .status = 1},
    {MODE_ROOTLESS, "user-namespaces", true, check_probe_user_namespaces, "a rootless engine lives in one",
        .status = 1},
    {MODE_ROOTLESS, "containerd", true, check_probe_containerd,
        "dockerd and a rootless containerd would use the same folder",
        .remedy = {[CHECK_DOCKER] = "-e XDG_RUNTIME_DIR=FOLDER",
            [CHECK_COMPOSE] = "environment: [XDG_RUNTIME_DIR=FOLDER]",
            [CHECK_KUBERNETES] = "env: [{name: XDG_RUNTIME_DIR, value: FOLDER}]"},
        .where = "FOLDER is another one; or stop that containerd and remove its folder", .status = 1},
    {MODE_ROOTLESS, "no-new-privs", true, check_probe_no_new_privs,
        "newuidmap gains the right to map subordinate ids",
        .remedy = {[CHECK_DOCKER] = "--security-opt no-new-privileges=false",
            [CHECK_COMPOSE] = "security_opt: [no-new-privileges=false]",
            [CHECK_KUBERNETES] = "securityContext.allowPrivilegeEscalation: true"}},
    {MODE_ROOTLESS, "id-maps", true, check_probe_idmap,
        "newuidmap and newgidmap write the maps of the engine's user namespace", .privileged = true},
    {MODE_ROOTFUL, "capabilities", true, check_probe_capabilities,
        "the engine mounts, makes namespaces and bridges, and runc refuses to start a container without the "
        "usual ones",
        .privileged = true},
    {MODE_ROOTFUL, "sys-ptrace", false, check_probe_sys_ptrace,
        "nested containers of other users than root need it to start",
        .remedy = {[CHECK_DOCKER] = "--cap-add SYS_PTRACE",
            [CHECK_COMPOSE] = "cap_add: [SYS_PTRACE]",
            [CHECK_KUBERNETES] = "securityContext.capabilities.add: [SYS_PTRACE]"},
        .told = true, .privileged = true},
    {MODE_ROOTFUL, "seccomp", true, check_probe_seccomp,
        "the engine makes namespaces, and runc gives each container a keyring and a root folder of its own",
        .remedy = {[CHECK_DOCKER] = "--security-opt seccomp=FILE",
            [CHECK_COMPOSE] = "security_opt: [seccomp=FILE]",
            [CHECK_KUBERNETES] = "securityContext.seccompProfile: {type: Localhost, localhostProfile: FILE}"},
        .where = "FILE holds what `dindctl seccomp rootful` prints", .privileged = true},
    {MODE_ROOTLESS, "seccomp", true, check_probe_seccomp, "rootlesskit and runc make namespaces and mounts",
        .remedy = {[CHECK_DOCKER] = "--security-opt seccomp=FILE",
            [CHECK_COMPOSE] = "security_opt: [seccomp=FILE]",
            [CHECK_KUBERNETES] = "securityContext.seccompProfile: {type: Localhost, localhostProfile: FILE}"},
        .where = "FILE holds what `dindctl seccomp rootless` prints", .privileged = true},
    {MODE_AUTO, "apparmor", true, check_probe_apparmor,
        "the profile of ordinary containers refuses every mount",
        .remedy = {[CHECK_DOCKER] = "--security-opt apparmor=unconfined",
            [CHECK_COMPOSE] = "security_opt: [apparmor=unconfined]",
            [CHECK_KUBERNETES] = "securityContext.appArmorProfile.type: Unconfined"},
        .privileged = true},
    {MODE_ROOTLESS, "apparmor-userns", true, check_probe_apparmor_userns,
        "the kernel then takes all capabilities from a user namespace that an ordinary user makes",
        .remedy = {[CHECK_NODE] =
                       "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or load a profile with "
                       "the rule \"userns,\" and name it with --security-opt apparmor=PROFILE"}},
    {MODE_ROOTFUL, "proc-sys", true, check_probe_proc_sys,
        "the engine sets net.ipv4.ip_forward and containers' sysctls", .privileged = true},
    {MODE_ROOTLESS, "proc-visible", true, check_probe_masks,
        "the kernel lets nested containers mount /proc only where all of it is visible (mount_too_revealing)",
        .remedy = {[CHECK_DOCKER] = "--security-opt systempaths=unconfined",
            [CHECK_COMPOSE] = "security_opt: [systempaths=unconfined]",
            [CHECK_KUBERNETES] = "securityContext.procMount: Unmasked, and hostUsers: false"},
        .privileged = true},
    {MODE_ROOTFUL, "proc-visible", false, check_probe_masks,
        "in a user namespace nested containers may mount /proc only where all of it is visible",
        .remedy = {[CHECK_DOCKER] = "--security-opt systempaths=unconfined",
            [CHECK_COMPOSE] = "security_opt: [systempaths=unconfined]",
            [CHECK_KUBERNETES] = "securityContext.procMount: Unmasked, and hostUsers: false"}},
    {MODE_ROOTFUL, "cgroup-writable", true, check_probe_cgroup_writable,
        "the engine makes a cgroup for each container",
        .remedy = {[CHECK_DOCKER] = "--security-opt writable-cgroups=true",
            [CHECK_COMPOSE] = "security_opt: [writable-cgroups=true]",
            [CHECK_KUBERNETES] = "CRI-O: the annotation io.kubernetes.cri-o.cgroup2-mount-hierarchy-rw: "
                                 "\"true\"",
            [CHECK_NODE] = "containerd: cgroup_writable = true for the runtime"},
        .privileged = true},
    {MODE_ROOTFUL, "cgroup-view", false, check_probe_cgroup_view,
        "nested containers belong below this container's own cgroup, within its limits",
        .remedy = {[CHECK_DOCKER] = "--cgroupns private",
            [CHECK_COMPOSE] = "cgroup: private",
            [CHECK_KUBERNETES] = "securityContext.capabilities.add: [SYS_ADMIN]"}},
    {MODE_ROOTFUL, "oom-score", false, check_probe_oom_score,
        "nested containers cannot be given a lower one and will fail to start",
        .remedy = {[CHECK_DOCKER] = "--oom-score-adj 0",
            [CHECK_COMPOSE] = "oom_score_adj: 0",
            [CHECK_KUBERNETES] = "securityContext.capabilities.add: [SYS_RESOURCE], or requests equal to "
                                 "limits (class Guaranteed)"},
        .told = true, .privileged = true},
    {MODE_ROOTFUL, "no-new-privs", false, check_probe_no_new_privs,
        "set-user-ID programs and file capabilities have no effect in nested containers",
        .remedy = {[CHECK_DOCKER] = "--security-opt no-new-privileges=false",
            [CHECK_COMPOSE] = "security_opt: [no-new-privileges=false]",
            [CHECK_KUBERNETES] = "securityContext.allowPrivilegeEscalation: true"},
        .told = true},
    {MODE_ROOTFUL, "engine-version", false, check_probe_engine_version,
        "before 23 it asks for capabilities that it does not have, and `docker run --privileged` fails "
        "inside",
        .remedy = {[CHECK_IMAGE] = "an engine of version 23 or later",
            [CHECK_SETTINGS] = "capabilities.profile: compat"},
        .told = true},
    {MODE_ROOTFUL, "iptables", false, check_probe_iptables,
        .why = "the engine writes its rules by it, unless told --iptables=false"},
    {MODE_ROOTFUL, "ipv6-nat", false, check_probe_ipv6_nat,
        "networks with IPv6 have their addresses translated, unless told --ip6tables=false",
        .remedy = {[CHECK_NODE] = "modprobe nft_chain_nat, or modprobe ip6table_nat"}},
    {MODE_ROOTLESS, "access-rules", true, check_probe_access,
        "the rules are made in this container's network, before root is given up",
        .remedy = {[CHECK_SETTINGS] = "api.tcp.enabled: false"},
        .where = "root and the capability are given up before the engine starts; where particular clients "
                 "are meant rather than places, give them certificates (tls.clients), and leave out "
                 "api.allow",
        .privileged = true},
    {MODE_ROOTLESS, "tun", true, check_probe_tun, "the network of a rootless engine goes through it",
        .remedy = {[CHECK_DOCKER] = "--device /dev/net/tun",
            [CHECK_COMPOSE] = "devices: [/dev/net/tun]",
            [CHECK_KUBERNETES] = "a device plugin for /dev/net/tun",
            [CHECK_NODE] = "modprobe tun; chmod 666 /dev/net/tun"},
        .privileged = true},
    {MODE_ROOTFUL, "tun", false, check_probe_tun, "nested rootless engines and VPNs need it",
        .remedy = {[CHECK_DOCKER] = "--device /dev/net/tun",
            [CHECK_COMPOSE] = "devices: [/dev/net/tun]",
            [CHECK_KUBERNETES] = "a device plugin for /dev/net/tun",
            [CHECK_NODE] = "modprobe tun"}},
    {MODE_AUTO, "fuse", false, check_probe_fuse, "fuse-overlayfs and other FUSE filesystems need it",
        .remedy = {[CHECK_DOCKER] = "--device /dev/fuse",
            [CHECK_COMPOSE] = "devices: [/dev/fuse]",
            [CHECK_KUBERNETES] = "a device plugin for /dev/fuse",
            [CHECK_NODE] = "modprobe fuse; chmod 666 /dev/fuse"}},
    {MODE_AUTO, "data-root", false, check_probe_data,
        "overlayfs on overlayfs does not work, and the engine falls back to a storage driver that copies "
        "every file",
        .where = "VOLUME is the name of a volume"},
    {MODE_ROOTLESS, "data-flags", false, check_probe_data_flags,
        "set-user-ID programs and device nodes in volumes have no effect",
        .where = "VOLUME is a volume on a mount without them"},
    {MODE_AUTO, "clock", false, check_probe_clock,
        "certificates are valid from one date to another, on both ends",
        .remedy = {[CHECK_NODE] = "timedatectl set-ntp true, or date -s DATE"}, .told = true},
};

void check_advise(struct check *check, enum check_place place, const char *format, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    free(check->remedy[place]);
    check->remedy[place] = str_dup(text);
}

static void forget_remedies(struct check *check)
{
    for (size_t place = 0; place < CHECK_PLACES; place++)
        free(take(check->remedy[place]));
}

static void judge(const struct requirement *r, const struct check_input *in, struct check *check)
{
    struct text finding = {0};

    *check = (struct check){.name = r->name,
        .why = r->why,
        .required = r->required,
        .told = r->told,
        .privileged = r->privileged && in->host->initial_user_namespace, /* refused in another one */
        .where = r->where};
    for (size_t place = 0; place < CHECK_PLACES; place++)
        check->remedy[place] = r->remedy[place] ? str_dup(r->remedy[place]) : NULL;
    check->passed = r->probe(in, check, &finding);
    check->finding = finding.data ? finding.data : str_dup("");
    if (check->start)
        check->status = r->status;
    if (check->passed)
        forget_remedies(check);
}

void checks_run(struct checks *checks, enum mode mode, const struct check_input *in)
{
    const size_t most = sizeof(requirements) / sizeof(*requirements);

    *checks = (struct checks){.mode = mode, .items = mem_zero(most, sizeof(*checks->items))};
    for (size_t i = 0; i < most; i++)
        if (requirements[i].mode == MODE_AUTO || requirements[i].mode == mode)
            judge(&requirements[i], in, &checks->items[checks->count++]);
}

void checks_free(struct checks *checks)
{
    for (size_t i = 0; i < checks->count; i++) {
        free(checks->items[i].finding);
        free(checks->items[i].start);
        forget_remedies(&checks->items[i]);
    }
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
