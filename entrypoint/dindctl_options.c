#include "dindctl_options.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const no_arguments[] = {NULL};

int dindctl_usage_error(struct err *e, const char *what, const char *subject)
{
    (void)err_set(e, -EINVAL, "%s %s", subject, what);
    (void)err_status(e, EXIT_USAGE);
    return err_hint(e, "dindctl help lists commands and options");
}

enum { DAY = 24 * 3600 }; /* seconds */

static int set_option(struct dindctl_options *o, const char *name, const char *value, struct err *e)
{
    if (strcmp(name, "--json") == 0)
        o->json = true;
    else if (strcmp(name, "--schema") == 0)
        o->schema = true;
    else if (strcmp(name, "--reference") == 0)
        o->reference = true;
    else if (strcmp(name, "--matrix") == 0)
        o->matrix = true;
    else if (strcmp(name, "--config") == 0)
        o->file = value;
    else if (strcmp(name, "--host") == 0)
        o->host = value;
    else if (strcmp(name, "--certs") == 0)
        o->certs = value;
    else if (strcmp(name, "--dir") == 0)
        o->dir = value;
    else if (strcmp(name, "--set") == 0)
        strings_add(&o->set, value);
    else if (!value || !parse_time(value, 1, DAY, strcmp(name, "--wait") == 0 ? &o->wait : &o->timeout))
        return dindctl_usage_error(e, "is a time from 1s to 24h, as 90, 90s or 2m", name);
    return 0;
}

/* One flag and its value; `at` moves behind what was taken. */
static int read_option(struct dindctl_options *o, const char *const **at, const char *allowed, struct err *e)
{
    const char *word = **at;
    cleanup_strings struct strings flags = {0};
    size_t length = strcspn(word, "=");
    char *name cleanup_free = str_dup_n(word, length);

    strings_split(&flags, allowed, " ");
    if (!strings_have(&flags, name))
        return dindctl_usage_error(e, "is not an option of this command", word);
    bool flag = strcmp(name, "--json") == 0 || strcmp(name, "--schema") == 0 ||
                strcmp(name, "--reference") == 0 || strcmp(name, "--matrix") == 0;
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    if (flag && value)
        return dindctl_usage_error(e, "takes no value", name);
    if (!flag && !value) {
        value = (*at)[1];
        if (!value)
            return dindctl_usage_error(e, "needs a value", name);
        (*at)++;
    }
    (*at)++;
    return set_option(o, name, value, e);
}

int dindctl_options_read(struct dindctl_options *o, const char *const *words, const char *allowed,
    enum dindctl_rest rest, const char *wanted, struct err *e)
{
    *o = (struct dindctl_options){.timeout = 5, .arguments = no_arguments};
    while (*words) {
        if (rest == DINDCTL_ARGUMENTS && strcmp(*words, "--") == 0) {
            o->arguments = words + 1;
            return 0;
        }
        if (rest == DINDCTL_OPERAND && **words != '-' && !o->operand) {
            o->operand = *words++;
            continue;
        }
        int r = read_option(o, &words, allowed, e);
        if (r < 0)
            return r;
    }
    if (rest == DINDCTL_OPERAND && (!o->operand || !*o->operand))
        return dindctl_usage_error(e, "is missing", wanted);
    return 0;
}

void dindctl_options_free(struct dindctl_options *o)
{
    strings_free(&o->set);
}

int dindctl_print(const char *text, struct err *e)
{
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
        return err_errno(e, -errno, "standard output");
    return 0;
}

void dindctl_warn(const struct strings *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        log_warn(NULL, "%s", warnings->items[i]);
}

struct config_input dindctl_input(const struct dindctl_options *o, const char *const *environment)
{
    return (struct config_input){
        .environment = environment, .set = (const char *const *)o->set.items, .file = o->file};
}
