/* Defaults < the image's own environment < YAML < environment < --set, the old names, and which file is read.
 */
#include "config_harness.h"

#include <unistd.h>

static void each_source_beats_the_ones_before_it(void **state)
{
    static const struct {
        const char *yaml, *variable, *set;
        int days;
        enum origin_kind kind;
        const char *name;
    } rows[] = {
        {NULL, NULL, NULL, 825, ORIGIN_DEFAULT, NULL},
        {"tls: {days: 10}", NULL, NULL, 10, ORIGIN_FILE, "config.yaml"},
        {"tls: {days: 10}", "DIND_TLS_DAYS=20", NULL, 20, ORIGIN_ENVIRONMENT, "DIND_TLS_DAYS"},
        {"tls: {days: 10}", "DIND_TLS_DAYS=20", "tls.days=30", 30, ORIGIN_ARGUMENT, "--set"},
        {"tls: {days: 10}", NULL, "tls.days=30", 30, ORIGIN_ARGUMENT, "--set"},
        {NULL, "DIND_TLS_DAYS=20", "tls.days=30", 30, ORIGIN_ARGUMENT, "--set"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_settings struct settings s = {0};
        load_good(&s, rows[i].yaml, LIST(rows[i].variable), LIST(rows[i].set));
        assert_int_equal(s.tls.days, rows[i].days);
        assert_origin(&s, OPTION_TLS_DAYS, rows[i].kind, rows[i].name);
        assert_int_equal(settings_chosen(&s, OPTION_TLS_DAYS), rows[i].kind != ORIGIN_DEFAULT);
    }
}

static void a_list_or_map_of_a_stronger_source_replaces_the_weaker_one(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s,
        "{tls: {san: [a, b]}, daemon: {debug: true, mtu: 1}, mounts: {extra: [{target: /t, type: tmpfs}]}}",
        LIST("DIND_TLS_SAN=c", "DIND_DAEMON={\"icc\": false}", "DIND_MOUNTS_EXTRA=[]"), NULL);
    assert_value(&s, OPTION_TLS_SAN, "[\"c\"]");
    assert_value(&s, OPTION_DAEMON, "{\"icc\": false}");
    assert_value(&s, OPTION_MOUNTS_EXTRA, "[]");
}

static void the_last_of_several_arguments_counts(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, NULL, NULL, LIST("tls.days=1", "mode=rootful", "tls.days=2"));
    assert_int_equal(s.tls.days, 2);
    assert_int_equal(s.mode, MODE_ROOTFUL);
}

static void an_argument_may_contain_more_equals_signs(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, NULL, NULL, LIST("args=--label=a=b"));
    assert_value(&s, OPTION_ARGS, "[\"--label=a=b\"]");
}

static void the_certificate_folder_goes_by_who_named_it(void **state)
{
    static const struct {
        const char *image, *yaml, *variable, *dir;
        enum origin_kind kind;
        const char *name;
        size_t warnings;
    } rows[] = {
        {NULL, NULL, NULL, "/certs", ORIGIN_DEFAULT, NULL, 0},
        /* What every official image sets counts as a default: YAML beats it. */
        {"/certs", NULL, NULL, "/certs", ORIGIN_IMAGE, "DOCKER_TLS_CERTDIR", 0},
        {"/certs", "/y", NULL, "/y", ORIGIN_FILE, "config.yaml", 0},
        {"/certs", "", NULL, "", ORIGIN_FILE, "config.yaml", 0},
        {"/certs", NULL, "/v", "/v", ORIGIN_ENVIRONMENT, "DIND_TLS_DIR", 0},
        {"/certs", NULL, "", "", ORIGIN_ENVIRONMENT, "DIND_TLS_DIR", 0},
        {"/certs", "/y", "/v", "/v", ORIGIN_ENVIRONMENT, "DIND_TLS_DIR", 0},
        /* Any other value was somebody's decision. */
        {"/own", NULL, NULL, "/own", ORIGIN_ENVIRONMENT, "DOCKER_TLS_CERTDIR", 0},
        {"/own", "/y", NULL, "/own", ORIGIN_ENVIRONMENT, "DOCKER_TLS_CERTDIR", 0},
        {"/certs/", "/y", NULL, "/certs/", ORIGIN_ENVIRONMENT, "DOCKER_TLS_CERTDIR", 0},
        {"/own", "/y", "/v", "/v", ORIGIN_ENVIRONMENT, "DIND_TLS_DIR", 1},
        {"/v", NULL, "/v", "/v", ORIGIN_ENVIRONMENT, "DIND_TLS_DIR", 0},
        /* Empty is not unset: TLS is off. */
        {"", NULL, NULL, "", ORIGIN_ENVIRONMENT, "DOCKER_TLS_CERTDIR", 0},
        {"", "/y", NULL, "", ORIGIN_ENVIRONMENT, "DOCKER_TLS_CERTDIR", 0},
        {"", "/y", "/v", "/v", ORIGIN_ENVIRONMENT, "DIND_TLS_DIR", 1},
        {"/own", NULL, "", "", ORIGIN_ENVIRONMENT, "DIND_TLS_DIR", 1},
        {NULL, "/y", NULL, "/y", ORIGIN_FILE, "config.yaml", 0},
        {NULL, "", NULL, "", ORIGIN_FILE, "config.yaml", 0},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_settings struct settings s = {0};
        char *image cleanup_free = str_format("DOCKER_TLS_CERTDIR=%s", rows[i].image ? rows[i].image : "");
        char *yaml cleanup_free = str_format("tls: {dir: '%s'}", rows[i].yaml ? rows[i].yaml : "");
        char *variable cleanup_free = str_format("DIND_TLS_DIR=%s", rows[i].variable ? rows[i].variable : "");
        load_good(&s, rows[i].yaml ? yaml : NULL,
            LIST(rows[i].image ? image : "A=1", rows[i].variable ? variable : NULL), NULL);
        assert_string_equal(s.tls.dir, rows[i].dir);
        assert_origin(&s, OPTION_TLS_DIR, rows[i].kind, rows[i].name);
        assert_int_equal(settings_chosen(&s, OPTION_TLS_DIR),
            rows[i].kind != ORIGIN_DEFAULT && rows[i].kind != ORIGIN_IMAGE);
        assert_int_equal(s.warnings.count, rows[i].warnings);
    }
}

#define RK "DOCKERD_ROOTLESS_ROOTLESSKIT_"

/* `json` NULL: the variable counts as unset. */
static const struct {
    const char *variable, *value;
    enum option_id id;
    const char *json;
} aliases[] = {
    {"DOCKER_TLS_CERTDIR", "/own", OPTION_TLS_DIR, "\"/own\""},
    {"DOCKER_TLS_CERTDIR", "", OPTION_TLS_DIR, "\"\""},
    {"DOCKER_TLS_SAN", "DNS:a,IP:192.0.2.1", OPTION_TLS_SAN, "[\"DNS:a\", \"IP:192.0.2.1\"]"},
    {"DOCKER_TLS_SAN", "", OPTION_TLS_SAN, "[]"},
    {"DOCKER_HOST", "unix:///run/user/1000/d.sock", OPTION_API_UNIX_PATH, "\"/run/user/1000/d.sock\""},
    {"DOCKER_HOST", "tcp://docker:2376", OPTION_API_UNIX_PATH, NULL},
    {"DOCKER_HOST", "unix://", OPTION_API_UNIX_PATH, NULL},
    {"DOCKER_HOST", "", OPTION_API_UNIX_PATH, NULL},
    {"DOCKER_GROUP_GID", "123", OPTION_API_UNIX_GROUP, "\"123\""},
    {"DOCKER_GROUP_GID", "", OPTION_API_UNIX_GROUP, NULL},
    {"DOCKER_IPTABLES_LEGACY", "1", OPTION_NETWORK_IPTABLES, "\"legacy\""},
    {"DOCKER_IPTABLES_LEGACY", "0", OPTION_NETWORK_IPTABLES, "\"legacy\""},
    {"DOCKER_IPTABLES_LEGACY", "", OPTION_NETWORK_IPTABLES, "\"nft\""},
    {"DOCKER_DEFAULT_ADDRESS_POOL_BASE", "10.210.0.0/16", OPTION_NETWORK_POOLS, "[\"10.210.0.0/16\"]"},
    {"DOCKER_DEFAULT_ADDRESS_POOL_BASE", "", OPTION_NETWORK_POOLS, NULL},
    {"DOCKER_REGISTRY_MIRROR", "https://m.example", OPTION_REGISTRY_MIRRORS, "[\"https://m.example\"]"},
    {"DOCKER_REGISTRY_MIRROR", "", OPTION_REGISTRY_MIRRORS, NULL},
    {"DOCKER_INSECURE_REGISTRY", "http://r.example:5000", OPTION_REGISTRY_INSECURE, "[\"r.example:5000\"]"},
    {"DOCKER_INSECURE_REGISTRY", "", OPTION_REGISTRY_INSECURE, NULL},
    {"DOCKER_DRIVER", "overlay2", OPTION_STORAGE_DRIVER, "\"overlay2\""},
    {"DOCKER_DRIVER", "", OPTION_STORAGE_DRIVER, NULL},
    {RK "NET", "vpnkit", OPTION_ROOTLESS_NET, "\"vpnkit\""},
    {RK "NET", "", OPTION_ROOTLESS_NET, NULL},
    {RK "MTU", "1400", OPTION_ROOTLESS_MTU, "1400"},
    {RK "MTU", "", OPTION_ROOTLESS_MTU, NULL},
    {RK "PORT_DRIVER", "slirp4netns", OPTION_ROOTLESS_PORT_DRIVER, "\"slirp4netns\""},
    {RK "PORT_DRIVER", "", OPTION_ROOTLESS_PORT_DRIVER, NULL},
    {RK "DISABLE_HOST_LOOPBACK", "false", OPTION_ROOTLESS_DISABLE_HOST_LOOPBACK, "false"},
    {RK "DISABLE_HOST_LOOPBACK", "true", OPTION_ROOTLESS_DISABLE_HOST_LOOPBACK, "true"},
    {RK "DISABLE_HOST_LOOPBACK", "no", OPTION_ROOTLESS_DISABLE_HOST_LOOPBACK, "true"},
    {RK "DISABLE_HOST_LOOPBACK", "", OPTION_ROOTLESS_DISABLE_HOST_LOOPBACK, NULL},
    {RK "SLIRP4NETNS_SANDBOX", "false", OPTION_ROOTLESS_SLIRP4NETNS_SANDBOX, "\"false\""},
    {RK "SLIRP4NETNS_SANDBOX", "", OPTION_ROOTLESS_SLIRP4NETNS_SANDBOX, NULL},
    {RK "SLIRP4NETNS_SECCOMP", "true", OPTION_ROOTLESS_SLIRP4NETNS_SECCOMP, "\"true\""},
    {RK "SLIRP4NETNS_SECCOMP", "", OPTION_ROOTLESS_SLIRP4NETNS_SECCOMP, NULL},
    {RK "DETACH_NETNS", "1", OPTION_ROOTLESS_DETACH_NETNS, "true"},
    {RK "DETACH_NETNS", "true", OPTION_ROOTLESS_DETACH_NETNS, "true"},
    {RK "DETACH_NETNS", "0", OPTION_ROOTLESS_DETACH_NETNS, "false"},
    {RK "DETACH_NETNS", "false", OPTION_ROOTLESS_DETACH_NETNS, "false"},
    {RK "DETACH_NETNS", "", OPTION_ROOTLESS_DETACH_NETNS, NULL},
    {RK "STATE_DIR", "/run/rk", OPTION_ROOTLESS_STATE_DIR, "\"/run/rk\""},
    {RK "STATE_DIR", "", OPTION_ROOTLESS_STATE_DIR, NULL},
    /* An unquoted expansion in the old script: split, but no quotes removed. */
    {RK "FLAGS", " --debug  '--a b' ", OPTION_ROOTLESS_FLAGS, "[\"--debug\", \"'--a\", \"b'\"]"},
    {RK "FLAGS", "", OPTION_ROOTLESS_FLAGS, NULL},
    {RK "FLAGS", "  ", OPTION_ROOTLESS_FLAGS, NULL},
};

static void old_names_mean_what_they_meant_to_the_shell_scripts(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(aliases); i++) {
        cleanup_settings struct settings s = {0}, untouched = {0};
        char *variable cleanup_free = str_format("%s=%s", aliases[i].variable, aliases[i].value);
        load_good(&untouched, NULL, NULL, NULL);
        load_good(&s, NULL, LIST(variable), NULL);
        char *unset cleanup_free = value_text(&untouched, aliases[i].id);
        assert_value(&s, aliases[i].id, aliases[i].json ? aliases[i].json : unset);
        assert_origin(&s, aliases[i].id, aliases[i].json ? ORIGIN_ENVIRONMENT : ORIGIN_DEFAULT,
            aliases[i].json ? aliases[i].variable : NULL);
        assert_int_equal(s.warnings.count, 0);
    }
}

static void every_old_name_is_in_the_table_above_set_and_empty(void **state)
{
    (void)state;

    for (size_t o = 0; o < OPTION_COUNT; o++) {
        const char *alias = option_alias(&options[o]);
        bool set = false, empty = false;
        for (size_t i = 0; alias && i < COUNT(aliases); i++) {
            bool mine = strcmp(aliases[i].variable, alias) == 0;
            assert_true(!mine || aliases[i].id == o);
            set = set || (mine && *aliases[i].value);
            empty = empty || (mine && !*aliases[i].value);
        }
        if (alias && !(set && empty))
            fail_msg("%s is not tested with a value and empty", alias);
    }
}

/* The first row of `aliases` for this variable. */
static size_t find_alias(const char *variable)
{
    size_t i = 0;
    while (strcmp(aliases[i].variable, variable) != 0)
        i++;
    return i;
}

/* A good value of that option, in the environment's form, which is not what aliases[i] gives. */
static const char *another(enum option_id id, size_t i)
{
    static const struct {
        enum option_id id;
        const char *value;
    } checked[] = {
        {OPTION_NETWORK_POOLS, "10.211.0.0/16"},
        {OPTION_REGISTRY_MIRRORS, "https://other.example"},
        {OPTION_REGISTRY_INSECURE, "other.example"},
        {OPTION_STORAGE_DRIVER, "vfs"},
    };

    switch (options[id].type) {
    case OPTION_TYPE_BOOL:
        return strcmp(aliases[i].json, "true") == 0 ? "false" : "true";
    case OPTION_TYPE_INT:
        return "1500";
    case OPTION_TYPE_ENUM:
    case OPTION_TYPE_STRING:
    case OPTION_TYPE_LIST:
    case OPTION_TYPE_WORDS:
    case OPTION_TYPE_MAP:
    case OPTION_TYPE_RECORDS:
        break;
    }
    for (size_t o = 0; o < COUNT(checked); o++)
        if (checked[o].id == id)
            return checked[o].value;
    return options[id].words ? options[id].words[0] : "/other";
}

static void an_old_name_beats_the_file_and_the_new_name_beats_it_with_a_warning(void **state)
{
    (void)state;

    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const char *alias = option_alias(&options[id]);
        if (!alias)
            continue;
        cleanup_settings struct settings by_file = {0}, by_alias = {0}, by_name = {0};
        size_t i = find_alias(alias);
        char *name cleanup_free = option_environment(&options[id]);
        char *old cleanup_free = str_format("%s=%s", alias, aliases[i].value);
        char *new cleanup_free = str_format("%s=%s", name, another(id, i));
        char *warning cleanup_free =
            str_format("%s and %s differ: %s counts, remove %s", name, alias, name, alias);

        load_good(&by_name, NULL, LIST(new, old), NULL);
        assert_origin(&by_name, id, ORIGIN_ENVIRONMENT, name);
        assert_int_equal(by_name.warnings.count, 1);
        assert_string_equal(by_name.warnings.items[0], warning);

        char *json cleanup_free = value_text(&by_name, id);
        char *yaml cleanup_free = nested(options[id].key, json);
        load_good(&by_file, yaml, NULL, NULL);
        assert_value(&by_file, id, json);
        load_good(&by_alias, yaml, LIST(old), NULL);
        assert_value(&by_alias, id, aliases[i].json);
        assert_origin(&by_alias, id, ORIGIN_ENVIRONMENT, alias);
        assert_int_equal(by_alias.warnings.count, 0);
    }
}

static void the_size_of_a_pool_has_an_old_name_of_its_own(void **state)
{
    cleanup_settings struct settings s = {0}, alone = {0};
    (void)state;

    load_good(&s, NULL,
        LIST("DOCKER_DEFAULT_ADDRESS_POOL_SIZE=25", "DOCKER_DEFAULT_ADDRESS_POOL_BASE=10.0.0.0/16"), NULL);
    assert_value(&s, OPTION_NETWORK_POOLS, "[\"10.0.0.0/16:25\"]");
    load_good(&alone, NULL, LIST("DOCKER_DEFAULT_ADDRESS_POOL_SIZE=25"), NULL);
    assert_value(&alone, OPTION_NETWORK_POOLS, "[]");
}

static void old_and_new_name_with_one_meaning_give_no_warning(void **state)
{
    static const char *const pairs[][3] = {
        {"DOCKER_TLS_SAN=DNS:a,DNS:b", "DIND_TLS_SAN=DNS:a DNS:b"},
        {"DOCKER_IPTABLES_LEGACY=yes", "DIND_NETWORK_IPTABLES=legacy"},
        {"DOCKER_HOST=unix:///a", "DIND_API_UNIX_PATH=/a"},
        {RK "MTU=1400", "DIND_ROOTLESS_MTU=0x578"},
        {RK "DETACH_NETNS=1", "DIND_ROOTLESS_DETACH_NETNS=true"},
        {RK "FLAGS=--a --b", "DIND_ROOTLESS_FLAGS='--a' --b"},
        {RK "NET=", "DIND_ROOTLESS_NET=pasta"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(pairs); i++) {
        cleanup_settings struct settings s = {0};
        load_good(&s, NULL, pairs[i], NULL);
        assert_int_equal(s.warnings.count, 0);
    }
}

static void a_bad_value_is_blamed_on_the_variable_that_holds_it(void **state)
{
    (void)state;

    load_bad(NULL, LIST("DIND_TLS_DAYS=900"), NULL, "DIND_TLS_DAYS: 900 is out of range",
        "use a whole number from 1 to 825");
    load_bad(NULL, LIST("DOCKER_TLS_CERTDIR=certs"), NULL,
        "DOCKER_TLS_CERTDIR: certs is not an absolute path", "use an absolute path");
    load_bad(NULL, LIST("DOCKER_HOST=unix://docker.sock"), NULL,
        "DOCKER_HOST: docker.sock is not an absolute path", "use an absolute path");
    load_bad(NULL, LIST(RK "DETACH_NETNS=auto"), NULL, RK "DETACH_NETNS: auto is not true or false",
        "use true or false");
    load_bad(NULL, LIST("DIND_MODE="), NULL, "DIND_MODE: is empty", "use auto, rootful or rootless");
    load_bad(NULL, LIST("DIND_API_UNIX_PATH="), NULL, "DIND_API_UNIX_PATH: is empty", "absolute path");
    load_bad(NULL, LIST("DIND_MODE=\xff"), NULL, "DIND_MODE: is not UTF-8", "write it as UTF-8");
    load_bad(NULL, NULL, LIST("tls.days=900"), "--set tls.days: 900 is out of range", "from 1 to 825");
}

static void the_first_of_two_equal_names_counts_as_in_getenv(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, NULL, LIST("DIND_TLS_DAYS=1", "DIND_TLS_DAYS=2"), NULL);
    assert_int_equal(s.tls.days, 1);
}

static void an_empty_variable_empties_a_list_or_map_of_the_file(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s,
        "{args: [--x], daemon: {debug: true}, tls: {san: [a]}, mounts: {extra: [{source: /a, target: /b}]}}",
        LIST("DIND_ARGS=", "DIND_DAEMON= ", "DIND_TLS_SAN=", "DIND_MOUNTS_EXTRA="), NULL);
    assert_value(&s, OPTION_ARGS, "[]");
    assert_value(&s, OPTION_DAEMON, "{}");
    assert_value(&s, OPTION_TLS_SAN, "[]");
    assert_value(&s, OPTION_MOUNTS_EXTRA, "[]");
    assert_origin(&s, OPTION_DAEMON, ORIGIN_ENVIRONMENT, "DIND_DAEMON");
}

static void arguments_are_checked_like_keys(void **state)
{
    (void)state;

    load_bad(NULL, NULL, LIST("tls.days"), "--set tls.days: has no value",
        "write --set KEY=VALUE, for example --set tls.days=90");
    load_bad(NULL, NULL, LIST(""), "--set \"\": has no value", "write --set KEY=VALUE");
    load_bad(NULL, NULL, LIST("=1"), "--set \"\": is not a known key", "known here: version, mode, tls, api");
    load_bad(NULL, NULL, LIST("tls.day=1"), "--set tls.day: is not a known key", "did you mean tls.days?");
    load_bad(NULL, NULL, LIST("TLS_DAYS=1"), "--set TLS_DAYS: is not a known key", "did you mean tls.days?");
    load_bad(NULL, NULL, LIST("tls=1"), "--set tls: is not a known key", "known here: ");
}

static void origins_read_as_people_say_them(void **state)
{
    cleanup_settings struct settings s = {0};
    (void)state;

    load_good(&s, "mode: auto\ntls:\n  days: 5\n", LIST("DOCKER_TLS_CERTDIR=/certs", "DIND_INIT=none"),
        LIST("log.level=warn"));
    const struct {
        enum option_id id;
        const char *words;
    } rows[] = {
        {OPTION_VERSION, "default"},
        {OPTION_MODE, "config.yaml:1:7"},
        {OPTION_TLS_DAYS, "config.yaml:3:9"},
        {OPTION_TLS_DIR, "environment variable DOCKER_TLS_CERTDIR, the image's own default"},
        {OPTION_INIT, "environment variable DIND_INIT"},
        {OPTION_LOG_LEVEL, "argument --set"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *words cleanup_free = settings_origin(&s, rows[i].id);
        assert_string_equal(words, rows[i].words);
    }
}

static void a_near_miss_of_a_variable_is_a_warning_with_the_right_name(void **state)
{
    static const char *const rows[][2] = {
        {"DIND_MODEE", "DIND_MODE"},
        {"DIND_TLS_DIRR", "DIND_TLS_DIR"},
        {"DIND_TLSDIR", "DIND_TLS_DIR"},
        {"DIND_TLS_DYAS", "DIND_TLS_DAYS"},
        {"DIND_LOGLEVEL", "DIND_LOG_LEVEL"},
        {"DIND_ARG", "DIND_ARGS"},
        {"DIND_MOUNT_EXTRA", "DIND_MOUNTS_EXTRA"},
        {"DIND_API_PORT", "DIND_API_TCP_PORT"},
        {"DIND_UNIX_GROUP", "DIND_API_UNIX_GROUP"},
        {"DIND_CAPABILITY_PROFILE", "DIND_CAPABILITIES_PROFILE"},
        {"DIND_CONFIGG", "DIND_CONFIG"},
        {"DIND_CONIFG", "DIND_CONFIG"},
        {"DIND_tls_dir", "DIND_TLS_DIR"},
        {"DIND_TLS.DIR", "DIND_TLS_DIR"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_settings struct settings s = {0};
        char *variable cleanup_free = str_format("%s=1", rows[i][0]);
        char *warning cleanup_free =
            str_format("%s is not known and has no effect: did you mean %s?", rows[i][0], rows[i][1]);
        load_good(&s, NULL, LIST(variable), NULL);
        if (s.warnings.count != 1)
            fail_msg("%zu warnings for %s", s.warnings.count, rows[i][0]);
        assert_string_equal(s.warnings.items[0], warning);
    }
}

static void variables_that_others_set_are_silent(void **state)
{
    static const char *const variables[] = {
        /* Kubernetes, for a Service named dind, dind-api or dind-tls. */
        "DIND_PORT=tcp://10.0.0.1:2376", "DIND_SERVICE_HOST=10.0.0.1", "DIND_SERVICE_PORT=2376",
        "DIND_SERVICE_PORT_API=2376", "DIND_PORT_2376_TCP=tcp://10.0.0.1:2376",
        "DIND_PORT_2376_TCP_PROTO=tcp", "DIND_PORT_2376_TCP_PORT=2376", "DIND_PORT_2376_TCP_ADDR=10.0.0.1",
        "DIND_PORT_53_UDP_ADDR=10.0.0.1", "DIND_PORT_9_SCTP_ADDR=10.0.0.1",
        "DIND_API_PORT=tcp://10.0.0.1:2376", "DIND_TCP_PORT=udp://10.0.0.1:53",
        "DIND_API_SERVICE_HOST=10.0.0.1", "DIND_API_TCP_SERVICE_PORT=2376",
        "DIND_API_TCP_PORT_2376_TCP_ADDR=10.0.0.1", "DIND_TLS_PORT_2376_TCP_PORT=2376",
        /* The images. */
        "DIND_COMMIT=8d9e3502aba39127e4d12196dae16d306f76993d",
        /* Docker's links. */
        "DIND_NAME=/build/dind", "DIND_ENV_DOCKER_TLS_CERTDIR=/certs",
        /* What people call their own things. */
        "DIND_IMAGE=docker:dind", "DIND_TAG=29", "DIND_HOST=dind", "DIND_STORAGE_DRIVER=overlay2",
        "DIND_=", "DINDER=1", "DIND=1", "XDIND_MODE=1", "DIND_MODDE", /* no equals sign: no variable */
    };
    (void)state;

    for (size_t i = 0; i < COUNT(variables); i++) {
        cleanup_settings struct settings s = {0};
        load_good(&s, NULL, LIST(variables[i]), NULL);
        if (s.warnings.count > 0)
            fail_msg("%s: %s", variables[i], s.warnings.items[0]);
    }
}

static void a_foreign_version_variable_is_ignored_with_a_warning(void **state)
{
    cleanup_settings struct settings s = {0}, fine = {0};
    (void)state;

    load_good(&s, NULL, LIST("DIND_VERSION=29.1-dind"), NULL);
    assert_int_equal(s.version, 1);
    assert_origin(&s, OPTION_VERSION, ORIGIN_DEFAULT, NULL);
    assert_int_equal(s.warnings.count, 1);
    assert_contains(s.warnings.items[0], "DIND_VERSION is ignored");
    load_good(&fine, NULL, LIST("DIND_VERSION=1"), NULL);
    assert_int_equal(fine.warnings.count, 0);
    /* In the file it can only be meant. */
    load_bad("version: 2", NULL, NULL, "config.yaml:1:10: version: 2 is out of range", "use 1");
}

static void the_file_named_by_argument_beats_the_one_of_the_environment(void **state)
{
    cleanup_settings struct settings s = {0}, t = {0};
    struct config_input input = {.environment = LIST("DIND_CONFIG=b.yaml"), .file = "a.yaml"};
    struct err e = {0};
    (void)state;

    put_bytes("a.yaml", "mode: rootful", 13);
    put_bytes("b.yaml", "mode: rootless", 14);
    assert_int_equal(config_load(&s, &input, &e), 0);
    assert_origin(&s, OPTION_MODE, ORIGIN_FILE, "a.yaml");
    input.file = NULL;
    assert_int_equal(config_load(&t, &input, &e), 0);
    assert_int_equal(t.mode, MODE_ROOTLESS);
    assert_origin(&t, OPTION_MODE, ORIGIN_FILE, "b.yaml");
    assert_int_equal(t.warnings.count, 0);
}

static void a_missing_default_file_is_fine(void **state)
{
    cleanup_settings struct settings s = {0};
    const struct config_input input = {0};
    struct err e = {0};
    (void)state;

    if (access(CONFIG_DEFAULT_FILE, F_OK) == 0)
        SKIP("this machine has the default file");
    assert_int_equal(config_load(&s, &input, &e), 0);
    assert_origin(&s, OPTION_MODE, ORIGIN_DEFAULT, NULL);
}

static void refused_file(const char *file, int code, const char *what, const char *hint)
{
    char *variable cleanup_free = str_format("DIND_CONFIG=%s", file);
    const struct config_input inputs[] = {{.file = file}, {.environment = LIST(variable)}};

    for (size_t i = 0; i < COUNT(inputs); i++) {
        struct settings s = {0};
        struct err e = {0};
        int r = config_load(&s, &inputs[i], &e);
        assert_int_equal(r, code);
        assert_string_equal(e.what, what);
        assert_contains(e.hint, hint);
        assert_refusal(r, &e, &s);
    }
}

static void what_is_no_readable_file_is_refused_at_once(void **state)
{
    (void)state;

    assert_int_equal(mkdir("folder", 0755), 0);
    assert_int_equal(mkfifo("fifo", 0644), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    refused_file("missing.yaml", -ENOENT, "missing.yaml: No such file or directory", "mount the file there");
    refused_file("dangling", -ENOENT, "dangling: No such file or directory", "mount the file there");
    refused_file("folder", -EISDIR, "folder: is a folder, not a file", "Docker makes a folder");
    refused_file("fifo", -EINVAL, "fifo: is not a regular file", "name a readable file");
    refused_file("config.yaml/x", -ENOTDIR, "config.yaml/x: Not a directory", "name a readable file");
}

static void a_link_to_the_file_is_followed_as_in_a_mounted_configmap(void **state)
{
    cleanup_settings struct settings s = {0};
    const struct config_input input = {.file = "link.yaml"};
    struct err e = {0};
    (void)state;

    put_bytes("target.yaml", "mode: rootful", 13);
    assert_int_equal(symlink("target.yaml", "link.yaml"), 0);
    assert_int_equal(config_load(&s, &input, &e), 0);
    assert_int_equal(s.mode, MODE_ROOTFUL);
}

static void a_file_that_may_not_be_read_says_which_mode_mends_it(void **state)
{
    struct settings s = {0};
    const struct config_input input = {.file = "secret.yaml"};
    struct err e = {0};
    bool root = geteuid() == 0;
    (void)state;

    put_bytes("secret.yaml", "mode: auto", 10);
    assert_int_equal(chmod("secret.yaml", 0), 0);
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    int r = config_load(&s, &input, &e);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(r, -EACCES);
    assert_contains(e.hint, "mode 0644");
    assert_refusal(r, &e, &s);
}

static void an_empty_file_name_is_refused(void **state)
{
    const struct config_input argument = {.file = ""}, variable = {.environment = LIST("DIND_CONFIG=")};
    struct settings s = {0};
    struct err e = {0};
    (void)state;

    int r = config_load(&s, &argument, &e);
    assert_string_equal(e.what, "--config: is empty");
    assert_refusal(r, &e, &s);
    r = config_load(&s, &variable, &e);
    assert_string_equal(e.what, "DIND_CONFIG: is empty");
    assert_contains(e.hint, CONFIG_DEFAULT_FILE);
    assert_refusal(r, &e, &s);
}

static void the_file_may_have_1_mib_and_not_a_byte_more(void **state)
{
    static char data[CONFIG_MAX_BYTES + 2];
    cleanup_settings struct settings s = {0};
    struct settings none = {0};
    struct err e = {0};
    (void)state;

    (void)memset(data, '#', CONFIG_MAX_BYTES + 1);
    data[CONFIG_MAX_BYTES] = '\0';
    load_good(&s, data, NULL, NULL);
    data[CONFIG_MAX_BYTES] = '#';
    int r = load(&none, data, NULL, NULL, &e);
    assert_int_equal(r, -EFBIG);
    assert_string_equal(e.what, "config.yaml: is longer than 1048576 bytes");
    assert_contains(e.hint, "1 MiB is the limit");
    assert_refusal(r, &e, &none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_source_beats_the_ones_before_it),
        cmocka_unit_test(a_list_or_map_of_a_stronger_source_replaces_the_weaker_one),
        cmocka_unit_test(the_last_of_several_arguments_counts),
        cmocka_unit_test(an_argument_may_contain_more_equals_signs),
        cmocka_unit_test(the_certificate_folder_goes_by_who_named_it),
        cmocka_unit_test(old_names_mean_what_they_meant_to_the_shell_scripts),
        cmocka_unit_test(every_old_name_is_in_the_table_above_set_and_empty),
        cmocka_unit_test(an_old_name_beats_the_file_and_the_new_name_beats_it_with_a_warning),
        cmocka_unit_test(the_size_of_a_pool_has_an_old_name_of_its_own),
        cmocka_unit_test(old_and_new_name_with_one_meaning_give_no_warning),
        cmocka_unit_test(a_bad_value_is_blamed_on_the_variable_that_holds_it),
        cmocka_unit_test(the_first_of_two_equal_names_counts_as_in_getenv),
        cmocka_unit_test(an_empty_variable_empties_a_list_or_map_of_the_file),
        cmocka_unit_test(arguments_are_checked_like_keys),
        cmocka_unit_test(origins_read_as_people_say_them),
        cmocka_unit_test(a_near_miss_of_a_variable_is_a_warning_with_the_right_name),
        cmocka_unit_test(variables_that_others_set_are_silent),
        cmocka_unit_test(a_foreign_version_variable_is_ignored_with_a_warning),
        cmocka_unit_test(the_file_named_by_argument_beats_the_one_of_the_environment),
        cmocka_unit_test(a_missing_default_file_is_fine),
        cmocka_unit_test(what_is_no_readable_file_is_refused_at_once),
        cmocka_unit_test(a_link_to_the_file_is_followed_as_in_a_mounted_configmap),
        cmocka_unit_test(a_file_that_may_not_be_read_says_which_mode_mends_it),
        cmocka_unit_test(an_empty_file_name_is_refused),
        cmocka_unit_test(the_file_may_have_1_mib_and_not_a_byte_more),
    };
    return cmocka_run_group_tests_name("config_precedence", tests, enter_folder, leave_folder);
}
