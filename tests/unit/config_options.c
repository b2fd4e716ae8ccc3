/* The option table: its rows are complete, and each can be set in every way. */
#include "config_harness.h"

#include <ctype.h>

/* A value that is not the default, as the environment and --set take it, and as JSON, which is YAML too. A
 * new row of the option table needs one here. */
static const struct {
    const char *text, *json;
} samples[OPTION_COUNT] = {
    [OPTION_VERSION] = {"1", "1"},
    [OPTION_MODE] = {"rootless", "\"rootless\""},
    [OPTION_TLS_DIR] = {"/var/lib/tls", "\"/var/lib/tls\""},
    [OPTION_TLS_KEY] = {"rsa-3072", "\"rsa-3072\""},
    [OPTION_TLS_DAYS] = {"90", "90"},
    [OPTION_TLS_SAN] = {"DNS:a.example, IP:192.0.2.7", "[\"DNS:a.example\", \"IP:192.0.2.7\"]"},
    [OPTION_TLS_RENEW_BEFORE] = {"30", "30"},
    [OPTION_TLS_CA_DAYS] = {"400", "400"},
    [OPTION_TLS_CA_KEEP_KEY] = {"false", "false"},
    [OPTION_TLS_CLIENTS] = {"[{\"name\": \"ci\", \"owner\": 1000, \"mode\": \"640\"}]",
        "[{\"name\": \"ci\", \"owner\": \"1000\", \"mode\": \"0640\"}]"},
    [OPTION_API_UNIX_PATH] = {"/run/dind/docker.sock", "\"/run/dind/docker.sock\""},
    [OPTION_API_UNIX_GROUP] = {"docker", "\"docker\""},
    [OPTION_API_UNIX_MODE] = {"0600", "\"0600\""},
    [OPTION_API_UNIX_MORE] = {"/run/a.sock,/run/b.sock", "[\"/run/a.sock\",\"/run/b.sock\"]"},
    [OPTION_API_TCP_ENABLED] = {"false", "false"},
    [OPTION_API_TCP_ADDRESS] = {"::1 127.0.0.1", "[\"::1\",\"127.0.0.1\"]"},
    [OPTION_API_TCP_PORT] = {"12376", "12376"},
    [OPTION_API_TCP_INTERFACE] = {"eth0", "\"eth0\""},
    [OPTION_API_PLAINTEXT] = {"true", "true"},
    [OPTION_API_ACTIVATION] = {"true", "true"},
    [OPTION_API_ALLOW] = {"192.0.2.7 10.0.0.0/8 ci", "[\"192.0.2.7\",\"10.0.0.0/8\",\"ci\"]"},
    [OPTION_API_ALLOW_NESTED] = {"true", "true"},
    [OPTION_MOUNTS_SECURITYFS] = {"off", "\"off\""},
    [OPTION_MOUNTS_TMP] = {"tmpfs", "\"tmpfs\""},
    [OPTION_MOUNTS_PROPAGATION] = {"slave", "\"slave\""},
    [OPTION_MOUNTS_EXTRA] = {"[{\"source\": \"/a\", \"target\": \"/b\"}]",
        "[{\"source\": \"/a\", \"target\": \"/b\", \"type\": \"bind\", \"options\": \"\"}]"},
    [OPTION_CGROUP_NESTING] = {"required", "\"required\""},
    [OPTION_CGROUP_NAMESPACE] = {"host", "\"host\""},
    [OPTION_NETWORK_IPTABLES] = {"legacy", "\"legacy\""},
    [OPTION_NETWORK_MTU] = {"off", "\"off\""},
    [OPTION_NETWORK_POOLS] = {"10.210.0.0/16:24 fd00::/48", "[\"10.210.0.0/16:24\", \"fd00::/48\"]"},
    [OPTION_NETWORK_BIP] = {"10.210.0.1/24", "\"10.210.0.1/24\""},
    [OPTION_NETWORK_DNS] = {"192.0.2.53,2001:db8::53", "[\"192.0.2.53\", \"2001:db8::53\"]"},
    [OPTION_NETWORK_PROXY_HTTP] = {"http://u:p@proxy:3128", "\"http://u:p@proxy:3128\""},
    [OPTION_NETWORK_PROXY_HTTPS] = {"proxy:3128", "\"proxy:3128\""},
    [OPTION_NETWORK_PROXY_NO] = {"localhost,.example", "\"localhost,.example\""},
    [OPTION_REGISTRY_MIRRORS] = {"https://mirror.example", "[\"https://mirror.example\"]"},
    [OPTION_REGISTRY_INSECURE] = {"a.example:5000 10.0.0.0/8", "[\"a.example:5000\", \"10.0.0.0/8\"]"},
    [OPTION_STORAGE_DRIVER] = {"btrfs", "\"btrfs\""},
    [OPTION_STORAGE_ON_OVERLAY] = {"vfs", "\"vfs\""},
    [OPTION_CAPABILITIES_PROFILE] = {"strict", "\"strict\""},
    [OPTION_CAPABILITIES_KEEP] = {"SYS_TIME SYS_MODULE", "[\"SYS_TIME\", \"SYS_MODULE\"]"},
    [OPTION_CAPABILITIES_DROP] = {"NET_RAW,MKNOD", "[\"NET_RAW\", \"MKNOD\"]"},
    [OPTION_CAPABILITIES_FORCE] = {"true", "true"},
    [OPTION_APPARMOR] = {"on", "\"on\""},
    [OPTION_ROOTLESS_USER] = {"1234", "\"1234\""},
    [OPTION_ROOTLESS_RUNTIME_DIR] = {"/run/engine", "\"/run/engine\""},
    [OPTION_ROOTLESS_NET] = {"pasta", "\"pasta\""},
    [OPTION_ROOTLESS_MTU] = {"1400", "1400"},
    [OPTION_ROOTLESS_PORT_DRIVER] = {"builtin", "\"builtin\""},
    [OPTION_ROOTLESS_PUBLISH] = {"off", "\"off\""},
    [OPTION_ROOTLESS_IPV6] = {"true", "true"},
    [OPTION_ROOTLESS_DISABLE_HOST_LOOPBACK] = {"false", "false"},
    [OPTION_ROOTLESS_SLIRP4NETNS_SANDBOX] = {"false", "\"false\""},
    [OPTION_ROOTLESS_SLIRP4NETNS_SECCOMP] = {"true", "\"true\""},
    [OPTION_ROOTLESS_DETACH_NETNS] = {"true", "true"},
    [OPTION_ROOTLESS_COPY_UP] = {"/etc /run /opt", "[\"/etc\", \"/run\", \"/opt\"]"},
    [OPTION_ROOTLESS_PROPAGATION] = {"rprivate", "\"rprivate\""},
    [OPTION_ROOTLESS_STATE_DIR] = {"/run/state", "\"/run/state\""},
    [OPTION_ROOTLESS_FLAGS] = {"--debug '--foo=a b'", "[\"--debug\", \"--foo=a b\"]"},
    [OPTION_DAEMON] = {"{\"log-driver\": \"local\"}", "{\"log-driver\": \"local\"}"},
    [OPTION_ARGS] = {"--mtu 1400", "[\"--mtu\", \"1400\"]"},
    [OPTION_INIT] = {"docker-init", "\"docker-init\""},
    [OPTION_READY_FILE] = {"/run/ready", "\"/run/ready\""},
    [OPTION_SHUTDOWN_TIMEOUT] = {"2m", "120"},
    [OPTION_SHUTDOWN_WAIT_FOR_IDLE] = {"60", "60"},
    [OPTION_SHUTDOWN_WHEN_FILE] = {"/shared/done", "\"/shared/done\""},
    [OPTION_LOG_LEVEL] = {"debug", "\"debug\""},
    [OPTION_LOG_FORMAT] = {"json", "\"json\""},
};

/* What applies when nobody says anything: a promise to users. */
static const char *const defaults[OPTION_COUNT] = {
    [OPTION_VERSION] = "1",
    [OPTION_MODE] = "\"auto\"",
    [OPTION_TLS_DIR] = "\"/certs\"",
    [OPTION_TLS_KEY] = "\"ecdsa-p256\"",
    [OPTION_TLS_DAYS] = "825",
    [OPTION_TLS_SAN] = "[]",
    [OPTION_TLS_RENEW_BEFORE] = "\"auto\"",
    [OPTION_TLS_CA_DAYS] = "3650",
    [OPTION_TLS_CA_KEEP_KEY] = "true",
    [OPTION_TLS_CLIENTS] = "[]",
    [OPTION_API_UNIX_PATH] = "null",
    [OPTION_API_UNIX_GROUP] = "null",
    [OPTION_API_UNIX_MODE] = "null",
    [OPTION_API_UNIX_MORE] = "[]",
    [OPTION_API_TCP_ENABLED] = "true",
    [OPTION_API_TCP_ADDRESS] = "[\"0.0.0.0\"]",
    [OPTION_API_TCP_PORT] = "\"auto\"",
    [OPTION_API_TCP_INTERFACE] = "null",
    [OPTION_API_PLAINTEXT] = "false",
    [OPTION_API_ACTIVATION] = "false",
    [OPTION_API_ALLOW] = "[]",
    [OPTION_API_ALLOW_NESTED] = "false",
    [OPTION_MOUNTS_SECURITYFS] = "\"auto\"",
    [OPTION_MOUNTS_TMP] = "\"none\"",
    [OPTION_MOUNTS_PROPAGATION] = "\"shared\"",
    [OPTION_MOUNTS_EXTRA] = "[]",
    [OPTION_CGROUP_NESTING] = "\"auto\"",
    [OPTION_CGROUP_NAMESPACE] = "\"auto\"",
    [OPTION_NETWORK_IPTABLES] = "\"auto\"",
    [OPTION_NETWORK_MTU] = "\"auto\"",
    [OPTION_NETWORK_POOLS] = "[]",
    [OPTION_NETWORK_BIP] = "null",
    [OPTION_NETWORK_DNS] = "[]",
    [OPTION_NETWORK_PROXY_HTTP] = "null",
    [OPTION_NETWORK_PROXY_HTTPS] = "null",
    [OPTION_NETWORK_PROXY_NO] = "null",
    [OPTION_REGISTRY_MIRRORS] = "[]",
    [OPTION_REGISTRY_INSECURE] = "[]",
    [OPTION_STORAGE_DRIVER] = "\"auto\"",
    [OPTION_STORAGE_ON_OVERLAY] = "\"warn\"",
    [OPTION_CAPABILITIES_PROFILE] = "\"default\"",
    [OPTION_CAPABILITIES_KEEP] = "[]",
    [OPTION_CAPABILITIES_DROP] = "[]",
    [OPTION_CAPABILITIES_FORCE] = "false",
    [OPTION_APPARMOR] = "\"off\"",
    [OPTION_ROOTLESS_USER] = "\"rootless\"",
    [OPTION_ROOTLESS_RUNTIME_DIR] = "null",
    [OPTION_ROOTLESS_NET] = "\"auto\"",
    [OPTION_ROOTLESS_MTU] = "\"auto\"",
    [OPTION_ROOTLESS_PORT_DRIVER] = "\"auto\"",
    [OPTION_ROOTLESS_PUBLISH] = "\"auto\"",
    [OPTION_ROOTLESS_IPV6] = "false",
    [OPTION_ROOTLESS_DISABLE_HOST_LOOPBACK] = "true",
    [OPTION_ROOTLESS_SLIRP4NETNS_SANDBOX] = "\"auto\"",
    [OPTION_ROOTLESS_SLIRP4NETNS_SECCOMP] = "\"auto\"",
    [OPTION_ROOTLESS_DETACH_NETNS] = "false",
    [OPTION_ROOTLESS_COPY_UP] = "[\"/etc\",\"/run\"]",
    [OPTION_ROOTLESS_PROPAGATION] = "\"rslave\"",
    [OPTION_ROOTLESS_STATE_DIR] = "null",
    [OPTION_ROOTLESS_FLAGS] = "[]",
    [OPTION_DAEMON] = "{}",
    [OPTION_ARGS] = "[]",
    [OPTION_INIT] = "\"auto\"",
    [OPTION_READY_FILE] = "null",
    [OPTION_SHUTDOWN_TIMEOUT] = "\"auto\"",
    [OPTION_SHUTDOWN_WAIT_FOR_IDLE] = "\"auto\"",
    [OPTION_SHUTDOWN_WHEN_FILE] = "null",
    [OPTION_LOG_LEVEL] = "\"info\"",
    [OPTION_LOG_FORMAT] = "\"text\"",
};

static const struct {
    enum option_id id;
    const char *word;
    int value;
} enum_words[] = {
    {OPTION_MODE, "auto", MODE_AUTO},
    {OPTION_MODE, "rootful", MODE_ROOTFUL},
    {OPTION_MODE, "rootless", MODE_ROOTLESS},
    {OPTION_TLS_KEY, "ecdsa-p256", TLS_KEY_ECDSA_P256},
    {OPTION_TLS_KEY, "ecdsa-p384", TLS_KEY_ECDSA_P384},
    {OPTION_TLS_KEY, "ed25519", TLS_KEY_ED25519},
    {OPTION_TLS_KEY, "rsa-2048", TLS_KEY_RSA_2048},
    {OPTION_TLS_KEY, "rsa-3072", TLS_KEY_RSA_3072},
    {OPTION_TLS_KEY, "rsa-4096", TLS_KEY_RSA_4096},
    {OPTION_MOUNTS_SECURITYFS, "auto", TOGGLE_AUTO},
    {OPTION_MOUNTS_SECURITYFS, "on", TOGGLE_ON},
    {OPTION_MOUNTS_SECURITYFS, "off", TOGGLE_OFF},
    {OPTION_ROOTLESS_PUBLISH, "auto", TOGGLE_AUTO},
    {OPTION_ROOTLESS_PUBLISH, "on", TOGGLE_ON},
    {OPTION_ROOTLESS_PUBLISH, "off", TOGGLE_OFF},
    {OPTION_MOUNTS_TMP, "none", TMP_NONE},
    {OPTION_MOUNTS_TMP, "tmpfs", TMP_TMPFS},
    {OPTION_MOUNTS_PROPAGATION, "shared", PROPAGATION_SHARED},
    {OPTION_MOUNTS_PROPAGATION, "slave", PROPAGATION_SLAVE},
    {OPTION_MOUNTS_PROPAGATION, "private", PROPAGATION_PRIVATE},
    {OPTION_MOUNTS_PROPAGATION, "unchanged", PROPAGATION_UNCHANGED},
    {OPTION_CGROUP_NESTING, "auto", NESTING_AUTO},
    {OPTION_CGROUP_NESTING, "required", NESTING_REQUIRED},
    {OPTION_CGROUP_NESTING, "off", NESTING_OFF},
    {OPTION_CGROUP_NAMESPACE, "auto", CGROUP_NAMESPACE_AUTO},
    {OPTION_CGROUP_NAMESPACE, "host", CGROUP_NAMESPACE_HOST},
    {OPTION_APPARMOR, "off", APPARMOR_OFF},
    {OPTION_APPARMOR, "on", APPARMOR_ON},
    {OPTION_NETWORK_IPTABLES, "auto", IPTABLES_AUTO},
    {OPTION_NETWORK_IPTABLES, "nft", IPTABLES_NFT},
    {OPTION_NETWORK_IPTABLES, "legacy", IPTABLES_LEGACY},
    {OPTION_STORAGE_ON_OVERLAY, "warn", ON_OVERLAY_WARN},
    {OPTION_STORAGE_ON_OVERLAY, "fail", ON_OVERLAY_FAIL},
    {OPTION_STORAGE_ON_OVERLAY, "fuse", ON_OVERLAY_FUSE},
    {OPTION_STORAGE_ON_OVERLAY, "vfs", ON_OVERLAY_VFS},
    {OPTION_CAPABILITIES_PROFILE, "compat", PROFILE_COMPAT},
    {OPTION_CAPABILITIES_PROFILE, "default", PROFILE_DEFAULT},
    {OPTION_CAPABILITIES_PROFILE, "strict", PROFILE_STRICT},
    {OPTION_INIT, "auto", INIT_AUTO},
    {OPTION_INIT, "builtin", INIT_BUILTIN},
    {OPTION_INIT, "docker-init", INIT_DOCKER_INIT},
    {OPTION_INIT, "none", INIT_NONE},
    {OPTION_LOG_LEVEL, "debug", LOG_LEVEL_DEBUG},
    {OPTION_LOG_LEVEL, "info", LOG_LEVEL_INFO},
    {OPTION_LOG_LEVEL, "warn", LOG_LEVEL_WARN},
    {OPTION_LOG_LEVEL, "error", LOG_LEVEL_ERROR},
    {OPTION_LOG_FORMAT, "text", LOG_FORMAT_TEXT},
    {OPTION_LOG_FORMAT, "json", LOG_FORMAT_JSON},
};

static void every_row_has_a_key_and_words_for_people(void **state)
{
    (void)state;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        assert_non_null(o->key);
        assert_true(o->key[strspn(o->key, "abcdefghijklmnopqrstuvwxyz0123456789_.")] == '\0');
        assert_true(islower((unsigned char)*o->key));
        assert_int_equal(option_id(o), i);
        assert_ptr_equal(option_find(o->key), o);

        assert_non_null(o->help);
        assert_true(str_ends(o->help, ".") && isupper((unsigned char)*o->help));
        /* A pipe would end the cell of the Markdown table. */
        assert_null(strpbrk(o->help, "|\n\t"));
        assert_non_null(o->allow);
        assert_true(str_starts(o->allow, "use ") || str_starts(o->allow, "write "));

        bool has_words = o->type == OPTION_TYPE_ENUM || (o->type == OPTION_TYPE_STRING && !o->check);
        assert_true(has_words == (o->words != NULL));
        assert_true(o->type != OPTION_TYPE_INT || (o->min >= 1 && o->max >= o->min));
        assert_true(!o->automatic || o->type == OPTION_TYPE_INT);
    }
}

static void the_words_of_a_row_and_its_range_are_in_its_hint(void **state)
{
    (void)state;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        for (size_t w = 0; o->words && o->words[w]; w++)
            assert_contains(o->allow, o->words[w]);
        if (o->type != OPTION_TYPE_INT)
            continue;
        char *range cleanup_free =
            o->min == o->max ? str_format("%lld", o->min) : str_format("from %lld to %lld", o->min, o->max);
        assert_contains(o->allow, range);
        if (o->automatic)
            assert_contains(o->allow, "auto, or");
    }
}

static void keys_names_and_fields_are_unique(void **state)
{
    (void)state;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        for (size_t j = i + 1; j < OPTION_COUNT; j++) {
            char *one cleanup_free = option_environment(&options[i]);
            char *other cleanup_free = option_environment(&options[j]);
            assert_string_not_equal(options[i].key, options[j].key);
            assert_string_not_equal(one, other);
            assert_int_not_equal(options[i].offset, options[j].offset);
            /* A key that is also a group could never be written in YAML. */
            char *group cleanup_free = str_format("%s.", options[i].key);
            assert_false(str_starts(options[j].key, group));
        }
}

static void environment_names_are_the_key_in_capitals(void **state)
{
    char *dir cleanup_free = option_environment(&options[OPTION_TLS_DIR]);
    char *driver cleanup_free = option_environment(&options[OPTION_ROOTLESS_PORT_DRIVER]);
    (void)state;

    assert_string_equal(dir, "DIND_TLS_DIR");
    assert_string_equal(driver, "DIND_ROOTLESS_PORT_DRIVER");
}

/* Kubernetes sets DIND_PORT, DIND_SERVICE_HOST... for a Service named dind; the images set DIND_COMMIT. */
static void no_environment_name_is_one_that_others_set(void **state)
{
    static const char *const taken[] = {"PORT", "SERVICE", "COMMIT", "CONFIG"};
    (void)state;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char *name cleanup_free = option_environment(&options[i]);
        for (size_t t = 0; t < COUNT(taken); t++) {
            const char *rest = str_after(name + strlen("DIND_"), taken[t]);
            assert_false(rest && (*rest == '\0' || *rest == '_'));
        }
    }
}

static void only_whole_keys_are_found_and_only_whole_groups(void **state)
{
    (void)state;

    assert_null(option_find("tls"));
    assert_null(option_find("tls.di"));
    assert_null(option_find("tls.dirs"));
    assert_null(option_find(""));
    assert_true(option_is_group("tls"));
    assert_true(option_is_group("api"));
    assert_true(option_is_group("api.tcp"));
    assert_false(option_is_group("api.tcp.port"));
    assert_false(option_is_group("ap"));
    assert_false(option_is_group("mode"));
    assert_false(option_is_group(""));
}

static void assert_defaults_but(const struct settings *s, enum option_id but)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        if (id == but)
            continue;
        assert_value(s, id, defaults[id]);
        assert_origin(s, id, ORIGIN_DEFAULT, NULL);
        assert_false(settings_chosen(s, id));
    }
}

static void the_defaults_are_those_promised(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, NULL, NULL, NULL);
    assert_defaults_but(&s, OPTION_COUNT);
    assert_int_equal(s.warnings.count, 0);
    /* These three have no value at all until the mode is known. */
    assert_null(s.api.unix_path);
    assert_null(s.rootless.state_dir);
    assert_null(s.daemon);
    assert_int_equal(s.api.tcp_port, 0);
    assert_int_equal(s.rootless.mtu, 0);
}

static void assert_sample(
    const struct settings *s, enum option_id id, enum origin_kind kind, const char *name)
{
    assert_value(s, id, samples[id].json);
    assert_origin(s, id, kind, name);
    assert_true(settings_chosen(s, id));
    assert_defaults_but(s, id);
    assert_int_equal(s->warnings.count, 0);
}

static void every_row_has_a_sample_that_is_not_its_default(void **state)
{
    (void)state;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!samples[i].json || !defaults[i])
            fail_msg("%s has no sample or no default in this test", options[i].key);
        if (i != OPTION_VERSION)
            assert_string_not_equal(samples[i].json, defaults[i]);
    }
}

static void every_row_can_be_set_in_yaml_and_changes_its_own_field_only(void **state)
{
    (void)state;

    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        cleanup_settings struct settings s = {0};
        char *yaml cleanup_free = nested(options[id].key, samples[id].json);
        load_good(&s, yaml, NULL, NULL);
        assert_sample(&s, id, ORIGIN_FILE, "config.yaml");
        assert_int_equal(s.origin[id].line, 1);
        assert_int_equal(s.origin[id].column, strstr(yaml, samples[id].json) - yaml + 1);
    }
}

static void every_row_can_be_set_in_the_environment_and_changes_its_own_field_only(void **state)
{
    (void)state;

    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        cleanup_settings struct settings s = {0};
        char *name cleanup_free = option_environment(&options[id]);
        char *variable cleanup_free = str_format("%s=%s", name, samples[id].text);
        load_good(&s, NULL, LIST("PATH=/bin", variable), NULL);
        assert_sample(&s, id, ORIGIN_ENVIRONMENT, name);
        assert_int_equal(s.origin[id].line, 0);
    }
}

static void every_row_can_be_set_by_argument_and_changes_its_own_field_only(void **state)
{
    (void)state;

    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        cleanup_settings struct settings s = {0};
        char *set cleanup_free = str_format("%s=%s", options[id].key, samples[id].text);
        load_good(&s, NULL, NULL, LIST(set));
        assert_sample(&s, id, ORIGIN_ARGUMENT, "--set");
    }
}

static void every_word_of_an_enum_sets_the_constant_of_its_name(void **state)
{
    size_t seen[OPTION_COUNT] = {0};
    (void)state;

    for (size_t i = 0; i < COUNT(enum_words); i++) {
        cleanup_settings struct settings s = {0};
        const struct option *o = &options[enum_words[i].id];
        char *set cleanup_free = str_format("%s=%s", o->key, enum_words[i].word);
        load_good(&s, NULL, NULL, LIST(set));
        assert_int_equal(*(const int *)(const void *)((const char *)&s + o->offset), enum_words[i].value);
        seen[enum_words[i].id]++;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        size_t words = 0;
        while (options[i].type == OPTION_TYPE_ENUM && options[i].words[words])
            words++;
        if (seen[i] != words)
            fail_msg("this test knows %zu words of %s, which has %zu", seen[i], options[i].key, words);
    }
}

static const char whole_file[] = //
    "version: 1\n"
    "mode: rootless\n"
    "tls:\n"
    "  dir: /etc/tls\n"
    "  key: ed25519\n"
    "  days: 30\n"
    "  san: [DNS:a.example, 192.0.2.7]\n"
    "  renew_before: 7\n"
    "  ca:\n"
    "    days: 60\n"
    "    keep_key: false\n"
    "  clients:\n"
    "    - {name: ci, dir: /srv//ci/, owner: 1000, group: docker, mode: '640'}\n"
    "    - {name: client}\n"
    "api:\n"
    "  unix:\n"
    "    path: /run/d.sock\n"
    "    group: 1000\n"
    "    mode: 0600\n"
    "    more: [/run/e.sock]\n"
    "  tcp:\n"
    "    enabled: false\n"
    "    address: 127.0.0.1\n"
    "    port: 2222\n"
    "    interface: eth0\n"
    "  plaintext: true\n"
    "  activation: true\n"
    "  allow: [192.0.2.7]\n"
    "  allow_nested: true\n"
    "mounts:\n"
    "  securityfs: on\n"
    "  tmp: tmpfs\n"
    "  propagation: private\n"
    "  extra:\n"
    "    - {source: /data, target: /var/lib/docker}\n"
    "    - {target: /scratch, type: tmpfs, options: 'size=1g,mode=1777'}\n"
    "cgroup:\n"
    "  nesting: off\n"
    "network:\n"
    "  iptables: nft\n"
    "capabilities:\n"
    "  profile: compat\n"
    "  keep: [cap_sys_time]\n"
    "  drop: [Net_Raw]\n"
    "rootless:\n"
    "  net: slirp4netns\n"
    "  mtu: 65520\n"
    "  port_driver: slirp4netns\n"
    "  disable_host_loopback: false\n"
    "  slirp4netns_sandbox: true\n"
    "  slirp4netns_seccomp: false\n"
    "  detach_netns: true\n"
    "  state_dir: /run/rk\n"
    "  flags: [--debug]\n"
    "daemon:\n"
    "  log-driver: local\n"
    "args: [--mtu, 1400]\n"
    "init: none\n"
    "log:\n"
    "  level: error\n"
    "  format: json\n";

static void the_modes_and_tls_of_a_whole_file_arrive_in_their_fields(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, whole_file, NULL, NULL);
    assert_int_equal(s.version, 1);
    assert_int_equal(s.mode, MODE_ROOTLESS);
    assert_string_equal(s.tls.dir, "/etc/tls");
    assert_int_equal(s.tls.key, TLS_KEY_ED25519);
    assert_int_equal(s.tls.days, 30);
    assert_int_equal(s.tls.san.count, 2);
    assert_string_equal(s.tls.san.items[0], "DNS:a.example");
    assert_string_equal(s.tls.san.items[1], "192.0.2.7");
    assert_int_equal(s.tls.renew_before, 7);
    assert_int_equal(s.tls.ca.days, 60);
    assert_false(s.tls.ca.keep_key);
    assert_string_equal(s.api.unix_path, "/run/d.sock");
    assert_string_equal(s.api.unix_group, "1000");
    assert_false(s.api.tcp_enabled);
    assert_string_equal(s.api.unix_mode, "0600");
    assert_int_equal(s.api.unix_more.count, 1);
    assert_string_equal(s.api.unix_more.items[0], "/run/e.sock");
    assert_int_equal(s.api.tcp_addresses.count, 1);
    assert_string_equal(s.api.tcp_addresses.items[0], "127.0.0.1");
    assert_string_equal(s.api.tcp_interface, "eth0");
    assert_true(s.api.activation);
    assert_int_equal(s.api.allow.count, 1);
    assert_string_equal(s.api.allow.items[0], "192.0.2.7");
    assert_true(s.api.allow_nested);
    assert_int_equal(s.api.tcp_port, 2222);
    assert_true(s.api.plaintext);
    assert_int_equal(s.init, INIT_NONE);
    assert_int_equal(s.log.level, LOG_LEVEL_ERROR);
    assert_int_equal(s.log.format, LOG_FORMAT_JSON);
}

static void the_clients_of_a_whole_file_arrive_in_their_fields(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, whole_file, NULL, NULL);
    assert_int_equal(s.tls.client_count, 2);
    const struct tls_client *ci = &s.tls.clients[0], *client = &s.tls.clients[1];
    assert_string_equal(ci->name, "ci");
    assert_string_equal(ci->dir, "/srv//ci/");
    assert_string_equal(ci->owner, "1000");
    assert_string_equal(ci->group, "docker");
    assert_string_equal(ci->mode, "0640");
    assert_string_equal(client->name, "client");
    assert_null(client->dir);
    assert_null(client->owner);
    assert_null(client->group);
    assert_null(client->mode);
}

static void the_system_part_of_a_whole_file_arrives_in_its_fields(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, whole_file, NULL, NULL);
    assert_int_equal(s.mounts.securityfs, TOGGLE_ON);
    assert_int_equal(s.mounts.tmp, TMP_TMPFS);
    assert_int_equal(s.mounts.propagation, PROPAGATION_PRIVATE);
    assert_int_equal(s.mounts.extra_count, 2);
    assert_string_equal(s.mounts.extra[0].source, "/data");
    assert_string_equal(s.mounts.extra[0].target, "/var/lib/docker");
    assert_string_equal(s.mounts.extra[0].type, "bind");
    assert_string_equal(s.mounts.extra[0].options, "");
    assert_string_equal(s.mounts.extra[1].source, "tmpfs");
    assert_string_equal(s.mounts.extra[1].options, "size=1g,mode=1777");
    assert_int_equal(s.cgroup.nesting, NESTING_OFF);
    assert_int_equal(s.network.iptables, IPTABLES_NFT);
    assert_int_equal(s.capabilities.profile, PROFILE_COMPAT);
    assert_int_equal(s.capabilities.keep.count, 1);
    assert_string_equal(s.capabilities.keep.items[0], "SYS_TIME");
    assert_int_equal(s.capabilities.drop.count, 1);
    assert_string_equal(s.capabilities.drop.items[0], "NET_RAW");
}

static void the_engine_part_of_a_whole_file_arrives_in_its_fields(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, whole_file, NULL, NULL);
    assert_string_equal(s.rootless.net, "slirp4netns");
    assert_int_equal(s.rootless.mtu, 65520);
    assert_string_equal(s.rootless.port_driver, "slirp4netns");
    assert_false(s.rootless.disable_host_loopback);
    assert_string_equal(s.rootless.slirp4netns_sandbox, "true");
    assert_string_equal(s.rootless.slirp4netns_seccomp, "false");
    assert_true(s.rootless.detach_netns);
    assert_string_equal(s.rootless.state_dir, "/run/rk");
    assert_int_equal(s.rootless.flags.count, 1);
    assert_string_equal(s.rootless.flags.items[0], "--debug");
    assert_string_equal(json_string_value(json_object_get(s.daemon, "log-driver")), "local");
    assert_int_equal(s.args.count, 2);
    assert_string_equal(s.args.items[1], "1400");
}

static void every_row_can_be_set_to_its_printed_default(void **state)
{
    (void)state;

    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        cleanup_settings struct settings s = {0};
        if (strcmp(defaults[id], "null") == 0)
            continue;
        char *yaml cleanup_free = nested(options[id].key, defaults[id]);
        load_good(&s, yaml, NULL, NULL);
        assert_value(&s, id, defaults[id]);
        /* Chosen, though it changes nothing. */
        assert_true(settings_chosen(&s, id));
    }
}

static void the_values_of_a_row_are_described_without_pipes(void **state)
{
    static const struct {
        enum option_id id;
        const char *values;
    } rows[] = {
        {OPTION_VERSION, "1"},
        {OPTION_MODE, "`auto`, `rootful`, `rootless`"},
        {OPTION_TLS_DIR, "text"},
        {OPTION_TLS_DAYS, "1 to 825"},
        {OPTION_TLS_SAN, "list"},
        {OPTION_API_TCP_ENABLED, "`true`, `false`"},
        {OPTION_API_TCP_PORT, "`auto`, or 1 to 65535"},
        {OPTION_MOUNTS_EXTRA, "list of maps"},
        {OPTION_TLS_RENEW_BEFORE, "`auto`, or 1 to 824"},
        {OPTION_TLS_CLIENTS, "list of maps"},
        {OPTION_ROOTLESS_SLIRP4NETNS_SANDBOX, "`auto`, `true`, `false`"},
        {OPTION_DAEMON, "map"},
        {OPTION_ARGS, "list of words"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *values cleanup_free = option_values(&options[rows[i].id]);
        assert_string_equal(values, rows[i].values);
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char *values cleanup_free = option_values(&options[i]);
        assert_non_null(values);
        assert_null(strchr(values, '|'));
    }
}

static void a_map_value_is_a_copy_that_the_caller_may_change(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, "daemon: {debug: true}", NULL, NULL);
    json_t *value cleanup_json = option_value(&options[OPTION_DAEMON], &s);
    assert_int_equal(json_object_clear(value), 0);
    assert_value(&s, OPTION_DAEMON, "{\"debug\": true}");
}

static void settings_are_empty_after_their_end_and_may_end_twice(void **state)
{
    static const struct settings empty = {0};
    struct settings s = {0};
    (void)state;

    load_good(&s, whole_file, LIST("DIND_MODDE=x"), NULL);
    assert_int_equal(s.warnings.count, 1);
    settings_free(&s);
    assert_memory_equal(&s, &empty, sizeof(empty));
    settings_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_a_key_and_words_for_people),
        cmocka_unit_test(the_words_of_a_row_and_its_range_are_in_its_hint),
        cmocka_unit_test(keys_names_and_fields_are_unique),
        cmocka_unit_test(environment_names_are_the_key_in_capitals),
        cmocka_unit_test(no_environment_name_is_one_that_others_set),
        cmocka_unit_test(only_whole_keys_are_found_and_only_whole_groups),
        cmocka_unit_test(the_defaults_are_those_promised),
        cmocka_unit_test(every_row_has_a_sample_that_is_not_its_default),
        cmocka_unit_test(every_row_can_be_set_in_yaml_and_changes_its_own_field_only),
        cmocka_unit_test(every_row_can_be_set_in_the_environment_and_changes_its_own_field_only),
        cmocka_unit_test(every_row_can_be_set_by_argument_and_changes_its_own_field_only),
        cmocka_unit_test(every_word_of_an_enum_sets_the_constant_of_its_name),
        cmocka_unit_test(the_modes_and_tls_of_a_whole_file_arrive_in_their_fields),
        cmocka_unit_test(the_clients_of_a_whole_file_arrive_in_their_fields),
        cmocka_unit_test(the_system_part_of_a_whole_file_arrives_in_its_fields),
        cmocka_unit_test(the_engine_part_of_a_whole_file_arrives_in_its_fields),
        cmocka_unit_test(every_row_can_be_set_to_its_printed_default),
        cmocka_unit_test(the_values_of_a_row_are_described_without_pipes),
        cmocka_unit_test(a_map_value_is_a_copy_that_the_caller_may_change),
        cmocka_unit_test(settings_are_empty_after_their_end_and_may_end_twice),
    };
    return cmocka_run_group_tests_name("config_options", tests, enter_folder, leave_folder);
}
