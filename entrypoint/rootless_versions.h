/* The versions of what a rootless start begins with, where a setting depends on them. */
#pragma once

#include "config/settings.h"
#include "entrypoint/host.h"

/*
 * Fills host->rootless.versions: slirp4netns' where it would be taken, rootlesskit's and dockerd's where
 * these settings ask for what came with one of their releases. What is not asked, or does not answer, stays
 * unknown.
 */
void rootless_versions_ask(struct host *host, const struct settings *s, const char *const *environment);
