/* The forms of values: YAML 1.2's core schema, types and ranges, lists, words, JSON, and what options say
 * about each other. */
#include "config_harness.h"

#include "config/checks.h"
#include "config/node.h"

static void plain_scalars_have_the_types_of_the_core_schema(void **state)
{
    static const struct {
        const char *text;
        enum scalar_kind kind;
    } rows[] = {
        {"", SCALAR_NULL},
        {"~", SCALAR_NULL},
        {"null", SCALAR_NULL},
        {"Null", SCALAR_NULL},
        {"NULL", SCALAR_NULL},
        {"nULL", SCALAR_TEXT},
        {"~~", SCALAR_TEXT},
        {"true", SCALAR_BOOL},
        {"True", SCALAR_BOOL},
        {"TRUE", SCALAR_BOOL},
        {"false", SCALAR_BOOL},
        {"False", SCALAR_BOOL},
        {"FALSE", SCALAR_BOOL},
        {"tRUE", SCALAR_TEXT},
        {"yes", SCALAR_TEXT},
        {"no", SCALAR_TEXT},
        {"on", SCALAR_TEXT},
        {"off", SCALAR_TEXT},
        {"y", SCALAR_TEXT},
        {"0", SCALAR_INT},
        {"-1", SCALAR_INT},
        {"+1", SCALAR_INT},
        {"010", SCALAR_INT},
        {"0o17", SCALAR_INT},
        {"0x1F", SCALAR_INT},
        {"0xff", SCALAR_INT},
        {"99999999999999999999", SCALAR_INT},
        {"0o8", SCALAR_TEXT},
        {"0o", SCALAR_TEXT},
        {"0x", SCALAR_TEXT},
        {"0xg", SCALAR_TEXT},
        {"-0x1", SCALAR_TEXT},
        {"+0o1", SCALAR_TEXT},
        {"0b1", SCALAR_TEXT},
        {"1_000", SCALAR_TEXT},
        {"1 ", SCALAR_TEXT},
        {"-", SCALAR_TEXT},
        {"+", SCALAR_TEXT},
        {"0X1F", SCALAR_TEXT},
        {"0O17", SCALAR_TEXT},
        {"12:30:00", SCALAR_TEXT},
        {"1.", SCALAR_REAL},
        {".5", SCALAR_REAL},
        {"-.5", SCALAR_REAL},
        {"1.5", SCALAR_REAL},
        {"1e3", SCALAR_REAL},
        {"1.e+3", SCALAR_REAL},
        {"+1.5E-3", SCALAR_REAL},
        {".inf", SCALAR_REAL},
        {"-.Inf", SCALAR_REAL},
        {"+.INF", SCALAR_REAL},
        {".nan", SCALAR_REAL},
        {".NaN", SCALAR_REAL},
        {".NAN", SCALAR_REAL},
        {".", SCALAR_TEXT},
        {"1e", SCALAR_TEXT},
        {"1e+", SCALAR_TEXT},
        {"e3", SCALAR_TEXT},
        {"1.2.3", SCALAR_TEXT},
        {"-.nan", SCALAR_TEXT},
        {".iNF", SCALAR_TEXT},
        {"inf", SCALAR_TEXT},
        {"nan", SCALAR_TEXT},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_node struct node *plain = node_scalar(rows[i].text, true),
                                 *quoted = node_scalar(rows[i].text, false);
        if (node_scalar_kind(plain) != rows[i].kind)
            fail_msg("'%s' is %s", rows[i].text, node_words(plain));
        assert_int_equal(node_scalar_kind(quoted), SCALAR_TEXT);
    }
}

static void whole_numbers_are_read_in_each_base_to_the_limits_of_64_bits(void **state)
{
    static const struct {
        const char *text;
        bool good;
        long long value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"010", true, 10},
        {"0o644", true, 420},
        {"0x1fF", true, 511},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"0x7fffffffffffffff", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"0x8000000000000000", false, 0},
        {"0o1000000000000000000000", false, 0},
        {"1.0", false, 0},
        {"true", false, 0},
        {"x", false, 0},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_node struct node *scalar = node_scalar(rows[i].text, true);
        long long value = 4711;
        assert_int_equal(node_int(scalar, &value), rows[i].good);
        assert_true(value == (rows[i].good ? rows[i].value : 4711));
    }
}

static void a_collection_has_no_scalar_value(void **state)
{
    cleanup_node struct node *list = node_collection(NODE_LIST), *map = node_collection(NODE_MAP);
    long long number = 4711;
    bool truth = true;
    (void)state;

    assert_false(node_int(list, &number));
    assert_false(node_bool(map, &truth));
    assert_int_equal(node_depth(list), 1);
    for (int i = 0; i < 100; i++)
        node_add(list, node_collection(NODE_LIST));
    assert_int_equal(list->count, 100);
    assert_int_equal(node_depth(list), 2);
    assert_string_equal(node_words(list), "a list");
    assert_string_equal(node_words(map), "a map");
    node_free(NULL);
}

/* What JSON can say comes back unchanged from YAML's nodes. */
static void json_survives_the_way_through_nodes(void **state)
{
    static const char *const texts[] = {"null", "true", "false", "0", "-9223372036854775808",
        "9223372036854775807", "0.1", "-1.5e300", "1e-320", "\"\"", "\"null\"", "\"1\"",
        "\"\\u0001\\ud83d\\udc33\"", "[]", "{}", "[[], {}, [1, \"1\", 1.0]]",
        "{\"\": {\"true\": true, \"~\": null}}"};
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        json_t *json cleanup_json = parse_json(texts[i]);
        cleanup_node struct node *node = node_from_json(json);
        const struct node *bad = NULL;
        json_t *again cleanup_json = node_to_json(node, &bad);
        assert_non_null(again);
        if (!json_equal(json, again))
            fail_msg("%s", texts[i]);
    }
}

static void daemon_settings_keep_the_type_that_yaml_gives_them(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s,
        "daemon:\n"
        "  a: 0o644\n  b: 0x10\n  c: 010\n  d: yes\n  e: on\n  f: True\n  g: '5'\n  h: \"true\"\n  i: ~\n  "
        "j:\n"
        "  k: 1.5\n  l: 1e2\n  m: 12:30\n  n: |\n    two\n    lines\n  o: >-\n    fol\n    ded\n  p: "
        "'it''s'\n"
        "  q: [1, a, {b: ~}]\n",
        NULL, NULL);
    assert_value(&s, OPTION_DAEMON,
        "{\"a\": 420, \"b\": 16, \"c\": 10, \"d\": \"yes\", \"e\": \"on\", \"f\": true, \"g\": \"5\", \"h\": "
        "\"true\","
        "\"i\": null, \"j\": null, \"k\": 1.5, \"l\": 100.0, \"m\": \"12:30\", \"n\": \"two\\nlines\\n\","
        "\"o\": \"fol ded\", \"p\": \"it's\", \"q\": [1, \"a\", {\"b\": null}]}");
}

static void numbers_that_json_cannot_express_are_refused_where_they_stand(void **state)
{
    static const char *const texts[] = {
        ".inf", "-.inf", ".nan", "9223372036854775808", "1e999", "0xffffffffffffffffff"};
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        char *yaml cleanup_free = str_format("daemon:\n  a: [1, %s]", texts[i]);
        char *what cleanup_free =
            str_format("config.yaml:2:10: daemon: %s is a number that JSON cannot express", texts[i]);
        load_bad(yaml, NULL, NULL, what, "write a map");
    }
}

static void each_type_refuses_the_others_and_says_what_it_got(void **state)
{
    static const struct {
        const char *yaml, *what;
    } rows[] = {
        /* bool */
        {"api: {tcp: {enabled: yes}}", "1:22: api.tcp.enabled: yes is not true or false"},
        {"api: {tcp: {enabled: on}}", "1:22: api.tcp.enabled: on is not true or false"},
        {"api: {tcp: {enabled: 1}}", "1:22: api.tcp.enabled: 1 is not true or false"},
        {"api: {tcp: {enabled: 'true'}}", "1:22: api.tcp.enabled: true is text in quotes, not true or false"},
        {"api: {tcp: {enabled: ''}}", "1:22: api.tcp.enabled: is empty"},
        {"api: {tcp: {enabled: }}", "1:22: api.tcp.enabled: is empty"},
        {"api: {tcp: {enabled: ~}}", "1:22: api.tcp.enabled: is nothing, not true or false"},
        {"api: {tcp: {enabled: [true]}}", "1:22: api.tcp.enabled: is a list, not true or false"},
        {"api: {tcp: {enabled: {}}}", "1:22: api.tcp.enabled: is a map, not true or false"},
        /* whole number */
        {"tls: {days: text}", "1:13: tls.days: text is not a whole number"},
        {"tls: {days: '5'}", "1:13: tls.days: 5 is text in quotes, not a whole number"},
        {"tls: {days: 1.5}", "1:13: tls.days: 1.5 is not a whole number"},
        {"tls: {days: true}", "1:13: tls.days: true is not a whole number"},
        {"tls: {days: null}", "1:13: tls.days: is nothing, not a whole number"},
        {"tls: {days: }", "1:13: tls.days: is empty"},
        {"tls: {days: [5]}", "1:13: tls.days: is a list, not a whole number"},
        {"tls: {days: auto}", "1:13: tls.days: auto is not a whole number"},
        {"api: {tcp: {port: 1.5}}", "1:19: api.tcp.port: 1.5 is not auto or a whole number"},
        {"api: {tcp: {port: AUTO}}", "1:19: api.tcp.port: AUTO is not auto or a whole number"},
        {"api: {tcp: {port: '2376'}}",
            "1:19: api.tcp.port: 2376 is text in quotes, not auto or a whole number"},
        /* word */
        {"mode: 5", "1:7: mode: 5 is not one of the words it may be"},
        {"mode: true", "1:7: mode: true is not one of the words it may be"},
        {"mode: Auto", "1:7: mode: Auto is not one of the words it may be"},
        {"mode: 'a b'", "1:7: mode: \"a b\" is not one of the words it may be"},
        {"mode: ''", "1:7: mode: \"\" is not one of the words it may be"},
        {"mode:", "1:6: mode: is empty"},
        {"mode: ~", "1:7: mode: is nothing, not one word"},
        {"mode: [auto]", "1:7: mode: is a list, not one word"},
        {"mode: {auto: 1}", "1:7: mode: is a map, not one word"},
        {"mounts: {securityfs: yes}", "1:22: mounts.securityfs: yes is not one of the words it may be"},
        {"rootless: {net: host}", "1:17: rootless.net: host is not one of the words it may be"},
        /* text */
        {"api: {unix: {path: ~}}", "1:20: api.unix.path: is nothing, not text"},
        {"api: {unix: {path: }}", "1:20: api.unix.path: is empty"},
        {"api: {unix: {path: ''}}", "1:20: api.unix.path: is empty"},
        {"api: {unix: {path: [/a]}}", "1:20: api.unix.path: is a list, not text"},
        {"api: {unix: {path: {a: b}}}", "1:20: api.unix.path: is a map, not text"},
        {"tls: {dir: ~}", "1:12: tls.dir: is nothing, not text"},
        {"tls: {dir: 5}", "1:12: tls.dir: 5 is not an absolute path"},
        /* list */
        {"tls: {san: a}", "1:12: tls.san: a is not a list"},
        {"tls: {san: ''}", "1:12: tls.san: is empty"},
        {"tls: {san: }", "1:12: tls.san: is empty"},
        {"tls: {san: ~}", "1:12: tls.san: is nothing, not a list"},
        {"tls: {san: {a: b}}", "1:12: tls.san: is a map, not a list"},
        {"tls: {san: [a, ~]}", "1:16: tls.san: is nothing, not text"},
        {"tls: {san: [a, [b]]}", "1:16: tls.san: is a list, not text"},
        {"tls: {san: [a, '']}", "1:16: tls.san: is empty"},
        {"tls: {san: [\"a\\nb\"]}", "1:13: tls.san: \"a\\nb\" contains control characters"},
        {"args: --debug", "1:7: args: --debug is not a list"},
        {"args: [{mtu: 1}]", "1:8: args: is a map, not text"},
        /* map */
        {"daemon: text", "1:9: daemon: text is not a map"},
        {"daemon: [a]", "1:9: daemon: is a list, not a map"},
        {"daemon: true", "1:9: daemon: true is not a map"},
        {"daemon: ~", "1:9: daemon: is nothing, not a map"},
        {"daemon: '{}'", "1:9: daemon: \"{}\" is text in quotes, not a map"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *what cleanup_free = str_format("config.yaml:%s", rows[i].what);
        load_bad(rows[i].yaml, NULL, NULL, what, "");
    }
}

static void numbers_are_accepted_to_both_ends_of_their_range_and_refused_beyond(void **state)
{
    (void)state;

    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = &options[id];
        if (o->type != OPTION_TYPE_INT)
            continue;
        const long long good[] = {o->min, o->max}, bad[] = {o->min - 1, o->max + 1, -1, INT64_MAX, INT64_MIN};
        for (size_t i = 0; i < COUNT(good); i++) {
            cleanup_settings struct settings s = {0};
            char *number cleanup_free = str_format("%lld", good[i]);
            char *yaml cleanup_free = nested(o->key, number);
            load_good(&s, yaml, NULL, NULL);
            assert_value(&s, id, number);
        }
        for (size_t i = 0; i < COUNT(bad); i++) {
            char *set cleanup_free = str_format("%s=%lld", o->key, bad[i]);
            char *what cleanup_free = str_format("--set %s: %lld is out of range", o->key, bad[i]);
            if (!(o->automatic && bad[i] == 0))
                load_bad(NULL, NULL, LIST(set), what, o->allow);
        }
        char *huge cleanup_free = str_format("%s=9223372036854775808", o->key);
        char *what cleanup_free = str_format("--set %s: 9223372036854775808 is out of range", o->key);
        load_bad(NULL, NULL, LIST(huge), what, o->allow);
    }
}

static void numbers_may_be_written_in_octal_and_hexadecimal(void **state)
{
    cleanup_settings struct settings s = {0}, t = {0};
    (void)state;

    load_good(&s, "{tls: {days: 0o12}, api: {tcp: {port: 0x947}}, rootless: {mtu: +1500}}", NULL, NULL);
    assert_int_equal(s.tls.days, 10);
    assert_int_equal(s.api.tcp_port, 2375);
    assert_int_equal(s.rootless.mtu, 1500);
    load_good(&t, NULL, LIST("DIND_TLS_DAYS=0x1e", "DIND_API_TCP_PORT=auto", "DIND_ROOTLESS_MTU=0"), NULL);
    assert_int_equal(t.tls.days, 30);
    assert_value(&t, OPTION_API_TCP_PORT, "\"auto\"");
    assert_value(&t, OPTION_ROOTLESS_MTU, "\"auto\"");
}

static void booleans_and_on_and_off_are_one_where_a_word_says_so(void **state)
{
    static const struct {
        const char *key, *text, *json;
    } rows[] = {
        {"mounts.securityfs", "on", "\"on\""},
        {"mounts.securityfs", "On", "\"on\""},
        {"mounts.securityfs", "OFF", "\"off\""},
        {"mounts.securityfs", "true", "\"on\""},
        {"mounts.securityfs", "TRUE", "\"on\""},
        {"mounts.securityfs", "False", "\"off\""},
        {"cgroup.nesting", "false", "\"off\""},
        {"rootless.slirp4netns_sandbox", "true", "\"true\""},
        {"rootless.slirp4netns_sandbox", "True", "\"true\""},
        {"rootless.slirp4netns_sandbox", "FALSE", "\"false\""},
        {"rootless.slirp4netns_seccomp", "on", "\"true\""},
        {"rootless.slirp4netns_seccomp", "Off", "\"false\""},
        {"api.tcp.enabled", "FALSE", "false"},
        {"api.tcp.enabled", "True", "true"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_settings struct settings by_file = {0}, by_set = {0};
        enum option_id id = option_id(option_find(rows[i].key));
        char *yaml cleanup_free = nested(rows[i].key, rows[i].text);
        char *set cleanup_free = str_format("%s=%s", rows[i].key, rows[i].text);
        load_good(&by_file, yaml, NULL, NULL);
        load_good(&by_set, NULL, NULL, LIST(set));
        assert_value(&by_file, id, rows[i].json);
        assert_value(&by_set, id, rows[i].json);
    }
    load_bad("cgroup: {nesting: on}", NULL, NULL,
        "config.yaml:1:19: cgroup.nesting: on is not one of the words it may be",
        "use auto, required or off");
}

static void a_misspelt_word_gets_the_nearest_one(void **state)
{
    (void)state;

    load_bad(NULL, NULL, LIST("mode=rootles"), "--set mode: rootles is not one of the words it may be",
        "did you mean rootless? use auto, rootful or rootless");
    load_bad(NULL, NULL, LIST("tls.key=ECDSA_P256"),
        "--set tls.key: ECDSA_P256 is not one of the words it may be", "did you mean ecdsa-p256?");
    load_bad(NULL, NULL, LIST("init=tini"), "--set init: tini is not one of the words it may be",
        "use auto, builtin");
}

static void text_may_be_any_scalar_as_it_is_written(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s,
        "{api: {unix: {group: 0o17}}, args: [--mtu, 1400, true, 1.50, ''], tls: {san: [1.2.3.4, no]}}", NULL,
        NULL);
    assert_value(&s, OPTION_API_UNIX_GROUP, "\"0o17\"");
    assert_value(&s, OPTION_ARGS, "[\"--mtu\", \"1400\", \"true\", \"1.50\", \"\"]");
    assert_value(&s, OPTION_TLS_SAN, "[\"1.2.3.4\", \"no\"]");
}

static void lists_in_the_environment_end_their_items_by_commas_or_white_space(void **state)
{
    static const char *const rows[][2] = {
        {"a,b", "[\"a\", \"b\"]"},
        {"a b", "[\"a\", \"b\"]"},
        {" a ,\n\tb,, c\r\n", "[\"a\", \"b\", \"c\"]"},
        {"", "[]"},
        {" , ", "[]"},
        {"'a", "[\"'a\"]"},
        {"DNS:a.example", "[\"DNS:a.example\"]"},
        {"true,1,~", "[\"true\", \"1\", \"~\"]"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_settings struct settings s = {0};
        char *variable cleanup_free = str_format("DIND_TLS_SAN=%s", rows[i][0]);
        load_good(&s, NULL, LIST(variable), NULL);
        assert_value(&s, OPTION_TLS_SAN, rows[i][1]);
    }
    load_bad(NULL, LIST("DIND_CAPABILITIES_KEEP=NET_RAW,NOPE"), NULL,
        "DIND_CAPABILITIES_KEEP: NOPE is not a capability", "write a list of capability names");
}

static void words_in_the_environment_have_a_shell_s_quoting(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, NULL, LIST("DIND_ARGS=--label 'a b'  --x=\"c d\"\\ e $HOME"), NULL);
    assert_value(&s, OPTION_ARGS, "[\"--label\", \"a b\", \"--x=c d e\", \"$HOME\"]");
    load_bad(NULL, LIST("DIND_ARGS=--label 'a b"), NULL, "DIND_ARGS: has a quote that is not closed",
        "close every quote, and end with no backslash");
    load_bad(NULL, NULL, LIST("rootless.flags=a\\"), "--set rootless.flags: has a quote that is not closed",
        "close every quote");
}

static void maps_in_the_environment_are_json(void **state)
{
    static const struct {
        const char *text, *what, *hint;
    } rows[] = {
        {"{", "is not JSON: string or '}' expected (line 1, column 1)", "write a JSON object"},
        {"{\"a\": 1,\n}", "is not JSON: string or '}' expected (line 2, column 1)", "write a JSON object"},
        {"log-driver: local", "is not JSON: invalid token (line 1, column 3)", "write a JSON object"},
        {"{\"a\": 1, \"a\": 2}", "is not JSON: duplicate object key (line 1, column 12)",
            "write a JSON object"},
        {"{\"a\": 1} x", "is not JSON: end of file expected (line 1, column 10)", "write a JSON object"},
        {"{\"a\": \"\\u0000\"}", "is not JSON: \\u0000 is not allowed (line 1, column 14)",
            "write a JSON object"},
        {"{\"a\": 9223372036854775808}", "is not JSON: too big integer (line 1, column 25)",
            "write a JSON object"},
        {"[]", "is a list, not a map", "write a map"},
        {"1", "1 is not a map", "write a map"},
        {"null", "is nothing, not a map", "write a map"},
        {"\"x\"", "x is text in quotes, not a map", "write a map"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *variable cleanup_free = str_format("DIND_DAEMON=%s", rows[i].text);
        char *what cleanup_free = str_format("DIND_DAEMON: %s", rows[i].what);
        load_bad(NULL, LIST(variable), NULL, what, rows[i].hint);
    }
    cleanup_settings struct settings s = {0};
    load_good(&s, NULL, NULL, LIST("daemon={\"mtu\": 1400, \"a\": {\"b\": [null, 1.5]}}"));
    assert_value(&s, OPTION_DAEMON, "{\"mtu\": 1400, \"a\": {\"b\": [null, 1.5]}}");
}

static void the_fields_of_an_extra_mount_are_checked_one_by_one(void **state)
{
    static const struct {
        const char *yaml, *what, *hint;
    } rows[] = {
        {"text", "1:18: mounts.extra: is text, not a list of maps", "write a list of maps"},
        {"{source: /a}", "1:18: mounts.extra: is a map, not a list of maps", "write a list of maps"},
        {"~", "1:18: mounts.extra: is nothing, not a list of maps", "write a list of maps"},
        {"[/a]", "1:19: mounts.extra[0]: is not a map", "write a list of maps"},
        {"[{}]", "1:19: mounts.extra[0]: has no target", "add target:"},
        {"[{source: /a}]", "1:19: mounts.extra[0]: has no target", "add target:"},
        {"[{target: /a, type: tmpfs}, {target: /b}]", "1:46: mounts.extra[1]: is a bind mount without source",
            "add source:"},
        {"[{source: a, target: /b}]", "1:28: mounts.extra[0].source: is not an absolute path",
            "use an absolute path"},
        {"[{source: '', target: /b}]", "1:28: mounts.extra[0].source: is empty", "use an absolute path"},
        {"[{source: /a, target: b}]", "1:40: mounts.extra[0].target: is not an absolute path",
            "use an absolute path"},
        {"[{source: /a, target: ''}]", "1:40: mounts.extra[0].target: is empty", "use an absolute path"},
        {"[{source: /a, target: /}]", "1:40: mounts.extra[0].target: is the root itself",
            "use a folder below /"},
        {"[{source: /a, target: //}]", "1:40: mounts.extra[0].target: is the root itself",
            "use a folder below /"},
        {"[{source: /a, target: /./}]", "1:40: mounts.extra[0].target: is the root itself",
            "use a folder below /"},
        {"[{source: /a, target: /..}]", "1:40: mounts.extra[0].target: is the root itself",
            "use a folder below /"},
        {"[{source: /a, target: [/b]}]", "1:40: mounts.extra[0].target: is not text", "use text"},
        {"[{source: /a, target: ~}]", "1:40: mounts.extra[0].target: is not text", "use text"},
        {"[{target: /a, type: Tmp FS}]", "1:38: mounts.extra[0].type: is not a filesystem type", "use bind"},
        {"[{target: /a, type: ''}]", "1:38: mounts.extra[0].type: is not a filesystem type", "use bind"},
        {"[{target: /a, type: tmpfs, options: {size: 1g}}]", "1:54: mounts.extra[0].options: is not text",
            "use text"},
        {"[{target: /a, type: tmpfs, options: \"a\\nb\"}]",
            "1:54: mounts.extra[0].options: contains control characters", "remove them"},
        {"[{source: /a, traget: /b}]", "1:32: mounts.extra[0].traget: is not known here",
            "did you mean target? use source, target, type and options"},
        {"[{source: /a, dst: /b}]", "1:32: mounts.extra[0].dst: is not known here", "use source, target"},
        {"[{target: /a, target: /b}]", "1:32: target: is there twice, first in line 1", "keep one"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *yaml cleanup_free = str_format("mounts: {extra:  %s}", rows[i].yaml);
        char *what cleanup_free = str_format("config.yaml:%s", rows[i].what);
        load_bad(yaml, NULL, NULL, what, rows[i].hint);
    }
}

static void extra_mounts_in_the_environment_name_entry_and_field(void **state)
{
    static const struct {
        const char *text, *what, *hint;
    } rows[] = {
        {"{}", "is a map, not a list of maps", "write a list of maps"},
        {"[1]", "[0]: is not a map", "write a list of maps"},
        {"[{\"target\": \"/a\", \"type\": \"tmpfs\"}, {\"target\": 5}]",
            "[1].target: is not an absolute path", "use an absolute path"},
        {"[{\"source\": \"/a\"}]", "[0]: has no target", "add target:"},
        {"[{\"targets\": \"/a\"}]", "[0].targets: is not known here", "did you mean target?"},
        {"[{\"target\": \"/a\", \"target\": \"/b\"}]",
            "is not JSON: duplicate object key (line 1, column 26)", "write a JSON list"},
        {"/a:/b", "is not JSON: invalid token (line 1, column 1)", "write a JSON list"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *variable cleanup_free = str_format("DIND_MOUNTS_EXTRA=%s", rows[i].text);
        char *what cleanup_free = str_format("DIND_MOUNTS_EXTRA: %s", rows[i].what);
        load_bad(NULL, LIST(variable), NULL, what, rows[i].hint);
    }
}

static void the_fields_of_a_client_are_checked_one_by_one(void **state)
{
    static const struct {
        const char *yaml, *what, *hint;
    } rows[] = {
        {"[{}]", "1:19: tls.clients[0]: has no name", "add name:"},
        {"[{owner: 0}]", "1:19: tls.clients[0]: has no name", "add name:"},
        {"[{name: ''}]", "1:26: tls.clients[0].name: is empty", "use at most 64 letters"},
        {"[{name: .a}]", "1:26: tls.clients[0].name: begins with a dot or a hyphen", "use at most 64"},
        {"[{name: -a}]", "1:26: tls.clients[0].name: begins with a dot or a hyphen", "use at most 64"},
        {"[{name: a/b}]", "1:26: tls.clients[0].name: has characters that a name of a client cannot have",
            "use at most 64"},
        {"[{name: b\xc3\xa9}]",
            "1:26: tls.clients[0].name: has characters that a name of a client cannot have",
            "use at most 64"},
        {"[{name: a123456789b123456789c123456789d123456789e123456789f1234567890123f}]",
            "1:26: tls.clients[0].name: is longer than 64 characters", "use at most 64"},
        {"[{name: a}, {name: b}, {name: a}]", "1:48: tls.clients[2].name: is the name of another client too",
            "keep one"},
        {"[{name: a, dir: b}]", "1:34: tls.clients[0].dir: is not an absolute path", "use an absolute path"},
        {"[{name: a, dir: /}]", "1:34: tls.clients[0].dir: is the root itself",
            "use an absolute path below /"},
        {"[{name: a, dir: /b/../c}]", "1:34: tls.clients[0].dir: has .. in it", "without .."},
        {"[{name: a, owner: ''}]", "1:36: tls.clients[0].owner: is empty", "use the name or the number"},
        {"[{name: a, owner: 'b:c'}]", "1:36: tls.clients[0].owner: is not the name or number of a user",
            "use the name or the number of a user"},
        {"[{name: a, group: -1}]", "1:36: tls.clients[0].group: is not the name or number of a group",
            "use the name or the number of a group"},
        {"[{name: a, mode: 0640}]", "1:35: tls.clients[0].mode: is not in quotes", "in quotes"},
        {"[{name: a, mode: '0888'}]", "1:35: tls.clients[0].mode: is not a file mode in octal", "octal"},
        {"[{name: a, mode: 'u=r'}]", "1:35: tls.clients[0].mode: is not a file mode in octal", "octal"},
        {"[{name: a, mode: '00640'}]", "1:35: tls.clients[0].mode: is not a file mode in octal", "octal"},
        {"[{name: a, mode: '0660'}]",
            "1:35: tls.clients[0].mode: lets others write to the key, or anybody execute it", "octal"},
        {"[{name: a, mode: '0646'}]",
            "1:35: tls.clients[0].mode: lets others write to the key, or anybody execute it", "octal"},
        {"[{name: a, mode: '0700'}]",
            "1:35: tls.clients[0].mode: lets others write to the key, or anybody execute it", "octal"},
        {"[{name: a, mode: '4600'}]",
            "1:35: tls.clients[0].mode: lets others write to the key, or anybody execute it", "octal"},
        {"[{name: a, mode: '0240'}]", "1:35: tls.clients[0].mode: keeps the owner from reading the key",
            "octal"},
        {"[{name: a, user: 1}]", "1:29: tls.clients[0].user: is not known here",
            "use name, dir, owner, group and mode"},
        {"[{name: a, nmae: b}]", "1:29: tls.clients[0].nmae: is not known here", "did you mean name?"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *yaml cleanup_free = str_format("tls: {clients:   %s}", rows[i].yaml);
        char *what cleanup_free = str_format("config.yaml:%s", rows[i].what);
        load_bad(yaml, NULL, NULL, what, rows[i].hint);
    }
}

static void clients_in_the_environment_name_entry_and_field(void **state)
{
    (void)state;

    load_bad(NULL, LIST("DIND_TLS_CLIENTS=[{\"name\": \"a\"}, {\"name\": \"b\", \"mode\": 420}]"), NULL,
        "DIND_TLS_CLIENTS: [1].mode: is not in quotes", "in quotes");
    load_bad(NULL, LIST("DIND_TLS_CLIENTS=ci"), NULL,
        "DIND_TLS_CLIENTS: is not JSON: invalid token (line 1, column 2)",
        "write a JSON list, for example [{\"name\": \"ci\"}]");
}

static void no_two_clients_share_a_folder(void **state)
{
    static const struct {
        const char *yaml, *what; /* NULL: good */
    } rows[] = {
        {"[{name: a}, {name: b}, {name: c, dir: /srv/c}, {name: d, dir: /srv/cd}]", NULL},
        {"[{name: client, dir: /srv/c}, {name: a, dir: /tls/client}]", NULL},
        {"[{name: a, dir: /srv/x}, {name: b, dir: /srv/x}]",
            "b has its folder, /srv/x, in or around that of a"},
        {"[{name: a, dir: /srv/x/}, {name: b, dir: /srv/./x//y}]",
            "b has its folder, /srv/x/y, in or around that of a"},
        {"[{name: a, dir: /srv/x/y}, {name: b, dir: /srv/x}]",
            "b has its folder, /srv/x, in or around that of a"},
        {"[{name: a}, {name: b, dir: /tls/clients/a}]",
            "b has its folder, /tls/clients/a, in or around that of a"},
        {"[{name: a, dir: /tls/client}]", "a has its folder, /tls/client, in or around that of client/"},
        {"[{name: a, dir: /tls/ca/x}]", "a has its folder, /tls/ca/x, in or around that of ca/"},
        {"[{name: a, dir: /tls}]", "a has its folder, /tls, in or around that of ca/"},
        {"[{name: client, dir: /tls/server}]",
            "client has its folder, /tls/server, in or around that of server/"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_settings struct settings s = {0};
        char *yaml cleanup_free = str_format("tls: {dir: /tls/, clients: %s}", rows[i].yaml);
        char *what cleanup_free = str_format("config.yaml:1:28: tls.clients: %s", rows[i].what);
        if (rows[i].what)
            load_bad(yaml, NULL, NULL, what, "give each client a folder");
        else
            load_good(&s, yaml, NULL, NULL);
    }
}

static void certificates_live_longer_than_they_are_renewed_before(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_bad("tls: {days: 90, renew_before: 90}", NULL, NULL,
        "config.yaml:1:31: tls.renew_before: 90 is not less than the life of a certificate, which would be "
        "renewed at every start",
        "use less than tls.days and tls.ca.days");
    load_bad("tls: {ca: {days: 30}}", LIST("DIND_TLS_RENEW_BEFORE=31"), NULL,
        "DIND_TLS_RENEW_BEFORE: 31 is not less than the life of a certificate, which would be renewed at "
        "every start",
        "tls.ca.days");
    load_good(&s, "tls: {days: 90, renew_before: 89}", NULL, NULL);
}

static void a_mount_without_source_shows_its_type(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s,
        "mounts: {extra: [{target: /a, type: tmpfs}, {target: /b, type: tmpfs, source: ''},"
        " {target: /c, type: nfs4, source: 'host:/x', options: 'ro,vers=4.2'}, {target: /..., source: /e, "
        "options: rro}]}",
        NULL, NULL);
    assert_value(&s, OPTION_MOUNTS_EXTRA,
        "[{\"source\": \"tmpfs\", \"target\": \"/a\", \"type\": \"tmpfs\", \"options\": \"\"},"
        " {\"source\": \"tmpfs\", \"target\": \"/b\", \"type\": \"tmpfs\", \"options\": \"\"},"
        " {\"source\": \"host:/x\", \"target\": \"/c\", \"type\": \"nfs4\", \"options\": \"ro,vers=4.2\"},"
        " {\"source\": \"/e\", \"target\": \"/...\", \"type\": \"bind\", \"options\": \"rro\"}]");
}

static void capabilities_may_be_written_in_any_case_with_or_without_cap(void **state)
{
    (void)state;

    for (unsigned number = 0; capability_name(number); number++) {
        const char *name = capability_name(number);
        char *lower cleanup_free = str_dup(name);
        for (char *c = lower; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 'a' - 'A' : *c);
        char *list cleanup_free =
            str_format("capabilities.keep=%s,%s,CAP_%s,cap_%s", name, lower, name, lower);
        char *json cleanup_free = str_format("[\"%s\", \"%s\", \"%s\", \"%s\"]", name, name, name, name);
        cleanup_settings struct settings s = {0};
        load_good(&s, NULL, NULL, LIST(list));
        assert_value(&s, OPTION_CAPABILITIES_KEEP, json);
    }
}

/* linux/capability.h; the numbers are the kernel's interface and never change. */
static void capability_names_stand_at_the_kernel_s_numbers(void **state)
{
    (void)state;

    assert_string_equal(capability_name(0), "CHOWN");
    assert_string_equal(capability_name(12), "NET_ADMIN");
    assert_string_equal(capability_name(21), "SYS_ADMIN");
    assert_string_equal(capability_name(30), "AUDIT_CONTROL");
    assert_string_equal(capability_name(37), "AUDIT_READ");
    assert_string_equal(capability_name(40), "CHECKPOINT_RESTORE");
    assert_null(capability_name(41));
    assert_null(capability_name(UINT32_MAX));
}

static void what_is_no_capability_is_refused(void **state)
{
    static const char *const names[] = {"CAP_", "CAPNET_RAW", "CAP_CAP_NET_RAW", "NET_RAWW", "ALL", "12"};
    (void)state;

    for (size_t i = 0; i < COUNT(names); i++) {
        char *set cleanup_free = str_format("capabilities.drop=%s", names[i]);
        char *what cleanup_free = str_format("--set capabilities.drop: %s is not a capability", names[i]);
        load_bad(NULL, NULL, LIST(set), what, "write a list of capability names, for example [NET_RAW]");
    }
    load_bad("capabilities: {keep: ['']}", NULL, NULL, "config.yaml:1:23: capabilities.keep: is empty",
        "write a list");
}

static void a_capability_cannot_be_kept_and_dropped(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_bad("capabilities:\n  keep: [SYS_TIME, net_raw]\n  drop: [CAP_NET_RAW]\n", NULL, NULL,
        "config.yaml:3:9: capabilities.drop: NET_RAW is in capabilities.keep too",
        "remove it from one of the two");
    load_bad("capabilities: {keep: [NET_RAW]}", LIST("DIND_CAPABILITIES_DROP=NET_RAW"), NULL,
        "DIND_CAPABILITIES_DROP: NET_RAW is in capabilities.keep too", "remove it from one of the two");
    load_bad("capabilities: {drop: [NET_RAW]}", NULL, LIST("capabilities.keep=NET_RAW"),
        "config.yaml:1:22: capabilities.drop: NET_RAW is in capabilities.keep too", "remove it");
    load_bad(NULL, NULL, LIST("capabilities.keep=MKNOD", "capabilities.drop=MKNOD"),
        "--set capabilities.drop: MKNOD is in capabilities.keep too", "remove it");
    load_good(&s, "capabilities: {keep: [NET_RAW], drop: [MKNOD, MKNOD]}", NULL, NULL);
}

static void a_port_driver_needs_its_network_driver(void **state)
{
    static const char *const nets[] = {
        "auto", "slirp4netns", "pasta", "vpnkit", "gvisor-tap-vsock", "lxc-user-nic"};
    static const struct {
        const char *port, *net; /* NULL: any */
    } drivers[] = {{"auto", NULL}, {"builtin", NULL}, {"slirp4netns", "slirp4netns"}, {"implicit", "pasta"},
        {"pesto", "pasta"}, {"gvisor-tap-vsock", "gvisor-tap-vsock"}};
    (void)state;

    for (size_t d = 0; d < COUNT(drivers); d++)
        for (size_t n = 0; n < COUNT(nets); n++) {
            char *yaml cleanup_free =
                str_format("rootless: {net: %s, port_driver: %s}", nets[n], drivers[d].port);
            bool good = n == 0 || !drivers[d].net || strcmp(drivers[d].net, nets[n]) == 0;
            if (good) {
                cleanup_settings struct settings s = {0};
                load_good(&s, yaml, NULL, NULL);
                continue;
            }
            char *what cleanup_free =
                str_format("config.yaml:1:%zu: rootless.port_driver: %s does not work with this rootless.net",
                    strlen("rootless: {net: , port_driver: ") + strlen(nets[n]) + 1, drivers[d].port);
            char *hint cleanup_free = str_format("use rootless.net: %s with it", drivers[d].net);
            load_bad(yaml, NULL, NULL, what, hint);
        }
    for (size_t i = 0; options[OPTION_ROOTLESS_NET].words[i]; i++)
        assert_string_equal(options[OPTION_ROOTLESS_NET].words[i], nets[i]);
    for (size_t i = 0; options[OPTION_ROOTLESS_PORT_DRIVER].words[i]; i++)
        assert_string_equal(options[OPTION_ROOTLESS_PORT_DRIVER].words[i], drivers[i].port);
}

static void an_ipv6_address_has_one_spelling(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s,
        "api: {tcp: {address: ['0:0:0:0:0:0:0:1', FD00::00A, 192.0.2.7]}, allow: ['fd00:0::/64', 'FD00::1']}",
        NULL, NULL);
    char *addresses cleanup_free = strings_join(&s.api.tcp_addresses, " ");
    char *sources cleanup_free = strings_join(&s.api.allow, " ");
    assert_string_equal(addresses, "::1 fd00::a 192.0.2.7");
    assert_string_equal(sources, "fd00:0::/64 FD00::1");
}

static void who_is_let_in_has_an_address_that_packets_have(void **state)
{
    static const char wrong[] = "is an IPv4 address in the form of IPv6: write its last four numbers alone";
    char *address cleanup_free = str_format("config.yaml:1:22: api.allow: \"::ffff:192.0.2.7\" %s", wrong);
    char *network cleanup_free =
        str_format("config.yaml:1:15: api.allow: \"::ffff:192.0.2.0/120\" %s", wrong);
    (void)state;

    load_bad("api: {allow: ['::1', '::ffff:192.0.2.7']}", NULL, NULL, address, "write a list");
    load_bad("api: {allow: ['::ffff:192.0.2.0/120']}", NULL, NULL, network, "write a list");
}

static void single_strings_are_checked_by_what_they_are(void **state)
{
    static const struct {
        const char *key, *text, *wrong; /* NULL: good */
    } rows[] = {
        {"tls.dir", "", NULL},
        {"tls.dir", "/", NULL},
        {"tls.dir", "/a b/\xc3\xa9", NULL},
        {"tls.dir", "certs", "certs is not an absolute path"},
        {"tls.dir", "/a\nb", "\"/a\\nb\" contains control characters"},
        {"tls.dir", "/a\x7f", "\"/a\\x7f\" contains control characters"},
        {"rootless.state_dir", "", "is empty"},
        {"api.unix.path", "/run/docker.sock", NULL},
        {"api.unix.path", "/run/", "/run/ is a folder, not the path of a socket"},
        {"api.unix.path", "run/d", "run/d is not an absolute path"},
        {"api.unix.group", "docker", NULL},
        {"api.unix.group", "0", NULL},
        {"api.unix.group", "dom\\users", NULL},
        {"api.unix.group", "a:b", "\"a:b\" is not the name or number of a group"},
        {"api.unix.group", "a,b", "\"a,b\" is not the name or number of a group"},
        {"api.unix.group", "a b", "\"a b\" is not the name or number of a group"},
        {"api.unix.group", "-1", "-1 is not the name or number of a group"},
        {"api.unix.group", "", "is empty"},
        {"api.tcp.address", "127.0.0.1", NULL},
        {"api.tcp.address", "::", NULL},
        {"api.tcp.address", "fe80::1", NULL},
        {"api.tcp.address", "::ffff:192.0.2.1", NULL},
        {"api.tcp.address", "[::1]", "\"[::1]\" is not an IP address"},
        {"api.tcp.address", "127.1", "127.1 is not an IP address"},
        {"api.tcp.address", "192.0.2.1:2376", "\"192.0.2.1:2376\" is not an IP address"},
        {"api.tcp.address", "localhost", "localhost is not an IP address"},
        {"api.unix.mode", "0666", NULL},
        {"api.unix.mode", "660", NULL},
        {"api.unix.mode", "1660", "1660 is not a file mode in octal"},
        {"api.unix.mode", "0o660", "0o660 is not a file mode in octal"},
        {"api.unix.mode", "rw", "rw is not a file mode in octal"},
        {"api.tcp.interface", "eth0.12", NULL},
        {"api.tcp.interface", "an-interface-0-x", "an-interface-0-x is not the name of an interface"},
        {"api.tcp.interface", "..", ".. is not the name of an interface"},
        {"api.tcp.interface", "a/b", "a/b is not the name of an interface"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *set cleanup_free = str_format("%s=%s", rows[i].key, rows[i].text);
        char *what cleanup_free = str_format("--set %s: %s", rows[i].key, rows[i].wrong ? rows[i].wrong : "");
        cleanup_settings struct settings s = {0};
        if (rows[i].wrong)
            load_bad(NULL, NULL, LIST(set), what, "use ");
        else
            load_good(&s, NULL, NULL, LIST(set));
    }
}

static char *path_of(size_t length)
{
    char *path = mem_alloc(length + 1);
    (void)memset(path, 'p', length);
    path[0] = '/';
    path[length] = '\0';
    return path;
}

static void paths_have_the_lengths_that_the_kernel_takes(void **state)
{
    static const struct {
        const char *key;
        size_t most;
        const char *wrong;
    } rows[] = {
        {"tls.dir", 4095, "is too long for a path"},
        {"rootless.state_dir", 4095, "is too long for a path"},
        {"api.unix.path", 107, "is too long for the path of a socket"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_settings struct settings s = {0};
        char *fits cleanup_free = path_of(rows[i].most), *over cleanup_free = path_of(rows[i].most + 1);
        char *good cleanup_free = str_format("%s=%s", rows[i].key, fits);
        char *bad cleanup_free = str_format("%s=%s", rows[i].key, over);
        char *what cleanup_free = str_format("--set %s: \"%.60s...\" %s", rows[i].key, over, rows[i].wrong);
        load_good(&s, NULL, NULL, LIST(good));
        load_bad(NULL, NULL, LIST(bad), what, "use an absolute path");
    }
    cleanup_settings struct settings s = {0};
    char *longest cleanup_free = str_format("api.unix.group=%0256d", 1);
    load_good(&s, NULL, NULL, LIST(longest));
    char *group cleanup_free = str_format("api.unix.group=%0257d", 1);
    char *what cleanup_free =
        str_format("--set api.unix.group: \"%060d...\" is not the name or number of a group", 0);
    load_bad(NULL, NULL, LIST(group), what, "use the name or the number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_have_the_types_of_the_core_schema),
        cmocka_unit_test(whole_numbers_are_read_in_each_base_to_the_limits_of_64_bits),
        cmocka_unit_test(a_collection_has_no_scalar_value),
        cmocka_unit_test(json_survives_the_way_through_nodes),
        cmocka_unit_test(daemon_settings_keep_the_type_that_yaml_gives_them),
        cmocka_unit_test(numbers_that_json_cannot_express_are_refused_where_they_stand),
        cmocka_unit_test(each_type_refuses_the_others_and_says_what_it_got),
        cmocka_unit_test(numbers_are_accepted_to_both_ends_of_their_range_and_refused_beyond),
        cmocka_unit_test(numbers_may_be_written_in_octal_and_hexadecimal),
        cmocka_unit_test(booleans_and_on_and_off_are_one_where_a_word_says_so),
        cmocka_unit_test(a_misspelt_word_gets_the_nearest_one),
        cmocka_unit_test(text_may_be_any_scalar_as_it_is_written),
        cmocka_unit_test(lists_in_the_environment_end_their_items_by_commas_or_white_space),
        cmocka_unit_test(words_in_the_environment_have_a_shell_s_quoting),
        cmocka_unit_test(maps_in_the_environment_are_json),
        cmocka_unit_test(the_fields_of_an_extra_mount_are_checked_one_by_one),
        cmocka_unit_test(extra_mounts_in_the_environment_name_entry_and_field),
        cmocka_unit_test(the_fields_of_a_client_are_checked_one_by_one),
        cmocka_unit_test(clients_in_the_environment_name_entry_and_field),
        cmocka_unit_test(no_two_clients_share_a_folder),
        cmocka_unit_test(certificates_live_longer_than_they_are_renewed_before),
        cmocka_unit_test(a_mount_without_source_shows_its_type),
        cmocka_unit_test(capabilities_may_be_written_in_any_case_with_or_without_cap),
        cmocka_unit_test(capability_names_stand_at_the_kernel_s_numbers),
        cmocka_unit_test(what_is_no_capability_is_refused),
        cmocka_unit_test(a_capability_cannot_be_kept_and_dropped),
        cmocka_unit_test(a_port_driver_needs_its_network_driver),
        cmocka_unit_test(an_ipv6_address_has_one_spelling),
        cmocka_unit_test(who_is_let_in_has_an_address_that_packets_have),
        cmocka_unit_test(single_strings_are_checked_by_what_they_are),
        cmocka_unit_test(paths_have_the_lengths_that_the_kernel_takes),
    };
    return cmocka_run_group_tests_name("config_values", tests, enter_folder, leave_folder);
}
