/* The steps of the phases mounts, devices and cgroup. */
#include "plan_parts.h"

#include <errno.h>
#include <linux/capability.h>

/* Only here can what a runtime laid over /proc and /sys be changed. */
static bool may_mount(const struct host *host)
{
    return host->effective & CAPSET_ONE(CAP_SYS_ADMIN);
}

static int add(struct plan *plan, enum phase phase, enum step_kind kind, char *what, char *why, struct err *e)
{
    return plan_add(plan, (struct step){.phase = phase, .kind = kind, .what = what, .why = why}, e);
}

/* What a runtime without --privileged does to the kernel's file systems, undone. Failing here is a warning: a
 * mount that an outer user namespace has locked stays as it is (mount_namespaces(7)). */
static int plan_kernel_mounts(struct plan *plan, const struct host *host, struct err *e)
{
    int r = 0;

    if (!may_mount(host))
        return 0;
    if (host->sys_read_only)
        r = add(plan, PHASE_MOUNTS, STEP_SYS_WRITABLE, str_dup("make /sys writable"),
            str_dup("it is mounted read-only, and so would be that of nested privileged containers"), e);
    if (r == 0 && host->masks.count > 0) {
        char *list cleanup_free = strings_join(&host->masks, " ");
        r = add(plan, PHASE_MOUNTS, STEP_UNMASK,
            str_format("unmount what hides parts of /proc and /sys: %s", list),
            str_dup("the engine sets net.ipv4.ip_forward, and nested containers in user namespaces may mount "
                    "/proc only "
                    "where all of it is visible"),
            e);
    }
    if (r == 0 && host->cgroup.version == CGROUP_V2 && host->cgroup.read_only)
        r = add(plan, PHASE_MOUNTS, STEP_CGROUP_WRITABLE, str_dup("make /sys/fs/cgroup writable"),
            str_dup("it is mounted read-only, and the engine makes a cgroup for each container"), e);
    return r;
}

/* The host's tree is in view: nested containers would be charged to the machine, not to this container. */
static bool wants_own_namespace(const struct settings *s, const struct host *host)
{
    return host->cgroup.version == CGROUP_V2 && host->cgroup.view == CGROUP_VIEW_HOST && may_mount(host) &&
           s->cgroup.namespace_choice == CGROUP_NAMESPACE_AUTO;
}

static int plan_cgroup_mounts(
    struct plan *plan, const struct settings *s, const struct host *host, struct err *e)
{
    if (wants_own_namespace(s, host))
        return add(plan, PHASE_MOUNTS, STEP_CGROUP_NAMESPACE,
            str_format(
                "enter a cgroup namespace of our own at %s and mount a fresh cgroup2 on /sys/fs/cgroup",
                host->cgroup.path),
            str_dup("/sys/fs/cgroup shows the host's whole tree (a privileged Kubernetes pod, "
                    "--cgroupns=host): nested "
                    "containers would escape this container's limits"),
            e);
    if (host->cgroup.version == CGROUP_V1 && !host->cgroup.systemd_hierarchy && may_mount(host))
        return add(plan, PHASE_MOUNTS, STEP_CGROUP_SYSTEMD,
            str_dup("mount a cgroup v1 hierarchy called name=systemd on /sys/fs/cgroup/systemd"),
            str_dup("nested containers that run systemd, and some runtimes, look for it"), e);
    return 0;
}

static int plan_extra_mounts(struct plan *plan, const struct settings *s, struct err *e)
{
    for (size_t i = 0; i < s->mounts.extra_count; i++) {
        const struct extra_mount *m = &s->mounts.extra[i];
        int r = plan_add(plan,
            (struct step){PHASE_MOUNTS, STEP_EXTRA_MOUNT,
                str_format("mount %s on %s (type %s%s%s)", m->source, m->target, m->type,
                    *m->options ? ", " : "", m->options),
                str_dup("mounts.extra asks for it"), NULL, true, i, false},
            e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int plan_securityfs(
    struct plan *plan, const struct settings *s, const struct host *host, struct err *e)
{
    bool asked = s->mounts.securityfs == TOGGLE_ON || s->apparmor == APPARMOR_ON;

    if (s->mounts.securityfs == TOGGLE_OFF || host->securityfs_mounted)
        return 0;
    /* A rootless engine leaves AppArmor alone. */
    if (plan->mode == MODE_ROOTLESS && !asked)
        return 0;
    if (!host->securityfs_folder) {
        if (!asked)
            return 0;
        (void)err_set(e, -ENOENT,
            "mounts.securityfs: on, but /sys/kernel/security does not exist: this kernel has no securityfs");
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e, "set mounts.securityfs: auto");
    }
    /* The kernel allows this filesystem to the initial user namespace only. */
    if (!host->initial_user_namespace && !asked) {
        strings_add(&plan->notes, "securityfs is not mounted: the kernel refuses it inside a user namespace");
        return 0;
    }
    return plan_add(plan,
        (struct step){PHASE_MOUNTS, STEP_SECURITYFS, str_dup("mount securityfs on /sys/kernel/security"),
            str_dup("the engine looks there for AppArmor and other security modules"), NULL, asked, 0, false},
        e);
}

/* Behind securityfs, where the kernel lists its profiles. */
static int plan_apparmor(struct plan *plan, struct err *e)
{
    return plan_add(plan,
        (struct step){PHASE_MOUNTS, STEP_APPARMOR,
            str_dup("see whether the profile docker-default is loaded"),
            str_dup("the engine loads it where it is missing, for which it needs MAC_ADMIN; one that is "
                    "there may be the "
                    "host's and is never replaced"),
            plan->until_loaded ? str_dup("MAC_ADMIN stays if it is missing, else it goes with the others")
                               : NULL,
            true, 0, false},
        e);
}

int plan_mounts(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    static const char *const propagations[] = {
        [PROPAGATION_SHARED] = "shared", [PROPAGATION_SLAVE] = "slave", [PROPAGATION_PRIVATE] = "private"};
    int r;

    /* Only a rootless start gets here without: the checks let no rootful one through. */
    if (plan->mode == MODE_ROOTLESS && (host->uid != 0 || !may_mount(host)))
        return 0;
    r = plan_kernel_mounts(plan, host, e);
    if (r == 0)
        r = plan_cgroup_mounts(plan, s, host, e);
    if (r == 0 && plan->becomes)
        r = plan_accounts(plan, host, e);
    if (r == 0)
        r = plan_securityfs(plan, s, host, e);
    if (r == 0 && s->apparmor == APPARMOR_ON)
        r = plan_apparmor(plan, e);
    if (r == 0 && s->mounts.tmp == TMP_TMPFS && !host->tmp_mounted)
        r = plan_add(plan,
            (struct step){PHASE_MOUNTS, STEP_TMP, str_dup("mount a tmpfs on /tmp"),
                str_dup("mounts.tmp asks for it"), NULL, true, 0, false},
            e);
    if (r == 0)
        r = plan_extra_mounts(plan, s, e);
    /* After the mounts above, so that they are shared too. */
    if (r == 0 && s->mounts.propagation != PROPAGATION_UNCHANGED)
        r = plan_add(plan,
            (struct step){PHASE_MOUNTS, STEP_PROPAGATION,
                str_format("make / and everything below it a %s mount", propagations[s->mounts.propagation]),
                str_dup("nested containers may ask for bind propagation"), NULL, true, 0, false},
            e);
    return r;
}

/* Why nesting is out of the question here, or NULL. */
static const char *no_nesting(const struct settings *s, const struct host *host)
{
    const struct host_cgroup *cgroup = &host->cgroup;

    if (cgroup->version != CGROUP_V2)
        return "/sys/fs/cgroup is not cgroup v2";
    if (cgroup->read_only && !may_mount(host))
        return "/sys/fs/cgroup is read-only";
    if (wants_own_namespace(s, host))
        return NULL;
    switch (cgroup->view) {
    case CGROUP_VIEW_OWN:
    case CGROUP_VIEW_NESTED:
        return NULL;
    case CGROUP_VIEW_HOST:
        return "/sys/fs/cgroup shows more than this container's own cgroup (the host's tree, as in a "
               "privileged Kubernetes pod or with --cgroupns=host), and rearranging it is not ours to do";
    case CGROUP_VIEW_ROOT:
        return "this process is in the machine's root cgroup, which is not ours to rearrange";
    case CGROUP_VIEW_OUTSIDE:
        return "this process is outside of the cgroup that is mounted on /sys/fs/cgroup";
    }
    return NULL;
}

static void list_device(struct text *list, const char *path, const struct host_device *device)
{
    if (device->state != DEVICE_USABLE)
        text_addf(list, "%s%s", list->length ? " and " : "", path);
}

/* As root, with CAP_MKNOD or owning the node; the engine's network needs it, so it is tried by its user. */
static int plan_rootless_devices(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct host *host = in->host;
    bool needed = !str_equal(in->settings->rootless.net, "lxc-user-nic");

    if (!needed && host->uid != 0)
        return 0;
    return plan_add(plan,
        (struct step){.phase = PHASE_DEVICES,
            .kind = STEP_DEVICES,
            .what = str_dup(plan->becomes
                                ? "make /dev/net/tun and /dev/fuse, or open them up, and try them as the user"
                                : "try to open /dev/net/tun and /dev/fuse"),
            .why =
                str_dup("the engine's network goes through the first; a storage driver may need the second"),
            .fatal = needed},
        e);
}

/* Nested containers, rootless engines among them, are given these by --device, which copies node and mode. */
int plan_devices(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct host *host = in->host;
    cleanup_text struct text list = {0};

    if (plan->mode == MODE_ROOTLESS)
        return plan_rootless_devices(plan, in, e);
    list_device(&list, "/dev/net/tun", &host->tun);
    list_device(&list, "/dev/fuse", &host->fuse);
    if (!list.length || !(host->effective & CAPSET_ONE(CAP_MKNOD)))
        return 0;
    /* mknod(2): the kernel allows devices to the initial user namespace only. */
    if (!host->initial_user_namespace) {
        strings_addf(&plan->notes,
            "%s cannot be made inside a user namespace: where nested containers need it, add it with "
            "--device",
            text_get(&list));
        return 0;
    }
    return add(plan, PHASE_DEVICES, STEP_DEVICES,
        str_format("make %s, or open it up to every user, and try to open it", text_get(&list)),
        str_dup("network and storage drivers of nested containers need them; only an attempt tells a missing "
                "node from a "
                "device cgroup that refuses"),
        e);
}

int plan_cgroup(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    const char *refused = no_nesting(s, host);

    /* For a rootless engine it is only worth it if a part can be given to its user. */
    if (plan->mode == MODE_ROOTLESS && !(plan->becomes && (host->effective & CAPSET_ONE(CAP_CHOWN))))
        return 0;
    if (plan->reset_oom) {
        int r = add(plan, PHASE_CGROUP, STEP_OOM_SCORE,
            str_format("set oom_score_adj, which is %lld here, to 0", host->oom_score_adj),
            str_dup("nested containers are started with 0, and lowering it needs SYS_RESOURCE, which goes"),
            e);
        if (r < 0)
            return r;
    }
    if (s->cgroup.nesting == NESTING_OFF)
        return 0;
    if (refused && s->cgroup.nesting == NESTING_REQUIRED) {
        (void)err_set(e, -EINVAL, "cgroup.nesting: required, but %s", refused);
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e,
            "start the container with its own cgroup v2 namespace (docker run --cgroupns private), or "
            "set cgroup.nesting: auto");
    }
    if (refused) {
        if (host->cgroup.version == CGROUP_V2 && plan->mode == MODE_ROOTFUL)
            strings_addf(&plan->notes,
                "cgroup nesting is left out: %s. Limits of nested containers may not apply", refused);
        return 0;
    }
    int r = plan_add(plan,
        (struct step){PHASE_CGROUP, STEP_CGROUP_NEST,
            str_format(
                "move the processes of the cgroup to /init and enable its controllers (%s) for children",
                host->cgroup.controllers && *host->cgroup.controllers ? host->cgroup.controllers : "none"),
            str_dup("cgroup v2 gives a cgroup's controllers to its children only when no process is in it"),
            NULL, s->cgroup.nesting == NESTING_REQUIRED, 0, false},
        e);
    if (r == 0 && plan->becomes)
        r = add(plan, PHASE_CGROUP, STEP_CGROUP_DELEGATE,
            str_format("make the cgroup /dind for uid %u and enter it", host->user.uid),
            str_dup("a rootless engine stops, pauses and lists its containers by cgroups of its own"), e);
    return r;
}
