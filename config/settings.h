/* What the user asked for, complete and checked: one struct, and for each option where its value came from.
 */
#pragma once

#include "base/log.h"
#include "base/text.h"

#include <stdbool.h>

typedef struct json_t json_t; /* jansson's */

enum mode { MODE_AUTO, MODE_ROOTFUL, MODE_ROOTLESS };
enum tls_key {
    TLS_KEY_ECDSA_P256,
    TLS_KEY_ECDSA_P384,
    TLS_KEY_ED25519,
    TLS_KEY_RSA_2048,
    TLS_KEY_RSA_3072,
    TLS_KEY_RSA_4096,
};
enum toggle { TOGGLE_AUTO, TOGGLE_ON, TOGGLE_OFF };
enum tmp_mount { TMP_NONE, TMP_TMPFS };
enum propagation { PROPAGATION_SHARED, PROPAGATION_SLAVE, PROPAGATION_PRIVATE, PROPAGATION_UNCHANGED };
enum nesting { NESTING_AUTO, NESTING_REQUIRED, NESTING_OFF };
enum cgroup_namespace { CGROUP_NAMESPACE_AUTO, CGROUP_NAMESPACE_HOST };
enum apparmor { APPARMOR_OFF, APPARMOR_ON };
enum iptables { IPTABLES_AUTO, IPTABLES_NFT, IPTABLES_LEGACY };
enum profile { PROFILE_COMPAT, PROFILE_DEFAULT, PROFILE_STRICT };
enum on_overlay { ON_OVERLAY_WARN, ON_OVERLAY_FAIL, ON_OVERLAY_FUSE, ON_OVERLAY_VFS };
enum init_kind { INIT_AUTO, INIT_BUILTIN, INIT_DOCKER_INIT, INIT_NONE };

/* One entry of mounts.extra: mount(8)'s words. */
struct extra_mount {
    char *source;  /* owned */
    char *target;  /* owned, absolute */
    char *type;    /* owned; "bind" or a filesystem type */
    char *options; /* owned; comma-separated as in fstab(5), "" for none */
};

/* One entry of tls.clients. */
struct tls_client {
    char *name;  /* owned; the common name of its certificate */
    char *dir;   /* owned, absolute; NULL: its place below tls.dir */
    char *owner; /* owned; of its files: the name or number of a user; NULL: whom the engine runs as */
    char *group; /* owned; the same for a group */
    char *mode;  /* owned; of the key, in octal; NULL: the default */
};

/* The client that is always there; an entry of tls.clients with this name refines it. */
#define TLS_CLIENT_DEFAULT "client"

/* Where a value came from, weakest first. */
enum origin_kind {
    ORIGIN_DEFAULT, /* built in */
    ORIGIN_IMAGE,   /* the image's own environment: DOCKER_TLS_CERTDIR=/certs counts as a default */
    ORIGIN_FILE,
    ORIGIN_ENVIRONMENT,
    ORIGIN_ARGUMENT, /* dindctl --set */
};

struct origin {
    enum origin_kind kind;
    char *name;            /* owned: file path, variable or flag; NULL for defaults */
    unsigned line, column; /* in the file, from 1 */
};

/* One identifier per row of the option table in options.c, in its order. */
enum option_id {
    OPTION_VERSION,
    OPTION_MODE,
    OPTION_TLS_DIR,
    OPTION_TLS_KEY,
    OPTION_TLS_DAYS,
    OPTION_TLS_SAN,
    OPTION_TLS_RENEW_BEFORE,
    OPTION_TLS_CA_DAYS,
    OPTION_TLS_CA_KEEP_KEY,
    OPTION_TLS_CLIENTS,
    OPTION_API_UNIX_PATH,
    OPTION_API_UNIX_GROUP,
    OPTION_API_UNIX_MODE,
    OPTION_API_UNIX_MORE,
    OPTION_API_TCP_ENABLED,
    OPTION_API_TCP_ADDRESS,
    OPTION_API_TCP_PORT,
    OPTION_API_TCP_INTERFACE,
    OPTION_API_PLAINTEXT,
    OPTION_API_ACTIVATION,
    OPTION_API_ALLOW,
    OPTION_API_ALLOW_NESTED,
    OPTION_MOUNTS_SECURITYFS,
    OPTION_MOUNTS_TMP,
    OPTION_MOUNTS_PROPAGATION,
    OPTION_MOUNTS_EXTRA,
    OPTION_CGROUP_NESTING,
    OPTION_CGROUP_NAMESPACE,
    OPTION_NETWORK_IPTABLES,
    OPTION_NETWORK_MTU,
    OPTION_NETWORK_POOLS,
    OPTION_NETWORK_BIP,
    OPTION_NETWORK_DNS,
    OPTION_NETWORK_PROXY_HTTP,
    OPTION_NETWORK_PROXY_HTTPS,
    OPTION_NETWORK_PROXY_NO,
    OPTION_REGISTRY_MIRRORS,
    OPTION_REGISTRY_INSECURE,
    OPTION_STORAGE_DRIVER,
    OPTION_STORAGE_ON_OVERLAY,
    OPTION_CAPABILITIES_PROFILE,
    OPTION_CAPABILITIES_KEEP,
    OPTION_CAPABILITIES_DROP,
    OPTION_CAPABILITIES_FORCE,
    OPTION_APPARMOR,
    OPTION_ROOTLESS_USER,
    OPTION_ROOTLESS_RUNTIME_DIR,
    OPTION_ROOTLESS_NET,
    OPTION_ROOTLESS_MTU,
    OPTION_ROOTLESS_PORT_DRIVER,
    OPTION_ROOTLESS_PUBLISH,
    OPTION_ROOTLESS_IPV6,
    OPTION_ROOTLESS_DISABLE_HOST_LOOPBACK,
    OPTION_ROOTLESS_SLIRP4NETNS_SANDBOX,
    OPTION_ROOTLESS_SLIRP4NETNS_SECCOMP,
    OPTION_ROOTLESS_DETACH_NETNS,
    OPTION_ROOTLESS_COPY_UP,
    OPTION_ROOTLESS_PROPAGATION,
    OPTION_ROOTLESS_STATE_DIR,
    OPTION_ROOTLESS_FLAGS,
    OPTION_DAEMON,
    OPTION_ARGS,
    OPTION_INIT,
    OPTION_READY_FILE,
    OPTION_SHUTDOWN_TIMEOUT,
    OPTION_SHUTDOWN_WAIT_FOR_IDLE,
    OPTION_SHUTDOWN_WHEN_FILE,
    OPTION_LOG_LEVEL,
    OPTION_LOG_FORMAT,
    OPTION_COUNT,
};

struct settings {
    long long version;
    int mode; /* enum mode; enums are stored as int so that the option table can point at them */
    struct {
        char *dir; /* owned; absolute, or "" when TLS is off */
        int key;   /* enum tls_key */
        long long days;
        struct strings san;     /* as the user wrote them, one item each; certs/ gives them meaning */
        long long renew_before; /* days; 0: when a third of the life is left */
        struct {
            long long days;
            bool keep_key;
        } ca;
        struct tls_client *clients; /* owned */
        size_t client_count;
    } tls;
    struct {
        char *unix_path;  /* owned; NULL: the default of the mode */
        char *unix_group; /* owned; NULL: dockerd's default. A name or a number */
        char *unix_mode;  /* owned; in octal, NULL: dockerd's */
        struct strings unix_more;
        bool tcp_enabled;
        struct strings tcp_addresses; /* IPv4, or IPv6 without brackets */
        long long tcp_port;           /* 0: 2376 with TLS, 2375 without */
        char *tcp_interface;          /* owned; NULL: every one */
        bool plaintext;               /* TCP beyond loopback without TLS, where tls.dir is empty */
        bool activation;              /* the sockets are made here and handed to dockerd */
        struct strings allow;         /* addresses, networks, names; empty: no rules */
        bool allow_nested;            /* beside them, nested containers */
    } api;
    struct {
        int securityfs;            /* enum toggle */
        int tmp;                   /* enum tmp_mount */
        int propagation;           /* enum propagation */
        struct extra_mount *extra; /* owned */
        size_t extra_count;
    } mounts;
    struct {
        int nesting;          /* enum nesting */
        int namespace_choice; /* enum cgroup_namespace */
    } cgroup;
    struct {
        int iptables;         /* enum iptables */
        char *mtu;            /* owned: "auto", "off" or a number */
        struct strings pools; /* as pool_parse takes them; empty: decided by what is around */
        char *bip;            /* owned; NULL: the engine's choice */
        struct strings dns;
        struct {
            char *http, *https, *no; /* owned; NULL: what the environment says. Passwords may be in them */
        } proxy;
    } network;
    struct {
        struct strings mirrors, insecure;
    } registry;
    struct {
        char *driver;   /* owned: "auto" or the engine's name of a driver */
        int on_overlay; /* enum on_overlay */
    } storage;
    struct {
        int profile;               /* enum profile */
        struct strings keep, drop; /* upper-case names without CAP_; checked for being capabilities at all */
        bool force;                /* drop even what the engine cannot do without */
    } capabilities;
    int apparmor; /* enum apparmor */
    struct {
        char *user;        /* owned; name or number: whom a start as root becomes */
        char *runtime_dir; /* owned; NULL: $XDG_RUNTIME_DIR, else /run/user/UID */
        char *net;         /* owned; "auto" or a network driver of rootlesskit */
        long long mtu;     /* 0: the driver's */
        char *port_driver; /* owned; "auto" or a port driver */
        int publish;       /* enum toggle */
        bool ipv6;
        bool disable_host_loopback;
        char *slirp4netns_sandbox; /* owned: "auto", "true", "false" */
        char *slirp4netns_seccomp; /* owned: "auto", "true", "false" */
        bool detach_netns;
        struct strings copy_up; /* absolute paths of folders */
        char *propagation;      /* owned; "rslave" or "rprivate" */
        char *state_dir;        /* owned; NULL: $XDG_RUNTIME_DIR/dockerd-rootless */
        struct strings flags;   /* more flags, as words */
    } rootless;
    json_t *daemon;      /* owned object with daemon.json settings; NULL for none */
    struct strings args; /* extra dockerd flags, as words */
    int init;            /* enum init_kind */
    struct {
        char *file; /* owned, absolute; NULL: none */
    } ready;
    struct {
        long long timeout;       /* seconds; 0: as long as the engine takes */
        long long wait_for_idle; /* seconds; 0: it does not */
        char *when_file;         /* owned, absolute; NULL: none */
    } shutdown;
    struct {
        int level;  /* enum log_level */
        int format; /* enum log_format */
    } log;

    struct origin origin[OPTION_COUNT];
    struct strings warnings; /* what was odd but no error: near misses of variables, aliases that differ */
};

void settings_free(struct settings *s); /* leaves it empty */

/*
 * "default", "environment variable DIND_MODE", "/etc/dind/config.yaml:12:9": for messages, one line of valid
 * UTF-8. The caller frees it.
 */
char *settings_origin(const struct settings *s, enum option_id id);

/* The folder of a client: its own, or its place below tls.dir. The caller frees it. */
char *tls_client_dir(const struct settings *s, const struct tls_client *client);

/* The user chose this value, in whatever way: neither the default nor the image's own environment. */
bool settings_chosen(const struct settings *s, enum option_id id);
