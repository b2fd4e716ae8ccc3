/* The decision: settings + facts -> an ordered list of steps, each with its reason. Pure: no system call, no
 * global. */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "config/settings.h"
#include "entrypoint/command.h"
#include "entrypoint/engine_config.h"
#include "entrypoint/host.h"
#include "entrypoint/rootless.h"

#include <stdbool.h>

typedef struct json_t json_t; /* jansson's */

/* The order of privilege: what a phase needs is gone after the last phase that needs it. Steps run in this
 * order, and plan_build fails rather than put a step behind one of a later phase. */
enum phase {
    PHASE_MOUNTS,       /* CAP_SYS_ADMIN. First: certificates may live on one of the mounts */
    PHASE_DEVICES,      /* CAP_MKNOD. Storage and rootless trials need the nodes */
    PHASE_CGROUP,       /* write access to the tree */
    PHASE_NETWORK,      /* CAP_SYS_MODULE, CAP_NET_ADMIN. In place before the engine listens */
    PHASE_FILES,        /* the disk: certificates, configuration, runtime folders, pid files */
    PHASE_BOUNDING,     /* CAP_SETPCAP. The kernel refuses it once the uid has changed */
    PHASE_IDENTITY,     /* CAP_SETUID, CAP_SETGID */
    PHASE_CAPABILITIES, /* the other sets, and the proof that what was dropped is gone */
    PHASE_INSIDE,       /* the second stage of a rootless start: as root of rootlesskit's namespaces alone */
};

enum step_kind {
    STEP_ACCOUNTS,
    STEP_SYS_WRITABLE,
    STEP_UNMASK,
    STEP_CGROUP_WRITABLE,
    STEP_CGROUP_NAMESPACE,
    STEP_CGROUP_SYSTEMD,
    STEP_SECURITYFS,
    STEP_APPARMOR,
    STEP_TMP,
    STEP_EXTRA_MOUNT,
    STEP_PROPAGATION,
    STEP_DEVICES,
    STEP_STORAGE,
    STEP_CGROUP_NEST,
    STEP_CGROUP_DELEGATE,
    STEP_OOM_SCORE,
    STEP_IPTABLES,
    STEP_ACCESS,
    STEP_IDMAP,
    STEP_USER_FOLDERS,
    STEP_PID_FILES,
    STEP_CERTIFICATES,
    STEP_DAEMON_CONFIG,
    STEP_SOCKETS,
    STEP_RECORD,
    STEP_READY_FILE,
    STEP_BOUNDING_SET,
    STEP_IDENTITY,
    STEP_CAPABILITIES,
    STEP_RUN_LINKS,
    STEP_RUN_LABEL,
    STEP_CA_CERTIFICATES,
    STEP_FORWARDING,
    STEP_ACCESS_INSIDE,
    STEP_STORAGE_INSIDE,
};

struct step {
    enum phase phase;
    enum step_kind kind;
    char *what;      /* owned: "make / and everything below it a shared mount" */
    char *why;       /* owned: the reason, one clause */
    char *otherwise; /* owned: "decided then: A, else B"; NULL when all is decided */
    bool fatal;      /* its failure stops the start; otherwise it is a warning */
    size_t index;    /* STEP_EXTRA_MOUNT: which entry of mounts.extra */
    bool as_user;    /* done as the user whom we become later: its files are theirs */
};

struct plan {
    enum mode mode;      /* never MODE_AUTO */
    enum init_kind init; /* never INIT_AUTO */
    bool tls;
    bool tcp;               /* the engine listens on TCP by default */
    long long port;         /* of that */
    const char *inside;     /* static: the address of that in rootlesskit's own network; NULL without one */
    long long guarded_port; /* there, nested containers are kept from it by rules; 0: no port is */
    bool activation;        /* we make the sockets, and hand them to the engine */
    char *socket;           /* owned: path of the Unix socket by default */
    bool becomes;           /* started as root, it ends as host->user (rootless) */
    capset keep;            /* what the bounding set will be */
    capset until_loaded;    /* of these: kept only if AppArmor's docker-default is not loaded already */
    capset until_mended;    /* of these: kept only if newuidmap and newgidmap stay set-user-ID programs */
    bool reset_oom;         /* oom_score_adj is set to 0 while that is still allowed */
    char *storage_driver;   /* owned: the one that the user named, in whatever way; NULL without */
    char *storage_choice; /* owned: the one that is chosen for the user already; NULL: none, or a step decides
                           */
    json_t *engine_settings;       /* owned: more for the engine's configuration file; NULL for nothing */
    struct strings engine_sources; /* what these are, for people */
    struct strings engine_reasons; /* why the file is written */
    bool trial_of_network_opts;    /* default-network-opts among them are for an engine that knows them */
    struct step *steps;            /* owned */
    size_t count, room;
    struct strings notes;  /* what is deliberately not done, and what will not work here: warnings */
    struct strings limits; /* what this mode cannot do, whoever starts it: told, and no warning, since nobody
                              could mend it */
};

/*
 * Decides everything for COMMAND_ENGINE and COMMAND_EXPLICIT. Returns 0, or a negative errno with *e:
 * EXIT_CONFIG for settings that cannot go together or do not fit this host, EXIT_PRIVILEGE when a privilege
 * that the mode cannot do without is missing (all of them named at once), 1 for the checks in which the shell
 * entrypoint ends with 1. The caller ends the plan with plan_free.
 */
int plan_build(struct plan *plan, const struct settings *s, const struct host *host,
    const struct command *command, const struct engine_config *config, struct err *e);
void plan_free(struct plan *plan);

/* Adds a step. -EINVAL with *e when its phase lies before that of the last step: the order of privilege is
 * checked, not promised. Takes ownership of the strings. */
int plan_add(struct plan *plan, struct step step, struct err *e);

/* What the second stage of a rootless plan is to do; borrows from `host`. */
struct rootless_child plan_child(const struct plan *plan, const struct host *host);

/* Adds the steps of PHASE_INSIDE: plan_build does it, and the second stage, which runs them. 0, or a negative
 * errno with *e. */
int plan_inside(struct plan *plan, const struct rootless_child *child, struct err *e);

/* "192.0.2.7:2376", "[::1]:2376". The caller frees it. */
char *plan_host(const char *address, long long port);

/* Whether the engine listens on TCP by default. */
bool plan_tcp(const struct settings *s);

/* Whether who listens on this address opens both families: Go does that for 0.0.0.0 and for :: (net,
 * favoriteAddrFamily), and dockerd and rootlesskit's builtin port driver are Go. Our own sockets, slirp4netns
 * and what is not published are something else. */
bool plan_opens_both(
    const struct plan *plan, const struct settings *s, const struct host *host, const char *address);

/* The mode that `mode` means here: auto goes by the uid. Never MODE_AUTO. */
enum mode plan_mode(const struct settings *s, const struct host *host);

/* Certificates and the like are written by the user whom we become, since root lacks the capabilities to give
 * them away (docker run --cap-drop ALL). */
bool plan_files_as_user(const struct plan *plan, const struct host *host);

const char *phase_name(enum phase phase);
const char *step_name(enum step_kind kind); /* a stable identifier for machines: "certificates" */
const char *mode_name(enum mode mode);
const char *init_name(enum init_kind init);
