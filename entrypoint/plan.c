#include "plan_parts.h"

#include "entrypoint/check.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

const char *phase_name(enum phase phase)
{
    static const char *const names[] = {
        [PHASE_MOUNTS] = "mounts",
        [PHASE_DEVICES] = "devices",
        [PHASE_CGROUP] = "cgroup",
        [PHASE_NETWORK] = "network",
        [PHASE_FILES] = "files",
        [PHASE_BOUNDING] = "bounding set",
        [PHASE_IDENTITY] = "identity",
        [PHASE_CAPABILITIES] = "capabilities",
        [PHASE_INSIDE] = "inside rootlesskit",
    };
    return names[phase];
}

const char *step_name(enum step_kind kind)
{
    static const char *const names[] = {
        [STEP_ACCOUNTS] = "accounts",
        [STEP_SYS_WRITABLE] = "sys-writable",
        [STEP_UNMASK] = "unmask",
        [STEP_CGROUP_WRITABLE] = "cgroup-writable",
        [STEP_CGROUP_NAMESPACE] = "cgroup-namespace",
        [STEP_CGROUP_SYSTEMD] = "cgroup-systemd",
        [STEP_SECURITYFS] = "securityfs",
        [STEP_APPARMOR] = "apparmor",
        [STEP_TMP] = "tmp",
        [STEP_EXTRA_MOUNT] = "extra-mount",
        [STEP_PROPAGATION] = "propagation",
        [STEP_DEVICES] = "devices",
        [STEP_STORAGE] = "storage",
        [STEP_CGROUP_NEST] = "cgroup-nesting",
        [STEP_CGROUP_DELEGATE] = "cgroup-delegation",
        [STEP_OOM_SCORE] = "oom-score",
        [STEP_IPTABLES] = "iptables",
        [STEP_ACCESS] = "access",
        [STEP_IDMAP] = "idmap",
        [STEP_USER_FOLDERS] = "user-folders",
        [STEP_PID_FILES] = "pid-files",
        [STEP_CERTIFICATES] = "certificates",
        [STEP_DAEMON_CONFIG] = "daemon-config",
        [STEP_SOCKETS] = "sockets",
        [STEP_RECORD] = "record",
        [STEP_READY_FILE] = "ready-file",
        [STEP_BOUNDING_SET] = "bounding-set",
        [STEP_IDENTITY] = "identity",
        [STEP_CAPABILITIES] = "capabilities",
        [STEP_RUN_LINKS] = "run-links",
        [STEP_RUN_LABEL] = "run-label",
        [STEP_CA_CERTIFICATES] = "ca-certificates",
        [STEP_FORWARDING] = "forwarding",
        [STEP_ACCESS_INSIDE] = "access-inside",
        [STEP_STORAGE_INSIDE] = "storage-inside",
    };
    return names[kind];
}

const char *mode_name(enum mode mode)
{
    static const char *const names[] = {
        [MODE_AUTO] = "auto", [MODE_ROOTFUL] = "rootful", [MODE_ROOTLESS] = "rootless"};
    return names[mode];
}

const char *init_name(enum init_kind init)
{
    static const char *const names[] = {[INIT_AUTO] = "auto",
        [INIT_BUILTIN] = "builtin",
        [INIT_DOCKER_INIT] = "docker-init",
        [INIT_NONE] = "none"};
    return names[init];
}

static void step_free(struct step *step)
{
    free(step->what);
    free(step->why);
    free(step->otherwise);
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        step_free(&plan->steps[i]);
    free(plan->steps);
    free(plan->socket);
    free(plan->storage_driver);
    free(plan->storage_choice);
    json_decref(plan->engine_settings);
    strings_free(&plan->engine_sources);
    strings_free(&plan->engine_reasons);
    strings_free(&plan->notes);
    strings_free(&plan->limits);
    *plan = (struct plan){0};
}

int plan_add(struct plan *plan, struct step step, struct err *e)
{
    if (plan->count > 0 && step.phase < plan->steps[plan->count - 1].phase) {
        enum phase last = plan->steps[plan->count - 1].phase;
        (void)err_set(e, -EINVAL, "plan: step %s of phase %s cannot come after phase %s",
            step_name(step.kind), phase_name(step.phase), phase_name(last));
        step_free(&step);
        return e->code;
    }
    if (plan->count == plan->room) {
        plan->room = plan->room ? plan->room * 2 : 16;
        plan->steps = mem_grow(plan->steps, plan->room, sizeof(*plan->steps));
    }
    plan->steps[plan->count++] = step;
    return 0;
}

/* Before anything is changed, and not only when it is to be executed. What works without being complete is
 * told in the end, behind what the plan decides. */
static int check_requirements(
    const struct plan *plan, const struct plan_input *in, struct strings *warnings, struct err *e)
{
    const struct check_input judged = {in->settings, in->host, in->command, in->config, NULL};
    cleanup(checks_free) struct checks checks;

    checks_run(&checks, plan->mode, &judged);
    checks_warn(&checks, warnings);
    return checks_refuse(&checks, e);
}

static int decide_rootful(struct plan *plan, const struct plan_input *in, struct err *e)
{
    int r = plan_decide_apparmor(plan, in, e);

    return r < 0 ? r : plan_decide_capabilities(plan, in, e);
}

int plan_build(struct plan *plan, const struct settings *s, const struct host *host,
    const struct command *command, const struct engine_config *config, struct err *e)
{
    const struct plan_input in = {s, host, command, config};
    cleanup(plan_free) struct plan made = {0};
    cleanup_strings struct strings warnings = {0};
    int r = plan_decide_mode(&made, &in, e);

    if (r == 0)
        r = plan_decide_init(&made, &in, e);
    if (r == 0)
        r = plan_decide_api(&made, &in, e);
    if (r == 0)
        r = plan_decide_network(&made, &in, e);
    if (r == 0 && made.mode == MODE_ROOTLESS)
        r = plan_refuse_root_only(&in, e);
    if (r == 0)
        r = check_requirements(&made, &in, &warnings, e);
    if (r == 0)
        r = made.mode == MODE_ROOTLESS ? plan_decide_rootless(&made, &in, e) : decide_rootful(&made, &in, e);
    if (r == 0)
        r = plan_mounts(&made, &in, e);
    if (r == 0)
        r = plan_devices(&made, &in, e);
    if (r == 0)
        r = plan_storage(&made, &in, e);
    if (r == 0)
        r = plan_cgroup(&made, &in, e);
    if (r == 0)
        r = plan_iptables(&made, &in, e);
    if (r == 0)
        r = plan_access(&made, &in, e);
    if (r == 0)
        r = plan_files(&made, &in, e);
    if (r == 0)
        r = plan_drop(&made, &in, e);
    if (r == 0 && made.mode == MODE_ROOTLESS) {
        const struct rootless_child child = plan_child(&made, host);
        r = plan_inside(&made, &child, e);
    }
    if (r < 0)
        return r;
    strings_add_all(&made.notes, &warnings);
    *plan = made;
    made = (struct plan){0};
    return 0;
}
