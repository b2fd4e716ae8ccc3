/* dockerd's own configuration file: the one it would have read, and the one that daemon: makes of it. */
#pragma once

#include "base/err.h"
#include "entrypoint/command.h"
#include "entrypoint/host.h"

typedef struct json_t json_t;

struct engine_config {
    char *path;     /* owned: the file dockerd would have read, whether it exists or not */
    json_t *merged; /* owned: what the settings ask for, merged over its content; NULL when they do not */
    json_t *base; /* owned: its content; NULL when there is none, or it is not JSON and nothing is merged over
                     it */
    int problem;  /* a negative errno: it is there and no JSON object, may not be read, or was named and is
                     missing; dockerd will say so */
    struct strings sources; /* what `merged` is made of: "daemon (ORIGIN)" */
};

/*
 * Reads the file (--config-file of the user, else /etc/docker/daemon.json, rootless
 * $XDG_CONFIG_HOME/docker/daemon.json) and merges what dockerd_config_wanted finds in the settings. Only
 * reads. Returns 0, or a negative errno with *e (EXIT_CONFIG) when that cannot be had, or needs a file that
 * is no JSON object, or that was named and is missing. End it with engine_config_free.
 */
int engine_config_look(struct engine_config *config, const struct settings *s, const struct host *host,
    const struct command *command, struct err *e);

/* The second part of that: merges what the settings ask for over `base`. Pure, as all below. */
int engine_config_merge(struct engine_config *config, const struct settings *s, struct err *e);

/* Merges more over it: what the plan has decided. `more` may be NULL. */
void engine_config_add(struct engine_config *config, const json_t *more, const struct strings *sources);

/* The file as dockerd will read it, or NULL; borrowed. */
const json_t *engine_config_file(const struct engine_config *config);

/* A setting that is text and the same word as a flag and in the file: the flag's value, else the file's, else
 * NULL. Borrowed. */
const char *engine_config_setting(
    const struct engine_config *config, const struct command *command, const char *name);

/* The folder that the user has chosen for the engine's data, or NULL; borrowed. */
const char *engine_config_data_root(const struct engine_config *config, const struct command *command);

void engine_config_free(struct engine_config *config);
