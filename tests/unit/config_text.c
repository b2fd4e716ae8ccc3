/* Quoting, suggestions, a shell's words and UTF-8, at their edges. */
#include "config_harness.h"

#include "base/utf8.h"
#include "config/apply.h"
#include "config/quote.h"
#include "config/words.h"

static void utf_8_is_what_rfc_3629_says(void **state)
{
    static const struct {
        const char *bytes;
        size_t left, length;
        unsigned code;
    } rows[] = {
        {"a", 1, 1, 'a'},
        {"", 1, 1, 0},
        {"\x7f", 1, 1, 0x7f},
        {"\xc2\x80", 2, 2, 0x80},
        {"\xdf\xbf", 2, 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 3, 0x800},
        {"\xed\x9f\xbf", 3, 3, 0xd7ff},
        {"\xee\x80\x80", 3, 3, 0xe000},
        {"\xef\xbf\xbf", 3, 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        /* What follows is not looked at. */
        {"\xc3\xa9\xff", 3, 2, 0xe9},
        /* Nothing, continuation without a start, overlong, surrogates, too high, too short. */
        {"a", 0, 0, 0},
        {"\x80", 1, 0, 0},
        {"\xbf\x80", 2, 0, 0},
        {"\xc0\x80", 2, 0, 0},
        {"\xc1\xbf", 2, 0, 0},
        {"\xe0\x9f\xbf", 3, 0, 0},
        {"\xf0\x8f\xbf\xbf", 4, 0, 0},
        {"\xed\xa0\x80", 3, 0, 0},
        {"\xed\xbf\xbf", 3, 0, 0},
        {"\xf4\x90\x80\x80", 4, 0, 0},
        {"\xf7\xbf\xbf\xbf", 4, 0, 0},
        {"\xf8\x88\x80\x80\x80", 5, 0, 0},
        {"\xfe", 1, 0, 0},
        {"\xff", 1, 0, 0},
        {"\xc3", 1, 0, 0},
        {"\xc3\xa9", 1, 0, 0},
        {"\xe2\x82", 2, 0, 0},
        {"\xf0\x9f\x90", 3, 0, 0},
        {"\xc3"
         "a",
            2, 0, 0},
        {"\xe2\x82\xc3", 3, 0, 0},
        {"\xf0\x9f\x90\x28", 4, 0, 0},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned code = 4711;
        assert_int_equal(utf8_length(rows[i].bytes, rows[i].left, &code), rows[i].length);
        assert_int_equal(code, rows[i].length ? rows[i].code : 4711);
    }
}

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

static void a_text_in_a_message_is_one_short_line_that_cannot_be_misread(void **state)
{
    static const char *const rows[][2] = {
        {"word", "word"},
        {"/a/b-c_d.e+f@g%h=i", "/a/b-c_d.e+f@g%h=i"},
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"a:b", "\"a:b\""},
        {"a\"b", "\"a\\\"b\""},
        {"a\\nb", "\"a\\\\nb\""},
        {"a\nb\tc\rd", "\"a\\nb\\tc\\x0dd\""},
        {"\x1b[31m", "\"\\x1b[31m\""},
        {"\x7f", "\"\\x7f\""},
        {"\xc3\xa9", "\"\xc3\xa9\""},
        {"\xc2\x85", "\"\\x85\""},
        {"\xe2\x80\xa8", "\"\\u2028\""},
        {"\xef\xbb\xbf", "\"\\ufeff\""},
        /* No UTF-8. */
        {"\xff", "\"\\xff\""},
        {"a\xc3", "\"a\\xc3\""},
        {"a\xc3z", "\"a\\xc3z\""},
        {"\xe2\x82", "\"\\xe2\\x82\""},
        {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},
        /* 60 bytes. */
        {FIFTY TEN, FIFTY TEN},
        {FIFTY TEN "0", "\"" FIFTY TEN "...\""},
        {FIFTY "012345678 ", "\"" FIFTY "012345678 \""},
        {FIFTY "012345678\xc3\xa9", "\"" FIFTY "012345678\xc3\xa9\""},
        {FIFTY "012345678\xc3\xa9z", "\"" FIFTY "012345678\xc3\xa9...\""},
        {FIFTY TEN "\xc3\xa9", "\"" FIFTY TEN "...\""},
        {FIFTY "012345678\xc3", "\"" FIFTY "012345678\\xc3\""},
        {FIFTY TEN "\n", "\"" FIFTY TEN "...\""},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *shown cleanup_free = quote_short(rows[i][0]);
        assert_string_equal(shown, rows[i][1]);
    }
}

static void a_yaml_scalar_is_plain_only_where_no_yaml_could_take_it_for_something_else(void **state)
{
    static const char *const rows[][2] = {
        {"word", "word"},
        {"/a/b", "/a/b"},
        {"a-b_c.d", "a-b_c.d"},
        {"e3", "e3"},
        {"", "\"\""},
        {"yes", "\"yes\""},
        {"No", "\"No\""},
        {"ON", "\"ON\""},
        {"n", "\"n\""},
        {"Null", "\"Null\""},
        {"TRUE", "\"TRUE\""},
        {"yesterday", "yesterday"},
        {"1", "\"1\""},
        {".5", "\".5\""},
        {"-x", "\"-x\""},
        {"@a", "\"@a\""},
        {"%a", "\"%a\""},
        {"=", "\"=\""},
        {"a: b", "\"a: b\""},
        {"a,b", "\"a,b\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"\n\t\r", "\"\\n\\t\\x0d\""},
        {"\xc2\x85\xe2\x80\xa9\xef\xbf\xbe", "\"\\x85\\u2029\\ufffe\""},
        {"\xc3\xa9\xf0\x9f\x90\xb3", "\"\xc3\xa9\xf0\x9f\x90\xb3\""},
        {"a\xff\xc3", "\"a??\""},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_text struct text out = {0};
        quote_yaml(&out, rows[i][0]);
        assert_string_equal(text_get(&out), rows[i][1]);
    }
}

static void a_comment_is_one_line_of_valid_text(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"a # \"b\" \\", "a # \"b\" \\"},
        {"a\nb\r\x1b\x7f", "a?b???"},
        {"\xe2\x80\xa8\xc2\x85\xef\xbb\xbf", "???"},
        {"\xc3\xa9\xff\xe2\x82", "\xc3\xa9???"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_text struct text out = {0};
        quote_line(&out, rows[i][0]);
        assert_string_equal(text_get(&out), rows[i][1]);
    }
}

static void the_nearest_word_is_at_most_one_mistake_in_four_letters_away(void **state)
{
    static const struct {
        const char *word, *words[3], *nearest;
    } rows[] = {
        {"auto", {"off", "auto"}, "auto"},
        /* Each of the four mistakes. */
        {"aut", {"auto"}, "auto"},
        {"autoo", {"auto"}, "auto"},
        {"autx", {"auto"}, "auto"},
        {"atuo", {"auto"}, "auto"},
        {"axxo", {"auto"}, NULL},
        {"uaot", {"auto"}, NULL},
        {"au", {"auto"}, NULL},
        {"of", {"off"}, NULL},
        {"offf", {"off"}, "off"},
        /* Two in eight, three in twelve, never four. */
        {"bildin", {"builtin"}, NULL},
        {"rootles", {"rootless"}, "rootless"},
        {"rotles", {"rootless"}, "rootless"},
        {"rotle", {"rootless"}, NULL},
        {"slrp4nets", {"slirp4netns"}, "slirp4netns"},
        {"gvsor-tap-vck", {"gvisor-tap-vsock"}, "gvisor-tap-vsock"},
        {"gvsor-tp-vck", {"gvisor-tap-vsock"}, NULL},
        {"abcdefghijklmnopqrst", {"abcdefghijklmnop"}, NULL},
        /* Spelling is not a mistake. */
        {"GVISOR_TAP.VSOCK", {"gvisor-tap-vsock"}, "gvisor-tap-vsock"},
        /* The nearest, and of equals the first. */
        {"rootlest", {"rootful", "rootless"}, "rootless"},
        {"source1", {"source2", "source3"}, "source2"},
        {"", {"auto"}, NULL},
        {"auto", {NULL}, NULL},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *nearest = nearest_word(rows[i].word, rows[i].words);
        if (!str_equal(nearest, rows[i].nearest))
            fail_msg("%s: %s", rows[i].word, nearest ? nearest : "nothing");
    }
}

static void the_nearest_option_may_be_spelt_otherwise_or_lack_a_part(void **state)
{
    static const struct {
        const char *key;
        bool loose;
        int id; /* -1: none */
    } rows[] = {
        {"tls.dir", false, OPTION_TLS_DIR},
        {"TLS_DIR", false, OPTION_TLS_DIR},
        {"tls-dir", false, OPTION_TLS_DIR},
        {"tls.dri", false, OPTION_TLS_DIR},
        {"api.port", false, OPTION_API_TCP_PORT},
        {"tcp.port", false, OPTION_API_TCP_PORT},
        {"port.tcp", false, -1},
        {"port", false, -1},
        {"port", true, OPTION_API_TCP_PORT},
        {"x.port", true, OPTION_API_TCP_PORT},
        {"x.port", false, -1},
        {"x.PORT", true, -1},
        {"tls", true, -1},
        {"", true, -1},
        {".", true, -1},
        {"api_", true, -1},
        {"completely.different", true, -1},
        {FIFTY FIFTY FIFTY, true, -1},
        {"\xff\xfe", true, -1},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct option *nearest = option_nearest(rows[i].key, rows[i].loose);
        int id = nearest ? (int)option_id(nearest) : -1;
        if (id != rows[i].id)
            fail_msg("%s: %s", rows[i].key, nearest ? nearest->key : "nothing");
    }
}

static void words_are_split_as_a_shell_splits_them(void **state)
{
    static const struct {
        const char *text, *words[5];
    } rows[] = {
        {"", {NULL}},
        {" \t\r\n ", {NULL}},
        {"a", {"a"}},
        {"  a\tb\nc\r\nd ", {"a", "b", "c", "d"}},
        {"''", {""}},
        {"\"\" '' a", {"", "", "a"}},
        {"'a b' \"c d\"", {"a b", "c d"}},
        {"a'b c'\"d e\"f", {"ab cd ef"}},
        {"'a\\b\"c'", {"a\\b\"c"}},
        {"'a\nb'", {"a\nb"}},
        {"\"a'b\"", {"a'b"}},
        {"\"\\$\\`\\\"\\\\\"", {"$`\"\\"}},
        {"\"\\a\\'\\ \"", {"\\a\\'\\ "}},
        {"a\\ b\\'c\\\\", {"a b'c\\"}},
        {"\\a", {"a"}},
        /* A backslash before the end of a line joins it to the next one. */
        {"a\\\nb", {"ab"}},
        {"\"a\\\nb\"", {"ab"}},
        {"a \\\n b", {"a", "b"}},
        {"a \\\n\\\n  b \\\n", {"a", "b"}},
        {"\\\n", {NULL}},
        {"\\\na", {"a"}},
        {"'' \\\n ''", {"", ""}},
        {"\\\n''", {""}},
        /* Nothing else of a shell. */
        {"$HOME `id` $(id)", {"$HOME", "`id`", "$(id)"}},
        {"a* ~ #b ;&|<>", {"a*", "~", "#b", ";&|<>"}},
        {"\xc3\xa9\xff", {"\xc3\xa9\xff"}},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_strings struct strings words = {0};
        assert_true(words_split(&words, rows[i].text));
        for (size_t w = 0; w < words.count; w++)
            assert_string_equal(words.items[w], rows[i].words[w] ? rows[i].words[w] : "(none)");
        assert_null(rows[i].words[words.count]);
    }
}

static void an_open_quote_adds_no_word_at_all(void **state)
{
    static const char *const texts[] = {
        "a '", "a 'b", "a \"", "a \"b", "a \"b\\\"", "a \\", "\\", "a \"b\\", "'a'\"b"};
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        cleanup_strings struct strings words = {0};
        strings_add(&words, "before");
        assert_false(words_split(&words, texts[i]));
        assert_int_equal(words.count, 1);
    }
}

static void quoted_words_are_read_back(void **state)
{
    static const char *const texts[] = {
        "", "a", "a b", "'", "''", "it's", "\"", "\\", "\\\n", "a\nb", "$x `y`", "\xff"};
    cleanup_strings struct strings words = {0};
    cleanup_text struct text line = {0};
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        words_quote(&line, texts[i]);
        text_add(&line, " ");
    }
    assert_true(words_split(&words, text_get(&line)));
    assert_int_equal(words.count, COUNT(texts));
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_string_equal(words.items[i], texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf_8_is_what_rfc_3629_says),
        cmocka_unit_test(a_text_in_a_message_is_one_short_line_that_cannot_be_misread),
        cmocka_unit_test(a_yaml_scalar_is_plain_only_where_no_yaml_could_take_it_for_something_else),
        cmocka_unit_test(a_comment_is_one_line_of_valid_text),
        cmocka_unit_test(the_nearest_word_is_at_most_one_mistake_in_four_letters_away),
        cmocka_unit_test(the_nearest_option_may_be_spelt_otherwise_or_lack_a_part),
        cmocka_unit_test(words_are_split_as_a_shell_splits_them),
        cmocka_unit_test(an_open_quote_adds_no_word_at_all),
        cmocka_unit_test(quoted_words_are_read_back),
    };
    return cmocka_run_group_tests_name("config_text", tests, NULL, NULL);
}
