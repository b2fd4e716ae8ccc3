#include "show.h"

#include "base/redact.h"
#include "entrypoint/launch.h"

#include <jansson.h>
#include <stdlib.h>

/* The command line as it would be if every open choice fell on its first alternative. */
static void expected_launch(const struct prepared *p, const char *const *environment, struct launch *launch)
{
    struct applied applied = {
        .iptables_legacy = p->settings.network.iptables == IPTABLES_LEGACY ||
                           (p->settings.network.iptables == IPTABLES_AUTO && p->host.legacy_tables_used),
    };

    if (p->config.merged)
        applied.config_file = p->host.user.uid == 0 ? str_dup("/run/dind/daemon.json")
                                                    : str_format("%s/dind/daemon.json", p->host.runtime_dir);
    launch_build(launch, &p->plan, &p->settings, &p->host, &p->command, &applied, environment);
    applied_free(&applied);
}

/* Those of the second stage, or all others. */
static void show_steps(const struct prepared *p, bool inside, struct text *out)
{
    const struct plan *plan = &p->plan;

    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        if ((step->phase == PHASE_INSIDE) != inside)
            continue;
        if (i == 0 || plan->steps[i - 1].phase != step->phase)
            text_addf(out, "\n%s\n", phase_name(step->phase));
        text_addf(out, "  %zu. %s\n     because %s\n", i + 1, step->what, step->why);
        if (step->otherwise)
            text_addf(out, "     decided then: %s\n", step->otherwise);
        if (step->kind == STEP_CERTIFICATES && p->certificates)
            text_addf(out, "     now: %s\n", p->certificates);
        text_addf(out, "     if it fails: %s\n", step->fatal ? "the start stops here" : "a warning, and on");
    }
}

static void show_list(const char *kind, const struct strings *list, struct text *out)
{
    for (size_t i = 0; i < list->count; i++) {
        char *shown cleanup_free = redact(list->items[i]);
        text_addf(out, "%s%s: %s\n", i == 0 ? "\n" : "", kind, shown);
    }
}

void show_plan(const struct prepared *p, const char *const *environment, struct text *out)
{
    const struct plan *plan = &p->plan;
    struct launch launch;

    text_addf(out, "mode %s, started as uid %u; init %s\n", mode_name(plan->mode), p->host.uid,
        init_name(plan->init));
    show_steps(p, false, out);

    expected_launch(p, environment, &launch);
    char *line cleanup_free = launch_line(&launch);
    text_addf(out, "\nexec%s\n  %s\n",
        launch.supervise ? " (as a child of this process, which stays as its init)" : "", line);
    launch_free(&launch);
    show_steps(p, true, out);

    show_list("limit", &plan->limits, out);
    show_list("note", &plan->notes, out);
    show_list("warning", &p->settings.warnings, out);
}

static json_t *json_strings(const struct strings *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        char *shown cleanup_free = redact(list->items[i]);
        json_array_append_new(array, json_string(shown));
    }
    return array;
}

static json_t *json_step(const struct prepared *p, const struct step *step)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:b}", "phase", phase_name(step->phase), "step",
        step_name(step->kind), "what", step->what, "why", step->why, "fatal", step->fatal);

    if (step->otherwise)
        json_object_set_new(object, "decided_then", json_string(step->otherwise));
    if (step->kind == STEP_CERTIFICATES && p->certificates)
        json_object_set_new(object, "now", json_string(p->certificates));
    return object;
}

void show_plan_json(const struct prepared *p, const char *const *environment, struct text *out)
{
    cleanup_strings struct strings words = {0};
    json_t *steps = json_array();
    struct launch launch;

    for (size_t i = 0; i < p->plan.count; i++)
        json_array_append_new(steps, json_step(p, &p->plan.steps[i]));
    expected_launch(p, environment, &launch);
    launch_words(&launch, &words);
    json_t *root = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "mode", mode_name(p->plan.mode), "init",
        init_name(p->plan.init), "steps", steps, "exec", json_strings(&words), "limits",
        json_strings(&p->plan.limits), "notes", json_strings(&p->plan.notes), "warnings",
        json_strings(&p->settings.warnings));
    char *text = json_dumps(root, JSON_INDENT(2));
    text_addf(out, "%s\n", text ? text : "null");
    free(text);
    json_decref(root);
    launch_free(&launch);
}
