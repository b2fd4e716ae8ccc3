/* The parts of host_look, for host*.c alone. */
#pragma once

#include "entrypoint/host.h"

/*
 * Whom the engine will run as, and that user's places: home, runtime folder, configuration, data. 0, or a
 * negative errno with *e, status EXIT_CONFIG, when rootless.user names nobody or root.
 */
int host_look_user(
    struct host *host, const struct settings *s, const char *const *environment, struct err *e);

/* What a rootless engine of that user needs. After host_look_user. */
void host_look_rootless(struct host *host);
