#include "apply.h"

#include "base/log.h"
#include "entrypoint/boot_report.h"

/* What a phase did, in one line. */
static void tell_phase(struct text *told)
{
    if (told->length)
        log_info("%s", text_get(told));
    text_free(told);
}

static void tell_step(const struct step *step, const struct outcome *outcome, long long microseconds)
{
    log_debug("step %s: %s in %lld.%03lld ms: %s", step_name(step->kind), outcome_name(outcome->kind),
        microseconds / 1000, microseconds % 1000, step->what);
}

/* Runs one step. Returns a negative errno with *failed only if the start must stop. */
static int run_step(const struct step *step, const struct system *system, struct boot_report *report,
    struct text *told, struct err *failed)
{
    const char *name = step_name(step->kind);
    struct outcome outcome = {0};

    int r = system->stopped ? system->stopped(name, failed) : 0;
    if (r < 0) {
        boot_report_step(report, step, &(struct outcome){.kind = OUTCOME_NOT_RUN}, NULL, 0);
        return r;
    }
    long long before = boot_clock();
    r = system->run(system->context, step, &outcome, failed);
    long long took = boot_clock() - before;
    if (r < 0)
        outcome.kind = step->fatal ? OUTCOME_FAILED : OUTCOME_NOT_POSSIBLE;
    tell_step(step, &outcome, took);
    boot_report_step(report, step, &outcome, r < 0 ? failed : NULL, took);
    if (r < 0 && step->fatal)
        return r;
    if (r < 0) {
        log_warn(failed->hint, "%s: %s", name, failed->what);
        return 0;
    }
    if (outcome.detail[0])
        text_addf(told, "%s%s: %s", told->length ? "; " : "", name, outcome.detail);
    if (outcome.warning[0])
        log_warn(NULL, "%s: %s", name, outcome.warning);
    return 0;
}

int plan_apply(
    const struct plan *plan, const struct system *system, struct boot_report *report, struct err *e)
{
    cleanup_text struct text told = {0};
    long long before = boot_clock();
    int r = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        if (i > 0 && step->phase != plan->steps[i - 1].phase)
            tell_phase(&told);
        if (r < 0 || (step->phase == PHASE_INSIDE && !system->inside)) {
            boot_report_step(report, step, &(struct outcome){.kind = OUTCOME_NOT_RUN}, NULL, 0);
            continue;
        }
        struct err failed = {0};
        r = run_step(step, system, report, &told, &failed);
        if (r < 0)
            *e = failed;
    }
    tell_phase(&told);
    report->steps = boot_clock() - before;
    if (r < 0 && !e->status)
        (void)err_status(e, EXIT_SYSTEM);
    return r;
}
