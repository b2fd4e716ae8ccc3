/* The rootless mode: its folders, and rootlesskit's command line. Pure. */
#pragma once

#include "base/err.h"
#include "config/settings.h"
#include "entrypoint/host.h"

/* newuidmap and newgidmap have file capabilities, and no set-user-ID bit. */
bool rootless_idmap_clean(const struct host *host);

/* What a start as root mends by itself: their file capabilities; accounts and subordinate ids that are
 * missing. */
bool rootless_idmap_mended(const struct host *host);
bool rootless_accounts_made(const struct host *host);

/* The error for a HOME or XDG_RUNTIME_DIR that cannot be used; `cause` is a negative errno. Returns it. */
int rootless_folder_error(const struct host *host, const char *folder, int cause, struct err *e);

/* The drivers that auto means here. Borrowed or static. */
const char *rootless_network_driver(const struct settings *s, const struct host *host);
const char *rootless_port_driver(const struct settings *s, const struct host *host);

/*
 * Appends rootlesskit's flags, in the order of the engine's own dockerd-rootless.sh: state folder, network
 * driver, MTU, slirp4netns' protections, port driver, copy-up, propagation, the user's flags. `publish` (may
 * be NULL) is the value for -p.
 */
void rootless_arguments(
    struct strings *arguments, const struct settings *s, const struct host *host, const char *publish);

/* The first argument by which the second stage, inside rootlesskit, is told from a start: no program has this
 * name. */
#define ROOTLESS_CHILD "dind-rootless-child"

/* Appends what rootlesskit starts: this binary's second stage. dockerd and its arguments follow. */
void rootless_child_arguments(struct strings *arguments, const struct settings *s, const struct host *host);
