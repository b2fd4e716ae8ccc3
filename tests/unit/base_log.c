#include "harness.h"

#include "base/log.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>

/* What was written to standard error while `act` ran. */
static void captured(void (*act)(void), char *out, size_t size)
{
    char path[] = "/tmp/base_log.XXXXXX";
    cleanup_close int fd = mkostemp(path, O_CLOEXEC);
    cleanup_close int saved = dup(STDERR_FILENO);

    assert_true(fd >= 0 && saved >= 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    act();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    ssize_t n = pread(fd, out, size - 1, 0);
    assert_true(n >= 0);
    out[n] = '\0';
    (void)unlink(path);
}

static void warn_oddly(void)
{
    log_warn("do \"this\"", "a\nb\x1b[31m");
    log_debug("not shown");
}

static void fail_with_hint(void)
{
    struct err e = {.code = -1, .what = "x: y", .hint = "one\ntwo"};
    log_failure(&e);
}

static void text_lines_are_logfmt_and_never_hold_control_characters(void **state)
{
    char out[1024];
    (void)state;

    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    captured(warn_oddly, out, sizeof(out));
    assert_true(str_starts(out, "time=\"2"));
    assert_contains(out, "Z\" level=warning msg=\"a\\nb\\u001b[31m\" hint=\"do \\\"this\\\"\"\n");
    assert_null(strstr(out, "not shown"));
}

static void json_lines_are_objects(void **state)
{
    char out[1024];
    (void)state;

    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    captured(warn_oddly, out, sizeof(out));
    assert_true(str_starts(out, "{\"time\":\"2"));
    assert_contains(
        out, "\"level\":\"warning\",\"msg\":\"a\\nb\\u001b[31m\",\"hint\":\"do \\\"this\\\"\"}\n");
}

static void a_failure_is_the_error_line_and_then_the_hint(void **state)
{
    char out[1024];
    (void)state;

    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    captured(fail_with_hint, out, sizeof(out));
    assert_string_equal(out, "error: x: y\n  hint: one\n        two\n");
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_JSON);
    captured(fail_with_hint, out, sizeof(out));
    assert_contains(out, "\"level\":\"fatal\",\"msg\":\"x: y\",\"hint\":\"one\\ntwo\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines_are_logfmt_and_never_hold_control_characters),
        cmocka_unit_test(json_lines_are_objects),
        cmocka_unit_test(a_failure_is_the_error_line_and_then_the_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
