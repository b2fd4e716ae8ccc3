/* The steps of the phases mounts, devices and cgroup. */
#include "plan_parts.h"

#include <errno.h>

static int plan_extra_mounts(struct plan *plan, const struct settings *s, struct err *e)
{
    for (size_t i = 0; i < s->mounts.extra_count; i++) {
        const struct extra_mount *m = &s->mounts.extra[i];
        int r = plan_add(plan,
            (struct step){PHASE_MOUNTS, STEP_EXTRA_MOUNT,
                str_format("mount %s on %s (type %s%s%s)", m->source, m->target, m->type,
                    *m->options ? ", " : "", m->options),
                str_dup("mounts.extra asks for it"), NULL, true, i},
            e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int plan_securityfs(
    struct plan *plan, const struct settings *s, const struct host *host, struct err *e)
{
    bool asked = s->mounts.securityfs == TOGGLE_ON;

    if (s->mounts.securityfs == TOGGLE_OFF || host->securityfs_mounted)
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
            str_dup("the engine looks there for AppArmor and other security modules"), NULL, asked, 0},
        e);
}

int plan_mounts(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    static const char *const propagations[] = {
        [PROPAGATION_SHARED] = "shared", [PROPAGATION_SLAVE] = "slave", [PROPAGATION_PRIVATE] = "private"};
    int r = plan_securityfs(plan, s, host, e);

    if (r == 0 && s->mounts.tmp == TMP_TMPFS && !host->tmp_mounted)
        r = plan_add(plan,
            (struct step){PHASE_MOUNTS, STEP_TMP, str_dup("mount a tmpfs on /tmp"),
                str_dup("mounts.tmp asks for it"), NULL, true, 0},
            e);
    if (r == 0)
        r = plan_extra_mounts(plan, s, e);
    /* After the mounts above, so that they are shared too. */
    if (r == 0 && s->mounts.propagation != PROPAGATION_UNCHANGED)
        r = plan_add(plan,
            (struct step){PHASE_MOUNTS, STEP_PROPAGATION,
                str_format("make / and everything below it a %s mount", propagations[s->mounts.propagation]),
                str_dup("nested containers may ask for bind propagation"), NULL, true, 0},
            e);
    return r;
}

/* Why nesting is out of the question here, or NULL. */
static const char *no_nesting(const struct host_cgroup *cgroup)
{
    if (cgroup->version != CGROUP_V2)
        return "/sys/fs/cgroup is not cgroup v2";
    if (cgroup->read_only)
        return "/sys/fs/cgroup is read-only";
    switch (cgroup->view) {
    case CGROUP_VIEW_OWN:
    case CGROUP_VIEW_NESTED:
        return NULL;
    case CGROUP_VIEW_HOST:
        return "/sys/fs/cgroup shows more than this container's own cgroup (the host's tree, as in a "
               "privileged "
               "Kubernetes pod or with --cgroupns=host), and rearranging it is not ours to do";
    case CGROUP_VIEW_OUTSIDE:
        return "this process is outside of the cgroup that is mounted on /sys/fs/cgroup";
    }
    return NULL;
}

int plan_cgroup(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    const char *refused = no_nesting(&host->cgroup);

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
        if (host->cgroup.version == CGROUP_V2)
            strings_addf(&plan->notes,
                "cgroup nesting is left out: %s. Limits of nested containers may not apply", refused);
        return 0;
    }
    return plan_add(plan,
        (struct step){PHASE_CGROUP, STEP_CGROUP_NEST,
            str_format(
                "move the processes of the cgroup to /init and enable its controllers (%s) for children",
                host->cgroup.controllers && *host->cgroup.controllers ? host->cgroup.controllers : "none"),
            str_dup("cgroup v2 gives a cgroup's controllers to its children only when no process is in it"),
            NULL, s->cgroup.nesting == NESTING_REQUIRED, 0},
        e);
}
