/* The report of a start: what its JSON says, what is refused as one, and the table that people see.
 * UPDATE_REPORTS=1 writes the fixtures anew. */
#include "harness.h"

#include "base/file.h"
#include "entrypoint/boot_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static void check_fixture(const char *name, const char *text)
{
    char *path cleanup_free = str_format(FIXTURES "/reports/%s", name);
    cleanup_text struct text expected = {0};
    struct err e = {0};

    if (getenv("UPDATE_REPORTS")) {
        cleanup_fclose FILE *file = fopen(path, "we");
        assert_true(file && fputs(text, file) != EOF);
        return;
    }
    assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, FILE_FOLLOW_LINKS, &expected, &e), 0);
    assert_string_equal(text, text_get(&expected));
}

static const struct plan rootful = {.mode = MODE_ROOTFUL, .init = INIT_BUILTIN};

static struct step step_of(enum phase phase, enum step_kind kind, char *what)
{
    return (struct step){.phase = phase, .kind = kind, .what = what, .fatal = kind == STEP_CERTIFICATES};
}

/* A start in which a bit of everything happened; `failed`: the certificates could not be made. */
static json_t *sample(bool failed)
{
    cleanup(boot_report_free) struct boot_report report = {.time = {.tv_sec = 1700000000, .tv_nsec = 42},
        .pid = 1,
        .started = 12345,
        .began = 5000000,
        .settings = 1500,
        .facts = 2250,
        .plan = 999,
        .steps = 20000,
        .total = 25000};
    struct step securityfs = step_of(PHASE_MOUNTS, STEP_SECURITYFS, (char[]){"mount securityfs"}),
                propagation = step_of(PHASE_MOUNTS, STEP_PROPAGATION, (char[]){"make / shared"}),
                iptables = step_of(PHASE_NETWORK, STEP_IPTABLES, (char[]){"choose iptables"}),
                certificates = step_of(PHASE_FILES, STEP_CERTIFICATES, (char[]){"make certificates"}),
                bounding = step_of(PHASE_BOUNDING, STEP_BOUNDING_SET, (char[]){"drop"});
    struct outcome chose = {.kind = OUTCOME_CHOSE,
        .detail = "legacy, since nf_tables does not work here",
        .warning = "\xff with a proxy http://me:hunter2@h"};
    struct err refused = {.code = -EPERM,
                   .what = "mount: securityfs: Operation not permitted",
                   .hint = "add SYS_ADMIN"},
               full = {
                   .code = -ENOSPC, .what = "certs: /certs: No space left on device", .hint = "free space"};

    boot_report_warn(&report, "settings", "DIND_TSL_DAYS is not known", NULL);
    boot_report_step(&report, &securityfs, &(struct outcome){.kind = OUTCOME_NOT_POSSIBLE}, &refused, 120);
    boot_report_step(&report, &propagation, &(struct outcome){.kind = OUTCOME_ALREADY}, NULL, 0);
    boot_report_step(&report, &iptables, &chose, NULL, 7001);
    if (failed)
        boot_report_step(&report, &certificates, &(struct outcome){.kind = OUTCOME_FAILED}, &full, 12000);
    else
        boot_report_step(
            &report, &certificates, &(struct outcome){.detail = "issued server and client"}, NULL, 12000);
    boot_report_step(&report, &bounding, &(struct outcome){.kind = failed ? OUTCOME_NOT_RUN : OUTCOME_DONE},
        NULL, failed ? 0 : 61);
    json_t *json =
        boot_report_json(&report, &rootful, failed ? NULL : "dockerd --http-proxy=http://me:hunter2@h");
    assert_int_equal(json_object_set_new(json, "program", json_string("0.0.0")), 0);
    return json;
}

static void check_sample(bool failed, const char *json_name)
{
    json_t *json = sample(failed);
    char *text cleanup_free = json_dumps(json, JSON_INDENT(2));
    char *line cleanup_free = str_format("%s\n", text);
    struct err e = {0};

    assert_null(strstr(text, "hunter2"));
    check_fixture(json_name, line);
    assert_int_equal(boot_report_check(json, &e), 0);
    json_decref(json);
}

static void the_json_says_what_each_step_did_and_repeats_every_warning(void **state)
{
    (void)state;
    check_sample(false, "started.json");
}

static void the_json_of_a_failed_start_says_where_it_stopped(void **state)
{
    (void)state;
    check_sample(true, "failed.json");
}

static void check_table(bool failed, bool former, struct boot_view view, const char *name)
{
    cleanup_text struct text out = {0};
    json_t *json = sample(failed);

    boot_report_show(json, former, view, &out);
    check_fixture(name, text_get(&out));
    json_decref(json);
}

static void the_table_fits_the_terminal_and_marks_the_slowest_step(void **state)
{
    (void)state;
    check_table(false, false, (struct boot_view){.width = 80}, "started-80.txt");
    check_table(false, false, (struct boot_view){.width = 120, .wrap = true}, "started-120.txt");
    check_table(false, false, (struct boot_view){.width = 60, .wrap = true}, "started-60.txt");
    check_table(true, true, (struct boot_view){.width = 80}, "failed-former.txt");
}

static void no_row_is_wider_than_the_view(void **state)
{
    (void)state;
    for (unsigned width = 60; width <= 200; width++) {
        cleanup_text struct text out = {0};
        cleanup_strings struct strings lines = {0};
        json_t *json = sample(false);

        boot_report_show(json, false, (struct boot_view){.width = width, .wrap = true}, &out);
        strings_split(&lines, text_get(&out), "\n");
        for (size_t i = 0; i < lines.count; i++)
            if (strchr(lines.items[i], '#'))
                assert_true(strlen(lines.items[i]) <= width);
        json_decref(json);
    }
}

static void the_width_is_that_of_columns_and_80_without(void **state)
{
    static const struct {
        const char *columns;
        unsigned width;
        bool wrap;
    } samples[] = {{"COLUMNS=100", 100, true}, {"COLUMNS=1", 60, true}, {"COLUMNS=60000", 200, true}};
    (void)state;

    for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
        struct boot_view view = boot_view_of((const char *const[]){samples[i].columns, NULL});
        assert_int_equal(view.width, samples[i].width);
        assert_int_equal(view.wrap, samples[i].wrap);
    }
}

/* One change each to a good report. */
static void check_refused(const char *path, json_t *value, const char *part)
{
    json_t *json = sample(false), *at = json;
    cleanup_strings struct strings keys = {0};
    struct err e = {0};

    strings_split(&keys, path, "/");
    for (size_t i = 0; i + 1 < keys.count; i++) {
        long long index;
        at = parse_number(keys.items[i], 0, 100, &index) ? json_array_get(at, (size_t)index)
                                                         : json_object_get(at, keys.items[i]);
    }
    if (value)
        assert_int_equal(json_object_set_new(at, keys.items[keys.count - 1], value), 0);
    else
        assert_int_equal(json_object_del(at, keys.items[keys.count - 1]), 0);
    assert_int_equal(boot_report_check(json, &e), -EINVAL);
    assert_contains(e.what, part);
    json_decref(json);
}

static void what_is_no_report_is_refused(void **state)
{
    static const char *const needed[] = {"version", "program", "time", "pid", "started", "mode", "init",
        "result", "microseconds", "microseconds/total", "steps", "warnings", "steps/0/step",
        "steps/2/outcome", "steps/1/microseconds", "warnings/0/text", "warnings/0/from"};
    struct err e = {0};
    (void)state;

    for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
        check_refused(needed[i], NULL, "");
    check_refused("version", json_integer(2), "its version is 2");
    check_refused("mode", json_string("\x1b[2J"), "not possible");
    check_refused("init", json_string(""), "not possible");
    check_refused("pid", json_string("1"), "Expected integer");
    check_refused("steps", json_object(), "lists");
    check_refused("warnings", json_string(""), "lists");
    check_refused("command", json_integer(1), "");
    check_refused("microseconds/facts", json_integer(-1), "time");
    check_refused("clock", json_integer(-1), "time");
    check_refused("microseconds/rootlesskit", json_integer(-100), "time");
    check_refused("microseconds/inside", json_integer(-1), "time");
    check_refused("microseconds/inside", json_string("1"), "Expected integer");
    check_refused("clock", json_string("0"), "Expected integer");
    check_refused("steps/0/microseconds", json_integer(-1), "step 1: a name or a time");
    check_refused("steps/0/step", json_string("a name that is much too long for a column"), "step 1");
    check_refused("steps/3/detail", json_array(), "step 4: ");
    check_refused("warnings/1/hint", json_true(), "warning 2: ");
    json_t *list = json_array();
    assert_int_equal(boot_report_check(list, &e), -EINVAL);
    json_decref(list);
}

static void no_control_character_of_a_report_reaches_the_terminal(void **state)
{
    cleanup_text struct text out = {0};
    json_t *json = sample(false), *first = json_array_get(json_object_get(json, "steps"), 0);
    struct err e = {0};
    (void)state;

    assert_int_equal(json_object_set_new(first, "detail", json_string("a\x1b[31m\xc2\x9b\x07 b")), 0);
    assert_int_equal(json_object_set_new(json, "time", json_string("\x1b]0;x")), 0);
    assert_int_equal(json_object_set_new(json, "command", json_string("\x1b")), 0);
    assert_int_equal(boot_report_check(json, &e), 0);
    boot_report_show(json, false, (struct boot_view){.width = 80}, &out);
    assert_null(strchr(text_get(&out), '\x1b'));
    assert_contains(text_get(&out), "a?[31m?? b");
    json_decref(json);
}

static void huge_times_are_shown_and_do_not_overflow(void **state)
{
    cleanup_text struct text out = {0};
    json_t *json = sample(false), *times = json_object_get(json, "microseconds");
    (void)state;

    assert_int_equal(json_object_set_new(times, "facts", json_integer(INT64_MAX)), 0);
    boot_report_show(json, false, (struct boot_view){.width = 200}, &out);
    assert_contains(text_get(&out), "9223372036854775.807");
    json_decref(json);
}

/* A rootless start: the first stage has left a step for the second, which takes 2 ms, 300 ms later. */
static json_t *rootless_sample(bool started)
{
    static const struct plan rootless = {.mode = MODE_ROOTLESS, .init = INIT_NONE};
    cleanup(boot_report_free) struct boot_report first = {.time = {.tv_sec = 1700000000},
        .pid = 1,
        .started = 12345,
        .began = 5000000,
        .settings = 1000,
        .steps = 10000,
        .total = 15000};
    cleanup(boot_report_free) struct boot_report second = {.began = 5315000};
    struct step certificates = step_of(PHASE_FILES, STEP_CERTIFICATES, (char[]){"make certificates"}),
                storage = step_of(PHASE_INSIDE, STEP_STORAGE_INSIDE, (char[]){"mount an overlay"}),
                access = step_of(PHASE_INSIDE, STEP_ACCESS_INSIDE, (char[]){"drop what comes"});
    struct err refused = {.code = -EPERM, .what = "iptables", .hint = "load it"};

    boot_report_warn(&first, "plan", "no limits", NULL);
    boot_report_step(&first, &certificates, &(struct outcome){.kind = OUTCOME_ALREADY}, NULL, 900);
    boot_report_step(&first, &access, &(struct outcome){.kind = OUTCOME_NOT_RUN}, NULL, 0);
    boot_report_step(&first, &storage, &(struct outcome){.kind = OUTCOME_NOT_RUN}, NULL, 0);
    json_t *json = boot_report_json(&first, &rootless, "rootlesskit dockerd");
    assert_int_equal(json_object_set_new(json, "program", json_string("0.0.0")), 0);

    if (started)
        boot_report_step(&second, &access, &(struct outcome){.detail = "only by tap0"}, NULL, 1500);
    else
        boot_report_step(&second, &access, &(struct outcome){.kind = OUTCOME_FAILED}, &refused, 1500);
    boot_report_step(
        &second, &storage, &(struct outcome){.kind = started ? OUTCOME_ALREADY : OUTCOME_NOT_RUN}, NULL, 0);
    boot_report_extend(json, &second, 5317000, started);
    return json;
}

static void check_rootless(bool started, const char *json_name, const char *table_name)
{
    cleanup_text struct text table = {0};
    json_t *json = rootless_sample(started);
    char *text cleanup_free = json_dumps(json, JSON_INDENT(2));
    char *line cleanup_free = str_format("%s\n", text);
    struct err e = {0};

    check_fixture(json_name, line);
    assert_int_equal(boot_report_check(json, &e), 0);
    boot_report_show(json, false, (struct boot_view){.width = 80}, &table);
    check_fixture(table_name, text_get(&table));
    json_decref(json);
}

static void the_second_stage_takes_the_place_of_what_was_left_to_it(void **state)
{
    (void)state;
    check_rootless(true, "rootless.json", "rootless-80.txt");
    check_rootless(false, "rootless-failed.json", "rootless-failed-80.txt");
}

/* A report of another boot, or one that somebody wrote. */
static void impossible_times_of_the_first_stage_give_possible_ones(void **state)
{
    static const long long clocks[] = {0, 1, 5315000, 5315001, INT64_MAX}, totals[] = {0, 15000, INT64_MAX};
    (void)state;

    for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++)
        for (size_t k = 0; k < sizeof(totals) / sizeof(*totals); k++) {
            struct boot_report second = {.began = 5315000};
            json_t *json = sample(false), *times = json_object_get(json, "microseconds");
            struct err e = {0};

            assert_int_equal(json_object_set_new(json, "clock", json_integer(clocks[i])), 0);
            assert_int_equal(json_object_set_new(times, "total", json_integer(totals[k])), 0);
            boot_report_extend(json, &second, 5317000, true);
            assert_int_equal(boot_report_check(json, &e), 0);
            assert_int_equal(json_integer_value(json_object_get(times, "inside")), 2000);
            json_int_t kit = json_integer_value(json_object_get(times, "rootlesskit"));
            assert_true(kit >= 0 && kit <= 5315000);
            json_decref(json);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_says_what_each_step_did_and_repeats_every_warning),
        cmocka_unit_test(the_json_of_a_failed_start_says_where_it_stopped),
        cmocka_unit_test(the_table_fits_the_terminal_and_marks_the_slowest_step),
        cmocka_unit_test(no_row_is_wider_than_the_view),
        cmocka_unit_test(the_width_is_that_of_columns_and_80_without),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(no_control_character_of_a_report_reaches_the_terminal),
        cmocka_unit_test(huge_times_are_shown_and_do_not_overflow),
        cmocka_unit_test(the_second_stage_takes_the_place_of_what_was_left_to_it),
        cmocka_unit_test(impossible_times_of_the_first_stage_give_possible_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
