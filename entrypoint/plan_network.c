#include "plan_network.h"

#include "entrypoint/plan_parts.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define DRIVER_MTU "com.docker.network.driver.mtu"

enum {
    USUAL_MTU = 1500,
    /* What is shorter is a default route in parts (OpenVPN's def1) or all of a company's network. */
    SHORTEST_TAKEN = 8,
    TEN = 10 << 24,
    FIRST_TEN = 201, /* 10.201.0.0/16: the last hundred or so is rarely used */
    LAST_TEN = 254,
};

/* ---- pools ---- */

struct pool {
    struct ipv4_network base;
    unsigned size;
};

#define IPV4(a, b) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16)

/* moby daemon/libnetwork/ipamutils, localScopeDefaultNetworks; the same since 18.09 but for how they are
 * grouped. */
static const struct pool engine_pools[] = {
    {{IPV4(172, 17), 16}, 16},
    {{IPV4(172, 18), 16}, 16},
    {{IPV4(172, 19), 16}, 16},
    {{IPV4(172, 20), 14}, 16},
    {{IPV4(172, 24), 14}, 16},
    {{IPV4(172, 28), 14}, 16},
    {{IPV4(192, 168), 16}, 20},
};

/* The first thing outside that overlaps, or NULL. */
static const struct host_taken *taken_by(const struct host_network *network, struct ipv4_network subnet)
{
    for (size_t i = 0; i < network->taken_count; i++) {
        const struct host_taken *taken = &network->taken[i];
        if (taken->network.length >= SHORTEST_TAKEN && ipv4_overlap(taken->network, subnet))
            return taken;
    }
    return NULL;
}

static void add_pool(json_t *pools, struct ipv4_network base, unsigned size)
{
    char *text cleanup_free = ipv4_network_text(base);
    (void)json_array_append_new(pools, json_pack("{s:s, s:i}", "base", text, "size", (int)size));
}

/* The pool if it is free as a whole, else those of its networks that are. */
static void add_free(json_t *pools, const struct host_network *network, const struct pool *pool)
{
    if (!taken_by(network, pool->base)) {
        add_pool(pools, pool->base, pool->size);
        return;
    }
    for (uint32_t i = 0; i < 1U << (pool->size - pool->base.length); i++) {
        struct ipv4_network part = {pool->base.address + (i << (32 - pool->size)), pool->size};
        if (!taken_by(network, part))
            add_pool(pools, part, pool->size);
    }
}

static void add_ten(json_t *pools, const struct host_network *network)
{
    for (uint32_t i = FIRST_TEN; i <= LAST_TEN; i++) {
        struct ipv4_network base = {TEN + (i << 16), 16};
        if (!taken_by(network, base)) {
            add_pool(pools, base, 24);
            return;
        }
    }
}

static bool in_engine_pools(struct ipv4_network network)
{
    for (size_t i = 0; i < sizeof(engine_pools) / sizeof(*engine_pools); i++)
        if (ipv4_overlap(engine_pools[i].base, network))
            return true;
    return false;
}

/* What the engine would put a network of its own over. */
static void list_in_the_way(const struct host_network *network, bool sees, struct text *list)
{
    for (size_t i = 0; i < network->taken_count; i++) {
        const struct host_taken *taken = &network->taken[i];
        char *text cleanup_free = ipv4_network_text(taken->network);
        if (taken->network.length >= SHORTEST_TAKEN && !(sees && taken->avoided) &&
            in_engine_pools(taken->network) && !strstr(text_get(list), text))
            text_addf(list, "%s%s (%s)", list->length ? ", " : "", text, taken->what);
    }
}

json_t *network_free_pools(const struct host_network *network, bool sees, struct text *because)
{
    json_t *pools = json_array();

    list_in_the_way(network, sees, because);
    for (size_t i = 0; i < sizeof(engine_pools) / sizeof(*engine_pools); i++)
        add_free(pools, network, &engine_pools[i]);
    if (json_array_size(pools) == 0) {
        if (!because->length)
            text_add(because, "every network of the engine's own pools");
        add_ten(pools, network);
    }
    if (because->length && json_array_size(pools) > 0)
        return pools;
    json_decref(pools);
    return NULL;
}

/* Whether the user said it, by flag or in a file. */
static bool said(const struct plan_input *in, const char *flag)
{
    return dockerd_flags_get(&in->command->flags, flag) ||
           json_object_get(engine_config_file(in->config), dockerd_flag_key(flag));
}

static void set_setting(struct plan *plan, const char *key, json_t *value)
{
    if (!plan->engine_settings)
        plan->engine_settings = json_object();
    (void)json_object_set_new(plan->engine_settings, key, value);
}

/* "default-address-pools 172.18.0.0/16 172.19.0.0/16 and 4 more" */
static void list_pools(const json_t *pools, struct strings *sources)
{
    enum { SHOWN = 3 };
    cleanup_text struct text list = {0};
    size_t count = json_array_size(pools);

    for (size_t i = 0; i < count && i < SHOWN; i++)
        text_addf(&list, " %s", json_string_value(json_object_get(json_array_get(pools, i), "base")));
    if (count > SHOWN)
        text_addf(&list, " and %zu more", count - SHOWN);
    strings_addf(sources, "default-address-pools%s", text_get(&list));
}

/* What the program decides by itself are default flags in another form: an explicit dockerd gets none. */
static bool may_decide(const struct plan_input *in)
{
    return in->command->kind == COMMAND_ENGINE && in->config->problem == 0;
}

static void decide_pools(struct plan *plan, const struct plan_input *in)
{
    cleanup_text struct text because = {0};

    if (!may_decide(in) || said(in, "default-address-pool"))
        return;
    /* rootlesskit's network namespace has routes of its own. */
    json_t *pools = network_free_pools(&in->host->network, plan->mode == MODE_ROOTFUL, &because);
    if (pools) {
        set_setting(plan, "default-address-pools", pools);
        list_pools(pools, &plan->engine_sources);
        strings_addf(&plan->engine_reasons,
            "nested networks must not cover what is outside: %s is in use there", text_get(&because));
    } else if (because.length) {
        strings_addf(&plan->notes,
            "no pool for nested networks is free, %s is in use outside: set network.pools to networks "
            "that nested containers need not reach",
            text_get(&because));
    }
}

/* The engine takes any address for its default bridge, even if that cuts it off. */
static void judge_bip(struct plan *plan, const struct plan_input *in)
{
    const char *bip = engine_config_setting(in->config, in->command, "bip");
    struct ipv4_network network;

    if (!bip || !ipv4_network_parse(bip, &network, NULL))
        return;
    const struct host_taken *taken = taken_by(&in->host->network, network);
    if (!taken)
        return;
    char *text cleanup_free = ipv4_network_text(taken->network);
    strings_addf(&plan->notes,
        "the default bridge's %s covers %s (%s), which is then out of reach: choose another "
        "network.bip",
        bip, text, taken->what);
}

/* ---- MTU ---- */

static const json_t *network_opts(const struct plan_input *in)
{
    return json_object_get(json_object_get(engine_config_file(in->config), "default-network-opts"), "bridge");
}

static bool said_mtu(const struct plan_input *in)
{
    const char *opts = dockerd_flags_get(&in->command->flags, "default-network-opt");

    return said(in, "mtu") || (opts && strstr(opts, DRIVER_MTU)) ||
           json_object_get(network_opts(in), DRIVER_MTU);
}

/* The default bridge has a setting since ever; for the networks of Compose and CI runners, which are made
 * later, there is one since 24.0. An older engine would refuse it: the step asks. */
static void set_mtu(struct plan *plan, const struct plan_input *in, long long mtu)
{
    char *text cleanup_free = str_format("%lld", mtu);

    set_setting(plan, "mtu", json_integer(mtu));
    if (dockerd_flags_get(&in->command->flags, "default-network-opt"))
        return;
    set_setting(plan, "default-network-opts", json_pack("{s:{s:s}}", "bridge", DRIVER_MTU, text));
    plan->trial_of_network_opts = true;
}

static int refuse_mtu_twice(const struct plan_input *in, const char *key, struct err *e)
{
    char *origin cleanup_free = settings_origin(in->settings, OPTION_NETWORK_MTU);
    char *daemon cleanup_free = settings_origin(in->settings, OPTION_DAEMON);

    (void)err_set(e, -EEXIST, "daemon (%s): %s: is set there and by network.mtu (%s)", daemon, key, origin);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "remove one of the two");
}

static int decide_mtu(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host_network *network = &in->host->network;
    const char *wanted = s->network.mtu;
    long long mtu = 0;

    if (parse_number(wanted, 0, UINT16_MAX, &mtu)) {
        char *origin cleanup_free = settings_origin(s, OPTION_NETWORK_MTU);
        if (json_object_get(s->daemon, "mtu"))
            return refuse_mtu_twice(in, "mtu", e);
        if (json_object_get(
                json_object_get(json_object_get(s->daemon, "default-network-opts"), "bridge"), DRIVER_MTU))
            return refuse_mtu_twice(in, "default-network-opts", e);
        set_mtu(plan, in, mtu);
        strings_addf(&plan->engine_sources, "network.mtu (%s)", origin);
        strings_add(&plan->engine_reasons, "network.mtu asks for it");
        return 0;
    }
    /* More than usual is no need of anybody's, and not every path behind it takes it. rootlesskit's network
     * ends connections: its packets are not those outside. */
    if (strcmp(wanted, "auto") != 0 || plan->mode == MODE_ROOTLESS || !may_decide(in) || said_mtu(in) ||
        network->mtu <= 0 || network->mtu >= USUAL_MTU)
        return 0;
    set_mtu(plan, in, network->mtu);
    strings_addf(&plan->engine_sources, "mtu %lld", network->mtu);
    strings_addf(&plan->engine_reasons,
        "larger packets than %lld do not get out by %s, the way of the default route", network->mtu,
        network->interface);
    return 0;
}

/* ---- name servers, proxies ---- */

static bool is_loopback_server(const char *address)
{
    return str_starts(address, "127.") || str_equal(address, "::1");
}

/* moby daemon/libnetwork/internal/resolvconf: loopback servers are left out, and 8.8.8.8 stands in for none.
 * rootlesskit's namespaces have a resolv.conf of their own. */
static void judge_dns(struct plan *plan, const struct plan_input *in)
{
    const struct strings *servers = &in->host->network.nameservers;

    if (plan->mode == MODE_ROOTLESS || !servers->count || said(in, "dns"))
        return;
    for (size_t i = 0; i < servers->count; i++)
        if (!is_loopback_server(servers->items[i]))
            return;
    strings_addf(&plan->notes,
        "/etc/resolv.conf has loopback addresses only (%s), which nested containers cannot reach: the "
        "engine gives them 8.8.8.8 and 8.8.4.4; set network.dns to the name servers of this network",
        servers->items[0]);
}

/* The engine's own setting would win over the environment, through which ours goes. */
static int check_proxies(const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct {
        enum option_id id;
        const char *value, *flag, *key;
    } proxies[] = {
        {OPTION_NETWORK_PROXY_HTTP, s->network.proxy.http, "http-proxy", "network.proxy.http"},
        {OPTION_NETWORK_PROXY_HTTPS, s->network.proxy.https, "https-proxy", "network.proxy.https"},
        {OPTION_NETWORK_PROXY_NO, s->network.proxy.no, "no-proxy", "network.proxy.no"},
    };

    for (size_t i = 0; i < sizeof(proxies) / sizeof(*proxies); i++) {
        if (!proxies[i].value || !said(in, proxies[i].flag))
            continue;
        char *origin cleanup_free = settings_origin(s, proxies[i].id);
        bool flag = dockerd_flags_get(&in->command->flags, proxies[i].flag) != NULL;
        (void)err_set(e, -EEXIST, "%s (%s) and the engine's own %s%s (%s) are both set", proxies[i].key,
            origin, flag ? "--" : "", proxies[i].flag, flag ? "flag" : in->config->path);
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e, "remove one of the two");
    }
    return 0;
}

int plan_decide_network(struct plan *plan, const struct plan_input *in, struct err *e)
{
    int r = check_proxies(in, e);

    if (r == 0)
        r = decide_mtu(plan, in, e);
    if (r < 0)
        return r;
    decide_pools(plan, in);
    judge_bip(plan, in);
    judge_dns(plan, in);
    return 0;
}
