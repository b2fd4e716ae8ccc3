/* dockerd's configuration file: merging ours over the one that is there, and finding what dockerd would
 * refuse. */
#include "config/dockerd_flags.h"
#include "config/networks.h"
#include "config/options.h"
#include "config/quote.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

json_t *dockerd_config_merge(const json_t *base, const json_t *wanted)
{
    json_t *merged = json_is_object(base) ? json_deep_copy(base) : json_object();
    /* A copy: the values become part of the result. */
    json_t *over = wanted ? json_deep_copy(wanted) : NULL;

    if (over)
        (void)json_object_update_recursive(merged, over);
    json_decref(over);
    return merged;
}

/* Keys of ours that are one setting of the engine's file under another name. */
static const struct {
    enum option_id id;
    const char *key;
} mapped[] = {
    {OPTION_NETWORK_POOLS, "default-address-pools"},
    {OPTION_NETWORK_BIP, "bip"},
    {OPTION_NETWORK_DNS, "dns"},
    {OPTION_REGISTRY_MIRRORS, "registry-mirrors"},
    {OPTION_REGISTRY_INSECURE, "insecure-registries"},
    {OPTION_STORAGE_DRIVER, "storage-driver"},
};

static json_t *pools_value(const struct strings *pools)
{
    json_t *array = json_array();

    for (size_t i = 0; i < pools->count; i++) {
        char *base cleanup_free = NULL;
        long long size = 0;
        if (pool_parse(pools->items[i], &base, &size))
            (void)json_array_append_new(
                array, json_pack("{s:s, s:I}", "base", base, "size", (json_int_t)size));
    }
    return array;
}

/* The engine's form of the value, or NULL when nothing was asked for. dockerd reads DOCKER_DRIVER itself. */
static json_t *mapped_value(const struct settings *s, enum option_id id)
{
    if (id == OPTION_STORAGE_DRIVER &&
        (strcmp(s->storage.driver, "auto") == 0 || str_equal(s->origin[id].name, "DOCKER_DRIVER")))
        return NULL;
    json_t *value =
        id == OPTION_NETWORK_POOLS ? pools_value(&s->network.pools) : option_value(&options[id], s);
    if (!json_is_null(value) && !(json_is_array(value) && json_array_size(value) == 0))
        return value;
    json_decref(value);
    return NULL;
}

static int refuse_key_twice(const struct settings *s, enum option_id id, const char *key, struct err *e)
{
    char *daemon cleanup_free = settings_origin(s, OPTION_DAEMON);
    char *origin cleanup_free = settings_origin(s, id);

    (void)err_set(
        e, -EEXIST, "daemon (%s): %s: is set there and by %s (%s)", daemon, key, options[id].key, origin);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "remove one of the two");
}

int dockerd_config_wanted(const struct settings *s, json_t **wanted, struct strings *sources, struct err *e)
{
    json_t *all = s->daemon ? json_deep_copy(s->daemon) : json_object();

    for (size_t i = 0; i < sizeof(mapped) / sizeof(*mapped); i++) {
        json_t *value = mapped_value(s, mapped[i].id);
        if (!value)
            continue;
        if (json_object_get(all, mapped[i].key)) {
            json_decref(value);
            json_decref(all);
            return refuse_key_twice(s, mapped[i].id, mapped[i].key, e);
        }
        (void)json_object_set_new(all, mapped[i].key, value);
        char *origin cleanup_free = settings_origin(s, mapped[i].id);
        if (sources)
            strings_addf(sources, "%s (%s)", options[mapped[i].id].key, origin);
    }
    char *daemon cleanup_free = settings_origin(s, OPTION_DAEMON);
    if (sources && s->daemon)
        strings_addf(sources, "daemon (%s)", daemon);
    if (json_object_size(all) == 0) {
        json_decref(all);
        all = NULL;
    }
    *wanted = all;
    return 0;
}

/* flatOptions of moby's daemon/config/config.go: objects that are one setting. The keys in any other object
 * count as if they stood at the top, and the object's own name does not count. */
static bool is_one_setting(const char *key)
{
    static const char *const names[] = {"cluster-store-opts", "default-network-opts", "log-opts", "runtimes",
        "default-ulimits", "features", "builder", "nri-opts"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i], key) == 0)
            return true;
    return false;
}

/* configValuesSet: a new object. */
static json_t *flatten(const json_t *config)
{
    json_t *flat = json_object(), *copy = json_deep_copy(config), *value;
    const char *key;

    json_object_foreach(copy, key, value)
    {
        if (json_is_object(value) && !is_one_setting(key))
            (void)json_object_update(flat, value);
        else
            (void)json_object_set(flat, key, value);
    }
    json_decref(copy);
    return flat;
}

/* The key under which a flag is set in the file too, or NULL. */
static const char *conflicting_key(const json_t *flat, const char *flag)
{
    const char *key = dockerd_flag_key(flag);

    /* skipDuplicates: dockerd merges these. */
    if (strcmp(key, "runtimes") == 0)
        return NULL;
    if (json_object_get(flat, key))
        return key;
    /* migratedNamedConfig: the old key of a flag whose key has changed. Before that change it was the flag's
     * own name, so the verdict is the same for older engines. */
    if (strcmp(flag, "host-gateway-ip") == 0 && json_object_get(flat, flag))
        return flag;
    return NULL;
}

static int refuse(struct err *e, const char *source, const char *key, const char *what, const char *hint)
{
    (void)err_set(e, -EEXIST, "%s: %s: %s", source, key, what);
    (void)err_hint(e, "%s", hint);
    return err_status(e, EXIT_CONFIG);
}

static int refuse_twice(struct err *e, const char *source, const char *key, const char *flag)
{
    char *shown_key cleanup_free = quote_short(key), *shown_flag cleanup_free = quote_short(flag);
    char *what cleanup_free = str_format("is set there and by the flag --%s", shown_flag);
    char *hint cleanup_free =
        str_format("remove %s from the file, or --%s from the flags: dockerd refuses to start with both",
            shown_key, shown_flag);
    return refuse(e, source, shown_key, what, hint);
}

int dockerd_config_conflicts(
    const json_t *config, const struct dockerd_flags *flags, const char *source, struct err *e)
{
    if (!json_is_object(config))
        return 0;

    json_t *flat = flatten(config);
    int r = 0;
    for (size_t i = 0; i < flags->count && r == 0; i++) {
        const char *key = conflicting_key(flat, flags->items[i].name);
        if (key)
            r = refuse_twice(e, source, key, flags->items[i].name);
    }
    if (r == 0 && json_object_get(flat, "host-gateway-ip") && json_object_get(flat, "host-gateway-ips"))
        r = refuse(e, source, "host-gateway-ip", "is set beside host-gateway-ips, its newer name",
            "remove host-gateway-ip");
    json_decref(flat);
    return r;
}
