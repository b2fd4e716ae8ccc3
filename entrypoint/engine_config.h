/* dockerd's own configuration file: the one it would have read, and the one that daemon: makes of it. */
#pragma once

#include "base/err.h"
#include "entrypoint/command.h"
#include "entrypoint/host.h"

typedef struct json_t json_t;

struct engine_config {
    char *path;     /* owned: the file dockerd would have read, whether it exists or not */
    json_t *merged; /* owned: daemon: merged over its content; NULL when there is no daemon: */
    json_t *base; /* owned: its content; NULL when there is none, or it is not JSON and daemon: does not need
                     it */
};

/*
 * Reads the file (--config-file of the user, else /etc/docker/daemon.json, rootless
 * $XDG_CONFIG_HOME/docker/daemon.json) and merges. Only reads. Returns 0, or a negative errno with *e
 * (EXIT_CONFIG) when daemon: needs a file that is no JSON object, or that was named and is missing. End it
 * with engine_config_free.
 */
int engine_config_look(struct engine_config *config, const struct settings *s, const struct host *host,
    const struct command *command, struct err *e);
void engine_config_free(struct engine_config *config);
