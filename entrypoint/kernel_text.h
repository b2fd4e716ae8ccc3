/* Parsers of kernel and account files. They take text, not a path, so that tests and fuzzers feed them. */
#pragma once

#include "base/text.h"
#include "entrypoint/capset.h"

#include <stdbool.h>
#include <sys/types.h>

/* A line of /proc/PID/mountinfo (proc_pid_mountinfo(5)), octal escapes decoded. */
struct mount_entry {
    char *root;    /* owned: the part of the filesystem that is mounted */
    char *point;   /* owned */
    char *options; /* owned: of this mount */
    char *tags;    /* owned: "shared:1 master:2", "" for private */
    char *type;    /* owned */
    char *source;  /* owned */
    char *super;   /* owned: options of the filesystem */
};

struct mount_table {
    struct mount_entry *items; /* owned, in the kernel's order: later ones cover earlier ones */
    size_t count;
};

/* Lines that do not parse are left out. */
void mount_table_parse(struct mount_table *table, const char *mountinfo);
void mount_table_free(struct mount_table *table);

/* The topmost mount exactly at `point`, or NULL; borrowed. */
const struct mount_entry *mount_table_at(const struct mount_table *table, const char *point);

/*
 * Appends the mount points below /proc and /sys with which a container runtime hides things or makes them
 * read-only, in the order in which they can be unmounted. They are told by their form, not by a list:
 * read-only binds of parts of proc, read-only empty tmpfs, and /dev/null over a file (runc
 * libcontainer/rootfs_linux.go, maskPaths and readonlyPath). Other mounts there (binfmt_misc, lxcfs, the
 * cgroup tree, securityfs) are none.
 */
void mount_table_masks(const struct mount_table *table, struct strings *masks);

/* True if /sys/kernel/security/apparmor/profiles ("NAME (MODE)" lines) lists this profile. */
bool apparmor_profile_listed(const char *profiles, const char *name);

/* True if the comma-separated list holds exactly this word. */
bool options_have(const char *options, const char *word);

/* The capability set of the line "NAME:" of /proc/PID/status. False when there is none. */
bool status_capset(const char *status, const char *name, capset *out);

/* The whole number of the line "NAME:" of /proc/PID/status, or -1. */
long long status_number(const char *status, const char *name);

/* The path of the line "0::" of /proc/PID/cgroup, or NULL (no cgroup v2). The caller frees it. */
char *cgroup_v2_path(const char *cgroup);

/* True for the paths, within a cgroup namespace, into which the launcher moves processes: /init, and
 * /dind/init below what it gives a rootless engine. NULL is none. */
bool cgroup_is_nested(const char *path);

/* True for the map of the initial user namespace: "0 0 4294967295" (user_namespaces(7)). */
bool uid_map_is_initial(const char *uid_map);

/* Name, group and home folder of a uid in passwd(5) text. False, and nothing set, when it is not there. The
 * caller frees both texts. */
bool passwd_find(const char *passwd, uid_t uid, char **name, gid_t *gid, char **home);

/* The number of a user's name in passwd(5) text, or of a group's in group(5) text. False, and *id untouched,
 * when it is not there. The first line with that name counts, as for getpwnam(3). */
bool account_find(const char *accounts, const char *name, unsigned *id);

/* The number that a setting means by a name or a number: digits alone are the number itself, which needs no
 * line there; anything else is a name, as for account_find. 0; -ERANGE for a number that no account can have;
 * -ENOENT for a name that is not there; *id untouched then. */
int account_id(const char *accounts, const char *name_or_number, unsigned *id);

/* True if subuid(5) or subgid(5) text has a line for that user name (may be NULL) or uid. */
bool subid_has(const char *subid, const char *name, uid_t uid);

/* Appends the addresses of the name servers of resolv.conf(5) text. */
void resolv_nameservers(const char *resolv, struct strings *servers);

/*
 * The canonical name that hosts(5) text gives for `name`: the first name of the line on which it stands. NULL
 * when it is on none. The caller frees it. (What `hostname -f` answers in a container, without asking a name
 * server.)
 */
char *hosts_canonical(const char *hosts, const char *name);
