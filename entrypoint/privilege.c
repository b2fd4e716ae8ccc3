#include "privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>

/* Why the engine needs what is in no container's default set. */
static const struct {
    unsigned number;
    const char *why;
} reasons[] = {
    {CAP_SYS_ADMIN, "mounts filesystems and makes the namespaces of containers"},
    {CAP_NET_ADMIN, "makes bridges, addresses and packet filter rules"},
};

static void missing_capabilities(const struct host *host, struct text *missing)
{
    capset lacking = CAPSET_ENGINE & ~(host->effective & host->bounding);
    cleanup_text struct text usual = {0};

    for (unsigned number = 0; number < 64; number++) {
        if (!(lacking & CAPSET_CONTAINER & CAPSET_ONE(number)))
            continue;
        char *name cleanup_free = capset_names(CAPSET_ONE(number));
        text_addf(&usual, "%sCAP_%s", usual.length ? " " : "", name);
    }
    if (usual.length)
        text_addf(missing,
            "\n  - %s: in the default set of every container, and runc refuses to start one without",
            text_get(&usual));
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        if (!(lacking & CAPSET_ONE(reasons[i].number)))
            continue;
        char *name cleanup_free = capset_names(CAPSET_ONE(reasons[i].number));
        text_addf(missing, "\n  - CAP_%s: %s", name, reasons[i].why);
    }
}

int privilege_check_rootful(const struct host *host, struct err *e)
{
    cleanup_text struct text missing = {0};

    missing_capabilities(host, &missing);
    /* With CAP_SYS_ADMIN both are made writable. */
    bool fixed = host->effective & host->bounding & CAPSET_ONE(CAP_SYS_ADMIN);
    if (!fixed && host->cgroup.version == CGROUP_V2 && host->cgroup.read_only)
        text_add(&missing, "\n  - /sys/fs/cgroup is read-only: the engine makes a cgroup for each container");
    if (!fixed && host->proc_sys_read_only)
        text_add(&missing,
            "\n  - /proc/sys is read-only: the engine sets net.ipv4.ip_forward and containers' sysctls");
    if (!missing.length)
        return 0;

    (void)err_set(
        e, -EPERM, "this container lacks what a rootful Docker engine needs:%s", text_get(&missing));
    (void)err_status(e, EXIT_PRIVILEGE);
    return err_hint(e,
        "docker run:  add --privileged\n"
        "       or:   --cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add SYS_PTRACE --security-opt "
        "seccomp=FILE, with\n"
        "             what `dindctl seccomp rootful` prints as FILE; on AppArmor hosts --security-opt "
        "apparmor=unconfined too\n"
        "Compose:     add privileged: true to the service, or cap_add and security_opt with the same words\n"
        "Kubernetes:  set securityContext.privileged: true on the container, or capabilities.add: "
        "[SYS_ADMIN, NET_ADMIN,\n"
        "             SYS_PTRACE] and seccompProfile.type: Localhost with that file\n"
        "What is not needed is given up before the engine starts (capabilities.profile). Without any "
        "privilege over the\n"
        "host, use the rootless image as its own user instead.");
}

void privilege_notes_rootful(const struct host *host, struct strings *notes)
{
    if (!(host->bounding & CAPSET_ONE(CAP_SYS_PTRACE)))
        strings_add(notes,
            "CAP_SYS_PTRACE is missing: nested containers that run as another user than root will fail to "
            "start; "
            "add it (docker run --cap-add SYS_PTRACE, Kubernetes capabilities.add: [SYS_PTRACE])");
    if (host->oom_score_adj > 0 && !(host->bounding & CAPSET_ONE(CAP_SYS_RESOURCE)))
        strings_addf(notes,
            "oom_score_adj is %lld and CAP_SYS_RESOURCE is missing: nested containers cannot be given a "
            "lower one and will "
            "fail to start; add SYS_RESOURCE, or give the pod guaranteed resources",
            host->oom_score_adj);
    if (host->no_new_privs)
        strings_add(notes,
            "no_new_privs is set: set-user-ID programs and file capabilities have no effect in nested "
            "containers; "
            "remove --security-opt no-new-privileges (Kubernetes: allowPrivilegeEscalation: false)");
}
