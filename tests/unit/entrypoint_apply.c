#include "harness.h"

#include "entrypoint/apply.h"
#include "entrypoint/boot_report.h"

#include <errno.h>
#include <string.h>

enum { STEPS = 5 };

/* A system that only writes down what it was asked to do, and fails at one step. */
struct recorder {
    unsigned count;
    enum step_kind asked[STEPS];
    unsigned fail_at; /* from 1; 0: never */
};

static int record(void *context, const struct step *step, struct outcome *outcome, struct err *e)
{
    struct recorder *recorder = context;

    recorder->asked[recorder->count++] = step->kind;
    if (recorder->count == recorder->fail_at) {
        (void)err_set(e, -EROFS, "%s: refused", step_name(step->kind));
        return err_hint(e, "mend it");
    }
    outcome->kind = OUTCOME_DONE;
    return 0;
}

static const enum step_kind order[STEPS] = {
    STEP_SECURITYFS, STEP_CGROUP_NEST, STEP_IPTABLES, STEP_CERTIFICATES, STEP_BOUNDING_SET};
static const enum phase phases[STEPS] = {
    PHASE_MOUNTS, PHASE_CGROUP, PHASE_NETWORK, PHASE_FILES, PHASE_BOUNDING};

static void build(struct plan *plan, bool fatal)
{
    struct err e = {0};

    *plan = (struct plan){0};
    for (size_t i = 0; i < STEPS; i++) {
        const struct step step = {.phase = phases[i],
            .kind = order[i],
            .what = str_dup("do it"),
            .why = str_dup("why not"),
            .fatal = fatal};
        assert_int_equal(plan_add(plan, step, &e), 0);
    }
}

static void steps_run_once_each_in_the_order_of_the_plan(void **state)
{
    cleanup(plan_free) struct plan plan;
    struct recorder recorder = {0};
    const struct system system = {.context = &recorder, .run = record};
    cleanup(boot_report_free) struct boot_report report = {0};
    struct err e = {0};
    (void)state;

    build(&plan, true);
    assert_int_equal(plan_apply(&plan, &system, &report, &e), 0);
    assert_int_equal(recorder.count, STEPS);
    assert_memory_equal(recorder.asked, order, sizeof(order));
}

static void a_failing_step_stops_everything_after_it_and_is_named(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= STEPS; at++) {
        cleanup(plan_free) struct plan plan;
        struct recorder recorder = {.fail_at = at};
        const struct system system = {.context = &recorder, .run = record};
        cleanup(boot_report_free) struct boot_report report = {0};
        struct err e = {0};

        build(&plan, true);
        assert_int_equal(plan_apply(&plan, &system, &report, &e), -EROFS);
        assert_int_equal(recorder.count, at);
        assert_contains(e.what, step_name(order[at - 1]));
        assert_string_equal(e.hint, "mend it");
        assert_int_equal(e.status, EXIT_SYSTEM);
    }
}

static void a_failing_step_that_is_not_fatal_lets_the_others_run(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= STEPS; at++) {
        cleanup(plan_free) struct plan plan;
        struct recorder recorder = {.fail_at = at};
        const struct system system = {.context = &recorder, .run = record};
        cleanup(boot_report_free) struct boot_report report = {0};
        struct err e = {0};

        build(&plan, false);
        assert_int_equal(plan_apply(&plan, &system, &report, &e), 0);
        assert_int_equal(recorder.count, STEPS);
    }
}

static const char *reported(const struct boot_report *report, size_t i, const char *key)
{
    const char *s = json_string_value(json_object_get(json_array_get(report->step_list, i), key));
    return s ? s : "";
}

static void every_step_is_in_the_report_whatever_became_of_it(void **state)
{
    (void)state;
    for (unsigned at = 0; at <= STEPS; at++)
        for (int fatal = 0; fatal <= 1; fatal++) {
            cleanup(plan_free) struct plan plan;
            cleanup(boot_report_free) struct boot_report report = {0};
            struct recorder recorder = {.fail_at = at};
            const struct system system = {.context = &recorder, .run = record};
            struct err e = {0};

            build(&plan, fatal);
            (void)plan_apply(&plan, &system, &report, &e);
            assert_int_equal(json_array_size(report.step_list), STEPS);
            for (unsigned i = 0; i < STEPS; i++) {
                bool failed = i + 1 == at, after = at > 0 && fatal && i + 1 > at;
                assert_string_equal(reported(&report, i, "step"), step_name(order[i]));
                assert_string_equal(reported(&report, i, "outcome"), after     ? "not run"
                                                                     : !failed ? "done"
                                                                     : fatal   ? "failed"
                                                                               : "not possible");
                assert_string_equal(reported(&report, i, "hint"), failed ? "mend it" : "");
            }
            assert_int_equal(boot_report_warnings(&report), at > 0);
        }
}

static void no_step_of_an_earlier_phase_can_follow_a_later_one(void **state)
{
    (void)state;
    for (int last = PHASE_MOUNTS; last <= PHASE_CAPABILITIES; last++)
        for (int next = PHASE_MOUNTS; next <= PHASE_CAPABILITIES; next++) {
            cleanup(plan_free) struct plan plan = {0};
            struct err e = {0};
            struct step first = {.phase = (enum phase)last, .what = str_dup("a"), .why = str_dup("b")};
            struct step second = {.phase = (enum phase)next, .what = str_dup("a"), .why = str_dup("b")};

            assert_int_equal(plan_add(&plan, first, &e), 0);
            int r = plan_add(&plan, second, &e);
            assert_int_equal(r, next < last ? -EINVAL : 0);
            assert_int_equal(plan.count, next < last ? 1 : 2);
        }
}

/* Asked to stop from the third step on. */
static int stopped_before_iptables(const char *next, struct err *e)
{
    if (strcmp(next, "iptables") != 0)
        return 0;
    (void)err_set(e, -EINTR, "stopped before %s", next);
    return err_status(e, 143);
}

static void a_stop_takes_effect_between_two_steps(void **state)
{
    cleanup(plan_free) struct plan plan;
    cleanup(boot_report_free) struct boot_report report = {0};
    struct recorder recorder = {0};
    const struct system system = {.context = &recorder, .run = record, .stopped = stopped_before_iptables};
    struct err e = {0};
    (void)state;

    build(&plan, false);
    assert_int_equal(plan_apply(&plan, &system, &report, &e), -EINTR);
    assert_int_equal(recorder.count, 2);
    assert_string_equal(reported(&report, 2, "outcome"), "not run");
    assert_int_equal(e.status, 143);
    assert_string_equal(e.what, "stopped before iptables");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_run_once_each_in_the_order_of_the_plan),
        cmocka_unit_test(a_failing_step_stops_everything_after_it_and_is_named),
        cmocka_unit_test(a_failing_step_that_is_not_fatal_lets_the_others_run),
        cmocka_unit_test(every_step_is_in_the_report_whatever_became_of_it),
        cmocka_unit_test(no_step_of_an_earlier_phase_can_follow_a_later_one),
        cmocka_unit_test(a_stop_takes_effect_between_two_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
