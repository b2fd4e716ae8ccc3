/* Defaults < YAML file < environment < --set: reads all of it into one checked settings struct. Changes
 * nothing. */
#pragma once

#include "base/err.h"
#include "config/settings.h"

#define CONFIG_DEFAULT_FILE "/etc/dind/config.yaml"

enum {
    CONFIG_MAX_BYTES = 1024 * 1024, /* of a YAML file */
    CONFIG_MAX_DEPTH = 16,          /* of nested collections */
    CONFIG_MAX_VALUE = 64 * 1024,   /* of one scalar, or one environment variable */
};

struct config_input {
    const char *const *environment; /* "NAME=value", NULL-terminated; borrowed */
    const char *const *set;         /* "key=value", NULL-terminated, or NULL; borrowed */
    const char *file;               /* --config; NULL: $DIND_CONFIG, else the default file if it exists */
};

/*
 * Fills *s. Returns 0, or a negative errno with *e set: status EXIT_CONFIG, text "FILE:LINE:COLUMN: KEY: ..."
 * or "DIND_X: ...", hint with what is allowed and the nearest known key. *s is only written on success; the
 * caller ends it with settings_free.
 */
int config_load(struct settings *s, const struct config_input *input, struct err *e);

/* Every option with its effective value and origin: YAML that config_load accepts, origins as comments.
 * Secrets are masked (base/redact.h). */
void config_print(const struct settings *s, struct text *out);

/* The same as JSON: {"key": {"value": ..., "origin": "..."}}. */
void config_print_json(const struct settings *s, struct text *out);

/* JSON Schema (draft 2020-12) of the YAML file with the defaults, for editors and CI. */
void config_schema(struct text *out);

/* The reference table for the manual: Markdown, one row an option. */
void config_reference(struct text *out);

/* The network driver of rootlesskit that this port driver of it needs, or NULL: any but pasta (rootlesskit
 * cmd/rootlesskit/main.go, createParentOpt). */
const char *config_port_driver_network(const char *port_driver);
