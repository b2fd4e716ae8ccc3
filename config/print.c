/* Settings as people and programs read them. The YAML form is one that config_load takes again. */
#include "base/redact.h"
#include "config/config.h"
#include "config/options.h"
#include "config/quote.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT = 2 };

/* libyaml takes "key: value" only if the key is on one line and has at most 1024 characters. */
enum { SIMPLE_KEY_MAX = 1000 };

static void add_spaces(struct text *out, size_t level)
{
    text_addf(out, "%*s", (int)(level * INDENT), "");
}

static void add_key(struct text *out, const char *key, size_t level)
{
    cleanup_text struct text quoted = {0};

    quote_yaml(&quoted, key);
    add_spaces(out, level);
    if (quoted.length > SIMPLE_KEY_MAX) {
        /* The value of "? key" stands in a line of its own. */
        text_addf(out, "? %s\n", text_get(&quoted));
        add_spaces(out, level);
        text_add(out, ":");
    } else {
        text_addf(out, "%s:", text_get(&quoted));
    }
}

static void add_scalar(struct text *out, const json_t *value)
{
    if (json_is_string(value)) {
        quote_yaml(out, json_string_value(value));
        return;
    }
    char *text cleanup_free = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    text_add(out, text ? text : "null");
}

static json_t *without_secrets(const char *name, json_t *value);

static json_t *list_without_secrets(const json_t *list)
{
    json_t *copy = json_array(), *item;
    const char *before = NULL;
    size_t i;

    /* In a list of words a flag may be followed by its value. */
    json_array_foreach(list, i, item)
    {
        const char *word = json_string_value(item);
        (void)json_array_append_new(copy, without_secrets(before, item));
        before = word && *word == '-' && !strchr(word, '=') ? word : NULL;
    }
    return copy;
}

/* What is printed may end up in a log. The caller owns the copy. */
static json_t *without_secrets(const char *name, json_t *value)
{
    const char *key;
    json_t *item;

    if (json_is_string(value)) {
        char *masked cleanup_free = redact_value(name, json_string_value(value));
        return json_string(masked);
    }
    if (json_is_array(value))
        return list_without_secrets(value);
    if (!json_is_object(value))
        return json_incref(value);
    json_t *copy = json_object();
    json_object_foreach(value, key, item)
    {
        (void)json_object_set_new(copy, key, without_secrets(key, item));
    }
    return copy;
}

/* What the settings hold for that option, as it may be shown. The caller owns it. */
static json_t *shown_value(const struct option *option, const struct settings *s)
{
    json_t *value = option_value(option, s), *shown = without_secrets(NULL, value);

    json_decref(value);
    return shown;
}

/* In flow style "? key : value" may stand in one line. */
static void add_flow_key(struct text *out, const char *key)
{
    cleanup_text struct text quoted = {0};

    quote_yaml(&quoted, key);
    text_addf(out, quoted.length > SIMPLE_KEY_MAX ? "? %s : " : "%s: ", text_get(&quoted));
}

/* Flow style: for what stands in a list. */
static void add_flow(struct text *out, json_t *value)
{
    const char *key, *separator = "";
    json_t *item;
    size_t i;

    if (json_is_array(value)) {
        text_add(out, "[");
        json_array_foreach(value, i, item)
        {
            text_add(out, i ? ", " : "");
            add_flow(out, item);
        }
        text_add(out, "]");
    } else if (json_is_object(value)) {
        text_add(out, "{");
        json_object_foreach(value, key, item)
        {
            text_add(out, separator);
            add_flow_key(out, key);
            add_flow(out, item);
            separator = ", ";
        }
        text_add(out, "}");
    } else {
        add_scalar(out, value);
    }
}

/* What follows "key:", with the comment behind the first line. */
static void add_value(struct text *out, json_t *value, size_t level, const char *comment)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_array(value) && json_array_size(value) > 0) {
        text_addf(out, "%s\n", comment);
        json_array_foreach(value, i, item)
        {
            add_spaces(out, level + 1);
            text_add(out, "- ");
            add_flow(out, item);
            text_add(out, "\n");
        }
    } else if (json_is_object(value) && json_object_size(value) > 0) {
        text_addf(out, "%s\n", comment);
        json_object_foreach(value, key, item)
        {
            add_key(out, key, level + 1);
            add_value(out, item, level + 1, "");
        }
    } else {
        text_add(out, " ");
        add_flow(out, value);
        text_addf(out, "%s\n", comment);
    }
}

/* Writes the group lines that `key` opens and `before` has not, and returns the key's level. */
static size_t add_groups(struct text *out, const char *before, const char *key)
{
    size_t level = 0;

    for (const char *dot = strchr(key, '.'); dot; dot = strchr(dot + 1, '.')) {
        size_t length = (size_t)(dot - key);
        if (strncmp(before, key, length + 1) != 0) {
            const char *name = key + length;
            while (name > key && name[-1] != '.')
                name--;
            add_spaces(out, level);
            text_addf(out, "%.*s:\n", (int)(dot - name), name);
        }
        level++;
    }
    return level;
}

void config_print(const struct settings *s, struct text *out)
{
    const char *before = "";

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *key = options[i].key, *dot = strrchr(key, '.');
        char *origin cleanup_free = settings_origin(s, (enum option_id)i);
        char *comment cleanup_free = str_format(" # %s", origin);
        json_t *value = shown_value(&options[i], s);

        size_t level = add_groups(out, before, key);
        add_spaces(out, level);
        if (json_is_null(value)) {
            text_addf(out, "# %s: not set\n", dot ? dot + 1 : key);
        } else {
            text_addf(out, "%s:", dot ? dot + 1 : key);
            add_value(out, value, level, comment);
        }
        json_decref(value);
        before = key;
    }
}

void config_print_json(const struct settings *s, struct text *out)
{
    json_t *all = json_object();

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char *origin cleanup_free = settings_origin(s, (enum option_id)i);
        json_t *entry = json_object();
        (void)json_object_set_new(entry, "value", shown_value(&options[i], s));
        (void)json_object_set_new(entry, "origin", json_string(origin));
        (void)json_object_set_new(all, options[i].key, entry);
    }
    char *text cleanup_free = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    text_add(out, text ? text : "{}");
    text_add(out, "\n");
    json_decref(all);
}
