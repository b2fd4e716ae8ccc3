#include "config/options.h"

#include "config/checks.h"
#include "config/clients.h"
#include "config/mounts.h"
#include "config/networks.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define FIELD(member) .offset = offsetof(struct settings, member)
#define ALLOW_ABSOLUTE "use an absolute path"

const struct option options[OPTION_COUNT] = {
    [OPTION_VERSION] = {"version", "The version of this form of configuration; there is only 1.", "use 1",
        OPTION_TYPE_INT, FIELD(version), .min = 1, .max = 1, .fallback = "1"},
    [OPTION_MODE] = {"mode",
        "Whether the engine runs as root or without it; auto goes by the user id of the container.",
        "use auto, rootful or rootless", OPTION_TYPE_ENUM, FIELD(mode),
        .words = WORDS("auto", "rootful", "rootless"), .fallback = "auto"},

    [OPTION_TLS_DIR] = {"tls.dir",
        "The folder of the certificates (ca/, server/ and client/ in it); an empty text turns TLS off.",
        "use an absolute path, or an empty text to turn TLS off", OPTION_TYPE_STRING, FIELD(tls.dir),
        .check = check_path_or_empty, .fallback = "/certs"},
    [OPTION_TLS_KEY] = {"tls.key",
        "The kind of new private keys; a kind that is set here also replaces existing keys of another one.",
        "use ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096", OPTION_TYPE_ENUM,
        FIELD(tls.key),
        .words = WORDS("ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096"),
        .fallback = "ecdsa-p256"},
    [OPTION_TLS_DAYS] = {"tls.days", "The life of server and client certificates, in days.",
        "use a whole number from 1 to 825", OPTION_TYPE_INT, FIELD(tls.days), .min = 1, .max = 825,
        .fallback = "825"},
    [OPTION_TLS_SAN] = {"tls.san",
        "More names for the server certificate: DNS:name, IP:address, or either without its prefix.",
        "write a list of names, for example [DNS:docker.example, IP:192.0.2.7]", OPTION_TYPE_LIST,
        FIELD(tls.san), .check = check_plain_text, .fallback = ""},
    [OPTION_TLS_RENEW_BEFORE] = {"tls.renew_before",
        "How many days before their end certificates are renewed; auto: when a third of their life is left.",
        "use auto, or a whole number from 1 to 824", OPTION_TYPE_INT, FIELD(tls.renew_before), .min = 1,
        .max = 824, .automatic = true, .fallback = "auto"},
    [OPTION_TLS_CA_DAYS] = {"tls.ca.days", "The life of a new CA certificate, in days.",
        "use a whole number from 1 to 36500", OPTION_TYPE_INT, FIELD(tls.ca.days), .min = 1, .max = 36500,
        .fallback = "3650"},
    [OPTION_TLS_CA_KEEP_KEY] = {"tls.ca.keep_key",
        "Whether the CA's key stays; false removes it once everything is issued, so that nothing more can "
        "be.",
        "use true or false", OPTION_TYPE_BOOL, FIELD(tls.ca.keep_key), .fallback = "true"},
    [OPTION_TLS_CLIENTS] = {"tls.clients",
        "More client certificates, each in a folder of its own: maps of name (the common name), dir "
        "(clients/NAME below tls.dir if left out), owner, group, and mode of the key (0600).",
        "write a list of maps, for example [{name: ci, owner: \"1000\", mode: \"0640\"}]",
        OPTION_TYPE_RECORDS, FIELD(tls.clients), .records = &clients_records, .fallback = "[]"},

    [OPTION_API_UNIX_PATH] = {"api.unix.path",
        "The engine's Unix socket; unset: /var/run/docker.sock, or $XDG_RUNTIME_DIR/docker.sock without "
        "root.",
        "use an absolute path of at most 107 bytes", OPTION_TYPE_STRING, FIELD(api.unix_path),
        .check = check_socket_path},
    [OPTION_API_UNIX_GROUP] = {"api.unix.group",
        "The group, by name or number, that may use the Unix socket; unset: the engine's own default.",
        "use the name or the number of a group", OPTION_TYPE_STRING, FIELD(api.unix_group),
        .check = check_group},
    [OPTION_API_UNIX_MODE] = {"api.unix.mode",
        "The mode of the Unix sockets; needs api.activation. Unset: 0660.",
        "use a file mode in quoted octal, for example \"0660\"", OPTION_TYPE_STRING, FIELD(api.unix_mode),
        .check = check_socket_mode},
    [OPTION_API_UNIX_MORE] = {"api.unix.more", "More Unix sockets, with the same group and mode.",
        "write a list of absolute paths of at most 107 bytes", OPTION_TYPE_LIST, FIELD(api.unix_more),
        .check = check_socket_path, .fallback = ""},
    [OPTION_API_TCP_ENABLED] = {"api.tcp.enabled", "Whether the engine listens on TCP at all.",
        "use true or false", OPTION_TYPE_BOOL, FIELD(api.tcp_enabled), .fallback = "true"},
    [OPTION_API_TCP_ADDRESS] = {"api.tcp.address",
        "The addresses that the engine listens on; one may stand without a list.",
        "use IPv4 or IPv6 addresses without brackets, for example 127.0.0.1 or [192.0.2.7, ::1]",
        OPTION_TYPE_LIST, FIELD(api.tcp_addresses), .single = true, .check = check_address,
        .fallback = "0.0.0.0"},
    [OPTION_API_TCP_PORT] = {"api.tcp.port",
        "The TCP port that the engine listens on; auto is 2376 with TLS and 2375 without.",
        "use auto, or a whole number from 1 to 65535", OPTION_TYPE_INT, FIELD(api.tcp_port), .min = 1,
        .max = 65535, .automatic = true, .fallback = "auto"},
    [OPTION_API_TCP_INTERFACE] = {"api.tcp.interface",
        "The only interface by which the TCP port can be reached; needs api.activation.",
        "use the name of an interface, for example eth0", OPTION_TYPE_STRING, FIELD(api.tcp_interface),
        .check = check_interface},
    [OPTION_API_PLAINTEXT] = {"api.plaintext",
        "Whether the engine listens on TCP beyond loopback without TLS; needs an empty tls.dir.",
        "use true or false", OPTION_TYPE_BOOL, FIELD(api.plaintext), .fallback = "false"},
    [OPTION_API_ACTIVATION] = {"api.activation",
        "Whether the sockets are made here, with exact group and mode, and handed to the engine: early "
        "clients wait instead of being refused.",
        "use true or false", OPTION_TYPE_BOOL, FIELD(api.activation), .fallback = "false"},
    [OPTION_API_ALLOW] = {"api.allow",
        "Who may reach the TCP port: addresses, networks, and names, which are resolved at the start; packet "
        "filter rules drop everybody else, nested containers included. Empty: no rules.",
        "write a list of addresses, networks and names, for example [192.0.2.7, 10.1.0.0/16, runner]",
        OPTION_TYPE_LIST, FIELD(api.allow), .check = check_source, .fallback = ""},
    [OPTION_API_ALLOW_NESTED] = {"api.allow_nested",
        "Whether nested containers may reach the TCP port too, where api.allow is set.", "use true or false",
        OPTION_TYPE_BOOL, FIELD(api.allow_nested), .fallback = "false"},

    [OPTION_MOUNTS_SECURITYFS] = {"mounts.securityfs",
        "Whether securityfs is mounted on /sys/kernel/security; auto: where that is possible and missing.",
        "use auto, on or off", OPTION_TYPE_ENUM, FIELD(mounts.securityfs),
        .words = WORDS("auto", "on", "off"), .fallback = "auto"},
    [OPTION_MOUNTS_TMP] = {"mounts.tmp", "What is mounted on /tmp when it is no mount point yet.",
        "use none or tmpfs", OPTION_TYPE_ENUM, FIELD(mounts.tmp), .words = WORDS("none", "tmpfs"),
        .fallback = "none"},
    [OPTION_MOUNTS_PROPAGATION] = {"mounts.propagation",
        "The mount propagation of /: nested containers that use shared volumes need shared.",
        "use shared, slave, private or unchanged", OPTION_TYPE_ENUM, FIELD(mounts.propagation),
        .words = WORDS("shared", "slave", "private", "unchanged"), .fallback = "shared"},
    [OPTION_MOUNTS_EXTRA] = {"mounts.extra",
        "More mounts, made before the engine starts: maps of source, target, type (bind if left out) and "
        "options.",
        "write a list of maps, for example [{source: /data, target: /var/lib/docker, type: bind}]",
        OPTION_TYPE_RECORDS, FIELD(mounts.extra), .records = &mounts_records, .fallback = "[]"},

    [OPTION_CGROUP_NESTING] = {"cgroup.nesting",
        "Whether cgroup v2 is prepared for nested containers; auto: as far as it can be; required: or fail.",
        "use auto, required or off", OPTION_TYPE_ENUM, FIELD(cgroup.nesting),
        .words = WORDS("auto", "required", "off"), .fallback = "auto"},
    [OPTION_CGROUP_NAMESPACE] = {"cgroup.namespace",
        "Where /sys/fs/cgroup shows the host's tree (a privileged Kubernetes pod): auto enters a cgroup "
        "namespace of "
        "its own, so that nested containers are charged to this one; host leaves it.",
        "use auto or host", OPTION_TYPE_ENUM, FIELD(cgroup.namespace_choice), .words = WORDS("auto", "host"),
        .fallback = "auto"},
    [OPTION_NETWORK_IPTABLES] = {"network.iptables",
        "Which iptables the engine uses; auto: what the kernel already has in use.",
        "use auto, nft or legacy", OPTION_TYPE_ENUM, FIELD(network.iptables),
        .words = WORDS("auto", "nft", "legacy"), .fallback = "auto"},
    [OPTION_NETWORK_MTU] = {"network.mtu",
        "The MTU of nested networks; auto: that of the default route, if it is less than 1500; off: the "
        "engine's own.",
        "use auto, off, or a whole number from 68 to 65535", OPTION_TYPE_STRING, FIELD(network.mtu),
        .check = check_mtu, .fallback = "auto"},
    [OPTION_NETWORK_POOLS] = {"network.pools",
        "Where the engine cuts nested networks from: BASE/PREFIX:SIZE, where SIZE is their prefix (24, IPv6 "
        "64, if left out); empty: the engine's own pools without what is in use outside.",
        "write a list of networks, for example [10.210.0.0/16:24]", OPTION_TYPE_LIST, FIELD(network.pools),
        .check = check_pool, .fallback = ""},
    [OPTION_NETWORK_BIP] = {"network.bip",
        "Address and prefix of the default bridge; unset: the first of the pools.",
        "use an address of a host with a prefix, for example 10.210.0.1/24", OPTION_TYPE_STRING,
        FIELD(network.bip), .check = check_bip},
    [OPTION_NETWORK_DNS] = {"network.dns",
        "Name servers for nested containers; empty: those of /etc/resolv.conf.",
        "write a list of addresses, for example [192.0.2.53]", OPTION_TYPE_LIST, FIELD(network.dns),
        .check = check_address, .fallback = ""},
    [OPTION_NETWORK_PROXY_HTTP] = {"network.proxy.http",
        "The proxy by which the engine pulls over HTTP; unset: HTTP_PROXY of the environment.",
        "use a URL, for example http://proxy.example:3128", OPTION_TYPE_STRING, FIELD(network.proxy.http),
        .check = check_proxy, .secret = true},
    [OPTION_NETWORK_PROXY_HTTPS] = {"network.proxy.https",
        "The proxy by which the engine pulls over HTTPS; unset: HTTPS_PROXY of the environment.",
        "use a URL, for example http://proxy.example:3128", OPTION_TYPE_STRING, FIELD(network.proxy.https),
        .check = check_proxy, .secret = true},
    [OPTION_NETWORK_PROXY_NO] = {"network.proxy.no",
        "Hosts, domains and networks without a proxy, separated by commas; unset: NO_PROXY of the "
        "environment.",
        "use a text, for example localhost,10.0.0.0/8,.example", OPTION_TYPE_STRING, FIELD(network.proxy.no),
        .check = check_plain_text},
    [OPTION_REGISTRY_MIRRORS] = {"registry.mirrors", "Mirrors of Docker Hub.",
        "write a list of URLs, for example [https://mirror.example]", OPTION_TYPE_LIST,
        FIELD(registry.mirrors), .check = check_mirror, .fallback = ""},
    [OPTION_REGISTRY_INSECURE] = {"registry.insecure",
        "Registries, by host or network, that the engine uses without verified TLS.",
        "write a list of hosts and networks, for example [registry.example:5000, 10.0.0.0/8]",
        OPTION_TYPE_LIST, FIELD(registry.insecure), .check = check_registry, .fallback = ""},

    [OPTION_STORAGE_DRIVER] = {"storage.driver",
        "The storage driver of the engine; auto: the engine's choice. What can be tried is tried before it "
        "starts.",
        "use auto, or the name of a driver, for example overlay2, fuse-overlayfs, vfs, btrfs or zfs",
        OPTION_TYPE_STRING, FIELD(storage.driver), .check = check_storage_driver, .fallback = "auto"},
    [OPTION_STORAGE_ON_OVERLAY] = {"storage.on_overlay",
        "What happens where overlay mounts fail in the engine's data folder, as on another overlayfs: warn "
        "leaves the choice to the engine, fail stops, fuse and vfs choose a driver that works there.",
        "use warn, fail, fuse or vfs", OPTION_TYPE_ENUM, FIELD(storage.on_overlay),
        .words = WORDS("warn", "fail", "fuse", "vfs"), .fallback = "warn"},

    [OPTION_CAPABILITIES_PROFILE] = {"capabilities.profile",
        "What the engine keeps: compat everything, default what ordinary use needs, strict the least.",
        "use compat, default or strict", OPTION_TYPE_ENUM, FIELD(capabilities.profile),
        .words = WORDS("compat", "default", "strict"), .fallback = "default"},
    [OPTION_CAPABILITIES_KEEP] = {"capabilities.keep", "Capabilities to keep beside those of the profile.",
        "write a list of capability names, for example [SYS_TIME]", OPTION_TYPE_LIST,
        FIELD(capabilities.keep), .check = check_capability, .fallback = ""},
    [OPTION_CAPABILITIES_DROP] = {"capabilities.drop", "Capabilities to drop beside those of the profile.",
        "write a list of capability names, for example [NET_RAW]", OPTION_TYPE_LIST, FIELD(capabilities.drop),
        .check = check_capability, .fallback = ""},

    [OPTION_CAPABILITIES_FORCE] = {"capabilities.force",
        "Whether capabilities.drop may take what the engine cannot start containers without.",
        "use true or false", OPTION_TYPE_BOOL, FIELD(capabilities.force), .fallback = "false"},
    [OPTION_APPARMOR] = {"apparmor",
        "Whether the engine confines nested containers by AppArmor; off is what the shell entrypoint's "
        "container=docker means.",
        "use on or off", OPTION_TYPE_ENUM, FIELD(apparmor), .words = WORDS("off", "on"), .fallback = "off"},

    [OPTION_ROOTLESS_USER] = {"rootless.user",
        "The user, by name or number, whom a start as root becomes in rootless mode.",
        "use the name or the number of an ordinary user", OPTION_TYPE_STRING, FIELD(rootless.user),
        .check = check_user, .fallback = "rootless"},
    [OPTION_ROOTLESS_RUNTIME_DIR] = {"rootless.runtime_dir",
        "The folder of the engine's sockets; unset: $XDG_RUNTIME_DIR, else /run/user/UID.", ALLOW_ABSOLUTE,
        OPTION_TYPE_STRING, FIELD(rootless.runtime_dir), .check = check_folder},
    [OPTION_ROOTLESS_NET] = {"rootless.net",
        "The network driver of rootlesskit; auto: the first of slirp4netns, pasta and vpnkit that is there, "
        "else gvisor-tap-vsock.",
        "use auto, slirp4netns, pasta, vpnkit, gvisor-tap-vsock or lxc-user-nic", OPTION_TYPE_STRING,
        FIELD(rootless.net),
        .words = WORDS("auto", "slirp4netns", "pasta", "vpnkit", "gvisor-tap-vsock", "lxc-user-nic"),
        .fallback = "auto"},
    [OPTION_ROOTLESS_MTU] = {"rootless.mtu", "The MTU of that network; auto: the driver's best.",
        "use auto, or a whole number from 68 to 65521", OPTION_TYPE_INT, FIELD(rootless.mtu), .min = 68,
        .max = 65521, .automatic = true, .fallback = "auto"},
    [OPTION_ROOTLESS_PORT_DRIVER] = {"rootless.port_driver",
        "The port driver of rootlesskit; auto: implicit with pasta, else builtin.",
        "use auto, builtin, slirp4netns, implicit, pesto or gvisor-tap-vsock", OPTION_TYPE_STRING,
        FIELD(rootless.port_driver),
        .words = WORDS("auto", "builtin", "slirp4netns", "implicit", "pesto", "gvisor-tap-vsock"),
        .fallback = "auto"},
    [OPTION_ROOTLESS_PUBLISH] = {"rootless.publish",
        "Whether the API's TCP port is published outside of the engine's network namespace; auto: where the "
        "port driver does not do so by itself.",
        "use auto, on or off", OPTION_TYPE_ENUM, FIELD(rootless.publish), .words = WORDS("auto", "on", "off"),
        .fallback = "auto"},
    [OPTION_ROOTLESS_IPV6] = {"rootless.ipv6",
        "Whether the engine's network namespace gets IPv6 too (slirp4netns and pasta).", "use true or false",
        OPTION_TYPE_BOOL, FIELD(rootless.ipv6), .fallback = "false"},
    [OPTION_ROOTLESS_DISABLE_HOST_LOOPBACK] = {"rootless.disable_host_loopback",
        "Whether 127.0.0.1 of the network outside is kept out of reach.", "use true or false",
        OPTION_TYPE_BOOL, FIELD(rootless.disable_host_loopback), .fallback = "true"},
    [OPTION_ROOTLESS_SLIRP4NETNS_SANDBOX] = {"rootless.slirp4netns_sandbox",
        "Whether slirp4netns runs in a mount namespace of its own.", "use auto, true or false",
        OPTION_TYPE_STRING, FIELD(rootless.slirp4netns_sandbox), .words = WORDS("auto", "true", "false"),
        .fallback = "auto"},
    [OPTION_ROOTLESS_SLIRP4NETNS_SECCOMP] = {"rootless.slirp4netns_seccomp",
        "Whether slirp4netns runs under a seccomp filter.", "use auto, true or false", OPTION_TYPE_STRING,
        FIELD(rootless.slirp4netns_seccomp), .words = WORDS("auto", "true", "false"), .fallback = "auto"},
    [OPTION_ROOTLESS_DETACH_NETNS] = {"rootless.detach_netns",
        "Whether the engine itself stays in the outer network namespace.", "use true or false",
        OPTION_TYPE_BOOL, FIELD(rootless.detach_netns), .fallback = "false"},
    [OPTION_ROOTLESS_COPY_UP] = {"rootless.copy_up",
        "The folders that the engine sees through a layer of its own, in which it may write.",
        "write a list of absolute paths, for example [/etc, /run]", OPTION_TYPE_LIST, FIELD(rootless.copy_up),
        .check = check_folder, .fallback = "/etc /run"},
    [OPTION_ROOTLESS_PROPAGATION] = {"rootless.propagation",
        "Whether mounts that come later outside are seen inside: rslave yes, rprivate no.",
        "use rslave or rprivate", OPTION_TYPE_STRING, FIELD(rootless.propagation),
        .words = WORDS("rslave", "rprivate"), .fallback = "rslave"},
    [OPTION_ROOTLESS_STATE_DIR] = {"rootless.state_dir",
        "The state folder of rootlesskit; unset: $XDG_RUNTIME_DIR/dockerd-rootless.", ALLOW_ABSOLUTE,
        OPTION_TYPE_STRING, FIELD(rootless.state_dir), .check = check_path},
    [OPTION_ROOTLESS_FLAGS] = {"rootless.flags", "More flags for rootlesskit, after all others.",
        "write a list of words, for example [--debug]", OPTION_TYPE_WORDS, FIELD(rootless.flags),
        .fallback = ""},

    [OPTION_DAEMON] = {"daemon",
        "Any setting of the engine's daemon.json; merged over the file that the engine would have read.",
        "write a map, for example {log-driver: local}", OPTION_TYPE_MAP, FIELD(daemon)},
    [OPTION_ARGS] = {"args", "More flags for dockerd, before those of the command line.",
        "write a list of words, for example [--mtu, 1400]", OPTION_TYPE_WORDS, FIELD(args), .fallback = ""},
    [OPTION_INIT] = {"init",
        "What runs as PID 1: builtin reaps and forwards signals itself, docker-init is the image's tini, "
        "none "
        "is dockerd.",
        "use auto, builtin, docker-init or none", OPTION_TYPE_ENUM, FIELD(init),
        .words = WORDS("auto", "builtin", "docker-init", "none"), .fallback = "auto"},
    [OPTION_READY_FILE] = {"ready.file",
        "A file that is there while the engine is: written when it answers for the first time, removed at "
        "the start and when it is to stop.",
        "use the absolute path of a file in a folder that exists", OPTION_TYPE_STRING, FIELD(ready.file),
        .check = check_folder},
    [OPTION_SHUTDOWN_TIMEOUT] = {"shutdown.timeout",
        "How long, in seconds or with a unit, the engine has to end once it was told to, before it is "
        "killed; auto: as long as "
        "it takes.",
        "use auto, or a time from 1 to 86400 seconds, as 90, 90s or 2m", OPTION_TYPE_INT,
        FIELD(shutdown.timeout), .min = 1, .max = 86400, .automatic = true, .seconds = true,
        .fallback = "auto"},
    [OPTION_SHUTDOWN_WAIT_FOR_IDLE] = {"shutdown.wait_for_idle",
        "For how long at most a stop waits until no container runs any more, before the engine is "
        "told; a second SIGTERM or SIGINT ends the wait. auto: it does not wait.",
        "use auto, or a time from 1 to 86400 seconds, as 90, 90s or 2m", OPTION_TYPE_INT,
        FIELD(shutdown.wait_for_idle), .min = 1, .max = 86400, .automatic = true, .seconds = true,
        .fallback = "auto"},
    [OPTION_SHUTDOWN_WHEN_FILE] = {"shutdown.when_file",
        "A file whose being there is as good as a SIGTERM: for the sidecar of a job, in clusters without "
        "native sidecars.",
        "use the absolute path of a file", OPTION_TYPE_STRING, FIELD(shutdown.when_file),
        .check = check_folder},
    [OPTION_LOG_LEVEL] = {"log.level", "The least important log lines that are still written.",
        "use debug, info, warn or error", OPTION_TYPE_ENUM, FIELD(log.level),
        .words = WORDS("debug", "info", "warn", "error"), .fallback = "info"},
    [OPTION_LOG_FORMAT] = {"log.format", "The form of the log lines.", "use text or json", OPTION_TYPE_ENUM,
        FIELD(log.format), .words = WORDS("text", "json"), .fallback = "text"},
};

const struct option *option_find(const char *key)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strcmp(options[i].key, key) == 0)
            return &options[i];
    return NULL;
}

bool option_is_group(const char *name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *rest = str_after(options[i].key, name);
        if (rest && *rest == '.')
            return true;
    }
    return false;
}

enum option_id option_id(const struct option *option)
{
    return (enum option_id)(option - options);
}

char *option_environment(const struct option *option)
{
    char *name = str_format("DIND_%s", option->key);
    for (char *c = name; *c; c++)
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    return name;
}

char *option_values(const struct option *option)
{
    struct text values = {0};

    for (size_t i = 0; option->words && option->words[i]; i++)
        text_addf(&values, "%s`%s`", i ? ", " : "", option->words[i]);
    switch (option->type) {
    case OPTION_TYPE_ENUM:
        break;
    case OPTION_TYPE_BOOL:
        text_add(&values, "`true`, `false`");
        break;
    case OPTION_TYPE_INT:
        if (option->min == option->max)
            text_addf(&values, "%lld", option->min);
        else
            text_addf(&values, "%s%lld to %lld%s", option->automatic ? "`auto`, or " : "", option->min,
                option->max, option->seconds ? " seconds, as `90`, `90s` or `2m`" : "");
        break;
    case OPTION_TYPE_STRING:
        if (!option->words)
            text_add(&values, "text");
        break;
    case OPTION_TYPE_LIST:
        text_add(&values, "list");
        break;
    case OPTION_TYPE_WORDS:
        text_add(&values, "list of words");
        break;
    case OPTION_TYPE_MAP:
        text_add(&values, "map");
        break;
    case OPTION_TYPE_RECORDS:
        text_add(&values, "list of maps");
        break;
    }
    return values.data;
}

static json_t *strings_value(const struct strings *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

json_t *option_value(const struct option *option, const struct settings *settings)
{
    const void *field = (const char *)settings + option->offset;

    switch (option->type) {
    case OPTION_TYPE_BOOL:
        return json_boolean(*(const bool *)field);
    case OPTION_TYPE_INT: {
        long long number = *(const long long *)field;
        return number == 0 && option->automatic ? json_string("auto") : json_integer(number);
    }
    case OPTION_TYPE_ENUM:
        return json_string(option->words[*(const int *)field]);
    case OPTION_TYPE_STRING: {
        const char *text = *(char *const *)field;
        return text ? json_string(text) : json_null();
    }
    case OPTION_TYPE_LIST:
    case OPTION_TYPE_WORDS:
        return strings_value(field);
    case OPTION_TYPE_MAP: {
        json_t *map = *(json_t *const *)field;
        return map ? json_deep_copy(map) : json_object();
    }
    case OPTION_TYPE_RECORDS:
        return records_value(option, settings);
    }
    return NULL;
}
