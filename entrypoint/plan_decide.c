/* What the whole start depends on. */
#include "plan_parts.h"

#include <errno.h>
#include <jansson.h>
#include <linux/capability.h>
#include <string.h>

enum mode plan_mode(const struct settings *s, const struct host *host)
{
    if (s->mode != MODE_AUTO)
        return (enum mode)s->mode;
    return host->uid == 0 ? MODE_ROOTFUL : MODE_ROOTLESS;
}

int plan_decide_mode(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    plan->mode = plan_mode(s, host);

    if (plan->mode == MODE_ROOTFUL && host->uid != 0) {
        char *origin cleanup_free = settings_origin(s, OPTION_MODE);
        (void)err_set(
            e, -EPERM, "mode: rootful (%s) needs root, but this was started as uid %u", origin, host->uid);
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e,
            "start the container as root (docker run --user 0, Kubernetes runAsUser: 0), or set "
            "mode: auto");
    }
    return 0;
}

int plan_refuse_root_only(const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    enum option_id asked = OPTION_COUNT;
    bool root = in->host->uid == 0;

    if (root && (in->host->effective & CAPSET_ONE(CAP_SYS_ADMIN)))
        return 0;
    if (s->mounts.extra_count > 0)
        asked = OPTION_MOUNTS_EXTRA;
    else if (s->mounts.tmp == TMP_TMPFS)
        asked = OPTION_MOUNTS_TMP;
    else if (s->mounts.securityfs == TOGGLE_ON)
        asked = OPTION_MOUNTS_SECURITYFS;
    if (asked == OPTION_COUNT)
        return 0;
    char *origin cleanup_free = settings_origin(s, asked);
    (void)err_set(e, -EPERM, "%s (%s) needs %s",
        asked == OPTION_MOUNTS_EXTRA ? "mounts.extra"
        : asked == OPTION_MOUNTS_TMP ? "mounts.tmp"
                                     : "mounts.securityfs",
        origin,
        root ? "CAP_SYS_ADMIN, which this container lacks"
             : "root, and this was started as an ordinary user");
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(
        e, "let the container runtime mount it (docker run --mount, Kubernetes volumes), or leave it out");
}

/* What only the built-in init does. */
static int refuse_without_builtin(const struct plan *plan, const struct settings *s, struct err *e)
{
    const struct {
        enum option_id id;
        const char *key;
        bool asked;
    } needing[] = {{OPTION_READY_FILE, "ready.file", s->ready.file},
        {OPTION_SHUTDOWN_TIMEOUT, "shutdown.timeout", s->shutdown.timeout},
        {OPTION_SHUTDOWN_WAIT_FOR_IDLE, "shutdown.wait_for_idle", s->shutdown.wait_for_idle},
        {OPTION_SHUTDOWN_WHEN_FILE, "shutdown.when_file", s->shutdown.when_file}};

    for (size_t i = 0; i < sizeof(needing) / sizeof(*needing); i++) {
        if (!needing[i].asked)
            continue;
        char *origin cleanup_free = settings_origin(s, needing[i].id);
        (void)err_set(e, -EINVAL, "%s (%s) needs the built-in init, but init is %s: nobody is there to do it",
            needing[i].key, origin, init_name(plan->init));
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e, "set init: builtin, or leave it out");
    }
    return 0;
}

int plan_decide_init(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    plan->init = (enum init_kind)s->init;
    if (plan->init == INIT_AUTO)
        plan->init = host->is_pid_1 ? INIT_BUILTIN : INIT_NONE;
    if (plan->init == INIT_DOCKER_INIT && !host->programs.docker_init) {
        (void)err_set(e, -ENOENT, "init: docker-init is not in PATH (%s)", host->path);
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e, "install tini as docker-init in the image, or set init: builtin");
    }
    return plan->init == INIT_BUILTIN ? 0 : refuse_without_builtin(plan, s, e);
}

static int refuse_apparmor(const struct settings *s, struct err *e, const char *what, const char *hint)
{
    char *origin cleanup_free = settings_origin(s, OPTION_APPARMOR);

    (void)err_set(e, -EINVAL, "apparmor: on (%s), but %s", origin, what);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "%s, or set apparmor: off", hint);
}

/* What the engine itself asks before it uses AppArmor (containerd pkg/apparmor, hostSupports), so that "on"
 * is not silently off. */
int plan_decide_apparmor(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    const capset loader = CAPSET_ONE(CAP_MAC_ADMIN);

    if (s->apparmor != APPARMOR_ON)
        return 0;
    if (!host->apparmor.enabled)
        return refuse_apparmor(s, e, "this kernel has no AppArmor, or it is switched off",
            "on the node: boot with apparmor=1 security=apparmor");
    if (!host->apparmor.parser)
        return refuse_apparmor(s, e,
            "the image has no /sbin/apparmor_parser, without which the engine leaves it alone",
            "install the package apparmor in the image");
    if (!host->initial_user_namespace)
        return refuse_apparmor(s, e, "the kernel allows no securityfs inside a user namespace",
            "start the container without one");
    if (s->mounts.securityfs == TOGGLE_OFF && !host->securityfs_mounted)
        return refuse_apparmor(
            s, e, "mounts.securityfs is off, and the engine needs it", "leave out mounts.securityfs");
    if (!host->apparmor.profile_loaded)
        plan->until_loaded = loader & host->bounding;
    return 0;
}

/* Default ulimits, wherever they are written, may raise hard limits: setrlimit(2) asks for CAP_SYS_RESOURCE.
 */
static bool sets_ulimits(const struct plan_input *in)
{
    const json_t *file = engine_config_file(in->config);

    return dockerd_flags_get(&in->command->flags, "default-ulimit") ||
           json_object_size(json_object_get(file, "default-ulimits")) > 0;
}

/*
 * dockerd gives containers an oom_score_adj of 0; runc fails where that means lowering it without
 * CAP_SYS_RESOURCE (proc_pid_oom_score_adj(5)). In a pod it is positive: it is reset while that is allowed,
 * which resets the floor too.
 */
static void decide_sys_resource(struct plan *plan, const struct plan_input *in, struct strings *keep)
{
    const capset one = CAPSET_ONE(CAP_SYS_RESOURCE);
    const struct settings *s = in->settings;
    bool available = in->host->bounding & in->host->effective & one;
    bool dropped =
        s->capabilities.profile == PROFILE_STRICT || strings_have(&s->capabilities.drop, "SYS_RESOURCE");

    if (!available || !dropped || strings_have(keep, "SYS_RESOURCE"))
        return;
    plan->reset_oom = in->host->oom_score_adj > 0;
    if (sets_ulimits(in) && !strings_have(&s->capabilities.drop, "SYS_RESOURCE")) {
        strings_add(keep, "SYS_RESOURCE");
        strings_add(&plan->notes,
            "capabilities: SYS_RESOURCE is kept beyond profile strict: the engine's settings have "
            "default ulimits, which may have to be raised");
    }
}

int plan_decide_capabilities(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    cleanup_strings struct strings keep = {0};

    strings_add_all(&keep, &s->capabilities.keep);
    decide_sys_resource(plan, in, &keep);
    plan->keep =
        capset_profile((enum profile)s->capabilities.profile, host->bounding, &keep, &s->capabilities.drop);
    /* What stays anyway is not for AppArmor alone. */
    plan->until_loaded &= ~plan->keep;
    plan->keep |= plan->until_loaded;

    capset lost = CAPSET_ENGINE & host->bounding & ~plan->keep;
    if (!lost)
        return 0;
    char *names cleanup_free = capset_names(lost);
    char *origin cleanup_free = settings_origin(s, OPTION_CAPABILITIES_DROP);
    if (s->capabilities.force) {
        strings_addf(&plan->notes,
            "capabilities: %s goes by force (capabilities.drop): the engine will not start containers, or "
            "not come up",
            names);
        return 0;
    }
    (void)err_set(
        e, -EINVAL, "capabilities.drop: %s (%s): dockerd cannot start containers without it", names, origin);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "leave it out of capabilities.drop, or set capabilities.force: true");
}
