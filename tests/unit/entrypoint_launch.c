#include "harness.h"

#include "base/environment.h"
#include "entrypoint/launch.h"

#include <string.h>

static struct settings settings = {.tls = {.dir = (char[]){"/certs"}},
    .api = {.tcp_enabled = true, .tcp_addresses = {(char *[]){(char[]){"0.0.0.0"}}, 1, 1}}};
static const struct plan rootful = {.mode = MODE_ROOTFUL,
    .init = INIT_BUILTIN,
    .tls = true,
    .tcp = true,
    .port = 2376,
    .socket = (char[]){"/s"}};
static const struct host host = {.path = (char[]){"/bin"},
    .self = (char[]){"/e"},
    .data_root = (char[]){"/d"},
    .home = (char[]){"/h"},
    .runtime_dir = (char[]){"/r"},
    .programs = {.rootlesskit = (char[]){"/usr/bin/docker-rootlesskit"}}};

static void build(struct launch *launch, const struct plan *plan, const struct applied *applied,
    const char *const *arguments, const char *const *environment)
{
    cleanup(command_free) struct command command = {0};
    const struct strings none = {0};

    command_read(&command, arguments, &none);
    launch_build(launch, plan, &settings, &host, &command, applied, environment);
}

static const char *const nothing[] = {NULL};

static const char *variable(const struct launch *launch, const char *name)
{
    return environment_get((const char *const *)launch->environment.items, name);
}

static void legacy_iptables_come_first_in_path(void **state)
{
    cleanup(launch_free) struct launch legacy, nft;
    (void)state;

    build(&legacy, &rootful, &(struct applied){.iptables_legacy = true}, nothing, nothing);
    build(&nft, &rootful, &(struct applied){0}, nothing, nothing);
    assert_string_equal(variable(&legacy, "PATH"), "/usr/local/sbin/.iptables-legacy:/bin");
    assert_string_equal(variable(&nft, "PATH"), "/bin");
}

static void the_engine_is_told_that_it_is_in_a_container_when_rootful(void **state)
{
    cleanup(launch_free) struct launch as_root, as_user;
    struct plan plan = rootful;
    (void)state;

    build(&as_root, &rootful, &(struct applied){0}, nothing, nothing);
    assert_string_equal(variable(&as_root, "container"), "docker");
    assert_null(variable(&as_root, "XDG_RUNTIME_DIR"));
    plan.mode = MODE_ROOTLESS;
    build(&as_user, &plan, &(struct applied){0}, nothing, nothing);
    assert_null(variable(&as_user, "container"));
    assert_string_equal(variable(&as_user, "XDG_RUNTIME_DIR"), "/r");
    assert_string_equal(variable(&as_user, "HOME"), "/h");
    assert_string_equal(as_user.arguments.items[0], "docker-rootlesskit");
}

static void tls_verify_goes_only_when_tls_is_off(void **state)
{
    static const char *const environment[] = {"DOCKER_TLS_VERIFY=1", "OTHER=x", NULL};
    cleanup(launch_free) struct launch with, without;
    struct plan plan = rootful;
    (void)state;

    build(&with, &rootful, &(struct applied){0}, nothing, environment);
    assert_string_equal(variable(&with, "DOCKER_TLS_VERIFY"), "1");
    plan.tls = false;
    build(&without, &plan, &(struct applied){0}, nothing, environment);
    assert_null(variable(&without, "DOCKER_TLS_VERIFY"));
    assert_string_equal(variable(&without, "OTHER"), "x");
}

static void an_explicit_dockerd_gets_its_arguments_alone(void **state)
{
    static const char *const arguments[] = {"dockerd", "--debug", NULL};
    cleanup(launch_free) struct launch launch;
    (void)state;

    build(&launch, &rootful, &(struct applied){0}, arguments, nothing);
    char *line cleanup_free = launch_line(&launch);
    assert_string_equal(line, "dockerd --debug");
}

static void the_line_is_quoted_where_a_shell_needs_it(void **state)
{
    static const char *const arguments[] = {"dockerd", "--label=a b", "", "it's", NULL};
    cleanup(launch_free) struct launch launch;
    (void)state;

    build(&launch, &rootful, &(struct applied){0}, arguments, nothing);
    char *line cleanup_free = launch_line(&launch);
    assert_string_equal(line, "dockerd '--label=a b' '' 'it'\\''s'");
}

static void the_line_shows_no_password_and_the_engine_gets_it(void **state)
{
    static const char *const arguments[] = {
        "dockerd", "--http-proxy=http://u:hunter2@p:1", "--https-proxy", "u:hunter2@p:1", NULL};
    cleanup(launch_free) struct launch launch;
    (void)state;

    build(&launch, &rootful, &(struct applied){0}, arguments, nothing);
    char *line cleanup_free = launch_line(&launch);
    assert_string_equal(line, "dockerd --http-proxy=http://xxxxx:xxxxx@p:1 --https-proxy xxxxx:xxxxx@p:1");
    assert_string_equal(launch.arguments.items[1], "--http-proxy=http://u:hunter2@p:1");
    assert_string_equal(launch.arguments.items[3], "u:hunter2@p:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(legacy_iptables_come_first_in_path),
        cmocka_unit_test(the_engine_is_told_that_it_is_in_a_container_when_rootful),
        cmocka_unit_test(tls_verify_goes_only_when_tls_is_off),
        cmocka_unit_test(an_explicit_dockerd_gets_its_arguments_alone),
        cmocka_unit_test(the_line_is_quoted_where_a_shell_needs_it),
        cmocka_unit_test(the_line_shows_no_password_and_the_engine_gets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
