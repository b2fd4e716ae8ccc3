#include "base/log.h"
#include "entrypoint/boot_report.h"
#include "entrypoint/certs_command.h"
#include "entrypoint/check.h"
#include "entrypoint/dindctl_options.h"
#include "entrypoint/engine_version.h"
#include "entrypoint/entrypoint.h"
#include "entrypoint/health.h"
#include "entrypoint/levels.h"
#include "entrypoint/prepare.h"
#include "entrypoint/seccomp.h"
#include "entrypoint/show.h"
#include "entrypoint/version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: dindctl COMMAND [OPTION...]\n"
    "\n"
    "  plan [--json] [-- ARGUMENT...]   what a start with these arguments would do here, and why; changes "
    "nothing\n"
    "  check [--json]                   what this container and its node lack for the engine, and what mends "
    "it\n"
    "  check --matrix [--json]          what works at which level of privilege, as it was measured\n"
    "  config [--json]                  every setting with its value and where it came from\n"
    "  config --schema                  the JSON Schema of the configuration file\n"
    "  config --reference               every option with its values, default and variable, as Markdown\n"
    "  certs show [--json]              every certificate: subject, key, dates, names, and what is to be "
    "done\n"
    "  certs check                      exit status 0 if all is good, or 1 and what is not\n"
    "  certs renew                      issue server and clients again, now and with the same keys\n"
    "  certs issue NAME [--dir DIR]     one more client certificate, in clients/NAME below tls.dir\n"
    "  certs init DIR                   make a whole store in DIR, for build pipelines and Secrets\n"
    "  seccomp rootful|rootless         a seccomp profile for a container without --privileged\n"
    "  health [--wait TIME] [--json]    ask the engine whether it is ready: exit status 0, or 1 and the "
    "stage\n"
    "         [--host HOST] [--certs DIR] [--timeout TIME]\n"
    "                                   another engine: unix:///PATH, or tcp://HOST:PORT with its client "
    "certificates\n"
    "  report [--json]                  what the last start did, step by step with times, and its warnings\n"
    "  version                          this program's version\n"
    "\n"
    "Options of plan, check, config and certs:\n"
    "  --config FILE      the configuration file (default: $DIND_CONFIG, else " CONFIG_DEFAULT_FILE ")\n"
    "  --set KEY=VALUE    a setting that beats the file and the environment; may be repeated\n"
    "\n"
    "Exit status: 0 done; 1 not ready, not good; 64 usage; 71 system; 77 a privilege is missing; 78 "
    "configuration.\n";

static int run_plan(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(dindctl_options_free) struct dindctl_options o = {0};
    cleanup(prepared_free) struct prepared p = {0};
    cleanup_text struct text out = {0};

    int r = dindctl_options_read(&o, words, "--json --config --set", DINDCTL_ARGUMENTS, NULL, e);
    if (r < 0)
        return r;
    if (command_kind_of(o.arguments) == COMMAND_CLIENT)
        return dindctl_usage_error(e, "runs as a client command: there is nothing to plan", o.arguments[0]);
    const struct config_input input = dindctl_input(&o, environment);
    r = prepare(&p, &input, o.arguments, e);
    if (r < 0)
        return r;
    if (o.json)
        show_plan_json(&p, environment, &out);
    else
        show_plan(&p, environment, &out);
    return dindctl_print(text_get(&out), e);
}

static int run_matrix(bool json, struct err *e)
{
    cleanup_text struct text out = {0};

    if (json)
        levels_show_json(&out);
    else
        levels_show(&out);
    return dindctl_print(text_get(&out), e);
}

static int run_check(const char *const *words, const char *const *environment, struct err *e)
{
    static const char *const no_arguments[] = {NULL};
    cleanup(dindctl_options_free) struct dindctl_options o = {0};
    cleanup(prepared_free) struct prepared p = {0};
    cleanup(checks_free) struct checks checks = {0};
    cleanup_text struct text out = {0};

    int r = dindctl_options_read(&o, words, "--json --matrix --config --set", DINDCTL_NOTHING, NULL, e);
    if (r == 0 && o.matrix)
        return run_matrix(o.json, e);
    const struct config_input input = dindctl_input(&o, environment);
    if (r == 0)
        r = prepare_look(&p, &input, no_arguments, e);
    if (r < 0)
        return r;
    char *version cleanup_free = engine_version_ask(p.host.path, environment);
    const struct check_input judged = {&p.settings, &p.host, &p.command, &p.config, version};
    checks_run(&checks, plan_mode(&p.settings, &p.host), &judged);
    if (o.json)
        checks_show_json(&checks, &out);
    else
        checks_show(&checks, &out);
    r = dindctl_print(text_get(&out), e);
    if (r < 0)
        return r;
    return checks_passed(&checks) ? 0 : EXIT_PRIVILEGE;
}

static int run_config(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(dindctl_options_free) struct dindctl_options o = {0};
    cleanup(settings_free) struct settings s = {0};
    cleanup_text struct text out = {0};

    int r = dindctl_options_read(
        &o, words, "--json --schema --reference --config --set", DINDCTL_NOTHING, NULL, e);
    if (r < 0)
        return r;
    if (o.schema)
        config_schema(&out);
    else if (o.reference)
        config_reference(&out);
    if (out.length)
        return dindctl_print(text_get(&out), e);
    const struct config_input input = dindctl_input(&o, environment);
    r = config_load(&s, &input, e);
    if (r < 0)
        return r;
    dindctl_warn(&s.warnings);
    if (o.json)
        config_print_json(&s, &out);
    else
        config_print(&s, &out);
    return dindctl_print(text_get(&out), e);
}

static int run_seccomp(const char *const *words, struct err *e)
{
    cleanup_text struct text out = {0};
    enum seccomp_profile profile;

    if (!words[0] || words[1] || !seccomp_profile_named(words[0], &profile))
        return dindctl_usage_error(e, "takes one of rootful and rootless", "seccomp");
    seccomp_print(profile, &out);
    return dindctl_print(text_get(&out), e);
}

static int run_report(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(dindctl_options_free) struct dindctl_options o = {0};
    cleanup(boot_record_free) struct boot_record record = {0};
    cleanup_text struct text out = {0};

    int r = dindctl_options_read(&o, words, "--json", DINDCTL_NOTHING, NULL, e);
    if (r == 0)
        r = boot_record_read(&record, environment, e);
    if (r < 0)
        return r;
    if (o.json)
        return dindctl_print(text_get(&record.content), e);
    boot_report_show(record.json, record.former, boot_view_of(environment), &out);
    return dindctl_print(text_get(&out), e);
}

/* Also behind a command; what follows "--" is dockerd's. */
static bool asks_for_help(const char *const *words)
{
    if (strcmp(words[0], "help") == 0)
        return true;
    for (; *words && strcmp(*words, "--") != 0; words++)
        if (strcmp(*words, "--help") == 0 || strcmp(*words, "-h") == 0)
            return true;
    return false;
}

static int run(const char *const *words, const char *const *environment, struct err *e)
{
    if (!words[0])
        return dindctl_usage_error(e, "needs a command", "dindctl");
    if (asks_for_help(words))
        return dindctl_print(usage, e);
    if (strcmp(words[0], "plan") == 0)
        return run_plan(words + 1, environment, e);
    if (strcmp(words[0], "check") == 0)
        return run_check(words + 1, environment, e);
    if (strcmp(words[0], "config") == 0)
        return run_config(words + 1, environment, e);
    if (strcmp(words[0], "certs") == 0)
        return certs_command(words + 1, environment, e);
    if (strcmp(words[0], "seccomp") == 0)
        return run_seccomp(words + 1, e);
    if (strcmp(words[0], "health") == 0)
        return health_command(words + 1, environment, e);
    if (strcmp(words[0], "report") == 0)
        return run_report(words + 1, environment, e);
    if (strcmp(words[0], "version") == 0 || strcmp(words[0], "--version") == 0)
        return dindctl_print("dockerd-entrypoint " DIND_VERSION "\n", e);
    return dindctl_usage_error(e, "is not a command of dindctl", words[0]);
}

int dindctl_main(const char *const *arguments, const char *const *environment)
{
    struct err e = {0};

    log_terminal(environment);
    int r = run(arguments + 1, environment, &e);
    if (r >= 0)
        return r;
    log_failure(&e);
    return e.status ? e.status : EXIT_SYSTEM;
}
