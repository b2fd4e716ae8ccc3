/* What is printed is what was read: YAML that loads again, JSON, the schema and the reference table. */
#include "config_harness.h"

/* Loads, prints, and loads what was printed: every value is the same, and printing it again too. */
static void assert_round_trip(const struct settings *s)
{
    cleanup_settings struct settings again = {0};
    cleanup_text struct text printed = {0};

    config_print(s, &printed);
    load_good(&again, text_get(&printed), NULL, NULL);
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        char *value cleanup_free = value_text(s, id);
        assert_value(&again, id, value);
    }
}

static void the_printed_settings_are_these(void **state)
{
    cleanup_settings struct settings s = {0};
    cleanup_text struct text printed = {0};
    (void)state;

    load_good(&s,
        "tls:\n"
        "  san: [a.example, 'b c']\n"
        "mounts: {extra: [{source: /a, target: /b}, {target: '/c d', type: tmpfs, options: "
        "'size=1g,mode=1777'}]}\n"
        "daemon: {log-opts: {max-size: 10m, empty: {}, none: []}, 'e f': ~, dns: [192.0.2.1, [x], {y: "
        "'no'}]}\n",
        LIST("DIND_MODE=rootful", "DOCKER_TLS_CERTDIR=/certs"), LIST("args=--mtu 1400"));
    config_print(&s, &printed);
    assert_string_equal(text_get(&printed),
        "version: 1 # default\n"
        "mode: rootful # environment variable DIND_MODE\n"
        "tls:\n"
        "  dir: /certs # environment variable DOCKER_TLS_CERTDIR, the image's own default\n"
        "  key: ecdsa-p256 # default\n"
        "  days: 825 # default\n"
        "  san: # config.yaml:2:8\n"
        "    - a.example\n"
        "    - \"b c\"\n"
        "  renew_before: auto # default\n"
        "  ca:\n"
        "    days: 3650 # default\n"
        "    keep_key: true # default\n"
        "  clients: [] # default\n"
        "api:\n"
        "  unix:\n"
        "    # path: not set\n"
        "    # group: not set\n"
        "    # mode: not set\n"
        "    more: [] # default\n"
        "  tcp:\n"
        "    enabled: true # default\n"
        "    address: # default\n"
        "      - \"0.0.0.0\"\n"
        "    port: auto # default\n"
        "    # interface: not set\n"
        "  plaintext: false # default\n"
        "  activation: false # default\n"
        "  allow: [] # default\n"
        "  allow_nested: false # default\n"
        "mounts:\n"
        "  securityfs: auto # default\n"
        "  tmp: none # default\n"
        "  propagation: shared # default\n"
        "  extra: # config.yaml:3:17\n"
        "    - {source: /a, target: /b, type: bind, options: \"\"}\n"
        "    - {source: tmpfs, target: \"/c d\", type: tmpfs, options: \"size=1g,mode=1777\"}\n"
        "cgroup:\n"
        "  nesting: auto # default\n"
        "  namespace: auto # default\n"
        "network:\n"
        "  iptables: auto # default\n"
        "  mtu: auto # default\n"
        "  pools: [] # default\n"
        "  # bip: not set\n"
        "  dns: [] # default\n"
        "  proxy:\n"
        "    # http: not set\n"
        "    # https: not set\n"
        "    # no: not set\n"
        "registry:\n"
        "  mirrors: [] # default\n"
        "  insecure: [] # default\n"
        "storage:\n"
        "  driver: auto # default\n"
        "  on_overlay: warn # default\n"
        "capabilities:\n"
        "  profile: default # default\n"
        "  keep: [] # default\n"
        "  drop: [] # default\n"
        "  force: false # default\n"
        "apparmor: \"off\" # default\n"
        "rootless:\n"
        "  user: rootless # default\n"
        "  # runtime_dir: not set\n"
        "  net: auto # default\n"
        "  mtu: auto # default\n"
        "  port_driver: auto # default\n"
        "  publish: auto # default\n"
        "  ipv6: false # default\n"
        "  disable_host_loopback: true # default\n"
        "  slirp4netns_sandbox: auto # default\n"
        "  slirp4netns_seccomp: auto # default\n"
        "  detach_netns: false # default\n"
        "  copy_up: # default\n"
        "    - /etc\n"
        "    - /run\n"
        "  propagation: rslave # default\n"
        "  # state_dir: not set\n"
        "  flags: [] # default\n"
        "daemon: # config.yaml:4:9\n"
        "  log-opts:\n"
        "    max-size: \"10m\"\n"
        "    empty: {}\n"
        "    none: []\n"
        "  \"e f\": null\n"
        "  dns:\n"
        "    - \"192.0.2.1\"\n"
        "    - [x]\n"
        "    - {\"y\": \"no\"}\n"
        "args: # argument --set\n"
        "  - \"--mtu\"\n"
        "  - \"1400\"\n"
        "init: auto # default\n"
        "ready:\n"
        "  # file: not set\n"
        "shutdown:\n"
        "  timeout: auto # default\n"
        "  wait_for_idle: auto # default\n"
        "  # when_file: not set\n"
        "log:\n"
        "  level: info # default\n"
        "  format: text # default\n");
    assert_round_trip(&s);
}

static void every_word_and_number_survives_printing(void **state)
{
    (void)state;

    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = &options[id];
        for (size_t w = 0; o->words && o->words[w]; w++) {
            cleanup_settings struct settings s = {0};
            char *set cleanup_free = str_format("%s=%s", o->key, o->words[w]);
            load_good(&s, NULL, NULL, LIST(set));
            assert_round_trip(&s);
        }
        const long long numbers[] = {o->min, o->max};
        for (size_t n = 0; o->type == OPTION_TYPE_INT && n < COUNT(numbers); n++) {
            cleanup_settings struct settings s = {0};
            char *set cleanup_free = str_format("%s=%lld", o->key, numbers[n]);
            load_good(&s, NULL, NULL, LIST(set));
            assert_round_trip(&s);
        }
    }
}

/* What has a meaning in some YAML or would break a line, a comment or a flow collection. */
static const char *const nasty[] = {"", " ", "a b", " lead", "trail ", "null", "~", "true", "No", "on", "y",
    "1", "0o17", "0x1f", "1.5", ".inf", "1e3", "12:30", "2001-01-01", "-", "- a", "--x", "?", "? a", ":",
    "a: b", "a:", "#", "a #b", "a#b", "{a}", "[a]", "a, b", "&a", "*a", "!a", "|", ">", "'", "\"", "'a'",
    "\"a\"", "%a", "@a", "`a", "\\", "\\n", "a\\", "a\nb", "\n", "a\n", "\t", "\r", "\x01", "\x1b[31m",
    "\x7f", "\xc2\x85", "\xc2\x80", "\xc2\xa0", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf",
    "\xef\xbf\xbe", "\xef\xbf\xbf", "\xef\xbf\xbd", "\xc3\xa9", "\xf0\x9f\x90\xb3", "\xf0\x9f\xbf\xbe", "---",
    "...", "--- a", "<<", "=", "$HOME", "a=b", "/a/b", "C:\\x"};

static void nasty_texts_survive_printing_as_words_keys_and_values(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, NULL, NULL, NULL);
    s.daemon = json_object();
    json_t *list = json_array(), *maps = json_array();
    for (size_t i = 0; i < COUNT(nasty); i++) {
        strings_add(&s.args, nasty[i]);
        json_t *map = json_object();
        assert_int_equal(json_object_set_new(map, nasty[i], json_string(nasty[i])), 0);
        assert_int_equal(json_array_append_new(maps, map), 0);
        assert_int_equal(json_array_append_new(list, json_string(nasty[i])), 0);
        assert_int_equal(json_object_set_new(s.daemon, nasty[i], json_string(nasty[i])), 0);
    }
    assert_int_equal(json_object_set_new(s.daemon, "list", list), 0);
    assert_int_equal(json_object_set_new(s.daemon, "maps", maps), 0);
    assert_round_trip(&s);
}

static void long_keys_and_texts_survive_printing(void **state)
{
    static const size_t lengths[] = {100, 999, 1000, 1001, 1023, 1024, 1025, 5000, 60000};
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, NULL, NULL, NULL);
    s.daemon = json_object();
    for (size_t i = 0; i < COUNT(lengths); i++) {
        char *text cleanup_free = mem_zero(lengths[i] + 1, 1);
        (void)memset(text, i % 2 ? 'x' : ' ', lengths[i]);
        /* As a key in block style, as a key in flow style, and with a map below it. */
        json_t *flow = json_array(), *map = json_object();
        assert_int_equal(json_array_append_new(flow, json_pack("{s:s}", text, text)), 0);
        assert_int_equal(json_object_set_new(map, text, flow), 0);
        assert_int_equal(json_object_set_new(s.daemon, text, map), 0);
    }
    assert_round_trip(&s);
}

static void numbers_and_constants_of_json_survive_printing(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, NULL,
        LIST("DIND_DAEMON={\"a\": 9223372036854775807, \"b\": -9223372036854775808, \"c\": 0.1, \"d\": "
             "1e300, \"e\": -1.0,"
             "\"f\": null, \"g\": true, \"h\": [false, null, 1, 1.5, \"1\"], \"i\": 5e-324, \"j\": {}, "
             "\"k\": [[]]}"),
        NULL);
    assert_round_trip(&s);
}

static void the_deepest_map_survives_printing(void **state)
{
    cleanup_settings struct settings s = {0}, t = {0};
    cleanup_text struct text maps = {0}, lists = {0};
    (void)state;

    text_add(&maps, "daemon: {");
    text_add(&lists, "daemon: {");
    for (int i = 2; i < CONFIG_MAX_DEPTH; i++) {
        text_add(&maps, "a: {");
        text_add(&lists, i == 2 ? "a: [" : "[");
    }
    for (int i = 2; i < CONFIG_MAX_DEPTH; i++) {
        text_add(&maps, "}");
        text_add(&lists, "]");
    }
    text_add(&maps, "}");
    text_add(&lists, "}");
    load_good(&s, text_get(&maps), NULL, NULL);
    load_good(&t, text_get(&lists), NULL, NULL);
    assert_round_trip(&s);
    assert_round_trip(&t);
}

static void a_file_name_cannot_break_out_of_its_line(void **state)
{
    static const char name[] = "a\nmode: rootless\x1b[31m\xe2\x80\xa8\xff.yaml";
    static const char shown[] = "a?mode: rootless?[31m??.yaml:1:7";
    cleanup_settings struct settings s = {0};
    cleanup_text struct text printed = {0}, json = {0};
    const struct config_input input = {.file = name};
    struct err e = {0};
    (void)state;

    put_bytes(name, "mode: rootful", 13);
    assert_int_equal(config_load(&s, &input, &e), 0);
    config_print(&s, &printed);
    assert_contains(text_get(&printed), shown);
    assert_round_trip(&s);
    config_print_json(&s, &json);
    json_t *parsed cleanup_json = parse_json(text_get(&json));
    assert_string_equal(json_string_value(json_object_get(json_object_get(parsed, "mode"), "origin")), shown);
    char *origin cleanup_free = settings_origin(&s, OPTION_MODE);
    assert_string_equal(origin, shown);

    put_bytes(name, "mode: x", 7);
    assert_int_equal(config_load(&s, &input, &e), -EINVAL);
    assert_true(str_starts(e.what, shown));
    put_bytes(name, "mode: *x", 8);
    assert_int_equal(config_load(&s, &input, &e), -EINVAL);
    assert_true(str_starts(e.what, shown));
}

static void as_json_every_option_has_value_and_origin(void **state)
{
    cleanup_settings struct settings s = {0};
    cleanup_text struct text printed = {0};
    (void)state;

    load_good(&s, "tls: {days: 5, san: [\"\xc3\xa9\"]}", LIST("DIND_DAEMON={\"r\": 0.1}"), NULL);
    config_print_json(&s, &printed);
    assert_true(str_ends(text_get(&printed), "}\n"));
    json_t *all cleanup_json = parse_json(text_get(&printed));
    assert_int_equal(json_object_size(all), OPTION_COUNT);
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const json_t *entry = json_object_get(all, options[id].key);
        json_t *value cleanup_json = option_value(&options[id], &s);
        char *origin cleanup_free = settings_origin(&s, id);
        assert_int_equal(json_object_size(entry), 2);
        assert_true(json_equal(json_object_get(entry, "value"), value));
        assert_string_equal(json_string_value(json_object_get(entry, "origin")), origin);
    }
}

/* The schema of one key: "properties" of each group on the way. */
static json_t *schema_of(json_t *schema, const char *key)
{
    cleanup_strings struct strings parts = {0};

    strings_split(&parts, key, ".");
    for (size_t i = 0; i < parts.count; i++) {
        assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
        assert_null(json_object_get(schema, "required"));
        schema = json_object_get(json_object_get(schema, "properties"), parts.items[i]);
        if (!schema)
            fail_msg("%s is not in the schema", key);
    }
    return schema;
}

static bool has_text(const json_t *array, const char *text)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (str_equal(json_string_value(json_array_get(array, i)), text))
            return true;
    return false;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

/* As much of JSON Schema as config_schema uses for one value. */
static bool allows(const json_t *schema, const json_t *value)
{
    const json_t *type = json_object_get(schema, "type"), *words = json_object_get(schema, "enum"),
                 *any = json_object_get(schema, "anyOf"), *items = json_object_get(schema, "items"),
                 *least = json_object_get(schema, "minimum"), *most = json_object_get(schema, "maximum");
    const char *name = type_name(value);
    bool found = false;

    assert_true(type || words || any);
    for (size_t i = 0; i < json_array_size(any); i++)
        found = found || allows(json_array_get(any, i), value);
    for (size_t i = 0; i < json_array_size(words); i++)
        found = found || json_equal(json_array_get(words, i), value);
    if (any || words)
        return found;
    /* An integer is a number as well. */
    if (!str_equal(json_string_value(type), name) && !has_text(type, name) &&
        !(json_is_integer(value) && has_text(type, "number")))
        return false;
    if ((least && json_integer_value(value) < json_integer_value(least)) ||
        (most && json_integer_value(value) > json_integer_value(most)))
        return false;
    for (size_t i = 0; items && i < json_array_size(value); i++)
        if (!allows(items, json_array_get(value, i)))
            return false;
    return true;
}

static void the_schema_describes_every_option_with_its_default(void **state)
{
    cleanup_settings struct settings s = {0};
    cleanup_text struct text printed = {0};
    (void)state;

    load_good(&s, NULL, NULL, NULL);
    config_schema(&printed);
    json_t *schema cleanup_json = parse_json(text_get(&printed));
    assert_string_equal(json_string_value(json_object_get(schema, "$schema")),
        "https://json-schema.org/draft/2020-12/schema");
    assert_string_equal(json_string_value(json_object_get(schema, "type")), "object");

    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const json_t *row = schema_of(schema, options[id].key), *fallback = json_object_get(row, "default");
        const char *description = json_string_value(json_object_get(row, "description"));
        json_t *value cleanup_json = option_value(&options[id], &s);
        char *name cleanup_free = option_environment(&options[id]);
        assert_true(str_starts(description, options[id].help));
        assert_contains(description, name);
        if (json_is_null(value)) {
            assert_null(fallback);
        } else {
            assert_true(json_equal(fallback, value));
            assert_true(allows(row, fallback));
        }
        /* null is never a value. */
        json_t *null = json_null();
        assert_false(allows(row, null));
    }
}

static size_t count_leaves(const json_t *schema)
{
    json_t *properties = json_object_get(schema, "properties"), *row;
    const char *key;
    size_t count = 0;

    json_object_foreach(properties, key, row)
    {
        /* Lists of maps are arrays: their fields are no options. */
        if (json_object_get(row, "properties"))
            count += count_leaves(row);
        else
            count++;
    }
    return count;
}

/* What the loader takes, the schema allows; what it refuses for its type or range, the schema refuses. */
static void schema_and_loader_agree(void **state)
{
    static const struct {
        const char *key, *json;
        bool good;
    } rows[] = {
        {"mode", "\"rootful\"", true},
        {"mode", "\"rootfull\"", false},
        {"mode", "true", false},
        {"tls.dir", "\"\"", true},
        {"tls.dir", "[]", false},
        {"tls.days", "825", true},
        {"tls.days", "826", false},
        {"tls.days", "0", false},
        {"tls.days", "\"5\"", false},
        {"tls.days", "\"auto\"", false},
        {"tls.san", "[\"a\", 1.5, 7, true]", true},
        {"tls.san", "[[\"a\"]]", false},
        {"tls.san", "[null]", false},
        {"tls.san", "\"a\"", false},
        {"api.unix.group", "1000", true},
        {"api.unix.group", "{}", false},
        {"api.tcp.enabled", "false", true},
        {"api.tcp.enabled", "\"false\"", false},
        {"api.tcp.enabled", "1", false},
        {"api.tcp.address", "\"::1\"", true},
        {"api.tcp.address", "[\"::1\"]", true},
        {"api.unix.more", "\"/run/e.sock\"", false},
        {"api.tcp.port", "\"auto\"", true},
        {"api.tcp.port", "0", true},
        {"api.tcp.port", "65535", true},
        {"api.tcp.port", "65536", false},
        {"api.tcp.port", "-1", false},
        {"mounts.securityfs", "\"on\"", true},
        {"mounts.securityfs", "true", true},
        {"mounts.securityfs", "false", true},
        {"mounts.securityfs", "1", false},
        {"cgroup.nesting", "false", true},
        {"cgroup.nesting", "true", false},
        {"mounts.tmp", "false", false},
        {"rootless.slirp4netns_sandbox", "true", true},
        {"rootless.slirp4netns_sandbox", "\"false\"", true},
        {"rootless.slirp4netns_sandbox", "\"yes\"", false},
        {"mounts.extra", "[]", true},
        {"mounts.extra", "[1]", false},
        {"mounts.extra", "{}", false},
        {"tls.renew_before", "\"auto\"", true},
        {"tls.renew_before", "0", true},
        {"tls.renew_before", "824", true},
        {"tls.renew_before", "825", false},
        {"tls.ca.days", "36501", false},
        {"tls.ca.keep_key", "\"yes\"", false},
        {"tls.clients", "[]", true},
        {"tls.clients", "[1]", false},
        {"tls.clients", "{}", false},
        {"daemon", "{}", true},
        {"daemon", "{\"a\": [null]}", true},
        {"daemon", "[]", false},
        {"args", "[]", true},
        {"args", "\"--x\"", false},
    };
    cleanup_text struct text printed = {0};
    (void)state;

    config_schema(&printed);
    json_t *schema cleanup_json = parse_json(text_get(&printed));
    assert_int_equal(count_leaves(schema), OPTION_COUNT);
    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_settings struct settings s = {0};
        struct err e = {0};
        json_t *value cleanup_json = parse_json(rows[i].json);
        char *yaml cleanup_free = nested(rows[i].key, rows[i].json);
        if (allows(schema_of(schema, rows[i].key), value) != rows[i].good)
            fail_msg("the schema is wrong about %s: %s", rows[i].key, rows[i].json);
        if ((load(&s, yaml, NULL, NULL, &e) == 0) != rows[i].good)
            fail_msg("the loader is wrong about %s: %s: %s", rows[i].key, rows[i].json, e.what);
    }
}

static void the_schema_of_a_mount_knows_its_fields(void **state)
{
    cleanup_text struct text printed = {0};
    (void)state;

    config_schema(&printed);
    json_t *schema cleanup_json = parse_json(text_get(&printed));
    const json_t *items = json_object_get(schema_of(schema, "mounts.extra"), "items");
    const json_t *fields = json_object_get(items, "properties");
    assert_true(json_is_false(json_object_get(items, "additionalProperties")));
    assert_int_equal(json_object_size(fields), 4);
    assert_non_null(json_object_get(fields, "source"));
    assert_non_null(json_object_get(fields, "target"));
    assert_non_null(json_object_get(fields, "type"));
    assert_non_null(json_object_get(fields, "options"));
    assert_int_equal(json_array_size(json_object_get(items, "required")), 1);
    assert_true(has_text(json_object_get(items, "required"), "target"));
}

static void the_schema_of_a_client_wants_a_name_and_a_mode_in_quotes(void **state)
{
    cleanup_text struct text printed = {0};
    (void)state;

    config_schema(&printed);
    json_t *schema cleanup_json = parse_json(text_get(&printed));
    const json_t *items = json_object_get(schema_of(schema, "tls.clients"), "items");
    const json_t *fields = json_object_get(items, "properties");
    json_t *number cleanup_json = json_integer(640), *text cleanup_json = json_string("0640");
    assert_true(json_is_false(json_object_get(items, "additionalProperties")));
    assert_int_equal(json_object_size(fields), 5);
    assert_int_equal(json_array_size(json_object_get(items, "required")), 1);
    assert_true(has_text(json_object_get(items, "required"), "name"));
    assert_true(allows(json_object_get(fields, "owner"), number));
    assert_true(allows(json_object_get(fields, "mode"), text));
    assert_false(allows(json_object_get(fields, "mode"), number));
}

static void a_group_may_be_empty_in_the_schema_as_in_the_file(void **state)
{
    cleanup_text struct text printed = {0};
    (void)state;

    config_schema(&printed);
    json_t *schema cleanup_json = parse_json(text_get(&printed));
    json_t *null = json_null();
    assert_true(allows(schema_of(schema, "tls"), null));
    assert_true(allows(schema_of(schema, "tls.ca"), null));
    assert_true(allows(schema_of(schema, "api.tcp"), null));
}

static void the_reference_has_one_row_of_five_cells_for_every_option(void **state)
{
    cleanup_text struct text printed = {0};
    cleanup_strings struct strings lines = {0};
    (void)state;

    config_reference(&printed);
    strings_split(&lines, text_get(&printed), "\n");
    assert_int_equal(lines.count, OPTION_COUNT + 2);
    for (size_t i = 0; i < lines.count; i++) {
        size_t pipes = 0;
        for (const char *c = lines.items[i]; *c; c++)
            pipes += *c == '|';
        assert_int_equal(pipes, 6);
    }
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const char *line = lines.items[id + 2], *alias = option_alias(&options[id]);
        char *start cleanup_free = str_format("| `%s` | ", options[id].key);
        char *name cleanup_free = option_environment(&options[id]);
        char *code cleanup_free = str_format("`%s`", name);
        assert_true(str_starts(line, start));
        assert_contains(line, code);
        assert_contains(line, options[id].help);
        if (alias)
            assert_contains(line, alias);
    }
    assert_contains(text_get(&printed), "| `tls.days` | 1 to 825 | `825` | `DIND_TLS_DAYS` | The life of");
    assert_contains(text_get(&printed),
        "| `tls.dir` | text | `/certs` | `DIND_TLS_DIR`<br>old: `DOCKER_TLS_CERTDIR` | The folder of");
    assert_contains(text_get(&printed), "| `tls.san` | list | `[]` |");
    assert_contains(text_get(&printed), "| `daemon` | map | `{}` |");
    assert_contains(text_get(&printed), "| `api.unix.group` | text | not set |");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_printed_settings_are_these),
        cmocka_unit_test(every_word_and_number_survives_printing),
        cmocka_unit_test(nasty_texts_survive_printing_as_words_keys_and_values),
        cmocka_unit_test(long_keys_and_texts_survive_printing),
        cmocka_unit_test(numbers_and_constants_of_json_survive_printing),
        cmocka_unit_test(the_deepest_map_survives_printing),
        cmocka_unit_test(a_file_name_cannot_break_out_of_its_line),
        cmocka_unit_test(as_json_every_option_has_value_and_origin),
        cmocka_unit_test(the_schema_describes_every_option_with_its_default),
        cmocka_unit_test(schema_and_loader_agree),
        cmocka_unit_test(the_schema_of_a_mount_knows_its_fields),
        cmocka_unit_test(the_schema_of_a_client_wants_a_name_and_a_mode_in_quotes),
        cmocka_unit_test(a_group_may_be_empty_in_the_schema_as_in_the_file),
        cmocka_unit_test(the_reference_has_one_row_of_five_cells_for_every_option),
    };
    return cmocka_run_group_tests_name("config_print", tests, enter_folder, leave_folder);
}
