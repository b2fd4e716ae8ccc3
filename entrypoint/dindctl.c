#include "base/log.h"
#include "entrypoint/check.h"
#include "entrypoint/entrypoint.h"
#include "entrypoint/health.h"
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
    "  config [--json]                  every setting with its value and where it came from\n"
    "  config --schema                  the JSON Schema of the configuration file\n"
    "  config --reference               every option with its values, default and variable, as Markdown\n"
    "  seccomp rootful|rootless         a seccomp profile for a container without --privileged\n"
    "  health [--host unix:///PATH] [--timeout SECONDS]\n"
    "                                   ask the engine whether it is ready: exit status 0, or 1 and the "
    "stage\n"
    "  version                          this program's version\n"
    "\n"
    "Options of plan and config:\n"
    "  --config FILE      the configuration file (default: $DIND_CONFIG, else " CONFIG_DEFAULT_FILE ")\n"
    "  --set KEY=VALUE    a setting that beats the file and the environment; may be repeated\n"
    "\n"
    "Exit status: 0 done; 1 not ready; 64 usage; 71 system; 77 a privilege is missing; 78 configuration.\n";

struct options {
    bool json, schema, reference;
    const char *file, *host;
    long long timeout;
    struct strings set;
    const char *const *arguments; /* behind "--" */
};

static const char *const no_arguments[] = {NULL};

static int usage_error(struct err *e, const char *what, const char *subject)
{
    (void)err_set(e, -EINVAL, "%s %s", subject, what);
    (void)err_status(e, EXIT_USAGE);
    return err_hint(e, "dindctl help lists commands and options");
}

/* One flag and its value; `at` moves behind what was taken. `allowed` is a blank-separated list of this
 * command's flags. */
static int read_option(struct options *o, const char *const **at, const char *allowed, struct err *e)
{
    const char *word = **at;
    cleanup_strings struct strings flags = {0};
    size_t length = strcspn(word, "=");
    char *name cleanup_free = str_dup_n(word, length);

    strings_split(&flags, allowed, " ");
    if (!strings_have(&flags, name))
        return usage_error(e, "is not an option of this command", word);
    bool flag =
        strcmp(name, "--json") == 0 || strcmp(name, "--schema") == 0 || strcmp(name, "--reference") == 0;
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    if (flag && value)
        return usage_error(e, "takes no value", name);
    if (!flag && !value) {
        value = (*at)[1];
        if (!value)
            return usage_error(e, "needs a value", name);
        (*at)++;
    }
    (*at)++;
    if (strcmp(name, "--json") == 0)
        o->json = true;
    else if (strcmp(name, "--schema") == 0)
        o->schema = true;
    else if (strcmp(name, "--reference") == 0)
        o->reference = true;
    else if (strcmp(name, "--config") == 0)
        o->file = value;
    else if (strcmp(name, "--host") == 0)
        o->host = value;
    else if (strcmp(name, "--set") == 0)
        strings_add(&o->set, value);
    else if (!parse_number(value, 1, 3600, &o->timeout))
        return usage_error(e, "is a number of seconds from 1 to 3600", name);
    return 0;
}

static int read_options(
    struct options *o, const char *const *words, const char *allowed, bool takes_rest, struct err *e)
{
    *o = (struct options){.timeout = 5, .arguments = no_arguments};
    while (*words) {
        if (takes_rest && strcmp(*words, "--") == 0) {
            o->arguments = words + 1;
            return 0;
        }
        int r = read_option(o, &words, allowed, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static void options_free(struct options *o)
{
    strings_free(&o->set);
}

/* Standard output may be full or closed: saying nothing with status 0 would be a lie. */
static int print_line(const char *text, struct err *e)
{
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
        return err_errno(e, -errno, "standard output");
    return 0;
}

static int print(const struct text *out, struct err *e)
{
    return print_line(text_get(out), e);
}

static struct config_input input_of(const struct options *o, const char *const *environment)
{
    return (struct config_input){
        .environment = environment, .set = (const char *const *)o->set.items, .file = o->file};
}

static int run_plan(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(options_free) struct options o = {0};
    cleanup(prepared_free) struct prepared p = {0};
    cleanup_text struct text out = {0};

    int r = read_options(&o, words, "--json --config --set", true, e);
    if (r < 0)
        return r;
    if (command_kind_of(o.arguments) == COMMAND_CLIENT)
        return usage_error(e, "runs as a client command: there is nothing to plan", o.arguments[0]);
    const struct config_input input = input_of(&o, environment);
    r = prepare(&p, &input, o.arguments, e);
    if (r < 0)
        return r;
    if (o.json)
        show_plan_json(&p, environment, &out);
    else
        show_plan(&p, environment, &out);
    return print(&out, e);
}

static int run_check(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(options_free) struct options o = {0};
    cleanup(settings_free) struct settings s = {0};
    cleanup(host_free) struct host host = {0};
    cleanup(checks_free) struct checks checks = {0};
    cleanup_text struct text out = {0};

    int r = read_options(&o, words, "--json --config --set", false, e);
    const struct config_input input = input_of(&o, environment);
    if (r == 0)
        r = config_load(&s, &input, e);
    if (r == 0)
        r = host_look(&host, environment, e);
    if (r < 0)
        return r;
    enum mode mode = s.mode != MODE_AUTO ? (enum mode)s.mode : host.uid == 0 ? MODE_ROOTFUL : MODE_ROOTLESS;
    checks_run(&checks, mode, &s, &host);
    if (o.json)
        checks_show_json(&checks, &out);
    else
        checks_show(&checks, &out);
    r = print(&out, e);
    if (r < 0)
        return r;
    return checks_passed(&checks) ? 0 : EXIT_PRIVILEGE;
}

static int run_config(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(options_free) struct options o = {0};
    cleanup(settings_free) struct settings s = {0};
    cleanup_text struct text out = {0};

    int r = read_options(&o, words, "--json --schema --reference --config --set", false, e);
    if (r < 0)
        return r;
    if (o.schema)
        config_schema(&out);
    else if (o.reference)
        config_reference(&out);
    if (out.length)
        return print(&out, e);
    const struct config_input input = input_of(&o, environment);
    r = config_load(&s, &input, e);
    if (r < 0)
        return r;
    for (size_t i = 0; i < s.warnings.count; i++)
        log_warn(NULL, "%s", s.warnings.items[i]);
    if (o.json)
        config_print_json(&s, &out);
    else
        config_print(&s, &out);
    return print(&out, e);
}

static int run_seccomp(const char *const *words, struct err *e)
{
    cleanup_text struct text out = {0};
    enum seccomp_profile profile;

    if (!words[0] || words[1] || !seccomp_profile_named(words[0], &profile))
        return usage_error(e, "takes one of rootful and rootless", "seccomp");
    seccomp_print(profile, &out);
    return print(&out, e);
}

static int run_health(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(options_free) struct options o = {0};

    int r = read_options(&o, words, "--host --timeout", false, e);
    if (r == 0)
        r = health_ask(o.host, (unsigned)o.timeout, environment, e);
    if (r < 0 && !e->status)
        (void)err_status(e, 1);
    if (r == 0)
        (void)puts("ready");
    return r;
}

static int run(const char *const *words, const char *const *environment, struct err *e)
{
    if (!words[0])
        return usage_error(e, "needs a command", "dindctl");
    if (strcmp(words[0], "plan") == 0)
        return run_plan(words + 1, environment, e);
    if (strcmp(words[0], "check") == 0)
        return run_check(words + 1, environment, e);
    if (strcmp(words[0], "config") == 0)
        return run_config(words + 1, environment, e);
    if (strcmp(words[0], "seccomp") == 0)
        return run_seccomp(words + 1, e);
    if (strcmp(words[0], "health") == 0)
        return run_health(words + 1, environment, e);
    if (strcmp(words[0], "version") == 0 || strcmp(words[0], "--version") == 0)
        return print_line("dockerd-entrypoint " DIND_VERSION "\n", e);
    if (strcmp(words[0], "help") == 0 || strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0)
        return print_line(usage, e);
    return usage_error(e, "is not a command of dindctl", words[0]);
}

int dindctl_main(const char *const *arguments, const char *const *environment)
{
    struct err e = {0};

    int r = run(arguments + 1, environment, &e);
    if (r >= 0)
        return r;
    log_failure(&e);
    return e.status ? e.status : EXIT_SYSTEM;
}
