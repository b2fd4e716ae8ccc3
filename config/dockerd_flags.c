#include "config/dockerd_flags.h"

#include <stdlib.h>
#include <string.h>

/* A flag of dockerd: everything that 20.10 to 29 know (moby daemon/command, earlier cmd/dockerd). */
struct known_flag {
    const char *name;
    const char *key; /* in daemon.json, where it is another word (moby calls that a named option) */
    char letter;     /* its short form */
    bool boolean;    /* takes a value only after "=" */
};

static const struct known_flag known_flags[] = {
    {"add-runtime", "runtimes", 0, false},
    {"allow-direct-routing", NULL, 0, true},
    {"allow-nondistributable-artifacts", NULL, 0, false},
    {"api-cors-header", NULL, 0, false},
    {"authorization-plugin", "authorization-plugins", 0, false},
    {"bip", NULL, 0, false},
    {"bip6", NULL, 0, false},
    {"bridge", NULL, 'b', false},
    {"bridge-accept-fwmark", NULL, 0, false},
    {"cdi-spec-dir", "cdi-spec-dirs", 0, false},
    {"cgroup-parent", NULL, 0, false},
    {"cluster-advertise", NULL, 0, false},
    {"cluster-store", NULL, 0, false},
    {"cluster-store-opt", "cluster-store-opts", 0, false},
    {"config-file", NULL, 0, false},
    {"containerd", NULL, 0, false},
    {"containerd-namespace", NULL, 0, false},
    {"containerd-plugins-namespace", NULL, 0, false},
    {"cpu-rt-period", NULL, 0, false},
    {"cpu-rt-runtime", NULL, 0, false},
    {"cri-containerd", NULL, 0, true},
    {"data-root", NULL, 0, false},
    {"debug", NULL, 'D', true},
    {"default-address-pool", "default-address-pools", 0, false},
    {"default-cgroupns-mode", NULL, 0, false},
    {"default-gateway", NULL, 0, false},
    {"default-gateway-v6", NULL, 0, false},
    {"default-ipc-mode", NULL, 0, false},
    {"default-network-opt", "default-network-opts", 0, false},
    {"default-runtime", NULL, 0, false},
    {"default-shm-size", NULL, 0, false},
    {"default-stop-timeout", NULL, 0, false},
    {"default-ulimit", "default-ulimits", 0, false},
    {"dns", NULL, 0, false},
    {"dns-opt", "dns-opts", 0, false},
    {"dns-search", NULL, 0, false},
    {"exec-opt", "exec-opts", 0, false},
    {"exec-root", NULL, 0, false},
    {"experimental", NULL, 0, true},
    {"feature", "features", 0, false},
    {"firewall-backend", NULL, 0, false},
    {"fixed-cidr", NULL, 0, false},
    {"fixed-cidr-v6", NULL, 0, false},
    {"graph", NULL, 'g', false},
    {"group", NULL, 'G', false},
    {"help", NULL, 'h', true},
    {"host", "hosts", 'H', false},
    {"host-gateway-ip", "host-gateway-ips", 0, false},
    {"http-proxy", NULL, 0, false},
    {"https-proxy", NULL, 0, false},
    {"icc", NULL, 0, true},
    {"init", NULL, 0, true},
    {"init-path", NULL, 0, false},
    {"insecure-registry", "insecure-registries", 0, false},
    {"ip", NULL, 0, false},
    {"ip-forward", NULL, 0, true},
    {"ip-forward-no-drop", NULL, 0, true},
    {"ip-masq", NULL, 0, true},
    {"ip6tables", NULL, 0, true},
    {"iptables", NULL, 0, true},
    {"ipv6", NULL, 0, true},
    {"label", "labels", 0, false},
    {"live-restore", NULL, 0, true},
    {"log-driver", NULL, 0, false},
    {"log-format", NULL, 0, false},
    {"log-level", NULL, 'l', false},
    {"log-opt", "log-opts", 0, false},
    {"max-concurrent-downloads", NULL, 0, false},
    {"max-concurrent-uploads", NULL, 0, false},
    {"max-download-attempts", NULL, 0, false},
    {"metrics-addr", NULL, 0, false},
    {"mtu", NULL, 0, false},
    {"network-control-plane-mtu", NULL, 0, false},
    {"network-diagnostic-port", NULL, 0, false},
    {"no-new-privileges", NULL, 0, true},
    {"no-proxy", NULL, 0, false},
    {"node-generic-resource", "node-generic-resources", 0, false},
    {"nri-opts", NULL, 0, false},
    {"oom-score-adjust", NULL, 0, false},
    {"pidfile", NULL, 'p', false},
    {"raw-logs", NULL, 0, true},
    {"registry-mirror", "registry-mirrors", 0, false},
    {"restart", NULL, 'r', true},
    {"rootless", NULL, 0, true},
    {"seccomp-profile", NULL, 0, false},
    {"selinux-enabled", NULL, 0, true},
    {"shutdown-timeout", NULL, 0, false},
    {"storage-driver", NULL, 's', false},
    {"storage-opt", "storage-opts", 0, false},
    {"swarm-default-advertise-addr", NULL, 0, false},
    {"tls", NULL, 0, true},
    {"tlscacert", NULL, 0, false},
    {"tlscert", NULL, 0, false},
    {"tlskey", NULL, 0, false},
    {"tlsverify", NULL, 0, true},
    {"userland-proxy", NULL, 0, true},
    {"userland-proxy-path", NULL, 0, false},
    {"userns-remap", NULL, 0, false},
    {"validate", NULL, 0, true},
    {"version", NULL, 'v', true},
};

enum { KNOWN_COUNT = sizeof(known_flags) / sizeof(*known_flags) };

static const struct known_flag *find_name(const char *name)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (strcmp(known_flags[i].name, name) == 0)
            return &known_flags[i];
    return NULL;
}

static const struct known_flag *find_letter(char letter)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (known_flags[i].letter == letter)
            return &known_flags[i];
    return NULL;
}

static void add(struct dockerd_flags *flags, char *name, const char *value)
{
    flags->items = mem_grow(flags->items, flags->count + 1, sizeof(*flags->items));
    flags->items[flags->count++] = (struct dockerd_flag){name, str_dup(value)};
}

/* One argument that begins with "--". `next` is the argument behind it, "" at the end. True when that one was
 * used up. */
static bool parse_long(struct dockerd_flags *flags, const char *arg, const char *next)
{
    const char *name = arg + 2, *equals = strchr(name, '=');

    if (*name == '-' || *name == '=')
        return false;
    if (equals) {
        add(flags, str_dup_n(name, (size_t)(equals - name)), equals + 1);
        return false;
    }
    const struct known_flag *known = find_name(name);
    bool valued = known && !known->boolean;
    add(flags, str_dup(name), valued ? next : "true");
    return valued;
}

/* One argument that begins with "-": a cluster of letters, the last of which may have a value. */
static bool parse_short(struct dockerd_flags *flags, const char *arg, const char *next)
{
    for (const char *letter = arg + 1; *letter; letter++) {
        const struct known_flag *known = find_letter(*letter);
        if (!known)
            return false;
        /* pflag takes -D= (nothing behind the sign) for the letter "=". */
        if (letter[1] == '=' && letter[2]) {
            add(flags, str_dup(known->name), letter + 2);
            return false;
        }
        if (!known->boolean) {
            add(flags, str_dup(known->name), letter[1] ? letter + 1 : next);
            return letter[1] == '\0';
        }
        add(flags, str_dup(known->name), "true");
    }
    return false;
}

void dockerd_flags_parse(struct dockerd_flags *flags, const struct strings *args)
{
    *flags = (struct dockerd_flags){0};
    for (size_t i = 0; i < args->count; i++) {
        const char *arg = args->items[i], *next = i + 1 < args->count ? args->items[i + 1] : "";
        if (strcmp(arg, "--") == 0)
            return;
        if (str_starts(arg, "--"))
            i += parse_long(flags, arg, next);
        else if (*arg == '-')
            i += parse_short(flags, arg, next);
    }
}

void dockerd_flags_free(struct dockerd_flags *flags)
{
    for (size_t i = 0; i < flags->count; i++) {
        free(flags->items[i].name);
        free(flags->items[i].value);
    }
    free(flags->items);
    *flags = (struct dockerd_flags){0};
}

const char *dockerd_flags_get(const struct dockerd_flags *flags, const char *name)
{
    for (size_t i = flags->count; i > 0; i--)
        if (strcmp(flags->items[i - 1].name, name) == 0)
            return flags->items[i - 1].value;
    return NULL;
}

bool dockerd_flags_any(const struct dockerd_flags *flags, const char *prefix)
{
    for (size_t i = 0; i < flags->count; i++)
        if (str_starts(flags->items[i].name, prefix))
            return true;
    return false;
}

const char *dockerd_flag_key(const char *name)
{
    const struct known_flag *known = find_name(name);
    return known && known->key ? known->key : name;
}
