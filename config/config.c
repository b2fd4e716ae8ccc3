#include "config/config.h"

#include "base/file.h"
#include "config/apply.h"
#include "config/clients.h"
#include "config/environment.h"
#include "config/quote.h"
#include "config/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* The file on its way into the settings. */
struct walk {
    const struct source *source;
    struct settings *settings;
    struct err *e;
};

/* "dir, key, days and san": what may stand below a group, or at the top for "". */
static char *known_keys(const char *group)
{
    cleanup_strings struct strings names = {0};

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *rest = str_after(options[i].key, group);
        if (!rest || (*group && *rest != '.'))
            continue;
        rest += *group ? 1 : 0;
        char *name cleanup_free = str_dup_n(rest, strcspn(rest, "."));
        if (!strings_have(&names, name))
            strings_add(&names, name);
    }
    return strings_join(&names, ", ");
}

static int refuse_unknown(const struct source *source, const struct node *at, const char *group,
    const char *key, bool nested, struct err *e)
{
    const struct option *near = option_nearest(key, true);
    const char *below = *group ? key + strlen(group) + 1 : key;
    char *known cleanup_free = known_keys(group);
    char *shown cleanup_free = quote_short(key);
    char *hint cleanup_free = NULL;

    if (near && nested && strcmp(near->key, key) == 0)
        hint = str_format("write it as a map in a map, not with dots: %.*s: with its keys indented below",
            (int)strcspn(below, "."), below);
    else if (near)
        hint = str_format("did you mean %s? %s", near->key, near->allow);
    else
        hint = str_format("known here: %s", known);
    return source_refuse(source, at, shown, hint, e, "is not a known key");
}

static int walk_map(const struct walk *walk, const struct node *map, const char *group);

static int walk_group(const struct walk *walk, const struct node *value, const char *group)
{
    /* A group with everything commented out is nothing to complain about. */
    if (value->kind == NODE_SCALAR && node_scalar_kind(value) == SCALAR_NULL)
        return 0;
    if (value->kind == NODE_MAP)
        return walk_map(walk, value, group);
    char *known cleanup_free = known_keys(group);
    char *hint cleanup_free = str_format("write its keys below it, indented: %s", known);
    return source_refuse(walk->source, value, group, hint, walk->e, "is %s, not a map", node_words(value));
}

static int walk_map(const struct walk *walk, const struct node *map, const char *group)
{
    for (size_t i = 0; i < map->count; i += 2) {
        const struct node *name = map->items[i], *value = map->items[i + 1];
        char *key cleanup_free = *group ? str_format("%s.%s", group, name->text) : str_dup(name->text);
        bool dotted = strchr(name->text, '.') != NULL;
        const struct option *option = dotted ? NULL : option_find(key);
        int r = option ? option_apply(option, value, walk->source, walk->settings, walk->e)
                : !dotted && option_is_group(key)
                    ? walk_group(walk, value, key)
                    : refuse_unknown(walk->source, name, group, key, true, walk->e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int apply_text(const struct text *content, const char *path, struct settings *settings, struct err *e)
{
    const struct source source = {ORIGIN_FILE, path};
    const struct walk walk = {&source, settings, e};
    cleanup_node struct node *root = NULL;

    int r = yaml_read(text_get(content), content->length, path, &root, e);
    if (r < 0)
        return r;
    if (!root || (root->kind == NODE_SCALAR && node_scalar_kind(root) == SCALAR_NULL))
        return 0;
    if (root->kind != NODE_MAP)
        return source_refuse(&source, root, "(top)", "begin with a key, for example mode: auto", e,
            "is %s, not a map", node_words(root));
    return walk_map(&walk, root, "");
}

static const char *file_hint(int code, bool named)
{
    switch (code) {
    case -ENOENT:
        return "mount the file there, or name another one";
    case -EISDIR:
        return "mount a file: Docker makes a folder where the source of a bind mount is missing";
    case -EACCES:
        return "make the file readable for the user of the container, for example with mode 0644";
    case -EFBIG:
        return "shorten it: 1 MiB is the limit";
    default:
        return named ? "name a readable file of YAML" : "mount a readable file of YAML there, or nothing";
    }
}

static int apply_file(const struct config_input *input, struct settings *settings, struct err *e)
{
    cleanup_text struct text content = {0};
    const char *variable = environment_get(input->environment, "DIND_CONFIG");
    const char *named = input->file ? input->file : variable;
    const char *path = named ? named : CONFIG_DEFAULT_FILE;

    if (!*path) {
        (void)err_set(e, -EINVAL, "%s: is empty", input->file ? "--config" : "DIND_CONFIG");
        (void)err_hint(e, "name a file, or leave it out for %s", CONFIG_DEFAULT_FILE);
        return err_status(e, EXIT_CONFIG);
    }
    int r = file_read(AT_FDCWD, path, CONFIG_MAX_BYTES, FILE_FOLLOW_LINKS, &content, e);
    if (r == -ENOENT && !named)
        return 0;
    if (r < 0) {
        (void)err_hint(e, "%s", file_hint(r, named != NULL));
        return err_status(e, EXIT_CONFIG);
    }
    return apply_text(&content, path, settings, e);
}

static int apply_arguments(const char *const *set, struct settings *settings, struct err *e)
{
    const struct source source = {ORIGIN_ARGUMENT, "--set"};

    for (; set && *set; set++) {
        const char *equals = strchr(*set, '=');
        if (!equals) {
            char *shown cleanup_free = quote_short(*set);
            return source_refuse(&source, NULL, shown, "write --set KEY=VALUE, for example --set tls.days=90",
                e, "has no value");
        }
        char *key cleanup_free = str_dup_n(*set, (size_t)(equals - *set));
        const struct option *option = option_find(key);
        int r = option ? option_apply_text(option, equals + 1, &source, settings, e)
                       : refuse_unknown(&source, NULL, "", key, false, e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A complaint about an option that is good by itself, at the place where it was set. */
static int refuse_together(const struct settings *settings, enum option_id id, const char *hint,
    struct err *e, const char *value, const char *what)
{
    const struct origin *origin = &settings->origin[id];
    const struct source source = {origin->kind, origin->name ? origin->name : "default"};
    const struct node at = {.line = origin->line, .column = origin->column};
    return source_refuse(&source, &at, options[id].key, hint, e, "%s %s", value, what);
}

static int check_certificates(const struct settings *s, struct err *e)
{
    const char *client = NULL;
    char *conflict cleanup_free = clients_conflict(s, &client);

    if (conflict)
        return refuse_together(
            s, OPTION_TLS_CLIENTS, "give each client a folder that holds nothing else", e, client, conflict);
    if (s->tls.renew_before >= s->tls.days || s->tls.renew_before >= s->tls.ca.days) {
        char *days cleanup_free = str_format("%lld", s->tls.renew_before);
        return refuse_together(s, OPTION_TLS_RENEW_BEFORE, "use less than tls.days and tls.ca.days, or auto",
            e, days, "is not less than the life of a certificate, which would be renewed at every start");
    }
    return 0;
}

const char *config_port_driver_network(const char *port_driver)
{
    static const struct {
        const char *port, *net;
    } pairs[] = {{"slirp4netns", "slirp4netns"}, {"implicit", "pasta"}, {"pesto", "pasta"},
        {"gvisor-tap-vsock", "gvisor-tap-vsock"}};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        if (strcmp(port_driver, pairs[i].port) == 0)
            return pairs[i].net;
    return NULL;
}

static int check_together(const struct settings *s, struct err *e)
{

    for (size_t i = 0; i < s->capabilities.drop.count; i++)
        if (strings_have(&s->capabilities.keep, s->capabilities.drop.items[i]))
            return refuse_together(s, OPTION_CAPABILITIES_DROP, "remove it from one of the two", e,
                s->capabilities.drop.items[i], "is in capabilities.keep too");
    /* rootlesskit refuses these pairs, only much later. What auto means is for the plan to see. */
    const char *net = config_port_driver_network(s->rootless.port_driver);
    if (net && strcmp(s->rootless.net, "auto") != 0 && strcmp(s->rootless.net, net) != 0) {
        char *hint cleanup_free =
            str_format("use rootless.net: %s with it, or another rootless.port_driver", net);
        return refuse_together(s, OPTION_ROOTLESS_PORT_DRIVER, hint, e, s->rootless.port_driver,
            "does not work with this rootless.net");
    }
    return check_certificates(s, e);
}

int config_load(struct settings *s, const struct config_input *input, struct err *e)
{
    struct settings settings = {0};

    int r = option_apply_defaults(&settings, e);
    if (r == 0)
        r = environment_apply_image(input->environment, &settings, e);
    if (r == 0)
        r = apply_file(input, &settings, e);
    if (r == 0)
        r = environment_apply(input->environment, &settings, e);
    if (r == 0)
        r = apply_arguments(input->set, &settings, e);
    if (r == 0)
        r = check_together(&settings, e);
    if (r < 0) {
        settings_free(&settings);
        return r;
    }
    *s = settings;
    return 0;
}
