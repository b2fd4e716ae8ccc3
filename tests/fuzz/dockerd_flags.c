/*
 * dockerd's command line and configuration file: strings as in /proc/PID/cmdline, the first one the file, the
 * second one the daemon: settings, then the arguments. Parsing never fails; what was wanted wins a merge and
 * the rest stays; a conflict is one of a key that is there.
 */
#include "fuzz.h"

#include "config/dockerd_flags.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

/* The object that the first string of the list is, or NULL. The string is taken off the list. */
static json_t *take_object(struct strings *list)
{
    if (list->count == 0)
        return NULL;
    json_t *json = json_loads(list->items[0], JSON_REJECT_DUPLICATES, NULL);
    free(list->items[0]);
    (void)memmove(list->items, list->items + 1, list->count * sizeof(*list->items));
    list->count--;
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

/* The merged file, a new reference. */
static json_t *merge(const json_t *base, json_t *wanted)
{
    json_t *before = json_deep_copy(base), *merged = dockerd_config_merge(base, wanted), *value;
    json_t *again = dockerd_config_merge(merged, wanted);
    const char *key;

    CHECK(json_is_object(merged));
    CHECK(json_equal(again, merged));
    CHECK(!base || json_equal(base, before));
    json_object_foreach(before, key, value)
    {
        CHECK(json_object_get(wanted, key) || json_equal(json_object_get(merged, key), value));
    }
    json_object_foreach(wanted, key, value)
    {
        CHECK(json_is_object(value) || json_equal(json_object_get(merged, key), value));
    }
    json_decref(before);
    json_decref(again);
    return merged;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_strings struct strings arguments = {0};
    cleanup(dockerd_flags_free) struct dockerd_flags flags = {0};
    struct err e = {0};

    input_strings(&arguments, data, size);
    json_t *base = take_object(&arguments), *wanted = take_object(&arguments);
    json_t *merged = merge(base, wanted);

    dockerd_flags_parse(&flags, &arguments);
    for (size_t i = 0; i < flags.count; i++) {
        const char *name = flags.items[i].name;
        CHECK(*name && *dockerd_flag_key(name));
        CHECK(dockerd_flags_get(&flags, name) && dockerd_flags_any(&flags, name));
    }
    int r = dockerd_config_conflicts(merged, &flags, "daemon.json", &e);
    if (r < 0) {
        CHECK(r == -EEXIST && str_starts(e.what, "daemon.json: "));
        check_refusal(r, &e);
    }
    json_decref(base);
    json_decref(wanted);
    json_decref(merged);
    return 0;
}
