/* Asks the engine itself whether it is ready: GET /_ping on the Unix socket of the instance that runs. */
#pragma once

#include "base/err.h"

/*
 * `host` is "unix:///path", or NULL for the instance that the launcher recorded. Returns 0 when the engine
 * answered 200, else a negative errno with *e naming the stage: launcher, engine not listening, engine
 * answers an error. Bounded by `seconds`.
 */
int health_ask(const char *host, unsigned seconds, const char *const *environment, struct err *e);
