/* The last decision: settings + facts + what the steps chose -> program, arguments, environment. Pure. */
#pragma once

#include "base/text.h"
#include "entrypoint/command.h"
#include "entrypoint/host.h"
#include "entrypoint/plan.h"

/* Where the images keep the legacy iptables. */
#define LEGACY_FOLDER "/usr/local/sbin/.iptables-legacy"

/* What was only known on the way. */
struct applied {
    bool iptables_legacy;
    bool apparmor_loaded; /* docker-default is in the kernel already */
    bool idmap_mended;    /* newuidmap and newgidmap have file capabilities, and no set-user-ID bit */
    char *config_file;    /* owned: the engine's configuration file that was written, or NULL */
    char
        *storage_driver; /* owned: the engine's storage driver, where it is not left to the engine; or NULL */
    int *sockets;        /* owned, as an array: what the engine is handed, in the order of its descriptors */
    size_t socket_count;
};

void applied_free(struct applied *applied);

/* PATH for the engine, and for whatever has to run the same iptables. The caller frees it. */
char *applied_path(const struct applied *applied, const struct host *host);

struct launch {
    struct strings arguments;   /* [0] is the program's name, looked up in `path` */
    struct strings environment; /* as in execve(2) */
    char *path;                 /* owned: PATH of the new environment */
    const int *sockets;         /* borrowed from applied: the engine's descriptors 3, 4, ... */
    size_t socket_count;
    bool supervise; /* fork and stay as its init, instead of becoming it */
};

/* dockerd's arguments without its name: default flags, what the steps chose, settings.args, the user's. */
void launch_engine_arguments(struct strings *arguments, const struct plan *plan, const struct settings *s,
    const struct command *command, const struct applied *applied);

/* End it with launch_free. */
void launch_build(struct launch *launch, const struct plan *plan, const struct settings *s,
    const struct host *host, const struct command *command, const struct applied *applied,
    const char *const *environment);
void launch_free(struct launch *launch);

/* The command's words with secrets masked (base/redact.h): for people. */
void launch_words(const struct launch *launch, struct strings *words);

/* The same as a shell would take it, quoted where that is needed. The caller frees it. */
char *launch_line(const struct launch *launch);
