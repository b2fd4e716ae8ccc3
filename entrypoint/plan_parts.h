/* The parts of plan_build, for plan*.c alone. Pure. Each returns 0, or a negative errno with *e. */
#pragma once

#include "entrypoint/plan.h"

/* What decisions are made of; all borrowed. */
struct plan_input {
    const struct settings *settings;
    const struct host *host;
    const struct command *command;
    const struct engine_config *config;
};

/* What the whole start depends on: mode, init, the API's addresses, the capabilities to keep. */
int plan_decide_mode(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_decide_init(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_decide_api(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_decide_apparmor(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_decide_network(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_decide_capabilities(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_decide_rootless(struct plan *plan, const struct plan_input *in, struct err *e);

/* Mounting needs CAP_SYS_ADMIN; what asks for it is better refused than left out. */
int plan_refuse_root_only(const struct plan_input *in, struct err *e);

/* The steps, in the order of their phases. */
int plan_mounts(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_devices(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_storage(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_cgroup(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_iptables(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_access(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_sockets(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_files(struct plan *plan, const struct plan_input *in, struct err *e);
int plan_drop(struct plan *plan, const struct plan_input *in, struct err *e);

/* Those of a rootless engine that root starts. */
int plan_accounts(struct plan *plan, const struct host *host, struct err *e);
int plan_idmap(struct plan *plan, const struct host *host, struct err *e);
int plan_identity(struct plan *plan, const struct host *host, struct err *e);

/* What stays in the bounding set of one that root does not start, beyond what newuidmap and newgidmap need.
 */
void plan_note_bounding_set(struct plan *plan, const struct host *host);
