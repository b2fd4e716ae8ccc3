/* The rootless mode: its folders, and rootlesskit's command line. Pure. */
#pragma once

#include "base/err.h"
#include "config/settings.h"
#include "entrypoint/host.h"

/* newuidmap and newgidmap have file capabilities, and no set-user-ID bit. */
bool rootless_idmap_clean(const struct host *host);

/* What they need of the bounding set around them. For a set-user-ID one the kernel asks for more than for
 * file capabilities: its effective uid, root, is not the owner of the new namespace (user_namespaces(7),
 * "Defining user and group ID mappings"). */
capset rootless_idmap_needs(bool setuid);

/* What a start as root mends by itself: their file capabilities; accounts and subordinate ids that are
 * missing. */
bool rootless_idmap_mended(const struct host *host);
bool rootless_accounts_made(const struct host *host);

/* Where the engine has its data without a word of the user's: below HOME. The caller frees it. */
char *rootless_data_folder(const char *home);

/* The error for a HOME or XDG_RUNTIME_DIR that cannot be used; `cause` is a negative errno. Returns it. */
int rootless_folder_error(const struct host *host, const char *folder, int cause, struct err *e);

/* A program whose releases have not always known what a setting asks for. */
enum rootless_program { ROOTLESS_DOCKERD, ROOTLESS_ROOTLESSKIT, ROOTLESS_SLIRP4NETNS };

struct rootless_feature {
    enum option_id option;
    const char *value; /* of that option; for rootless.net, auto counts as what it means here */
    enum rootless_program program;
    long long major, minor; /* its first release that knows it */
    const char *instead;    /* a value that does without */
};

/* The features by number, from 0; NULL behind the last. Static. */
const struct rootless_feature *rootless_feature(size_t number);
bool rootless_wants(
    const struct rootless_feature *feature, const struct settings *s, const struct host *host);
const struct program_version *rootless_version_for(
    const struct rootless_feature *feature, const struct host *host);

/* The drivers that auto means here: a program that is too old is passed by. Borrowed or static. */
const char *rootless_network_driver(const struct settings *s, const struct host *host);
const char *rootless_port_driver(const struct settings *s, const struct host *host);

/* Nested containers cannot connect to 127.0.0.1 of the network outside by rootlesskit's network driver. Not
 * said where a flag of the user's may open that, nor with IPv6: slirp4netns keeps them from its gateway's
 * address alone, and takes ::ffff:127.0.0.1 for what it says. */
bool rootless_hides_loopback(const struct settings *s);

/* api.tcp.address has every address of a family. */
bool rootless_everywhere(const struct settings *s);

/*
 * The address at which the engine listens in rootlesskit's own network. Where api.tcp.address names
 * particular ones and the port driver can get there, that is 127.0.0.1, which nested containers do not reach;
 * else all. Static; NULL with rootless.detach_netns, where it listens outside.
 */
const char *rootless_inside_address(const struct settings *s, const struct host *host);

/*
 * Appends rootlesskit's flags, in the order of the engine's own dockerd-rootless.sh: state folder, network
 * driver, MTU, slirp4netns' protections, port driver, copy-up, propagation, the user's flags. `publish` has
 * the values for -p.
 */
void rootless_arguments(struct strings *arguments, const struct settings *s, const struct host *host,
    const struct strings *publish);

/* The first argument by which the second stage, inside rootlesskit, is told from a start: no program has this
 * name. */
#define ROOTLESS_CHILD "dind-rootless-child"

/* What the second stage is to do besides. */
struct rootless_child {
    const char *data_root;  /* mount an overlay there for a trial; NULL: no trial */
    long long guarded_port; /* keep nested containers from this TCP port of the engine; 0: no rules */
};

/* Appends what rootlesskit starts: this binary's second stage. dockerd and its arguments follow. */
void rootless_child_arguments(struct strings *arguments, const struct settings *s, const struct host *host,
    const struct rootless_child *child);
