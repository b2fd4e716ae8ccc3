#include "harness.h"

#include "base/text.h"

#include <string.h>

static void text_grows_and_stays_terminated(void **state)
{
    cleanup_text struct text t = {0};
    (void)state;

    assert_string_equal(text_get(&t), "");
    for (int i = 0; i < 1000; i++)
        text_addf(&t, "%d,", i);
    assert_int_equal(t.length, strlen(t.data));
    assert_true(str_ends(t.data, "998,999,"));
}

static void splitting_drops_empty_words(void **state)
{
    cleanup_strings struct strings list = {0};
    (void)state;

    strings_split(&list, ",, a b,c\t,", ", \t");
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[2], "c");
    assert_null(list.items[3]);
    char *joined cleanup_free = strings_join(&list, "+");
    assert_string_equal(joined, "a+b+c");
}

static void joining_nothing_is_an_empty_string(void **state)
{
    cleanup_strings struct strings list = {0};
    (void)state;

    char *joined cleanup_free = strings_join(&list, ",");
    assert_string_equal(joined, "");
}

static void a_path_is_within_a_folder_by_whole_names(void **state)
{
    static const struct {
        const char *path, *folder;
        bool within;
    } rows[] = {{"/a/b", "/a/b", true}, {"/a/b/c", "/a/b", true}, {"/a/b/", "/a/b", true},
        {"/a/b/c", "/a/b/", true}, {"/a/b", "/a/b/", true}, {"/a", "/", true}, {"/a/bc", "/a/b", false},
        {"/a/bc", "/a/b/", false}, {"/a", "/a/b", false}, {"/b", "/a", false}, {"", "/a", false}};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (path_within(rows[i].path, rows[i].folder) != rows[i].within)
            fail_msg("%s in %s", rows[i].path, rows[i].folder);
}

static void the_folder_of_a_path_is_what_stands_before_its_last_name(void **state)
{
    static const struct {
        const char *path, *folder;
    } rows[] = {{"/a/b", "/a"}, {"/a", "/"}, {"/", "/"}, {"/a/b/", "/a/b"}, {"//a", "/"}};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *folder cleanup_free = path_folder(rows[i].path);
        assert_string_equal(folder, rows[i].folder);
    }
}

static void a_path_has_one_plain_spelling(void **state)
{
    static const struct {
        const char *path, *plain;
    } rows[] = {{"/a/b", "/a/b"}, {"/a//./b/", "/a/b"}, {"//", "/"}, {"/", "/"}, {"/./", "/"},
        {"/a/../b", "/a/../b"}, {"/.a/b.", "/.a/b."}};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *plain cleanup_free = path_plain(rows[i].path);
        assert_string_equal(plain, rows[i].plain);
    }
}

static void of_what_others_wrote_one_short_line_is_shown_and_nothing_that_a_terminal_obeys(void **state)
{
    cleanup_text struct text none = {0}, hostile = {0}, lines = {0}, endless = {0};
    (void)state;

    text_add(&hostile, "a\033[2Jb\xc3\xa9\tc");
    text_add(&lines, "first\r\nsecond\n");
    for (int i = 0; i < 100; i++)
        text_add(&endless, "12345");
    char *nothing cleanup_free = text_first_line(&none), *plain cleanup_free = text_first_line(&hostile);
    char *first cleanup_free = text_first_line(&lines), *cut cleanup_free = text_first_line(&endless);
    assert_string_equal(nothing, "");
    assert_string_equal(plain, "a?[2Jb???c");
    assert_string_equal(first, "first");
    assert_int_equal(strlen(cut), 200);
}

static void numbers_are_whole_and_in_range_or_refused(void **state)
{
    static const char *const refused[] = {
        "", " 1", "1 ", "+1", "0x10", "1e3", "99999999999999999999", "-", "11", "-6"};
    long long n = 77;
    (void)state;

    assert_true(parse_number("10", -5, 10, &n));
    assert_int_equal(n, 10);
    assert_true(parse_number("-5", -5, 10, &n));
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_false(parse_number(refused[i], -5, 10, &n));
    assert_false(parse_number(NULL, 0, 1, &n));
    assert_int_equal(n, -5);
}

static void prefixes_suffixes_and_blanks(void **state)
{
    (void)state;
    assert_string_equal(str_after("unix:///x", "unix://"), "/x");
    assert_null(str_after("tcp://x", "unix://"));
    assert_null(str_after(NULL, "x"));
    assert_true(str_ends("a.pem", ".pem"));
    assert_false(str_ends("pem", ".pem"));
    assert_true(str_equal(NULL, NULL));
    assert_false(str_equal(NULL, ""));
    assert_true(str_blank(" \t\n"));
    assert_false(str_blank(" x"));
}

static void a_time_is_a_number_of_seconds_or_has_a_unit(void **state)
{
    static const struct {
        const char *text;
        long long seconds; /* -1: none */
    } samples[] = {{"1", 1}, {"90", 90}, {"90s", 90}, {"2m", 120}, {"1h", 3600}, {"60m", 3600}, {"0", -1},
        {"0s", -1}, {"3601", -1}, {"61m", -1}, {"2h", -1}, {"s", -1}, {"", -1}, {"1d", -1}, {"1ms", -1},
        {"1 s", -1}, {"s1", -1}, {"-1s", -1}, {"+1", -1}, {"1.5h", -1}, {"9223372036854775807h", -1},
        {"99999999999999999999", -1}};
    (void)state;

    for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
        long long seconds = -1;
        assert_int_equal(parse_time(samples[i].text, 1, 3600, &seconds), samples[i].seconds > 0);
        assert_int_equal(seconds, samples[i].seconds);
    }
    assert_false(parse_time(NULL, 1, 3600, &(long long){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows_and_stays_terminated),
        cmocka_unit_test(splitting_drops_empty_words),
        cmocka_unit_test(joining_nothing_is_an_empty_string),
        cmocka_unit_test(a_path_is_within_a_folder_by_whole_names),
        cmocka_unit_test(the_folder_of_a_path_is_what_stands_before_its_last_name),
        cmocka_unit_test(a_path_has_one_plain_spelling),
        cmocka_unit_test(of_what_others_wrote_one_short_line_is_shown_and_nothing_that_a_terminal_obeys),
        cmocka_unit_test(numbers_are_whole_and_in_range_or_refused),
        cmocka_unit_test(prefixes_suffixes_and_blanks),
        cmocka_unit_test(a_time_is_a_number_of_seconds_or_has_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
