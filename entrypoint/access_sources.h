/* api.allow as addresses. */
#pragma once

#include "base/err.h"
#include "base/text.h"

/*
 * Appends what `allow` lists to `sources`: addresses and networks as they are, and of each name the addresses
 * that it has now, each one once. A name has so many milliseconds. Returns 0, or a negative errno with *e
 * when a name cannot be resolved.
 */
int access_sources(
    const struct strings *allow, long long milliseconds, struct strings *sources, struct err *e);
