/* Reads a dockerd command line as dockerd itself does (spf13/pflag syntax), to know what the user has already
 * set. */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <stdbool.h>

typedef struct json_t json_t;
struct settings; /* settings.h */

struct dockerd_flag {
    char *name;  /* owned: long name without dashes; short ones are resolved ("H" is "host") */
    char *value; /* owned: "true" or "false" for boolean flags given without a value */
};

struct dockerd_flags {
    struct dockerd_flag *items; /* owned */
    size_t count;
};

/*
 * Fills *flags, which the caller ends with dockerd_flags_free. Understands --name=value, --name value,
 * -H value, -Hvalue, -D, clusters such as -DH value, and "--" as the end. A flag that the table does not know
 * is taken as --name=value, or as boolean where no "=" follows: newer engines have more flags, and a wrong
 * guess here must never change what dockerd gets. Never fails.
 */
void dockerd_flags_parse(struct dockerd_flags *flags, const struct strings *args);

/* Leaves *flags empty. */
void dockerd_flags_free(struct dockerd_flags *flags);

/* The last value of a flag, or NULL; borrowed. */
const char *dockerd_flags_get(const struct dockerd_flags *flags, const char *name);

/* True when any flag begins with this ("tls"). */
bool dockerd_flags_any(const struct dockerd_flags *flags, const char *prefix);

/* The key in daemon.json of a flag: "hosts" for "host", the name itself where it has no other. Borrowed. */
const char *dockerd_flag_key(const char *name);

/*
 * The configuration file that dockerd is to read: `wanted` (the daemon: settings, may be NULL) merged over
 * the content of `base` (NULL when there is no such file), objects key by key, everything else replaced.
 * Returns a new reference that the caller ends with json_decref.
 */
json_t *dockerd_config_merge(const json_t *base, const json_t *wanted);

/*
 * What the settings ask for in that file: daemon: and the keys that are one of its settings under another
 * name (registry.mirrors). *wanted is a new reference, NULL when there is nothing; *sources (may be NULL)
 * gets "daemon (ORIGIN)" and so on for each of them. Returns 0, or -EEXIST with *e (EXIT_CONFIG) when a key
 * and daemon: say the same setting.
 */
int dockerd_config_wanted(const struct settings *s, json_t **wanted, struct strings *sources, struct err *e);

/*
 * dockerd refuses a setting that is both a flag and in its file (moby daemon/config/config.go,
 * findConfigurationConflicts). Finds the first such: returns -EEXIST with *e naming key, flag and file,
 * status EXIT_CONFIG; 0 when there is none. `source` names the file for the message.
 */
int dockerd_config_conflicts(
    const json_t *config, const struct dockerd_flags *flags, const char *source, struct err *e);
