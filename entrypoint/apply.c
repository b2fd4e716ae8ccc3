#include "apply.h"

#include "base/log.h"

int plan_apply(const struct plan *plan, const struct system *system, struct err *e)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        struct outcome outcome = {0};
        struct err failed = {0};

        int r = system->stopped ? system->stopped(step_name(step->kind), e) : 0;
        if (r < 0)
            return r;
        r = system->run(system->context, step, &outcome, &failed);
        if (r < 0 && step->fatal) {
            *e = failed;
            if (!e->status)
                (void)err_status(e, EXIT_SYSTEM);
            return r;
        }
        if (r < 0) {
            log_warn(failed.hint, "%s: %s", step_name(step->kind), failed.what);
            continue;
        }
        if (outcome.detail[0])
            log_info("%s: %s", step_name(step->kind), outcome.detail);
        else
            log_debug("%s: %s: %s", step_name(step->kind), step->what,
                outcome.kind == OUTCOME_ALREADY ? "already so" : "done");
        if (outcome.warning[0])
            log_warn(NULL, "%s: %s", step_name(step->kind), outcome.warning);
    }
    return 0;
}
