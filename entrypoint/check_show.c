/* Checks for people and for machines. */
#include "check.h"

#include "entrypoint/plan.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const places[CHECK_PLACES][2] = {
    [CHECK_DOCKER] = {"docker run", "docker_run"},
    [CHECK_COMPOSE] = {"Compose", "compose"},
    [CHECK_KUBERNETES] = {"Kubernetes", "kubernetes"},
    [CHECK_NODE] = {"on the node", "node"},
    [CHECK_IMAGE] = {"in the image", "image"},
    [CHECK_SETTINGS] = {"in the settings", "settings"},
};

const char *check_place_shown(enum check_place place)
{
    return places[place][0];
}

const char *check_place_key(enum check_place place)
{
    return places[place][1];
}

static const char *verdict(const struct check *check)
{
    return check->passed ? "ok" : check->required ? "FAIL" : "warn";
}

void checks_show(const struct checks *checks, struct text *out)
{
    text_addf(out, "%s engine\n\n", mode_name(checks->mode));
    for (size_t i = 0; i < checks->count; i++) {
        const struct check *check = &checks->items[i];
        text_addf(out, "%-5s %-16s %s\n", verdict(check), check->name, check->finding);
        if (check->passed)
            continue;
        text_addf(out, "      needed since %s\n", check->why);
        for (int place = 0; place < CHECK_PLACES; place++)
            if (check->remedy[place])
                text_addf(out, "      %s: %*s%s\n", places[place][0], (int)(15 - strlen(places[place][0])),
                    "", check->remedy[place]);
        if (check->where)
            text_addf(out, "      (%s)\n", check->where);
    }
    text_addf(out, "\n%s\n",
        checks_passed(checks) ? "nothing that is required is missing"
                              : "something that is required is missing");
}

static json_t *json_remedies(const struct check *check)
{
    json_t *remedies = json_object();

    for (int place = 0; place < CHECK_PLACES; place++)
        if (check->remedy[place])
            (void)json_object_set_new(remedies, places[place][1], json_string(check->remedy[place]));
    if (!check->passed && check->where)
        (void)json_object_set_new(remedies, "where", json_string(check->where));
    return remedies;
}

void checks_show_json(const struct checks *checks, struct text *out)
{
    json_t *list = json_array();

    for (size_t i = 0; i < checks->count; i++) {
        const struct check *check = &checks->items[i];
        (void)json_array_append_new(
            list, json_pack("{s:s, s:b, s:b, s:s, s:s, s:o}", "name", check->name, "required",
                      check->required, "passed", check->passed, "finding", check->finding, "why", check->why,
                      "remedy", json_remedies(check)));
    }
    json_t *root = json_pack(
        "{s:s, s:b, s:o}", "mode", mode_name(checks->mode), "passed", checks_passed(checks), "checks", list);
    char *text cleanup_free = json_dumps(root, JSON_INDENT(2));
    text_addf(out, "%s\n", text ? text : "null");
    json_decref(root);
}
