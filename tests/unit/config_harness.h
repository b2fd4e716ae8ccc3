/* Settings out of a YAML text, an environment and --set, for the tests of config/. */
#pragma once

#include "harness.h"

#include "config/config.h"
#include "config/options.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define cleanup_settings cleanup(settings_free)

static inline void end_json_(json_t **json)
{
    json_decref(*json);
}
#define cleanup_json cleanup(end_json_)

/* The working directory is a folder of its own, so that every message begins with "config.yaml". */
static inline int enter_folder(void **state)
{
    char folder[] = "/tmp/config.XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) < 0)
        return -1;
    *state = str_dup(folder);
    return 0;
}

static inline int leave_folder(void **state)
{
    char *folder cleanup_free = *state;
    char *command cleanup_free = str_format("rm -rf %s", folder);
    *state = NULL;
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static inline void put_bytes(const char *name, const char *data, size_t length)
{
    cleanup_close int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, length), length);
}

/* Any of the three may be NULL; the default file of the machine never counts. */
static inline int load(struct settings *s, const char *yaml, const char *const *environment,
    const char *const *set, struct err *e)
{
    const struct config_input input = {.environment = environment, .set = set, .file = "config.yaml"};

    put_bytes("config.yaml", yaml ? yaml : "", yaml ? strlen(yaml) : 0);
    return config_load(s, &input, e);
}

static inline void load_good(
    struct settings *s, const char *yaml, const char *const *environment, const char *const *set)
{
    struct err e = {0};
    if (load(s, yaml, environment, set, &e) != 0)
        fail_msg("%s (hint: %s) for: %s", e.what, e.hint, yaml ? yaml : "");
    assert_int_equal(e.code, 0);
}

/* What every refusal has: -EINVAL or what open(2) said, the status for configuration, a hint, no settings. */
static inline void assert_refusal(int r, const struct err *e, const struct settings *s)
{
    static const struct settings untouched = {0};

    assert_true(r < 0);
    assert_int_equal(e->code, r);
    assert_int_equal(e->status, EXIT_CONFIG);
    assert_true(e->hint[0] != '\0');
    assert_memory_equal(s, &untouched, sizeof(untouched));
}

/* Refused with exactly this text, and a hint that contains `hint`. */
static inline void load_bad(const char *yaml, const char *const *environment, const char *const *set,
    const char *what, const char *hint)
{
    struct settings s = {0};
    struct err e = {0};

    int r = load(&s, yaml, environment, set, &e);
    if (r == 0)
        fail_msg("'%s' was accepted; wanted: %s", yaml ? yaml : "", what);
    assert_string_equal(e.what, what);
    assert_contains(e.hint, hint);
    assert_refusal(r, &e, &s);
}

static inline json_t *parse_json(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("%s in: %s", error.text, text);
    return json;
}

/* The value of an option as JSON text with sorted keys; the caller frees it. */
static inline char *value_text(const struct settings *s, enum option_id id)
{
    json_t *value cleanup_json = option_value(&options[id], s);
    char *dumped cleanup_free = json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    return str_dup(dumped ? dumped : "");
}

static inline void assert_value(const struct settings *s, enum option_id id, const char *json)
{
    json_t *wanted cleanup_json = parse_json(json);
    json_t *value cleanup_json = option_value(&options[id], s);
    char *shown cleanup_free = value_text(s, id);
    if (!json_equal(value, wanted))
        fail_msg("%s is %s, not %s", options[id].key, shown, json);
}

/* Kind and name of an origin; NAME is NULL for defaults. */
static inline void assert_origin(
    const struct settings *s, enum option_id id, enum origin_kind kind, const char *name)
{
    if (s->origin[id].kind != kind || !str_equal(s->origin[id].name, name))
        fail_msg("%s comes from %d %s, not %d %s", options[id].key, (int)s->origin[id].kind,
            s->origin[id].name ? s->origin[id].name : "(none)", (int)kind, name ? name : "(none)");
}

/* "api.tcp.port" and "1" become "{api: {tcp: {port: 1}}}"; the caller
 * frees it. */
static inline char *nested(const char *key, const char *value)
{
    struct text yaml = {0};
    cleanup_strings struct strings parts = {0};

    strings_split(&parts, key, ".");
    for (size_t i = 0; i < parts.count; i++)
        text_addf(&yaml, "{%s: ", parts.items[i]);
    text_add(&yaml, value);
    for (size_t i = 0; i < parts.count; i++)
        text_add(&yaml, "}");
    return yaml.data;
}
