/* The steps, one function each. Every one is idempotent, and returns 0 with *outcome or a negative errno with
 * *e. */
#pragma once

#include "entrypoint/apply.h"
#include "entrypoint/command.h"
#include "entrypoint/engine_config.h"
#include "entrypoint/launch.h"

#include <jansson.h>
#include <sys/types.h>

/* What statvfs(3) says of a mount, as the flags of mount(2): a remount has to say them all again. */
unsigned long mount_flags(unsigned long statvfs_flags);

/* Who makes a read-only cgroup mount writable, for the two steps that may need it. */
#define CGROUP_WRITABLE_HINT                                                                                 \
    "give the container a writable cgroup: --privileged, docker run --security-opt writable-cgroups=true "   \
    "(recent "                                                                                               \
    "engines), containerd cgroup_writable = true, or CRI-O's annotation "                                    \
    "io.kubernetes.cri-o.cgroup2-mount-hierarchy-rw: \"true\""

/* What the steps work with; all borrowed, only *applied is written. */
struct work {
    const struct settings *settings;
    const struct host *host;
    const struct plan *plan;
    const struct command *command;
    const struct engine_config *config;
    struct applied *applied;
};

/* The live system: its `run` dispatches to the functions below. */
struct system steps_system(struct work *work);

/* What the steps of the second stage work with; all borrowed. */
struct inside {
    const char *state; /* rootlesskit's state folder */
    const char *path;  /* PATH, to find iptables */
    struct rootless_child child;
};

/* The system of the second stage, inside rootlesskit. */
struct system steps_system_inside(struct inside *inside);

int step_propagation(enum propagation propagation, struct outcome *outcome, struct err *e);
int step_sys_writable(struct outcome *outcome, struct err *e);
int step_unmask(struct outcome *outcome, struct err *e);
int step_cgroup_writable(struct outcome *outcome, struct err *e);
int step_cgroup_namespace(struct outcome *outcome, struct err *e);
int step_cgroup_systemd(struct outcome *outcome, struct err *e);
int step_apparmor(bool can_load, bool *loaded, struct outcome *outcome, struct err *e);
int step_devices(const struct host *host, bool tun_required, struct outcome *outcome, struct err *e);
int step_accounts(const struct host *host, struct outcome *outcome, struct err *e);
int step_idmap(const struct host_rootless *rootless, bool *mended, struct outcome *outcome, struct err *e);
int step_cgroup_delegate(uid_t uid, gid_t gid, struct outcome *outcome, struct err *e);
int step_storage(const struct settings *s, const struct host *host, const struct plan *plan, char **driver,
    struct outcome *outcome, struct err *e);
int step_oom_score(struct outcome *outcome, struct err *e);
int step_securityfs(struct outcome *outcome, struct err *e);
int step_tmp(struct outcome *outcome, struct err *e);
int step_extra_mount(const struct extra_mount *mount, struct outcome *outcome, struct err *e);
int step_cgroup_nest(bool required, struct outcome *outcome, struct err *e);
int step_iptables(
    enum iptables wanted, const struct host *host, bool *legacy, struct outcome *outcome, struct err *e);
int step_user_folders(const struct host *host, struct err *e);
int step_pid_files(const struct host *host, const struct command *command, const struct engine_config *config,
    struct outcome *outcome, struct err *e);
int step_certificates(
    const struct settings *s, const struct host *host, struct outcome *outcome, struct err *e);
int step_daemon_config(const struct work *work, char **path, struct outcome *outcome, struct err *e);
int step_access(const struct work *work, struct outcome *outcome, struct err *e);
int step_sockets(const struct work *work, struct outcome *outcome, struct err *e);
int step_record(const struct work *work, struct outcome *outcome, struct err *e);
int step_ready_file(const char *path, const struct host_user *user, struct outcome *outcome, struct err *e);
int step_bounding_set(capset keep, struct outcome *outcome, struct err *e);
int step_capabilities(capset keep, struct outcome *outcome, struct err *e);
