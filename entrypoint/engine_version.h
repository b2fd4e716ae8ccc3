/* The engine's version: which one it is decides whether it can do with less than every capability. */
#pragma once

#include "entrypoint/launch.h"
#include "entrypoint/prepare.h"

/* What `dockerd --version` prints, or NULL if that takes too long or fails. The caller frees it. */
char *engine_version_ask(const char *path, const char *const *environment);

/*
 * Asks beside the start, which does not wait for it: in a process of its own that takes only idle processor
 * time, and writes the warning itself if there is one. Does nothing where no answer would be a warning, or
 * where nobody would reap that process.
 */
void engine_version_watch(const struct prepared *p, const struct launch *launch);
