/* What the commands of dindctl have in common: options, complaints about them, output. */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "config/config.h"

#include <stdbool.h>

struct dindctl_options {
    bool json, schema, reference, matrix;
    const char *file, *host, *certs, *dir; /* borrowed, as all words; NULL if not given */
    long long wait, timeout;               /* in seconds; wait is 0 if not given */
    struct strings set;                    /* owned */
    const char *operand;                   /* the word that is no option; NULL if there is none */
    const char *const *arguments;          /* behind "--" */
};

/* What a command takes beside options. */
enum dindctl_rest { DINDCTL_NOTHING, DINDCTL_OPERAND, DINDCTL_ARGUMENTS };

/*
 * Reads a command's words. `allowed` is a blank-separated list of its flags; an operand that is not given is
 * an error called `wanted`. Returns 0, or -EINVAL with *e (EXIT_USAGE). End it with dindctl_options_free in
 * any case.
 */
int dindctl_options_read(struct dindctl_options *o, const char *const *words, const char *allowed,
    enum dindctl_rest rest, const char *wanted, struct err *e);
void dindctl_options_free(struct dindctl_options *o);

/* "SUBJECT WHAT", with EXIT_USAGE. -EINVAL. */
int dindctl_usage_error(struct err *e, const char *what, const char *subject);

/* Standard output may be full or closed: saying nothing with status 0 would be a lie. 0, or a negative errno
 * with *e. */
int dindctl_print(const char *text, struct err *e);

/* Each as a warning. */
void dindctl_warn(const struct strings *warnings);

/* Where settings come from; borrows from both. */
struct config_input dindctl_input(const struct dindctl_options *o, const char *const *environment);
