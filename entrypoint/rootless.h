/* The rootless mode: its checks, in the words of the shell entrypoint, and rootlesskit's command line. Pure.
 */
#pragma once

#include "base/err.h"
#include "config/settings.h"
#include "entrypoint/host.h"

/* What must be there before anything is changed. -EPERM or -ENOENT with *e, status 1, as the shell entrypoint
 * ended. */
int rootless_check(const struct host *host, struct err *e);

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
