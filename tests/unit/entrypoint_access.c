/* The rules of api.allow. What they let through is tested with packets, elsewhere. */
#include "harness.h"

#include "entrypoint/access_rules.h"

#include <string.h>

static char *commands_of(
    bool ipv6, const char *sources_text, const char *interfaces_text, long long port, bool nested)
{
    cleanup_strings struct strings sources = {0}, interfaces = {0}, commands = {0};
    const struct access_rules rules = {
        .ipv6 = ipv6, .port = port, .sources = &sources, .interfaces = &interfaces, .allow_nested = nested};

    strings_split(&sources, sources_text, " ");
    strings_split(&interfaces, interfaces_text, " ");
    access_rules_list(&rules, &commands);
    return strings_join(&commands, "\n");
}

static void what_is_not_named_is_dropped_before_the_jump_is_there(void **state)
{
    char *all cleanup_free =
        commands_of(false, "192.0.2.7 10.0.0.0/8 2001:db8::/32", "eth0 eth1", 2376, false);
    (void)state;

    assert_string_equal(all, "?-N DIND-API-2376\n"
                             "-F DIND-API-2376\n"
                             "?-N DIND-API-2376-OUTSIDE\n"
                             "-F DIND-API-2376-OUTSIDE\n"
                             "-A DIND-API-2376-OUTSIDE -s 192.0.2.7 -j RETURN\n"
                             "-A DIND-API-2376-OUTSIDE -s 10.0.0.0/8 -j RETURN\n"
                             "-A DIND-API-2376-OUTSIDE -j DROP\n"
                             "-A DIND-API-2376 ! -p tcp -j RETURN\n"
                             "-A DIND-API-2376 -p tcp ! --dport 2376 -j RETURN\n"
                             "-A DIND-API-2376 -i lo -j RETURN\n"
                             "-A DIND-API-2376 -i eth0 -g DIND-API-2376-OUTSIDE\n"
                             "-A DIND-API-2376 -i eth1 -g DIND-API-2376-OUTSIDE\n"
                             "-A DIND-API-2376 -j DROP\n"
                             "?-D INPUT -j DIND-API-2376\n"
                             "-I INPUT 1 -j DIND-API-2376");
}

static void each_family_has_its_own_sources(void **state)
{
    char *six cleanup_free = commands_of(true, "192.0.2.7 2001:db8::/32 fd00::1", "eth0", 2376, false);
    (void)state;

    assert_contains(six, "-A DIND-API-2376-OUTSIDE -s 2001:db8::/32 -j RETURN\n"
                         "-A DIND-API-2376-OUTSIDE -s fd00::1 -j RETURN\n"
                         "-A DIND-API-2376-OUTSIDE -j DROP\n");
    assert_null(strstr(six, "192.0.2.7"));
}

static void a_family_without_sources_lets_nobody_in(void **state)
{
    char *six cleanup_free = commands_of(true, "192.0.2.7", "eth0", 2376, false);
    (void)state;

    assert_contains(six, "-F DIND-API-2376-OUTSIDE\n-A DIND-API-2376-OUTSIDE -j DROP\n");
}

static void nested_containers_are_what_comes_by_any_other_interface(void **state)
{
    char *all cleanup_free = commands_of(false, "192.0.2.7", "eth0", 2375, true);
    (void)state;

    assert_contains(
        all, "-A DIND-API-2375 -i eth0 -g DIND-API-2375-OUTSIDE\n-A DIND-API-2375 -j RETURN\n?-D INPUT");
}

static void the_name_of_an_interface_is_no_pattern(void **state)
{
    char *all cleanup_free = commands_of(false, "192.0.2.7", "e+ eth0", 2375, false);
    (void)state;

    assert_null(strstr(all, "e+"));
}

/* Two engines in one network namespace. */
static void the_rules_of_another_port_are_left_alone(void **state)
{
    char *one cleanup_free = commands_of(false, "192.0.2.7", "eth0", 2376, false);
    char *other cleanup_free = commands_of(false, "192.0.2.7", "eth0", 2377, false);
    (void)state;

    assert_null(strstr(one, "DIND-API-2377"));
    assert_null(strstr(other, "DIND-API-2376"));
    assert_contains(one, "-I INPUT 1 -j DIND-API-2376");
    assert_contains(other, "-I INPUT 1 -j DIND-API-2377");
}

static char *commands_of_rootless(bool ipv6, bool nested, bool loopback_out_of_reach)
{
    cleanup_strings struct strings none = {0}, commands = {0};
    const struct access_rules rules = {.ipv6 = ipv6,
        .port = 2376,
        .sources = &none,
        .interfaces = &none,
        .allow_nested = nested,
        .nested_by_user = true,
        .user = 1000,
        .loopback_out_of_reach = loopback_out_of_reach};

    access_rules_list(&rules, &commands);
    return strings_join(&commands, "\n");
}

static void what_a_rootless_network_driver_sends_to_this_container_is_nested(void **state)
{
    char *four cleanup_free = commands_of_rootless(false, false, true);
    char *six cleanup_free = commands_of_rootless(true, false, true);
    (void)state;

    assert_contains(four, "-I INPUT 1 -j DIND-API-2376\n"
                          "?-N DIND-API-2376-NESTED\n"
                          "-F DIND-API-2376-NESTED\n"
                          "-A DIND-API-2376-NESTED ! -d 127.0.0.0/8 -o lo -p tcp --dport 2376 -m owner "
                          "--uid-owner 1000 -j DROP\n"
                          "?-D OUTPUT -j DIND-API-2376-NESTED\n"
                          "-I OUTPUT 1 -j DIND-API-2376-NESTED");
    assert_contains(six,
        "-A DIND-API-2376-NESTED ! -d ::1 -o lo -p tcp --dport 2376 -m owner --uid-owner 1000 -j DROP\n");
}

static void a_driver_that_reaches_the_loopback_address_is_kept_from_it_too(void **state)
{
    char *all cleanup_free = commands_of_rootless(false, false, false);
    (void)state;

    assert_contains(
        all, "-A DIND-API-2376-NESTED -o lo -p tcp --dport 2376 -m owner --uid-owner 1000 -j DROP\n");
}

static void where_nested_containers_may_their_chain_is_empty(void **state)
{
    char *all cleanup_free = commands_of_rootless(false, true, true);
    (void)state;

    assert_contains(all,
        "-F DIND-API-2376-NESTED\n?-D OUTPUT -j DIND-API-2376-NESTED\n-I OUTPUT 1 -j DIND-API-2376-NESTED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_named_is_dropped_before_the_jump_is_there),
        cmocka_unit_test(each_family_has_its_own_sources),
        cmocka_unit_test(a_family_without_sources_lets_nobody_in),
        cmocka_unit_test(nested_containers_are_what_comes_by_any_other_interface),
        cmocka_unit_test(the_name_of_an_interface_is_no_pattern),
        cmocka_unit_test(the_rules_of_another_port_are_left_alone),
        cmocka_unit_test(what_a_rootless_network_driver_sends_to_this_container_is_nested),
        cmocka_unit_test(a_driver_that_reaches_the_loopback_address_is_kept_from_it_too),
        cmocka_unit_test(where_nested_containers_may_their_chain_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
