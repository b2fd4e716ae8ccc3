#include "steps.h"

#include "entrypoint/identity.h"
#include "entrypoint/init.h"
#include "entrypoint/instance.h"

#include <linux/capability.h>

static capset final_bounding_set(const struct work *work)
{
    const struct plan *plan = work->plan;

    return plan->keep & ~(work->applied->apparmor_loaded ? plan->until_loaded : 0) &
           ~(work->applied->idmap_mended ? plan->until_mended : 0);
}

/* What is held in the end: nothing out here for a rootless engine. */
static capset final_keep(const struct work *work)
{
    return work->plan->mode == MODE_ROOTLESS ? 0 : final_bounding_set(work);
}

static int run_step(struct work *work, const struct step *step, struct outcome *outcome, struct err *e)
{
    const struct settings *s = work->settings;
    const struct host_user *user = &work->host->user;

    switch (step->kind) {
    case STEP_ACCOUNTS:
        return step_accounts(work->host, outcome, e);
    case STEP_PROPAGATION:
        return step_propagation((enum propagation)s->mounts.propagation, outcome, e);
    case STEP_SYS_WRITABLE:
        return step_sys_writable(outcome, e);
    case STEP_UNMASK:
        return step_unmask(outcome, e);
    case STEP_CGROUP_WRITABLE:
        return step_cgroup_writable(outcome, e);
    case STEP_CGROUP_NAMESPACE:
        return step_cgroup_namespace(outcome, e);
    case STEP_CGROUP_SYSTEMD:
        return step_cgroup_systemd(outcome, e);
    case STEP_APPARMOR:
        return step_apparmor(
            final_keep(work) & CAPSET_ONE(CAP_MAC_ADMIN), &work->applied->apparmor_loaded, outcome, e);
    case STEP_DEVICES:
        return step_devices(work->host, work->plan->mode == MODE_ROOTLESS && step->fatal, outcome, e);
    case STEP_STORAGE:
        return step_storage(s, work->host, work->plan, &work->applied->storage_driver, outcome, e);
    case STEP_OOM_SCORE:
        return step_oom_score(outcome, e);
    case STEP_SECURITYFS:
        return step_securityfs(outcome, e);
    case STEP_TMP:
        return step_tmp(outcome, e);
    case STEP_EXTRA_MOUNT:
        return step_extra_mount(&s->mounts.extra[step->index], outcome, e);
    case STEP_CGROUP_NEST:
        return step_cgroup_nest(s->cgroup.nesting == NESTING_REQUIRED, outcome, e);
    case STEP_CGROUP_DELEGATE:
        return step_cgroup_delegate(user->uid, user->gid, outcome, e);
    case STEP_IPTABLES:
        return step_iptables(
            (enum iptables)s->network.iptables, work->host, &work->applied->iptables_legacy, outcome, e);
    case STEP_ACCESS:
        return step_access(work, outcome, e);
    case STEP_IDMAP:
        return step_idmap(&work->host->rootless, &work->applied->idmap_mended, outcome, e);
    case STEP_USER_FOLDERS:
        return step_user_folders(work->host, e);
    case STEP_PID_FILES:
        return step_pid_files(work->host, work->command, work->config, outcome, e);
    case STEP_CERTIFICATES:
        return step_certificates(s, work->host, outcome, e);
    case STEP_DAEMON_CONFIG:
        return step_daemon_config(work, &work->applied->config_file, outcome, e);
    case STEP_SOCKETS:
        return step_sockets(work, outcome, e);
    case STEP_RECORD:
        return step_record(work, outcome, e);
    case STEP_READY_FILE:
        return step_ready_file(s->ready.file, user, outcome, e);
    case STEP_BOUNDING_SET:
        return step_bounding_set(final_bounding_set(work), outcome, e);
    case STEP_IDENTITY:
        return step_identity(user, outcome, e);
    case STEP_CAPABILITIES:
        return step_capabilities(final_keep(work), outcome, e);
    case STEP_RUN_LINKS:
    case STEP_RUN_LABEL:
    case STEP_CA_CERTIFICATES:
    case STEP_FORWARDING:
    case STEP_ACCESS_INSIDE:
    case STEP_STORAGE_INSIDE:
        break; /* the second stage's: step_inside.c */
    }
    return err_set(e, -1, "plan: unknown step %d", (int)step->kind);
}

static int run(void *context, const struct step *step, struct outcome *outcome, struct err *e)
{
    struct work *work = context;

    /* The files are the last that may take long; what comes then, happens beside the record of the engine. */
    if (step->phase <= PHASE_FILES && step->kind != STEP_RECORD)
        instance_tell_step(work, step);
    if (!step->as_user)
        return run_step(work, step, outcome, e);
    int r = identity_borrow(&work->host->user, e);
    if (r < 0)
        return r;
    r = run_step(work, step, outcome, e);
    identity_return();
    return r;
}

struct system steps_system(struct work *work)
{
    return (struct system){.context = work, .run = run, .stopped = init_stopped};
}
