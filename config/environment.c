#include "config/environment.h"

#include "config/apply.h"
#include "config/quote.h"
#include "config/words.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char image_variable[] = "DOCKER_TLS_CERTDIR", image_value[] = "/certs";

/* An old name's value in the new form, or NULL when it counts as unset. The caller frees it. */
typedef char *translate(const char *value);

struct alias {
    enum option_id id;
    const char *variable;
    translate *translate;
};

static char *as_it_is(const char *value)
{
    return str_dup(value);
}

/* dockerd-rootless.sh reads its variables with :=, so empty is unset there. */
static char *unless_empty(const char *value)
{
    return *value ? str_dup(value) : NULL;
}

static char *unix_path(const char *value)
{
    const char *path = str_after(value, "unix://");
    return path && *path ? str_dup(path) : NULL;
}

static char *legacy_or_nft(const char *value)
{
    return str_dup(*value ? "legacy" : "nft");
}

/* The script compares with "false" and takes everything else for true. */
static char *true_unless_false(const char *value)
{
    return *value ? str_dup(strcmp(value, "false") == 0 ? "false" : "true") : NULL;
}

static char *one_or_zero(const char *value)
{
    if (strcmp(value, "1") == 0)
        return str_dup("true");
    return strcmp(value, "0") == 0 ? str_dup("false") : unless_empty(value);
}

/* An unquoted expansion: the shell splits it, but removes no quotes. */
static char *blank_separated(const char *value)
{
    cleanup_strings struct strings words = {0};
    struct text quoted = {0};

    strings_split(&words, value, " \t\r\n");
    for (size_t i = 0; i < words.count; i++) {
        words_quote(&quoted, words.items[i]);
        text_add(&quoted, " ");
    }
    return quoted.data;
}

#define ROOTLESSKIT "DOCKERD_ROOTLESS_ROOTLESSKIT_"

static const struct alias aliases[] = {
    {OPTION_TLS_DIR, image_variable, as_it_is},
    {OPTION_TLS_SAN, "DOCKER_TLS_SAN", as_it_is},
    {OPTION_API_UNIX_PATH, "DOCKER_HOST", unix_path},
    {OPTION_NETWORK_IPTABLES, "DOCKER_IPTABLES_LEGACY", legacy_or_nft},
    /* The names that GitHub's Actions Runner Controller has. */
    {OPTION_API_UNIX_GROUP, "DOCKER_GROUP_GID", unless_empty},
    {OPTION_NETWORK_POOLS, "DOCKER_DEFAULT_ADDRESS_POOL_BASE", unless_empty},
    {OPTION_REGISTRY_MIRRORS, "DOCKER_REGISTRY_MIRROR", unless_empty},
    {OPTION_REGISTRY_INSECURE, "DOCKER_INSECURE_REGISTRY", unless_empty},
    /* dockerd itself reads this one. */
    {OPTION_STORAGE_DRIVER, "DOCKER_DRIVER", unless_empty},
    {OPTION_ROOTLESS_NET, ROOTLESSKIT "NET", unless_empty},
    {OPTION_ROOTLESS_MTU, ROOTLESSKIT "MTU", unless_empty},
    {OPTION_ROOTLESS_PORT_DRIVER, ROOTLESSKIT "PORT_DRIVER", unless_empty},
    {OPTION_ROOTLESS_DISABLE_HOST_LOOPBACK, ROOTLESSKIT "DISABLE_HOST_LOOPBACK", true_unless_false},
    {OPTION_ROOTLESS_SLIRP4NETNS_SANDBOX, ROOTLESSKIT "SLIRP4NETNS_SANDBOX", unless_empty},
    {OPTION_ROOTLESS_SLIRP4NETNS_SECCOMP, ROOTLESSKIT "SLIRP4NETNS_SECCOMP", unless_empty},
    {OPTION_ROOTLESS_DETACH_NETNS, ROOTLESSKIT "DETACH_NETNS", one_or_zero},
    {OPTION_ROOTLESS_STATE_DIR, ROOTLESSKIT "STATE_DIR", unless_empty},
    {OPTION_ROOTLESS_FLAGS, ROOTLESSKIT "FLAGS", blank_separated},
};

const char *option_alias(const struct option *option)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
        if (aliases[i].id == option_id(option))
            return aliases[i].variable;
    return NULL;
}

int environment_apply_image(const char *const *environment, struct settings *settings, struct err *e)
{
    const struct source source = {ORIGIN_IMAGE, image_variable};
    if (!str_equal(environment_get(environment, image_variable), image_value))
        return 0;
    return option_apply_text(&options[OPTION_TLS_DIR], image_value, &source, settings, e);
}

/* The prefix of a pool's networks has a variable of its own. */
static char *with_size(const char *const *environment, const char *base)
{
    const char *size = environment_get(environment, "DOCKER_DEFAULT_ADDRESS_POOL_SIZE");

    if (!base)
        return NULL;
    return size && *size ? str_format("%s:%s", base, size) : str_dup(base);
}

static int apply_aliases(const char *const *environment, struct settings *settings, struct err *e)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++) {
        const struct alias *alias = &aliases[i];
        const struct source source = {ORIGIN_ENVIRONMENT, alias->variable};
        const char *value = environment_get(environment, alias->variable);
        if (!value || (strcmp(alias->variable, image_variable) == 0 && strcmp(value, image_value) == 0))
            continue;
        char *translated cleanup_free = alias->translate(value);
        char *text cleanup_free =
            alias->id == OPTION_NETWORK_POOLS ? with_size(environment, translated) : take(translated);
        int r = text ? option_apply_text(&options[alias->id], text, &source, settings, e) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* Continuous integration hands its own variables to service containers, and DIND_VERSION is a favourite name
 * there for the tag of the image: not a reason to refuse the start. */
static bool is_foreign_version(const struct option *option, const char *value)
{
    return option_id(option) == OPTION_VERSION && strcmp(value, "1") != 0;
}

static int apply_name(const struct option *option, const char *name, const char *value,
    struct settings *settings, struct err *e)
{
    const struct source source = {ORIGIN_ENVIRONMENT, name};
    const struct origin *origin = &settings->origin[option_id(option)];
    char *alias cleanup_free = origin->kind == ORIGIN_ENVIRONMENT ? str_dup(origin->name) : NULL;
    json_t *before = option_value(option, settings);

    int r = option_apply_text(option, value, &source, settings, e);
    json_t *after = option_value(option, settings);
    if (r == 0 && alias && !json_equal(before, after))
        strings_addf(&settings->warnings, "%s and %s differ: %s counts, remove %s", name, alias, name, alias);
    json_decref(before);
    json_decref(after);
    return r;
}

static int apply_names(const char *const *environment, struct settings *settings, struct err *e)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char *name cleanup_free = option_environment(&options[i]);
        const char *value = environment_get(environment, name);
        if (!value)
            continue;
        if (is_foreign_version(&options[i], value)) {
            strings_addf(&settings->warnings,
                "%s is ignored: it is the version of the configuration's form, which is 1, not the engine's",
                name);
            continue;
        }
        int r = apply_name(&options[i], name, value, settings, e);
        if (r < 0)
            return r;
    }
    return 0;
}

/*
 * Kubernetes puts variables into every container for a Service named dind or dind-something, and Docker's
 * links do too: DIND_SERVICE_HOST, DIND_PORT_2376_TCP_ADDR... The only ones that can look like an option are
 * DIND_SOMETHING_PORT=tcp://10.0.0.1:2376.
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
static bool is_service_variable(const char *name, const char *value)
{
    return str_ends(name, "_PORT") && strstr(value, "://");
}

static bool is_known(const char *name)
{
    if (strcmp(name, "DIND_CONFIG") == 0 || strcmp(name, "DIND_COMMIT") == 0)
        return true;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char *known cleanup_free = option_environment(&options[i]);
        if (strcmp(name, known) == 0)
            return true;
    }
    return false;
}

static void warn_near_miss(const char *name, struct strings *warnings)
{
    static const char *const others[] = {"config", NULL};
    const char *key = str_after(name, "DIND_");
    const struct option *option = option_nearest(key, false);
    char *near cleanup_free = option                      ? option_environment(option)
                              : nearest_word(key, others) ? str_dup("DIND_CONFIG")
                                                          : NULL;
    if (!near)
        return;
    char *shown cleanup_free = quote_short(name);
    strings_addf(warnings, "%s is not known and has no effect: did you mean %s?", shown, near);
}

static void find_near_misses(const char *const *environment, struct strings *warnings)
{
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (!equals || !str_starts(*environment, "DIND_"))
            continue;
        char *name cleanup_free = str_dup_n(*environment, (size_t)(equals - *environment));
        if (!is_known(name) && !is_service_variable(name, equals + 1))
            warn_near_miss(name, warnings);
    }
}

int environment_apply(const char *const *environment, struct settings *settings, struct err *e)
{
    int r = apply_aliases(environment, settings, e);
    if (r == 0)
        r = apply_names(environment, settings, e);
    if (r == 0)
        find_near_misses(environment, &settings->warnings);
    return r;
}
