/* The option table as JSON Schema (draft 2020-12) and as Markdown. */
#include "config/apply.h"
#include "config/config.h"
#include "config/records.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static bool has_word(const char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static json_t *words_schema(const char *const *words)
{
    json_t *schema = json_object(), *allowed = json_array();

    for (size_t i = 0; words[i]; i++)
        (void)json_array_append_new(allowed, json_string(words[i]));
    /* Plain on and off are booleans for YAML 1.1 editors; the loader takes both spellings. */
    if (has_word(words, "on") || has_word(words, "true"))
        (void)json_array_append_new(allowed, json_true());
    if (has_word(words, "off") || has_word(words, "false"))
        (void)json_array_append_new(allowed, json_false());
    set(schema, "enum", allowed);
    return schema;
}

static json_t *number_schema(const struct option *option)
{
    json_t *number = json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)option->min,
        "maximum", (json_int_t)option->max);
    if (!option->automatic && !option->seconds)
        return number;
    json_t *forms = json_array();
    if (option->automatic)
        (void)json_array_append_new(forms, json_pack("{s:[s,i]}", "enum", "auto", 0));
    (void)json_array_append_new(forms, number);
    if (option->seconds)
        (void)json_array_append_new(
            forms, json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9]+[smh]?$"));
    return json_pack("{s:o}", "anyOf", forms);
}

/* Any scalar but null is text as it is written. */
static json_t *text_schema(void)
{
    return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
}

static json_t *records_schema(const struct record_type *type)
{
    json_t *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < type->field_count; i++) {
        const struct record_field *field = &type->fields[i];
        set(properties, field->name, field->quoted ? json_pack("{s:s}", "type", "string") : text_schema());
        if (field->missing)
            (void)json_array_append_new(required, json_string(field->name));
    }
    return json_pack("{s:s, s:{s:s, s:b, s:o, s:o}}", "type", "array", "items", "type", "object",
        "additionalProperties", 0, "required", required, "properties", properties);
}

static json_t *type_schema(const struct option *option)
{
    switch (option->type) {
    case OPTION_TYPE_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case OPTION_TYPE_INT:
        return number_schema(option);
    case OPTION_TYPE_ENUM:
        return words_schema(option->words);
    case OPTION_TYPE_STRING:
        return option->words ? words_schema(option->words) : text_schema();
    case OPTION_TYPE_LIST:
    case OPTION_TYPE_WORDS: {
        json_t *list = json_pack("{s:s, s:o}", "type", "array", "items", text_schema());
        return option->single ? json_pack("{s:[o, o]}", "anyOf", text_schema(), list) : list;
    }
    case OPTION_TYPE_MAP:
        return json_pack("{s:s}", "type", "object");
    case OPTION_TYPE_RECORDS:
        return records_schema(option->records);
    }
    return json_object();
}

/* The "properties" of the group that the key is in; groups are made on the way. */
static json_t *find_group(json_t *properties, const char *key)
{
    for (const char *dot = strchr(key, '.'); dot; dot = strchr(key, '.')) {
        char *name cleanup_free = str_dup_n(key, (size_t)(dot - key));
        if (!json_object_get(properties, name))
            set(properties, name,
                json_pack("{s:[s,s], s:b, s:{}}", "type", "object", "null", "additionalProperties", 0,
                    "properties"));
        properties = json_object_get(json_object_get(properties, name), "properties");
        key = dot + 1;
    }
    return properties;
}

static json_t *option_schema(const struct option *option, const struct settings *defaults)
{
    json_t *schema = type_schema(option);
    char *environment cleanup_free = option_environment(option);
    char *description cleanup_free = str_format("%s Environment: %s.", option->help, environment);

    set(schema, "description", json_string(description));
    /* "Not set" has no value that could be written. */
    json_t *value = option_value(option, defaults);
    if (!json_is_null(value))
        set(schema, "default", value);
    return schema;
}

void config_schema(struct text *out)
{
    cleanup(settings_free) struct settings defaults = {0};
    struct err unused;
    json_t *properties = json_object();

    /* Cannot fail: the table's defaults are good values of their rows. */
    (void)option_apply_defaults(&defaults, &unused);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *key = options[i].key, *dot = strrchr(key, '.');
        set(find_group(properties, key), dot ? dot + 1 : key, option_schema(&options[i], &defaults));
    }
    json_t *schema = json_pack("{s:s, s:s, s:s, s:b, s:o}", "$schema",
        "https://json-schema.org/draft/2020-12/schema", "title", "dockerd-entrypoint configuration", "type",
        "object", "additionalProperties", 0, "properties", properties);
    char *text cleanup_free = json_dumps(schema, JSON_INDENT(2));
    text_addf(out, "%s\n", text ? text : "{}");
    json_decref(schema);
}

static char *default_words(const struct option *option)
{
    switch (option->type) {
    case OPTION_TYPE_LIST:
    case OPTION_TYPE_WORDS:
    case OPTION_TYPE_RECORDS:
        if (!option->fallback || !*option->fallback || strcmp(option->fallback, "[]") == 0)
            return str_dup("`[]`");
        break;
    case OPTION_TYPE_MAP:
        return str_dup("`{}`");
    case OPTION_TYPE_BOOL:
    case OPTION_TYPE_INT:
    case OPTION_TYPE_ENUM:
    case OPTION_TYPE_STRING:
        break;
    }
    return option->fallback ? str_format("`%s`", option->fallback) : str_dup("not set");
}

void config_reference(struct text *out)
{
    text_add(out, "| Key | Values | Default | Environment | Meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &options[i];
        const char *old = option_alias(option);
        char *environment cleanup_free = option_environment(option);
        char *values cleanup_free = option_values(option);
        char *fallback cleanup_free = default_words(option);
        text_addf(out, "| `%s` | %s | %s | `%s`", option->key, values, fallback, environment);
        if (old)
            text_addf(out, "<br>old: `%s`", old);
        text_addf(out, " | %s |\n", option->help);
    }
}
