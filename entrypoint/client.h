/* Any command but the engine: it runs as a client, with the environment that lets it find one. */
#pragma once

#include "base/err.h"
#include "config/settings.h"

/* The environment's part, pure but for looking at which sockets and certificates exist. `uid` is ours. */
void client_environment(struct strings *environment, const char *tls_dir, uid_t uid);

/* Becomes the command (`docker COMMAND` where that is a docker subcommand). Returns only on failure. */
int client_run(
    const char *const *arguments, const char *tls_dir, const char *const *environment, struct err *e);
