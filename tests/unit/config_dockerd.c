/* dockerd's command line as pflag reads it, and its configuration file as dockerd checks it. */
#include "config_harness.h"

#include "config/dockerd_flags.h"

#define cleanup_flags cleanup(dockerd_flags_free)

static void parse(struct dockerd_flags *flags, const char *const *arguments)
{
    cleanup_strings struct strings list = {0};

    strings_add_array(&list, arguments);
    dockerd_flags_parse(flags, &list);
}

/* "host=a debug=true" */
static char *flags_text(const struct dockerd_flags *flags)
{
    cleanup_strings struct strings list = {0};

    for (size_t i = 0; i < flags->count; i++)
        strings_addf(&list, "%s=%s", flags->items[i].name, flags->items[i].value);
    return strings_join(&list, " ");
}

static void flags_are_read_as_dockerd_reads_them(void **state)
{
    static const struct {
        const char *arguments[8], *flags;
    } rows[] = {
        {{NULL}, ""},
        {{"--host=unix:///a"}, "host=unix:///a"},
        {{"--host", "unix:///a", "--debug"}, "host=unix:///a debug=true"},
        {{"--host="}, "host="},
        {{"--host=a=b"}, "host=a=b"},
        {{"--host", "--debug"}, "host=--debug"},
        {{"--host", "--", "--debug"}, "host=-- debug=true"},
        {{"--host"}, "host="},
        {{"--debug", "false"}, "debug=true"},
        {{"--debug=false"}, "debug=false"},
        {{"--debug="}, "debug="},
        {{"--tlsverify", "--tlscacert", "/ca"}, "tlsverify=true tlscacert=/ca"},
        {{"-H", "a"}, "host=a"},
        {{"-Ha"}, "host=a"},
        {{"-H=a"}, "host=a"},
        {{"-H=a=b"}, "host=a=b"},
        {{"-H="}, "host=="},
        {{"-H", "-D"}, "host=-D"},
        {{"-H"}, "host="},
        {{"-D"}, "debug=true"},
        {{"-D", "false"}, "debug=true"},
        {{"-D", "-H", "a"}, "debug=true host=a"},
        {{"--debug", "--host", "a"}, "debug=true host=a"},
        {{"-Ha", "-D"}, "host=a debug=true"},
        {{"-H=a", "-D"}, "host=a debug=true"},
        {{"-D=false", "-D"}, "debug=false debug=true"},
        {{"-D=false"}, "debug=false"},
        {{"-DH", "a", "-D"}, "debug=true host=a debug=true"},
        {{"-DHa"}, "debug=true host=a"},
        {{"-DH=a"}, "debug=true host=a"},
        {{"-Dl", "warn"}, "debug=true log-level=warn"},
        {{"-lDH"}, "log-level=DH"},
        {{"-G", "docker", "-g", "/d", "-p/x", "-s", "vfs", "-b=br0"},
            "group=docker graph=/d pidfile=/x storage-driver=vfs bridge=br0"},
        {{"-hv"}, "help=true version=true"},
        /* Letters that nobody knows: what follows is not looked at. */
        {{"-xH", "a"}, ""},
        {{"-DxH", "a"}, "debug=true"},
        {{"-x", "-D"}, "debug=true"},
        {{"-D=", "--debug"}, "debug=true debug=true"},
        /* The end, and what is no flag. */
        {{"--debug", "--", "--tls"}, "debug=true"},
        {{"-", "--debug"}, "debug=true"},
        {{"", "word", "--debug"}, "debug=true"},
        {{"---debug", "--=x", "--debug"}, "debug=true"},
        /* Flags of tomorrow. */
        {{"--brand-new", "--debug"}, "brand-new=true debug=true"},
        {{"--brand-new=x", "--debug"}, "brand-new=x debug=true"},
        {{"--brand-new", "x", "--debug"}, "brand-new=true debug=true"},
        /* pflag takes whole names only, in this case only. */
        {{"--deb", "--DEBUG"}, "deb=true DEBUG=true"},
        {{"--firewall-backend", "nftables", "--default-stop-timeout", "5", "--bip6", "fd00::1/64"},
            "firewall-backend=nftables default-stop-timeout=5 bip6=fd00::1/64"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_flags struct dockerd_flags flags = {0};
        /* The tables end with NULL, but for the ones that are full. */
        const char *arguments[COUNT(rows[i].arguments) + 1] = {NULL};
        (void)memcpy(arguments, rows[i].arguments, sizeof(rows[i].arguments));
        parse(&flags, arguments);
        char *text cleanup_free = flags_text(&flags);
        assert_string_equal(text, rows[i].flags);
    }
}

static void the_last_value_of_a_flag_counts(void **state)
{
    cleanup_flags struct dockerd_flags flags = {0};
    (void)state;

    parse(&flags, LIST("--data-root=/a", "--mtu", "1400", "--data-root", "/b"));
    assert_string_equal(dockerd_flags_get(&flags, "data-root"), "/b");
    assert_string_equal(dockerd_flags_get(&flags, "mtu"), "1400");
    assert_null(dockerd_flags_get(&flags, "debug"));
    assert_null(dockerd_flags_get(&flags, "data"));
}

static void any_flag_with_a_prefix_is_found(void **state)
{
    cleanup_flags struct dockerd_flags flags = {0};
    (void)state;

    parse(&flags, LIST("--tlscacert=/a", "--mtu=1"));
    assert_true(dockerd_flags_any(&flags, "tls"));
    assert_true(dockerd_flags_any(&flags, "mtu"));
    assert_false(dockerd_flags_any(&flags, "tlsverify"));
    assert_false(dockerd_flags_any(&flags, "host"));
}

static void ended_flags_are_empty_and_may_end_twice(void **state)
{
    struct dockerd_flags flags = {0};
    (void)state;

    parse(&flags, LIST("--debug"));
    assert_int_equal(flags.count, 1);
    dockerd_flags_free(&flags);
    assert_int_equal(flags.count, 0);
    assert_null(flags.items);
    dockerd_flags_free(&flags);
}

static void a_flag_has_the_key_of_its_plural_where_daemon_json_says_so(void **state)
{
    static const char *const rows[][2] = {
        {"host", "hosts"},
        {"label", "labels"},
        {"add-runtime", "runtimes"},
        {"insecure-registry", "insecure-registries"},
        {"registry-mirror", "registry-mirrors"},
        {"storage-opt", "storage-opts"},
        {"exec-opt", "exec-opts"},
        {"log-opt", "log-opts"},
        {"dns-opt", "dns-opts"},
        {"default-ulimit", "default-ulimits"},
        {"default-address-pool", "default-address-pools"},
        {"default-network-opt", "default-network-opts"},
        {"feature", "features"},
        {"cdi-spec-dir", "cdi-spec-dirs"},
        {"host-gateway-ip", "host-gateway-ips"},
        {"authorization-plugin", "authorization-plugins"},
        {"node-generic-resource", "node-generic-resources"},
        {"dns", "dns"},
        {"dns-search", "dns-search"},
        {"nri-opts", "nri-opts"},
        {"debug", "debug"},
        {"brand-new", "brand-new"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(dockerd_flag_key(rows[i][0]), rows[i][1]);
}

static void wanted_settings_go_over_the_file_key_by_key(void **state)
{
    static const struct {
        const char *base, *wanted, *merged; /* NULL: none */
    } rows[] = {
        {NULL, NULL, "{}"},
        {"{\"a\": 1}", NULL, "{\"a\": 1}"},
        {NULL, "{\"a\": 1}", "{\"a\": 1}"},
        {"{\"a\": 1, \"b\": 2}", "{\"b\": 3, \"c\": 4}", "{\"a\": 1, \"b\": 3, \"c\": 4}"},
        {"{\"log-opts\": {\"max-size\": \"1m\", \"tag\": \"x\"}}", "{\"log-opts\": {\"max-size\": \"2m\"}}",
            "{\"log-opts\": {\"max-size\": \"2m\", \"tag\": \"x\"}}"},
        {"{\"a\": {\"b\": {\"c\": 1, \"d\": 2}}}", "{\"a\": {\"b\": {\"c\": 3}}}",
            "{\"a\": {\"b\": {\"c\": 3, \"d\": 2}}}"},
        /* Lists are one value. */
        {"{\"dns\": [\"192.0.2.1\"]}", "{\"dns\": [\"192.0.2.2\"]}", "{\"dns\": [\"192.0.2.2\"]}"},
        {"{\"a\": {\"b\": 1}}", "{\"a\": 5}", "{\"a\": 5}"},
        {"{\"a\": 5}", "{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 1}}"},
        {"{\"a\": 5}", "{\"a\": null}", "{\"a\": null}"},
        {"{\"a\": {\"b\": 1}}", "{\"a\": {}}", "{\"a\": {\"b\": 1}}"},
        /* A file that is no object is somebody else's error. */
        {"[1]", "{\"a\": 1}", "{\"a\": 1}"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *base cleanup_json = rows[i].base ? parse_json(rows[i].base) : NULL;
        json_t *wanted cleanup_json = rows[i].wanted ? parse_json(rows[i].wanted) : NULL;
        json_t *expected cleanup_json = parse_json(rows[i].merged);
        json_t *merged cleanup_json = dockerd_config_merge(base, wanted);
        assert_true(json_equal(merged, expected));
    }
}

static void a_merged_configuration_shares_nothing_with_its_sources(void **state)
{
    json_t *base cleanup_json = parse_json("{\"a\": {\"x\": 1}}"),
                 *wanted cleanup_json = parse_json("{\"b\": {\"y\": 1}}");
    json_t *base_before cleanup_json = json_deep_copy(base),
                        *wanted_before cleanup_json = json_deep_copy(wanted);
    json_t *merged cleanup_json = dockerd_config_merge(base, wanted);
    (void)state;

    assert_int_equal(json_object_clear(json_object_get(merged, "a")), 0);
    assert_int_equal(json_object_clear(json_object_get(merged, "b")), 0);
    assert_true(json_equal(base, base_before));
    assert_true(json_equal(wanted, wanted_before));
}

static void a_setting_that_is_flag_and_key_is_found_as_dockerd_finds_it(void **state)
{
    static const struct {
        const char *config, *flag;
        const char *key; /* NULL: no conflict */
    } rows[] = {
        {"{\"hosts\": [\"unix:///a\"]}", "-Hunix:///a", "hosts"},
        {"{\"hosts\": []}", "--host=unix:///a", "hosts"},
        {"{\"hosts\": []}", "--debug", NULL},
        {"{\"debug\": false}", "-D", "debug"},
        {"{\"debug\": null}", "--debug=false", "debug"},
        {"{\"mtu\": 1400}", "--mtu=1400", "mtu"},
        {"{\"mtu\": 1400}", "--bip=192.0.2.1/24", NULL},
        {"{\"dns\": []}", "--dns=192.0.2.1", "dns"},
        {"{\"labels\": []}", "--label=a=b", "labels"},
        /* A named option has its plural only: "host" in the file is not what --host means. */
        {"{\"host\": \"unix:///a\"}", "--host=unix:///b", NULL},
        /* Objects that are one setting. */
        {"{\"log-opts\": {\"max-size\": \"1m\"}}", "--log-opt=tag=x", "log-opts"},
        {"{\"log-opts\": {\"mtu\": \"1\"}}", "--mtu=1400", NULL},
        {"{\"features\": {\"debug\": true}}", "--debug", NULL},
        {"{\"features\": {\"x\": true}}", "--feature=y", "features"},
        {"{\"builder\": {\"debug\": true}}", "--debug", NULL},
        {"{\"default-ulimits\": {\"mtu\": {}}}", "--mtu=1", NULL},
        {"{\"default-ulimits\": {}}", "--default-ulimit=nofile=1", "default-ulimits"},
        {"{\"default-network-opts\": {\"bridge\": {\"mtu\": \"1\"}}}", "--bridge=br0", NULL},
        {"{\"default-network-opts\": {\"bridge\": {\"mtu\": \"1\"}}}", "--default-network-opt=bridge=a=b",
            "default-network-opts"},
        {"{\"nri-opts\": {\"debug\": true}}", "--debug", NULL},
        {"{\"nri-opts\": {\"enable\": true}}", "--nri-opts=enable=true", "nri-opts"},
        {"{\"cluster-store-opts\": {\"debug\": \"x\"}}", "--debug", NULL},
        /* The keys in any other object count as if they stood at the top, and only one level deep. */
        {"{\"any\": {\"mtu\": 1400}}", "--mtu=1400", "mtu"},
        {"{\"any\": {\"debug\": {\"mtu\": 1400}}}", "--mtu=1400", NULL},
        {"{\"mtu\": {\"x\": 1}}", "--mtu=1400", NULL},
        {"{\"any\": [{\"mtu\": 1400}]}", "--mtu=1400", NULL},
        /* dockerd merges runtimes. */
        {"{\"runtimes\": {\"a\": {\"path\": \"/a\"}}}", "--add-runtime=b=/b", NULL},
        /* A key that became plural. */
        {"{\"host-gateway-ip\": \"192.0.2.1\"}", "--host-gateway-ip=192.0.2.2", "host-gateway-ip"},
        {"{\"host-gateway-ips\": [\"192.0.2.1\"]}", "--host-gateway-ip=192.0.2.2", "host-gateway-ips"},
        {"{\"host-gateway-ip\": \"192.0.2.1\"}", "--debug", NULL},
        /* Flags of tomorrow have the key of their name. */
        {"{\"brand-new\": 1}", "--brand-new=2", "brand-new"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_flags struct dockerd_flags flags = {0};
        json_t *config cleanup_json = parse_json(rows[i].config),
                       *before cleanup_json = json_deep_copy(config);
        struct err e = {0};
        parse(&flags, LIST(rows[i].flag));
        int r = dockerd_config_conflicts(config, &flags, "daemon.json", &e);
        assert_true(json_equal(config, before));
        if (!rows[i].key) {
            if (r != 0)
                fail_msg("%s with %s: %s", rows[i].config, rows[i].flag, e.what);
            continue;
        }
        char *what cleanup_free = str_format(
            "daemon.json: %s: is set there and by the flag --%s", rows[i].key, flags.items[0].name);
        char *hint cleanup_free =
            str_format("remove %s from the file, or --%s", rows[i].key, flags.items[0].name);
        assert_int_equal(r, -EEXIST);
        assert_int_equal(e.code, -EEXIST);
        assert_int_equal(e.status, EXIT_CONFIG);
        assert_string_equal(e.what, what);
        assert_contains(e.hint, hint);
    }
}

static void a_conflict_is_told_in_one_line_whatever_the_key_contains(void **state)
{
    cleanup_flags struct dockerd_flags flags = {0};
    json_t *config cleanup_json = parse_json("{\"a\\nb\": 1}");
    struct err e = {0};
    (void)state;

    parse(&flags, LIST("--a\nb=1"));
    assert_int_equal(dockerd_config_conflicts(config, &flags, "f", &e), -EEXIST);
    assert_string_equal(e.what, "f: \"a\\nb\": is set there and by the flag --\"a\\nb\"");
    assert_contains(e.hint, "remove \"a\\nb\" from the file, or --\"a\\nb\" from the flags");
}

static void the_old_and_the_new_name_of_a_key_exclude_each_other(void **state)
{
    cleanup_flags struct dockerd_flags flags = {0};
    json_t *config cleanup_json =
        parse_json("{\"host-gateway-ip\": \"192.0.2.1\", \"host-gateway-ips\": []}");
    struct err e = {0};
    (void)state;

    assert_int_equal(dockerd_config_conflicts(config, &flags, "/etc/docker/daemon.json", &e), -EEXIST);
    assert_string_equal(
        e.what, "/etc/docker/daemon.json: host-gateway-ip: is set beside host-gateway-ips, its newer name");
    assert_string_equal(e.hint, "remove host-gateway-ip");
    assert_int_equal(e.status, EXIT_CONFIG);
}

static void without_a_file_or_without_flags_nothing_conflicts(void **state)
{
    cleanup_flags struct dockerd_flags flags = {0}, none = {0};
    json_t *config cleanup_json = parse_json("{\"hosts\": []}"),
                   *list cleanup_json = parse_json("[\"hosts\"]");
    struct err e = {0};
    (void)state;

    parse(&flags, LIST("--host=a"));
    assert_int_equal(dockerd_config_conflicts(NULL, &flags, "x", &e), 0);
    assert_int_equal(dockerd_config_conflicts(list, &flags, "x", &e), 0);
    assert_int_equal(dockerd_config_conflicts(config, &none, "x", &e), 0);
    assert_int_equal(e.code, 0);
}

static void the_first_of_several_conflicting_flags_is_named(void **state)
{
    cleanup_flags struct dockerd_flags flags = {0};
    json_t *config cleanup_json = parse_json("{\"hosts\": [], \"mtu\": 1}");
    struct err e = {0};
    (void)state;

    parse(&flags, LIST("--debug", "--mtu=1", "--host=a"));
    assert_int_equal(dockerd_config_conflicts(config, &flags, "f", &e), -EEXIST);
    assert_string_equal(e.what, "f: mtu: is set there and by the flag --mtu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_are_read_as_dockerd_reads_them),
        cmocka_unit_test(the_last_value_of_a_flag_counts),
        cmocka_unit_test(any_flag_with_a_prefix_is_found),
        cmocka_unit_test(ended_flags_are_empty_and_may_end_twice),
        cmocka_unit_test(a_flag_has_the_key_of_its_plural_where_daemon_json_says_so),
        cmocka_unit_test(wanted_settings_go_over_the_file_key_by_key),
        cmocka_unit_test(a_merged_configuration_shares_nothing_with_its_sources),
        cmocka_unit_test(a_setting_that_is_flag_and_key_is_found_as_dockerd_finds_it),
        cmocka_unit_test(a_conflict_is_told_in_one_line_whatever_the_key_contains),
        cmocka_unit_test(the_old_and_the_new_name_of_a_key_exclude_each_other),
        cmocka_unit_test(without_a_file_or_without_flags_nothing_conflicts),
        cmocka_unit_test(the_first_of_several_conflicting_flags_is_named),
    };
    return cmocka_run_group_tests_name("config_dockerd", tests, NULL, NULL);
}
