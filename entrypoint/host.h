/* What we woke up on: read-only facts. Nothing is mounted, loaded, created or run by looking. */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "config/settings.h"
#include "entrypoint/capset.h"
#include "entrypoint/host_idmap.h"
#include "entrypoint/host_netfilter.h"
#include "entrypoint/host_network.h"
#include "entrypoint/program_version.h"

#include <stdbool.h>
#include <sys/types.h>

enum cgroup_version { CGROUP_NONE, CGROUP_V1, CGROUP_V2 };

/* Which part of the cgroup v2 tree /sys/fs/cgroup shows us. */
enum cgroup_view {
    CGROUP_VIEW_OWN,     /* the root of our own cgroup namespace, and we are in it */
    CGROUP_VIEW_NESTED,  /* our own namespace, and we are in its /init or /dind/init: a restart, or somebody
                          * nested before us
                          */
    CGROUP_VIEW_HOST,    /* more than what is ours: a privileged Kubernetes pod, --cgroupns=host */
    CGROUP_VIEW_ROOT,    /* the machine's own root cgroup, and we are in it: no container at all */
    CGROUP_VIEW_OUTSIDE, /* our cgroup lies outside of what is mounted here: nsenter(1) into a container */
};

struct host_cgroup {
    enum cgroup_version version;
    enum cgroup_view view; /* v2 only, as all below */
    bool read_only;
    bool foreign;      /* its owner has no number in our user namespace: no capability reaches it */
    char *mount_root;  /* owned: what is mounted, as our namespace names it: "/"; "/.." is above it */
    char *path;        /* owned: /proc/self/cgroup's; NULL when there is none */
    char *type;        /* owned: cgroup.type at the top ("domain"), NULL at the real root */
    char *controllers; /* owned: cgroup.controllers of the top, or with CGROUP_VIEW_HOST of our own cgroup; ""
                          for none */
    bool systemd_hierarchy; /* v1: a hierarchy called name=systemd is there */
};

/* Where something is that the engine needs; NULL when it is not in PATH. All owned. */
struct host_programs {
    char *dockerd;
    char *docker_init;
    char *rootlesskit;
    char *iptables;
    char *slirp4netns;
    char *pasta;
    char *vpnkit;
    char *docker;
    char *fuse_overlayfs;
};

/* What decides about AppArmor (kernel Documentation/admin-guide/LSM/apparmor.rst). */
struct host_apparmor {
    bool enabled;          /* in this kernel */
    bool parser;           /* /sbin/apparmor_parser is there, where the engine looks for it */
    bool profile_loaded;   /* docker-default is; known only where securityfs is mounted */
    bool restricts_userns; /* kernel.apparmor_restrict_unprivileged_userns */
    char *confinement; /* owned: what confines this process ("unconfined", "docker-default (enforce)"); NULL
                          without */
};

/* What the seccomp filter around us does with the system calls that it is asked for (seccomp(2)). */
struct host_seccomp {
    bool filtered;          /* there is a filter */
    struct strings refused; /* names of calls that an engine needs and the filter refuses */
};

enum device_state {
    DEVICE_USABLE, /* there, the right kind, and open to every user */
    DEVICE_MISSING,
    DEVICE_CLOSED, /* there, with a mode that only root gets through: a host without udev */
    DEVICE_WRONG,  /* something else has its name */
};

struct host_device {
    enum device_state state;
    bool ours; /* its folder is a tmpfs of this container, not the host's devtmpfs: nodes and modes are ours
                  to change */
};

/* Whom the engine will run as: ourselves, or whom a start as root becomes in rootless mode. */
struct host_user {
    uid_t uid;
    gid_t gid;
    char *name;       /* owned: in /etc/passwd, NULL when there is none */
    uid_t home_owner; /* whose home it shares: the image's own rootless user's, for a uid without a home */
};

/* The user whom a rootless image has, as docker:dind-rootless does. */
#define ROOTLESS_USER "rootless"

/* Asked only where a setting depends on them (rootless_versions_ask); else not known. */
struct host_versions {
    struct program_version dockerd, rootlesskit, slirp4netns;
};

struct host_rootless {
    bool subuid, subgid;         /* the user, by name or number, has subordinate ids */
    bool userns_clone_off;       /* kernel.unprivileged_userns_clone exists and is not 1 */
    bool user_namespaces_off;    /* user.max_user_namespaces is 0 */
    bool conflicting_containerd; /* containerd-rootless state folder exists (moby#52171) */

    struct host_idmap newuidmap, newgidmap; /* looked at whatever the uid is */
    struct host_versions versions;
};

struct host {
    uid_t uid; /* who we are */
    gid_t gid;
    struct host_user user;
    bool is_pid_1;
    capset effective, permitted, bounding;
    bool no_new_privs;
    bool initial_user_namespace;
    long long oom_score_adj;
    long long now;   /* the system clock, in seconds since 1970 */
    long long built; /* what it must have reached: the date of this program's version */

    char *self;     /* owned: the path of this binary */
    char *hostname; /* owned */
    struct strings
        names; /* for the server certificate: "IP:address" of every interface, "DNS:name" of this host */

    bool root_shared;        /* / is a shared mount */
    bool tmp_mounted;        /* /tmp is a mount point */
    bool run_linked;         /* /var/run and /run are one folder */
    bool securityfs_folder;  /* /sys/kernel/security exists */
    bool securityfs_mounted; /* and something is mounted there */
    bool proc_sys_read_only; /* /proc/sys is a read-only mount: container runtimes mask it so */
    bool sys_read_only;      /* /sys is */
    struct strings
        masks; /* mount points below /proc and /sys that hide something, in the order of unmounting */

    struct host_cgroup cgroup;
    struct host_apparmor apparmor;
    struct host_device tun, fuse;
    struct host_seccomp seccomp;

    bool data_closed, runtime_closed; /* who looked may not enter data_root, runtime_dir */
    char *data_root;                  /* owned: where the engine's data lies */
    bool data_on_overlay;             /* on overlayfs, which the engine cannot put its own on */
    bool data_nosuid, data_nodev;     /* its mount is */
    struct strings data_prior;        /* storage drivers that have data there, see storage_prior */
    struct host_network network;
    struct host_programs programs;
    struct host_netfilter netfilter;

    bool legacy_tables_used; /* /proc/net/{ip,ip6,arp}_tables_names name a table: legacy rules are in use */
    bool legacy_folder;      /* /usr/local/sbin/.iptables-legacy, the images' switch, holds an iptables */
    char *path;              /* owned: PATH, or the usual one where it is unset */
    char *home;              /* owned: that user's; HOME, else from /etc/passwd, else "/" */
    char *runtime_dir;       /* owned: XDG_RUNTIME_DIR, else /run/user/UID. Not root's business */
    char *config_home;       /* owned: XDG_CONFIG_HOME, else HOME/.config */
    struct host_rootless rootless;
};

/* Fills *host; `environment` as in execve(2). Of the settings only mode and rootless.* count: whose places to
 * look at. Returns 0, or a negative errno with *e when /proc cannot be read or rootless.user is nobody. The
 * caller ends it with host_free. */
int host_look(struct host *host, const struct settings *s, const char *const *environment, struct err *e);
void host_free(struct host *host);

/* Looks again at the places of the engine's user: its data, in the folder that is chosen for them, and the
 * runtime folder. */
void host_look_at_places(struct host *host, const char *data_root);
