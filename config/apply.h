/* Writes one checked value into the settings. */
#pragma once

#include "base/err.h"
#include "config/node.h"
#include "config/options.h"

/* Where values come from right now. */
struct source {
    enum origin_kind kind;
    const char *name; /* borrowed: the file, the variable, or "--set" */
};

/*
 * Checks `value` against the row and replaces the field and its origin. Returns 0, or -EINVAL with *e (text,
 * hint, status EXIT_CONFIG) and the settings as they were.
 */
int option_apply(const struct option *option, const struct node *value, const struct source *source,
    struct settings *settings, struct err *e);

/*
 * The same for the environment's form of a value: plain scalars, lists by commas or white space, words with a
 * shell's quoting, JSON.
 */
int option_apply_text(const struct option *option, const char *text, const struct source *source,
    struct settings *settings, struct err *e);

/* Gives every option the default of its row, by option_apply_text. On failure some are applied. */
int option_apply_defaults(struct settings *settings, struct err *e);

/* "FILE:LINE:COLUMN: KEY: WHAT", "VARIABLE: WHAT" or "--set KEY: WHAT" with hint and EXIT_CONFIG; -EINVAL. */
int source_refuse(const struct source *source, const struct node *at, const char *key, const char *hint,
    struct err *e, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* "did you mean" for a key, with any of . _ - between its parts; NULL when nothing is near. `loose` also
 * takes a known last part under another group. */
const struct option *option_nearest(const char *key, bool loose);

/* The nearest of some words (NULL-terminated), or NULL. */
const char *nearest_word(const char *word, const char *const *words);
