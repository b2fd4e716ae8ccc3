/* Checks for people and for machines. */
#include "check.h"

#include "entrypoint/plan.h"

#include <jansson.h>
#include <stdlib.h>

enum { REMEDIES = 5 };

/* The remedies of a check in the order in which they are shown, with what they are called there and in JSON.
 */
static const char *remedy(const struct check *check, int which, const char **shown, const char **key)
{
    static const char *const names[REMEDIES][2] = {{"docker run:", "docker_run"}, {"Compose:", "compose"},
        {"Kubernetes:", "kubernetes"}, {"on the node:", "node"}, {"in the image:", "image"}};
    const char *const texts[REMEDIES] = {check->remedy.docker, check->remedy.compose,
        check->remedy.kubernetes, check->remedy.node, check->remedy.image};

    *shown = names[which][0];
    *key = names[which][1];
    return texts[which];
}

static const char *verdict(const struct check *check)
{
    return check->passed ? "ok" : check->required ? "FAIL" : "warn";
}

void checks_show(const struct checks *checks, struct text *out)
{
    const char *shown, *key;

    text_addf(out, "%s engine\n\n", mode_name(checks->mode));
    for (size_t i = 0; i < checks->count; i++) {
        const struct check *check = &checks->items[i];
        text_addf(out, "%-5s %-16s %s\n", verdict(check), check->name, check->finding);
        if (check->passed)
            continue;
        text_addf(out, "      needed since %s\n", check->why);
        for (int which = 0; which < REMEDIES; which++) {
            const char *text = remedy(check, which, &shown, &key);
            if (text)
                text_addf(out, "      %-13s %s\n", shown, text);
        }
    }
    text_addf(out, "\n%s\n",
        checks_passed(checks) ? "nothing that is required is missing"
                              : "something that is required is missing");
}

void checks_show_json(const struct checks *checks, struct text *out)
{
    json_t *list = json_array();
    const char *shown, *key;

    for (size_t i = 0; i < checks->count; i++) {
        const struct check *check = &checks->items[i];
        json_t *item = json_pack("{s:s, s:b, s:b, s:s, s:s}", "name", check->name, "required",
            check->required, "passed", check->passed, "finding", check->finding, "why", check->why);
        json_t *remedies = json_object();
        for (int which = 0; which < REMEDIES; which++) {
            const char *text = remedy(check, which, &shown, &key);
            if (text)
                (void)json_object_set_new(remedies, key, json_string(text));
        }
        (void)json_object_set_new(item, "remedy", remedies);
        (void)json_array_append_new(list, item);
    }
    json_t *root = json_pack(
        "{s:s, s:b, s:o}", "mode", mode_name(checks->mode), "passed", checks_passed(checks), "checks", list);
    char *text cleanup_free = json_dumps(root, JSON_INDENT(2));
    text_addf(out, "%s\n", text ? text : "null");
    json_decref(root);
}
