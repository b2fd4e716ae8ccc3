/* dindctl health: asks the engine itself whether it is ready, and names the stage that is not. */
#pragma once

#include "base/err.h"
#include "entrypoint/dindctl_options.h"

/* The command with its words behind "health". Returns the exit status, 0 or 1; or a negative errno with *e.
 */
int health_command(const char *const *words, const char *const *environment, struct err *e);
