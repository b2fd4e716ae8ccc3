/* What is and what is not accepted as the YAML file, and what is said to it. */
#include "config_harness.h"

static void files_without_settings_are_fine(void **state)
{
    static const char *const files[] = {"", "\n", "   \n\n", "# nothing\n", "---\n", "--- # nothing\n...\n",
        "null\n", "~", "{}", "tls:\n", "tls:\n  # dir: /x\nmode: auto\n", "api:\n  tcp:\n  unix: ~\n",
        "\xef\xbb\xbf"};
    (void)state;

    for (size_t i = 0; i < COUNT(files); i++) {
        cleanup_settings struct settings s = {0};
        load_good(&s, files[i], NULL, NULL);
        assert_int_equal(s.mode, MODE_AUTO);
    }
}

static void keys_are_refused_with_their_place_and_the_nearest_one(void **state)
{
    static const struct {
        const char *yaml, *what, *hint;
    } rows[] = {
        {"mod: auto", "config.yaml:1:1: mod: is not a known key", "did you mean mode?"},
        {"nothing: auto", "config.yaml:1:1: nothing: is not a known key",
            "known here: version, mode, tls, api, mounts, cgroup, network, registry, storage, capabilities, "
            "apparmor, rootless, "
            "daemon, "
            "args, init, ready, shutdown, log"},
        {"moed: auto", "config.yaml:1:1: moed: is not a known key",
            "did you mean mode? use auto, rootful or rootless"},
        {"arg: []", "config.yaml:1:1: arg: is not a known key", "did you mean args?"},
        {"Mode: auto", "config.yaml:1:1: Mode: is not a known key", "did you mean mode?"},
        {"mode: auto\ntls:\n  dirr: /x", "config.yaml:3:3: tls.dirr: is not a known key",
            "did you mean tls.dir?"},
        {"tls:\n  certificates: /x", "config.yaml:2:3: tls.certificates: is not a known key",
            "known here: dir, key, days, san"},
        {"api: {tcp: {prot: 1}}", "config.yaml:1:13: api.tcp.prot: is not a known key",
            "did you mean api.tcp.port?"},
        {"api: {port: 1}", "config.yaml:1:7: api.port: is not a known key", "did you mean api.tcp.port?"},
        {"port: 1", "config.yaml:1:1: port: is not a known key", "did you mean api.tcp.port?"},
        {"api: {udp: 1}", "config.yaml:1:7: api.udp: is not a known key",
            "known here: unix, tcp, plaintext, activation, allow, allow_nested"},
        {"rootless: {port-driver: builtin}", "config.yaml:1:12: rootless.port-driver: is not a known key",
            "did you mean rootless.port_driver?"},
        {"tls.dir: /x", "config.yaml:1:1: tls.dir: is not a known key",
            "write it as a map in a map, not with dots: tls: with its keys indented below"},
        {"api: {tcp.port: 1}", "config.yaml:1:7: api.tcp.port: is not a known key",
            "write it as a map in a map, not with dots: tcp: with its keys indented below"},
        {"DIND_MODE: auto", "config.yaml:1:1: DIND_MODE: is not a known key", "known here: version, mode"},
        {"\"\": 1", "config.yaml:1:1: \"\": is not a known key", "known here: "},
        {"\"a\\tb\": 1", "config.yaml:1:1: \"a\\tb\": is not a known key", "known here: "},
        {"1: 1", "config.yaml:1:1: 1: is not a known key", "known here: "},
        {"mode: auto\nmode: rootful", "config.yaml:2:1: mode: is there twice, first in line 1",
            "keep one of the two"},
        {"tls:\n  days: 1\n  \"days\": 1", "config.yaml:3:3: days: is there twice, first in line 2",
            "keep one"},
        {"daemon: {x: 1, y: [{a: 1, a: 2}]}", "config.yaml:1:27: a: is there twice, first in line 1",
            "keep one"},
        {"[a]: 1", "config.yaml:1:1: a key is a list or a map", "use plain text as key"},
        {"? {a: 1}\n: 1", "config.yaml:1:3: a key is a list or a map", "use plain text as key"},
        {"tls: 5", "config.yaml:1:6: tls: is a whole number, not a map",
            "write its keys below it, indented: dir, key, days, san"},
        {"tls: []", "config.yaml:1:6: tls: is a list, not a map", "write its keys below it"},
        {"api:\n  tcp: text", "config.yaml:2:8: api.tcp: is text, not a map",
            "enabled, address, port, interface"},
        {"- mode: auto", "config.yaml:1:1: (top): is a list, not a map",
            "begin with a key, for example mode: auto"},
        {"mode", "config.yaml:1:1: (top): is text, not a map", "begin with a key"},
        {"5", "config.yaml:1:1: (top): is a whole number, not a map", "begin with a key"},
        {"\"\"", "config.yaml:1:1: (top): is text, not a map", "begin with a key"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        load_bad(rows[i].yaml, NULL, NULL, rows[i].what, rows[i].hint);
}

static void what_yaml_can_do_beyond_plain_data_is_refused(void **state)
{
    static const struct {
        const char *yaml, *what, *hint;
    } rows[] = {
        {"tls: &a {days: 5}", "config.yaml:1:6: anchors are not supported", "remove the &"},
        {"mode: &a auto", "config.yaml:1:7: anchors are not supported", "remove the &"},
        {"args: &a [x]", "config.yaml:1:7: anchors are not supported", "remove the &"},
        {"&a mode: auto", "config.yaml:1:1: anchors are not supported", "remove the &"},
        {"mode: *a", "config.yaml:1:7: aliases are not supported", "remove the *"},
        {"tls:\n  <<: *a", "config.yaml:2:7: aliases are not supported", "remove the *"},
        {"mode: !!str auto", "config.yaml:1:7: tags are not supported", "remove the tag"},
        {"mode: ! auto", "config.yaml:1:7: tags are not supported", "remove the tag"},
        {"daemon: !x {a: 1}", "config.yaml:1:9: tags are not supported", "remove the tag"},
        {"args: !!seq [x]", "config.yaml:1:7: tags are not supported", "remove the tag"},
        {"mode: auto\n---\nmode: auto", "config.yaml:2:1: a second document begins", "keep one document"},
        {"---\n---\n", "config.yaml:2:1: a second document begins", "keep one document"},
        {"mode: auto\n...\n---\n", "config.yaml:3:1: a second document begins", "keep one document"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        load_bad(rows[i].yaml, NULL, NULL, rows[i].what, rows[i].hint);
}

static void syntax_errors_have_a_place_and_advice(void **state)
{
    static const struct {
        const char *yaml, *what;
    } rows[] = {
        {"args: [a", "config.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence"},
        {"mode: auto\n tls: x", "config.yaml:2:5: mapping values are not allowed in this context"},
        {"mode: 'auto", "config.yaml:1:12: found unexpected end of stream while scanning a quoted scalar"},
        {"tls:\n\tdays: 5",
            "config.yaml:2:1: found character that cannot start any token while scanning for the next token"},
        {"mode: @auto",
            "config.yaml:1:7: found character that cannot start any token while scanning for the next token"},
        {"mode: \"\\q\"", "config.yaml:1:8: found unknown escape character while parsing a quoted scalar"},
        {"tls:\n  days: 5\n key: x",
            "config.yaml:3:2: did not find expected key while parsing a block mapping"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        load_bad(rows[i].yaml, NULL, NULL, rows[i].what, "check the indentation");
}

static void bytes_that_are_no_text_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *yaml;
        size_t length;
        const char *what;
    } rows[] = {
        {"mode: \xff", 7, "config.yaml:1:7: is not UTF-8"},
        {"# \xc3\xa9\xc3\xa9 \xe9\n", 9, "config.yaml:1:6: is not UTF-8"},
        {"mode: auto\n# \xc0\xaf", 15, "config.yaml:2:3: is not UTF-8"},
        {"# \xed\xa0\x80", 5, "config.yaml:1:3: is not UTF-8"},
        {"# \xf4\x90\x80\x80", 6, "config.yaml:1:3: is not UTF-8"},
        {"# \xe2\x82", 4, "config.yaml:1:3: is not UTF-8"},
        {"\xff\xfem\0o\0", 6, "config.yaml:1:1: is not UTF-8"},
        {"mode: a\0b", 9, "config.yaml:1:8: contains an unprintable character"},
        {"\0", 1, "config.yaml:1:1: contains an unprintable character"},
        {"mode: \x1b[31m", 11, "config.yaml:1:7: contains an unprintable character"},
        {"a: 1\nb: \x7f", 9, "config.yaml:2:4: contains an unprintable character"},
        {"# \xc2\x80", 4, "config.yaml:1:3: contains an unprintable character"},
        {"# \xc2\x9f", 4, "config.yaml:1:3: contains an unprintable character"},
        {"a: \xef\xbb\xbf", 6, "config.yaml:1:4: contains an unprintable character"},
        {"# \xef\xbf\xbe", 5, "config.yaml:1:3: contains an unprintable character"},
        {"# \xef\xbf\xbf", 5, "config.yaml:1:3: contains an unprintable character"},
        {"a: 1\r\nb: \x01", 10, "config.yaml:2:4: contains an unprintable character"},
        {"a: 1\rb: \x01", 9, "config.yaml:2:4: contains an unprintable character"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct config_input input = {.file = "config.yaml"};
        struct settings s = {0};
        struct err e = {0};
        put_bytes("config.yaml", rows[i].yaml, rows[i].length);
        int r = config_load(&s, &input, &e);
        assert_string_equal(e.what, rows[i].what);
        assert_refusal(r, &e, &s);
    }
}

static void text_beyond_ascii_is_fine_and_columns_count_characters(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, "# \xc2\xa0\xf0\x9f\x90\xb3\ndaemon: {\xc3\xa9: \"\xf0\x9f\x90\xb3\"}", NULL, NULL);
    assert_value(&s, OPTION_DAEMON, "{\"\xc3\xa9\": \"\xf0\x9f\x90\xb3\"}");
    load_bad("{'\xf0\x9f\x90\xb3': 1, mode: x}", NULL, NULL,
        "config.yaml:1:2: \"\xf0\x9f\x90\xb3\": is not a known key", "known here");
    load_bad("{daemon: {'\xf0\x9f\x90\xb3': 1}, mode: x}", NULL, NULL,
        "config.yaml:1:26: mode: x is not one of the words it may be", "use auto");
}

static void a_byte_order_mark_changes_nothing(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, "\xef\xbb\xbfmode: rootful\ntls:\n  days: 7\n", NULL, NULL);
    assert_int_equal(s.mode, MODE_ROOTFUL);
    assert_int_equal(s.tls.days, 7);
    assert_int_equal(s.origin[OPTION_MODE].column, 7);
    load_bad("\xef\xbb\xbfmode: x", NULL, NULL, "config.yaml:1:7: mode: x is not one of the words it may be",
        "use auto");
    load_bad("\xef\xbb\xbf\xef\xbb\xbfmode: auto", NULL, NULL,
        "config.yaml:1:1: contains an unprintable character", "remove it");
}

static void windows_line_endings_are_fine(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, "mode: rootful\r\ntls:\r\n  dir: /x\r\n  san:\r\n    - a\r\nargs: ['b']\r\n", NULL, NULL);
    assert_int_equal(s.mode, MODE_ROOTFUL);
    assert_string_equal(s.tls.dir, "/x");
    assert_value(&s, OPTION_TLS_SAN, "[\"a\"]");
    assert_int_equal(s.origin[OPTION_TLS_DIR].line, 3);
    load_bad("mode: rootful\r\ninit: x\r\n", NULL, NULL,
        "config.yaml:2:7: init: x is not one of the words it may be", "use auto");
}

/* "daemon: {a: {a: ... 1}}" with so many maps in all, the whole file being the first. */
static char *deep(int levels, const char *open, const char *close)
{
    struct text yaml = {0};
    text_add(&yaml, "daemon: {a: ");
    for (int i = 2; i < levels; i++)
        text_add(&yaml, open);
    text_add(&yaml, "1");
    for (int i = 2; i < levels; i++)
        text_add(&yaml, close);
    text_add(&yaml, "}");
    return yaml.data;
}

static void nesting_is_fine_up_to_the_limit_and_refused_beyond_it(void **state)
{
    static const char *const brackets[][2] = {{"{a: ", "}"}, {"[", "]"}};
    (void)state;

    for (size_t i = 0; i < COUNT(brackets); i++) {
        cleanup_settings struct settings s = {0}, t = {0};
        char *fits cleanup_free = deep(CONFIG_MAX_DEPTH, brackets[i][0], brackets[i][1]);
        char *over cleanup_free = deep(CONFIG_MAX_DEPTH + 1, brackets[i][0], brackets[i][1]);
        char *bomb cleanup_free = deep(100000, brackets[i][0], brackets[i][1]);
        size_t step = strlen(brackets[i][0]);
        char *what cleanup_free = str_format("config.yaml:1:%zu: is nested too deeply", 13 + 14 * step);
        load_good(&s, fits, NULL, NULL);
        load_bad(over, NULL, NULL, what, "use at most 16 levels");
        load_bad(bomb, NULL, NULL, what, "use at most 16 levels");

        /* The environment has the same limit for the same value. */
        char *json cleanup_free = value_text(&s, OPTION_DAEMON);
        char *variable cleanup_free = str_format("DIND_DAEMON=%s", json);
        char *longer cleanup_free = str_format("DIND_DAEMON={\"a\": %s}", json);
        load_good(&t, NULL, LIST(variable), NULL);
        load_bad(NULL, LIST(longer), NULL, "DIND_DAEMON: is nested too deeply", "write a map");
    }
}

static char *letters(size_t count)
{
    char *text = mem_alloc(count + 1);
    (void)memset(text, 'x', count);
    text[count] = '\0';
    return text;
}

static void a_scalar_may_have_64_kib_and_not_a_byte_more(void **state)
{
    cleanup_settings struct settings s = {0}, t = {0};
    char *fits cleanup_free = letters(CONFIG_MAX_VALUE);
    char *over cleanup_free = letters(CONFIG_MAX_VALUE + 1);
    char *good cleanup_free = str_format("args: [%s]", fits);
    char *bad cleanup_free = str_format("args: [%s]", over);
    char *key cleanup_free = str_format("? %s\n: 1", over);
    char *variable cleanup_free = str_format("DIND_ARGS=%s", fits);
    char *longer cleanup_free = str_format("DIND_ARGS=%s", over);
    (void)state;

    load_good(&s, good, NULL, NULL);
    load_good(&t, NULL, LIST(variable), NULL);
    load_bad(bad, NULL, NULL, "config.yaml:1:8: the text is too long", "shorten it to 65536 bytes");
    load_bad(key, NULL, NULL, "config.yaml:1:3: the text is too long", "shorten it");
    load_bad(NULL, LIST(longer), NULL, "DIND_ARGS: is longer than 65536 bytes", "use the configuration file");
}

static void an_escaped_nul_is_refused(void **state)
{
    (void)state;

    load_bad("args: [\"a\\0b\"]", NULL, NULL, "config.yaml:1:8: the text contains a NUL byte",
        "remove the escape");
    load_bad("args: [\"\\x00\"]", NULL, NULL, "config.yaml:1:8: the text contains a NUL byte",
        "remove the escape");
}

static void a_long_name_of_a_key_is_cut_in_the_message(void **state)
{
    char *name cleanup_free = letters(1000);
    char *yaml cleanup_free = str_format("%s: 1", name);
    char *shown cleanup_free = letters(60);
    char *what cleanup_free = str_format("config.yaml:1:1: \"%s...\": is not a known key", shown);
    (void)state;

    load_bad(yaml, NULL, NULL, what, "known here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_without_settings_are_fine),
        cmocka_unit_test(keys_are_refused_with_their_place_and_the_nearest_one),
        cmocka_unit_test(what_yaml_can_do_beyond_plain_data_is_refused),
        cmocka_unit_test(syntax_errors_have_a_place_and_advice),
        cmocka_unit_test(bytes_that_are_no_text_are_refused_with_their_place),
        cmocka_unit_test(text_beyond_ascii_is_fine_and_columns_count_characters),
        cmocka_unit_test(a_byte_order_mark_changes_nothing),
        cmocka_unit_test(windows_line_endings_are_fine),
        cmocka_unit_test(nesting_is_fine_up_to_the_limit_and_refused_beyond_it),
        cmocka_unit_test(a_scalar_may_have_64_kib_and_not_a_byte_more),
        cmocka_unit_test(an_escaped_nul_is_refused),
        cmocka_unit_test(a_long_name_of_a_key_is_cut_in_the_message),
    };
    return cmocka_run_group_tests_name("config_yaml", tests, enter_folder, leave_folder);
}
