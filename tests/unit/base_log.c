#include "harness.h"

#include "base/log.h"
#include "base/text.h"

#include <fcntl.h>
#include <pty.h>
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
    assert_true(str_starts(out, "{\"level\":\"warning\",\"msg\":\"a\\nb\\u001b[31m\",\"time\":\"2"));
    assert_contains(out, "Z\",\"hint\":\"do \\\"this\\\"\"}\n");
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
    assert_contains(out, "\"level\":\"fatal\",\"msg\":\"x: y\",\"time\":\"");
    assert_contains(out, "\",\"hint\":\"one\\ntwo\"}\n");
}

static void say_everything(void)
{
    struct err e = {.code = -1, .what = "d", .hint = "h"};

    log_debug("a");
    log_info("b");
    log_warn("h", "c");
    log_failure(&e);
}

static void what_is_below_the_level_is_not_written(void **state)
{
    static const char letters[] = "abcd";
    (void)state;

    for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
        char out[1024];
        log_setup((enum log_level)level, LOG_FORMAT_JSON);
        captured(say_everything, out, sizeof(out));
        for (int i = 0; letters[i]; i++) {
            char message[] = {'"', 'm', 's', 'g', '"', ':', '"', letters[i], '"', '\0'};
            assert_int_equal(strstr(out, message) != NULL, i >= level);
        }
    }
}

static void say_odd_bytes(void)
{
    struct err e = {.code = -1, .what = "\xff\x1b[2J\xc2\x9b\xc3\xa9", .hint = "\x07"};

    log_info("\xff\x1b[2J\xc2\x9b\xc3\xa9 \xf0\x9f\x90");
    log_failure(&e);
}

static void no_byte_of_outside_makes_a_broken_line(void **state)
{
    static const char message[] =
        "\"\xef\xbf\xbd\\u001b[2J\\u009b\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"";
    char out[1024];
    (void)state;

    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    captured(say_odd_bytes, out, sizeof(out));
    assert_contains(out, message);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    captured(say_odd_bytes, out, sizeof(out));
    assert_contains(out, message);
    assert_contains(out, "error: \xef\xbf\xbd\\u001b[2J\\u009b\xc3\xa9\n  hint: \\u0007\n");
}

static void say_secrets(void)
{
    struct err e = {.code = -1, .what = "http://u:hunter2@h", .hint = "unset x-token=hunter2"};

    log_info("--http-proxy=http://u:hunter2@h");
    log_warn("http://u:hunter2@h", "http://u:hunter2@h");
    log_failure(&e);
}

static void no_line_holds_a_password(void **state)
{
    (void)state;
    for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        char out[2048];
        log_setup(LOG_LEVEL_INFO, (enum log_format)format);
        captured(say_secrets, out, sizeof(out));
        assert_null(strstr(out, "hunter2"));
        assert_contains(out, "--http-proxy=http://xxxxx:xxxxx@h");
    }
}

/* What a terminal on standard error gets to see, with that environment. */
static void on_a_terminal(const char *const *environment, void (*act)(void), char *out, size_t size)
{
    int ours = -1, theirs = -1;
    assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
    cleanup_close int saved = dup(STDERR_FILENO);

    assert_true(saved >= 0 && dup2(theirs, STDERR_FILENO) >= 0);
    log_terminal(environment);
    act();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(theirs);
    /* The kernel may hand over a part of it; EIO is the end. */
    size_t length = 0;
    ssize_t n;
    while ((n = read(ours, out + length, size - 1 - length)) > 0)
        length += (size_t)n;
    out[length] = '\0';
    (void)close(ours);
    log_terminal(NULL);
}

static void a_terminal_gets_the_level_in_colour(void **state)
{
    static const char *const environment[] = {"TERM=xterm", "NO_COLOR=", NULL};
    char out[1024];
    (void)state;

    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    on_a_terminal(environment, warn_oddly, out, sizeof(out));
    assert_true(str_starts(out, "\x1b[33mWARN\x1b[0m[2"));
    assert_contains(out, "Z] a\\nb\\u001b[31m  \x1b[33mhint\x1b[0m=\"do \\\"this\\\"\"\r\n");
    on_a_terminal(environment, fail_with_hint, out, sizeof(out));
    assert_string_equal(out, "\x1b[31merror\x1b[0m: x: y\r\n  \x1b[33mhint\x1b[0m: one\r\n        two\r\n");
}

static void look_and_say_everything(void)
{
    static const char *const environment[] = {"TERM=xterm", NULL};

    log_terminal(environment);
    say_everything();
}

static void no_colour_where_it_is_not_wanted(void **state)
{
    static const char *const no_color[] = {"TERM=xterm", "NO_COLOR=1", NULL},
                             *const dumb[] = {"TERM=dumb", NULL}, *const plain[] = {"TERM=xterm", NULL};
    char out[1024];
    (void)state;

    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    on_a_terminal(no_color, say_everything, out, sizeof(out));
    assert_null(strchr(out, '\x1b'));
    assert_contains(out, "level=info msg=\"b\"");
    on_a_terminal(dumb, say_everything, out, sizeof(out));
    assert_null(strchr(out, '\x1b'));
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    on_a_terminal(plain, say_everything, out, sizeof(out));
    assert_null(strchr(out, '\x1b'));
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    captured(look_and_say_everything, out, sizeof(out));
    assert_null(strchr(out, '\x1b'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines_are_logfmt_and_never_hold_control_characters),
        cmocka_unit_test(json_lines_are_objects),
        cmocka_unit_test(a_failure_is_the_error_line_and_then_the_hint),
        cmocka_unit_test(what_is_below_the_level_is_not_written),
        cmocka_unit_test(no_byte_of_outside_makes_a_broken_line),
        cmocka_unit_test(no_line_holds_a_password),
        cmocka_unit_test(a_terminal_gets_the_level_in_colour),
        cmocka_unit_test(no_colour_where_it_is_not_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
