/* The probes of check.c's table, for check*.c alone. Pure. */
#pragma once

#include "entrypoint/check.h"

/*
 * Looks at the facts for one requirement: true when it is met. Says in *finding what it saw, and may put
 * remedies that depend on it into *check, with check_advise.
 */
typedef bool check_probe(const struct check_input *in, struct check *check, struct text *finding);

/* Replaces one remedy. */
void check_advise(struct check *check, enum check_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Replaces three remedies: a start as root, which becomes the user later, and with it what each names. */
void check_advise_root(struct check *check, const char *docker, const char *compose, const char *kubernetes);

/* The remedies for capabilities that are missing. */
void check_advise_capabilities(struct check *check, capset missing);

/* Both modes. */
check_probe check_probe_engine, check_probe_seccomp, check_probe_no_new_privs, check_probe_fuse,
    check_probe_tun, check_probe_clock, check_probe_iptables, check_probe_ipv6_nat, check_probe_data;

/* A rootful engine. */
check_probe check_probe_capabilities, check_probe_sys_ptrace, check_probe_apparmor, check_probe_proc_sys,
    check_probe_cgroup_writable, check_probe_cgroup_view, check_probe_oom_score, check_probe_engine_version;

/* A rootless engine. */
check_probe check_probe_rootlesskit, check_probe_identity, check_probe_subids, check_probe_idmap,
    check_probe_user_namespaces, check_probe_apparmor_userns, check_probe_masks, check_probe_containerd,
    check_probe_data_flags, check_probe_versions, check_probe_access;
