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

/*
 * Appends rootlesskit's flags, in the order of the engine's own dockerd-rootless.sh: state folder, network
 * driver, MTU, slirp4netns' protections, port driver, copy-up, propagation, the user's flags. `publish` (may
 * be NULL) is the value for -p.
 */
void rootless_arguments(
    struct strings *arguments, const struct settings *s, const struct host *host, const char *publish);
