/* The steps of the phases from network to capabilities. */
#include "plan_parts.h"

#include <linux/capability.h>

int plan_iptables(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    struct step step = {PHASE_NETWORK, STEP_IPTABLES, NULL, NULL, NULL, false, 0, false};
    char *origin cleanup_free = settings_origin(s, OPTION_NETWORK_IPTABLES);
    bool open = s->network.iptables == IPTABLES_AUTO && !host->legacy_tables_used;

    /* Only root may list rules out here to find out, and a rootless engine has tables of its own. */
    if (plan->mode == MODE_ROOTLESS && open && !(host->effective & CAPSET_ONE(CAP_NET_ADMIN)))
        return 0;
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

/* What the user asked for there, and what was decided. */
static int plan_config_file(struct plan *plan, const struct plan_input *in, struct err *e)
{
    cleanup_strings struct strings sources = {0}, reasons = {0};

    if (!in->config->merged && !plan->engine_settings)
        return 0;
    strings_add_all(&sources, &in->config->sources);
    strings_add_all(&sources, &plan->engine_sources);
    if (in->config->merged)
        strings_add(&reasons, "the settings ask for it");
    strings_add_all(&reasons, &plan->engine_reasons);
    char *what cleanup_free = strings_join(&sources, ", ");
    char *why cleanup_free = strings_join(&reasons, "; ");
    return plan_add(plan,
        (struct step){PHASE_FILES, STEP_DAEMON_CONFIG,
            str_format(
                "write the engine's configuration file: %s, merged over the one it would have read", what),
            take(why),
            plan->trial_of_network_opts
                ? str_dup("the MTU for every new network if the engine knows default-network-opts (24.0 and "
                          "newer); else for the default bridge")
                : NULL,
            true, 0, plan->becomes},
        e);
}

int plan_files(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    const struct command *command = in->command;
    bool rootless = plan->mode == MODE_ROOTLESS, as_user = plan_files_as_user(plan, host);
    char *data cleanup_free = rootless_data_folder(host->home);
    int r = plan_idmap(plan, host, e);

    if (r == 0 && rootless)
        r = plan_add(plan,
            (struct step){PHASE_FILES, STEP_USER_FOLDERS,
                str_format("make sure that %s and %s exist and are writable", host->runtime_dir, data),
                str_dup("the rootless engine keeps its sockets and its data there"), NULL, true, 0, false},
            e);
    if (r == 0)
        r = plan_add(plan,
            (struct step){PHASE_FILES, STEP_PID_FILES,
                str_dup("remove stale pid files of the engine: docker*.pid below /run and /var/run, and its "
                        "containerd's"),
                str_dup(
                    "an engine that was killed leaves them, and the next one takes them for a running one"),
                NULL, false, 0, plan->becomes},
            e);
    if (r == 0 && plan->tls && command->kind == COMMAND_ENGINE)
        r = plan_add(plan,
            (struct step){PHASE_FILES, STEP_CERTIFICATES,
                str_format("keep, renew or make the certificates in %s", s->tls.dir),
                str_dup("the API is protected by mutual TLS"), NULL, true, 0, as_user},
            e);
    if (r == 0)
        r = plan_config_file(plan, in, e);
    if (r == 0)
        r = plan_sockets(plan, in, e);
    if (r == 0 && s->ready.file)
        r = plan_add(plan,
            (struct step){PHASE_FILES, STEP_READY_FILE,
                str_format("remove %s, if an earlier start left it", s->ready.file),
                str_dup("whoever waits for it must wait for this start's engine"), NULL, true, 0, as_user},
            e);
    /* Last: from then on the record says that the engine is there. */
    if (r == 0)
        r = plan_add(plan,
            (struct step){PHASE_FILES, STEP_RECORD,
                str_format("write %s/dind/instance.json", host->uid == 0 ? "/run" : host->runtime_dir),
                str_dup("dindctl finds the running instance by it"), NULL, false, 0, false},
            e);
    return r;
}

int plan_drop(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    static const char *const profiles[] = {
        [PROFILE_COMPAT] = "compat", [PROFILE_DEFAULT] = "default", [PROFILE_STRICT] = "strict"};
    capset dropped = host->bounding & ~plan->keep;
    int r = 0;

    if (plan->mode == MODE_ROOTLESS) {
        if (!plan->becomes)
            plan_note_bounding_set(plan, host);
        if (plan->becomes)
            r = plan_identity(plan, host, e);
        if (r < 0)
            return r;
        return plan_add(plan,
            (struct step){PHASE_CAPABILITIES, STEP_CAPABILITIES,
                str_dup("clear the effective, permitted, inheritable and ambient sets, and verify it"),
                str_dup("a rootless engine needs no capability out here"), NULL, true, 0, false},
            e);
    }
    if (dropped || plan->until_loaded) {
        char *names cleanup_free = capset_names(dropped);
        r = plan_add(plan,
            (struct step){PHASE_BOUNDING, STEP_BOUNDING_SET,
                str_format("drop %u capabilities from the bounding set: %s", capset_count(dropped), names),
                str_format("capabilities.profile is %s", profiles[s->capabilities.profile]),
                plan->until_loaded ? str_dup("MAC_ADMIN too, if docker-default is loaded already") : NULL,
                true, 0, false},
            e);
    }
    if (r == 0)
        r = plan_add(plan,
            (struct step){PHASE_CAPABILITIES, STEP_CAPABILITIES,
                str_format("keep %u capabilities, none of them inheritable or ambient, and verify it",
                    capset_count(plan->keep)),
                str_dup("what is dropped must be gone for good"), NULL, true, 0, false},
            e);
    return r;
}
