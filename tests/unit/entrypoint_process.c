#include "harness.h"

#include "base/environment.h"
#include "base/file.h"
#include "entrypoint/process.h"

#include <errno.h>
#include <string.h>

static int capture(const char *script, unsigned seconds, size_t limit, struct text *out)
{
    const char *const arguments[] = {"sh", "-c", script, NULL};
    static const char *const environment[] = {"WORD=given", NULL};

    return process_capture(arguments, FILE_DEFAULT_SEARCH, environment, seconds, limit, out);
}

static void what_a_program_writes_to_standard_output_is_captured_with_its_status(void **state)
{
    cleanup_text struct text out = {0};
    (void)state;

    assert_int_equal(capture("echo $WORD; echo lost >&2; exit 3", 10, 100, &out), 3);
    assert_string_equal(text_get(&out), "given\n");
}

static void a_programs_own_words_for_its_failure_are_captured(void **state)
{
    static const char *const arguments[] = {"sh", "-c", "echo lost; echo why >&2; exit 3", NULL},
                             *const none[] = {NULL};
    cleanup_text struct text out = {0};
    (void)state;

    assert_int_equal(process_capture_errors(arguments, FILE_DEFAULT_SEARCH, none, 10, 100, &out), 3);
    assert_string_equal(text_get(&out), "why\n");
}

static void more_than_the_limit_is_refused(void **state)
{
    cleanup_text struct text out = {0}, whole = {0};
    (void)state;

    assert_int_equal(capture("while :; do echo more; done", 10, 100, &out), -EFBIG);
    assert_true(out.length <= 100);
    assert_int_equal(capture("printf 1234", 10, 4, &whole), 0);
    assert_string_equal(text_get(&whole), "1234");
}

static void a_program_that_takes_too_long_is_ended(void **state)
{
    cleanup_text struct text out = {0};
    (void)state;

    assert_int_equal(capture("exec sleep 60", 1, 100, &out), -ETIMEDOUT);
}

static void a_program_that_closes_its_output_and_stays_is_ended_too(void **state)
{
    cleanup_text struct text out = {0};
    (void)state;

    assert_int_equal(capture("exec >&-; exec sleep 60", 1, 100, &out), -ETIMEDOUT);
}

static void a_program_that_is_not_there_is_told(void **state)
{
    static const char *const arguments[] = {"no-such-program", NULL}, *const none[] = {NULL};
    cleanup_text struct text out = {0};
    (void)state;

    assert_int_equal(process_capture(arguments, FILE_DEFAULT_SEARCH, none, 1, 100, &out), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_program_writes_to_standard_output_is_captured_with_its_status),
        cmocka_unit_test(a_programs_own_words_for_its_failure_are_captured),
        cmocka_unit_test(more_than_the_limit_is_refused),
        cmocka_unit_test(a_program_that_takes_too_long_is_ended),
        cmocka_unit_test(a_program_that_closes_its_output_and_stays_is_ended_too),
        cmocka_unit_test(a_program_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
