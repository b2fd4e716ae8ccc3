/* The one option table: every way in (YAML, environment, --set) and every way out (print, schema, reference)
 * goes by it. */
#pragma once

#include "base/text.h"
#include "config/settings.h"

#include <stddef.h>

/* What a row's field in struct settings is, and which forms its value has. */
enum option_type {
    OPTION_TYPE_BOOL,    /* bool */
    OPTION_TYPE_INT,     /* long long, min..max; 0 is spelt "auto" where `automatic` is set */
    OPTION_TYPE_ENUM,    /* int, the index into `words` */
    OPTION_TYPE_STRING,  /* char *, one of `words` if there are any, else what `check` accepts */
    OPTION_TYPE_LIST,    /* struct strings; environment: by commas or white space */
    OPTION_TYPE_WORDS,   /* struct strings; environment: words with a shell's quoting */
    OPTION_TYPE_MAP,     /* json_t *, an object; environment: JSON */
    OPTION_TYPE_RECORDS, /* an array of structs with strings, see records.h; environment: JSON */
};

/*
 * Looks at one string (of a STRING, or an item of a LIST). Returns NULL when it is good, else what is wrong
 * with it ("is not an absolute path"). *canonical may be set to another spelling, which the caller frees.
 */
typedef const char *option_check(const char *text, char **canonical);

struct record_type; /* records.h */

struct option {
    const char *key;   /* "tls.dir" */
    const char *help;  /* one sentence for people */
    const char *allow; /* imperative, for hints: "use a whole number from 1 to 825" */
    enum option_type type;
    size_t offset; /* into struct settings */
    const char *const *words;
    long long min, max;
    bool automatic;
    bool seconds; /* of an INT: may have a unit, as parse_time (base/text.h) has them */
    bool single;  /* of a LIST: one item may stand without it */
    bool secret;  /* may hold a password: messages do not quote the value */
    option_check *check;
    const struct record_type *records; /* of RECORDS */
    const char *fallback;              /* the default as its environment form; NULL: unset */
};

extern const struct option options[OPTION_COUNT];

/* The row with exactly this key, or NULL. */
const struct option *option_find(const char *key);

/* True when some key begins with "NAME." */
bool option_is_group(const char *name);

/* Identifier of a row. */
enum option_id option_id(const struct option *option);

/* "DIND_TLS_DIR" for tls.dir. The caller frees it. */
char *option_environment(const struct option *option);

/* The old name of a row's variable, or NULL; borrowed. */
const char *option_alias(const struct option *option);

/* What a value may be, as Markdown without pipes: "`auto`, `on`, `off`". The caller frees it. */
char *option_values(const struct option *option);

/* The effective value: a new reference, json null for an unset string and an empty object for an unset map.
 */
json_t *option_value(const struct option *option, const struct settings *settings);
