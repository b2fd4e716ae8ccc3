/* Everything before the first change: settings, facts, plan, and the checks that need no change. */
#pragma once

#include "base/err.h"
#include "config/config.h"
#include "entrypoint/command.h"
#include "entrypoint/engine_config.h"
#include "entrypoint/host.h"
#include "entrypoint/plan.h"

struct prepared {
    bool loaded; /* `settings` are there, whatever failed later */
    struct settings settings;
    struct host host;
    struct command command;
    struct engine_config config;
    struct plan plan;
    struct {
        long long settings, facts, plan; /* microseconds that each took; `plan` with the checks */
    } times;
    bool slow_keys;     /* RSA keys have to be made */
    char *certificates; /* owned: what will happen to them, one clause; NULL when it cannot be known yet, or
                           without TLS */
};

/* Settings and facts alone: loads and looks for `arguments`. As prepare, below. */
int prepare_look(
    struct prepared *p, const struct config_input *input, const char *const *arguments, struct err *e);

/*
 * Loads, looks and plans for `arguments` (not COMMAND_CLIENT), then checks what can be checked without
 * changing anything: settings that are both flags and in the engine's configuration file, the certificates
 * that are there. Returns 0, or a negative errno with *e. End it with prepared_free, after a failure too.
 */
int prepare(
    struct prepared *p, const struct config_input *input, const char *const *arguments, struct err *e);
void prepared_free(struct prepared *p);
