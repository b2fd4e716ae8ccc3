#include "plan.h"

#include "entrypoint/kernel_text.h"
#include "entrypoint/privilege.h"
#include "entrypoint/rootless.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    };
    return names[phase];
}

const char *step_name(enum step_kind kind)
{
    static const char *const names[] = {
        [STEP_PROPAGATION] = "propagation",
        [STEP_SECURITYFS] = "securityfs",
        [STEP_TMP] = "tmp",
        [STEP_EXTRA_MOUNT] = "extra-mount",
        [STEP_CGROUP_NEST] = "cgroup-nesting",
        [STEP_IPTABLES] = "iptables",
        [STEP_USER_FOLDERS] = "user-folders",
        [STEP_PID_FILES] = "pid-files",
        [STEP_CERTIFICATES] = "certificates",
        [STEP_DAEMON_CONFIG] = "daemon-config",
        [STEP_RECORD] = "record",
        [STEP_BOUNDING_SET] = "bounding-set",
        [STEP_CAPABILITIES] = "capabilities",
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
    strings_free(&plan->notes);
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

/* ---- what the whole start depends on ---- */

static int decide_mode(struct plan *plan, const struct settings *s, const struct host *host, struct err *e)
{
    plan->mode = (enum mode)s->mode;
    if (plan->mode == MODE_AUTO)
        plan->mode = host->uid == 0 ? MODE_ROOTFUL : MODE_ROOTLESS;

    if (plan->mode == MODE_ROOTFUL && host->uid != 0) {
        char *origin cleanup_free = settings_origin(s, OPTION_MODE);
        (void)err_set(
            e, -EPERM, "mode: rootful (%s) needs root, but this was started as uid %u", origin, host->uid);
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e,
            "start the container as root (docker run --user 0, Kubernetes runAsUser: 0), or set "
            "mode: auto");
    }
    if (plan->mode == MODE_ROOTLESS && host->uid == 0) {
        char *origin cleanup_free = settings_origin(s, OPTION_MODE);
        (void)err_set(
            e, -EINVAL, "mode: rootless (%s) needs an ordinary user, but this was started as root", origin);
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e,
            "start the container as that user (docker run --user rootless, Kubernetes runAsUser: 1000), "
            "or set mode: auto");
    }
    return 0;
}

/* Mounting needs root; better refused than left out. */
static int refuse_root_only(const struct settings *s, struct err *e)
{
    enum option_id asked = OPTION_COUNT;

    if (s->mounts.extra_count > 0)
        asked = OPTION_MOUNTS_EXTRA;
    else if (s->mounts.tmp == TMP_TMPFS)
        asked = OPTION_MOUNTS_TMP;
    else if (s->mounts.securityfs == TOGGLE_ON)
        asked = OPTION_MOUNTS_SECURITYFS;
    if (asked == OPTION_COUNT)
        return 0;
    char *origin cleanup_free = settings_origin(s, asked);
    (void)err_set(e, -EPERM, "%s (%s) needs root, and this was started as an ordinary user",
        asked == OPTION_MOUNTS_EXTRA ? "mounts.extra"
        : asked == OPTION_MOUNTS_TMP ? "mounts.tmp"
                                     : "mounts.securityfs",
        origin);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(
        e, "let the container runtime mount it (docker run --mount, Kubernetes volumes), or leave it out");
}

static int decide_init(struct plan *plan, const struct settings *s, const struct host *host, struct err *e)
{
    plan->init = (enum init_kind)s->init;
    if (plan->init == INIT_AUTO)
        plan->init = host->is_pid_1 ? INIT_BUILTIN : INIT_NONE;
    if (plan->init == INIT_DOCKER_INIT && !host->programs.docker_init) {
        (void)err_set(e, -ENOENT, "init: docker-init is not in PATH (%s)", host->path);
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e, "install tini as docker-init in the image, or set init: builtin");
    }
    return 0;
}

static bool is_loopback(const char *address)
{
    return str_starts(address, "127.") || str_equal(address, "::1");
}

/* TLS by the user's own flags. Of --tlsverify dockerd looks only at whether it is there (moby
 * daemon/command/options.go, setDefaultOptions). */
static bool brings_own_tls(const struct command *command)
{
    static const char *const off[] = {"0", "f", "F", "false", "False", "FALSE"}; /* strconv.ParseBool */
    const char *tls = dockerd_flags_get(&command->flags, "tls");

    for (size_t i = 0; tls && i < sizeof(off) / sizeof(*off); i++)
        if (strcmp(tls, off[i]) == 0)
            tls = NULL;
    return tls || dockerd_flags_get(&command->flags, "tlsverify");
}

/* TLS is off only by an explicit empty value. The old variable then means plain TCP as ever; YAML means none
 * at all. */
static int decide_api(struct plan *plan, const struct settings *s, const struct host *host,
    const struct command *command, struct err *e)
{
    const struct origin *off = &s->origin[OPTION_TLS_DIR];
    bool plain_as_ever = off->kind == ORIGIN_ENVIRONMENT && str_equal(off->name, "DOCKER_TLS_CERTDIR");
    bool has_store = s->tls.dir[0] != '\0';

    plan->tcp = s->api.tcp_enabled && (has_store || plain_as_ever || is_loopback(s->api.tcp_address));
    plan->tls = plan->tcp && has_store;
    plan->port = s->api.tcp_port ? s->api.tcp_port : plan->tls ? 2376 : 2375;
    if (s->api.tcp_enabled && !plan->tcp && settings_chosen(s, OPTION_API_TCP_ENABLED)) {
        char *tcp cleanup_free = settings_origin(s, OPTION_API_TCP_ENABLED);
        char *tls cleanup_free = settings_origin(s, OPTION_TLS_DIR);
        (void)err_set(e, -EINVAL,
            "api.tcp.enabled: true (%s) on %s, while tls.dir is empty (%s): the API would be open", tcp,
            s->api.tcp_address, tls);
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e, "set tls.dir, or api.tcp.address: 127.0.0.1, or leave out api.tcp.enabled");
    }
    if (s->api.tcp_enabled && !plan->tcp)
        strings_add(&plan->notes, "tls.dir is empty: the API listens on the Unix socket only");
    if (plan->tcp && !plan->tls && command->kind == COMMAND_ENGINE && !brings_own_tls(command))
        strings_addf(&plan->notes,
            "API on tcp://%s:%lld without TLS: whoever can reach this address controls this engine, the "
            "containers that it runs included; set DOCKER_TLS_CERTDIR=/certs, or api.tcp.enabled: false",
            s->api.tcp_address, plan->port);

    if (s->api.unix_path)
        plan->socket = str_dup(s->api.unix_path);
    else if (plan->mode == MODE_ROOTFUL)
        plan->socket = str_dup("/var/run/docker.sock");
    else
        plan->socket = str_format("%s/docker.sock", host->runtime_dir);
    return 0;
}

/* dockerd gives containers an oom_score_adj of 0; runc fails where that means lowering it without
 * CAP_SYS_RESOURCE. */
static bool needs_sys_resource(const struct host *host, const struct command *command, const char **why)
{
    if (host->oom_score_adj > 0) {
        *why = "oom_score_adj is positive here and nested containers reset it";
        return true;
    }
    if (dockerd_flags_any(&command->flags, "default-ulimit")) {
        *why = "dockerd's flags set default ulimits";
        return true;
    }
    *why = NULL;
    return false;
}

static int decide_capabilities(struct plan *plan, const struct settings *s, const struct host *host,
    const struct command *command, struct err *e)
{
    const char *why = NULL;
    cleanup_strings struct strings keep = {0};

    strings_add_all(&keep, &s->capabilities.keep);
    if (s->capabilities.profile == PROFILE_STRICT && (host->bounding & CAPSET_ONE(CAP_SYS_RESOURCE)) &&
        needs_sys_resource(host, command, &why) && !strings_have(&s->capabilities.drop, "SYS_RESOURCE")) {
        strings_add(&keep, "SYS_RESOURCE");
        strings_addf(&plan->notes, "capabilities: SYS_RESOURCE is kept beyond profile strict: %s", why);
    }
    plan->keep =
        capset_profile((enum profile)s->capabilities.profile, host->bounding, &keep, &s->capabilities.drop);

    capset lost = CAPSET_ENGINE & host->bounding & ~plan->keep;
    if (lost) {
        char *names cleanup_free = capset_names(lost);
        char *origin cleanup_free = settings_origin(s, OPTION_CAPABILITIES_DROP);
        (void)err_set(e, -EINVAL, "capabilities.drop: %s (%s): dockerd cannot start containers without it",
            names, origin);
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e, "leave it out of capabilities.drop");
    }
    return 0;
}

/* ---- steps ---- */

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

static int plan_mounts(struct plan *plan, const struct settings *s, const struct host *host, struct err *e)
{
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

static int plan_cgroup(struct plan *plan, const struct settings *s, const struct host *host, struct err *e)
{
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

static int plan_iptables(struct plan *plan, const struct settings *s, const struct host *host, struct err *e)
{
    struct step step = {PHASE_NETWORK, STEP_IPTABLES, NULL, NULL, NULL, false, 0};
    char *origin cleanup_free = settings_origin(s, OPTION_NETWORK_IPTABLES);

    if (s->network.iptables == IPTABLES_LEGACY && !host->legacy_folder)
        strings_add(&plan->notes, "network.iptables: legacy, but /usr/local/sbin/.iptables-legacy has no "
                                  "iptables: PATH decides which one runs");
    switch ((enum iptables)s->network.iptables) {
    case IPTABLES_NFT:
        step.what = str_dup("use iptables on nf_tables, and ask the kernel for that module");
        step.why = str_format("%s asks for it", origin);
        break;
    case IPTABLES_LEGACY:
        step.what = str_dup("use legacy iptables, and ask the kernel for ip_tables and ip6_tables");
        step.why = str_format("%s asks for it", origin);
        break;
    case IPTABLES_AUTO:
        if (host->legacy_tables_used) {
            step.what = str_dup("use legacy iptables");
            step.why =
                str_dup("legacy tables are in use in this network namespace, and the two kinds do not mix");
        } else {
            step.what = str_dup("choose between iptables on nf_tables and legacy iptables");
            step.why = str_dup("the kernel's files leave it open");
            step.otherwise =
                str_dup("nf_tables if `iptables -nL` works, if need be after asking the kernel for the "
                        "module; else legacy if that works");
        }
        break;
    }
    return plan_add(plan, step, e);
}

static int plan_files(struct plan *plan, const struct settings *s, const struct host *host,
    const struct command *command, struct err *e)
{
    bool rootless = plan->mode == MODE_ROOTLESS;
    int r = 0;

    if (rootless)
        r = plan_add(plan,
            (struct step){PHASE_FILES, STEP_USER_FOLDERS,
                str_format("make sure that %s and %s/.local/share/docker exist and are writable",
                    host->runtime_dir, host->home),
                str_dup("the rootless engine keeps its sockets and its data there"), NULL, true, 0},
            e);
    if (r == 0)
        r = plan_add(plan,
            (struct step){PHASE_FILES, STEP_PID_FILES,
                str_dup("remove stale docker*.pid files below /run and /var/run"),
                str_dup(
                    "an engine that was killed leaves them, and the next one takes them for a running one"),
                NULL, false, 0},
            e);
    if (r == 0 && plan->tls && command->kind == COMMAND_ENGINE)
        r = plan_add(plan,
            (struct step){PHASE_FILES, STEP_CERTIFICATES,
                str_format("keep, renew or make the certificates in %s", s->tls.dir),
                str_dup("the API is protected by mutual TLS"), NULL, true, 0},
            e);
    if (r == 0 && s->daemon)
        r = plan_add(plan,
            (struct step){PHASE_FILES, STEP_DAEMON_CONFIG,
                str_dup(
                    "write the engine's configuration file, daemon: merged over the one it would have read"),
                str_dup("daemon: asks for it"), NULL, true, 0},
            e);
    if (r == 0)
        r = plan_add(plan,
            (struct step){PHASE_FILES, STEP_RECORD,
                str_format("write %s/dind/instance.json", rootless ? host->runtime_dir : "/run"),
                str_dup("dindctl finds the running instance by it"), NULL, false, 0},
            e);
    return r;
}

static int plan_drop(struct plan *plan, const struct settings *s, const struct host *host, struct err *e)
{
    static const char *const profiles[] = {
        [PROFILE_COMPAT] = "compat", [PROFILE_DEFAULT] = "default", [PROFILE_STRICT] = "strict"};
    capset dropped = host->bounding & ~plan->keep;
    int r = 0;

    if (plan->mode == MODE_ROOTLESS) {
        if (host->bounding)
            strings_addf(&plan->notes,
                "the bounding set still holds %u capabilities: only root may shrink it, and newuidmap needs "
                "two of them",
                capset_count(host->bounding));
        return plan_add(plan,
            (struct step){PHASE_CAPABILITIES, STEP_CAPABILITIES,
                str_dup("clear the effective, permitted, inheritable and ambient sets, and verify it"),
                str_dup("a rootless engine needs no capability out here"), NULL, true, 0},
            e);
    }
    if (dropped) {
        char *names cleanup_free = capset_names(dropped);
        r = plan_add(plan,
            (struct step){PHASE_BOUNDING, STEP_BOUNDING_SET,
                str_format("drop %u capabilities from the bounding set: %s", capset_count(dropped), names),
                str_format("capabilities.profile is %s", profiles[s->capabilities.profile]), NULL, true, 0},
            e);
    }
    if (r == 0)
        r = plan_add(plan,
            (struct step){PHASE_CAPABILITIES, STEP_CAPABILITIES,
                str_format("keep %u capabilities, none of them inheritable or ambient, and verify it",
                    capset_count(plan->keep)),
                str_dup("what is dropped must be gone for good"), NULL, true, 0},
            e);
    return r;
}

int plan_build(struct plan *plan, const struct settings *s, const struct host *host,
    const struct command *command, struct err *e)
{
    cleanup(plan_free) struct plan made = {0};
    int r = decide_mode(&made, s, host, e);

    if (r == 0)
        r = decide_init(&made, s, host, e);
    if (r == 0)
        r = decide_api(&made, s, host, command, e);
    if (r == 0 && made.mode == MODE_ROOTFUL) {
        r = privilege_check_rootful(host, e);
        if (r == 0)
            r = decide_capabilities(&made, s, host, command, e);
        privilege_notes_rootful(host, &made.notes);
        if (r == 0)
            r = plan_mounts(&made, s, host, e);
        if (r == 0)
            r = plan_cgroup(&made, s, host, e);
    }
    if (r == 0 && made.mode == MODE_ROOTLESS)
        r = refuse_root_only(s, e);
    if (r == 0 && made.mode == MODE_ROOTLESS)
        r = rootless_check(host, e);
    if (r == 0)
        r = plan_iptables(&made, s, host, e);
    if (r == 0)
        r = plan_files(&made, s, host, command, e);
    if (r == 0)
        r = plan_drop(&made, s, host, e);
    if (r < 0)
        return r;
    *plan = made;
    made = (struct plan){0};
    return 0;
}
