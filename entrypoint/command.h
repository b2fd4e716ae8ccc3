/* What the arguments ask for: the engine with our default flags, dockerd exactly as given, or some other
 * command. Pure. */
#pragma once

#include "base/text.h"
#include "config/dockerd_flags.h"

#include <stdbool.h>

enum command_kind {
    COMMAND_ENGINE,   /* no argument, or the first one begins with "-" */
    COMMAND_EXPLICIT, /* the first argument is "dockerd": no default flags */
    COMMAND_CLIENT,   /* anything else runs as a client of an engine */
};

struct command {
    enum command_kind kind;
    struct strings
        arguments; /* the user's: without "dockerd" for COMMAND_EXPLICIT, all of them for COMMAND_CLIENT */
    struct dockerd_flags
        flags; /* of settings.args and these, as dockerd will read them; empty for COMMAND_CLIENT */
};

/* `arguments` without the program's own name, NULL-terminated. `extra` is settings.args. End it with
 * command_free. */
void command_read(struct command *command, const char *const *arguments, const struct strings *extra);
void command_free(struct command *command);

enum command_kind command_kind_of(const char *const *arguments);
