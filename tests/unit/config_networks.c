/* Networks, pools, proxies and registries as users write them. */
#include "harness.h"

#include "base/text.h"
#include "config/networks.h"
#include "config/options.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void networks_overlap_when_one_is_in_the_other(void **state)
{
    static const struct {
        const char *a, *b;
        bool overlap;
    } rows[] = {
        {"172.17.0.0/16", "172.17.0.0/16", true},
        {"172.17.0.0/16", "172.17.255.255/32", true},
        {"172.17.0.0/16", "172.18.0.0/16", false},
        {"172.16.0.0/12", "172.31.0.0/16", true},
        {"172.16.0.0/12", "172.32.0.0/16", false},
        {"0.0.0.0/0", "198.51.100.1/32", true},
        {"128.0.0.0/1", "10.0.0.0/8", false},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ipv4_network a = {0}, b = {0};
        assert_true(ipv4_network_parse(rows[i].a, &a, NULL) && ipv4_network_parse(rows[i].b, &b, NULL));
        assert_int_equal(ipv4_overlap(a, b), rows[i].overlap);
        assert_int_equal(ipv4_overlap(b, a), rows[i].overlap);
    }
}

static void a_network_is_its_address_without_the_hosts_bits(void **state)
{
    struct ipv4_network network;
    uint32_t address = 0;
    (void)state;

    assert_true(ipv4_network_parse("172.17.3.4/16", &network, &address));
    char *text cleanup_free = ipv4_network_text(network);
    assert_string_equal(text, "172.17.0.0/16");
    assert_int_equal(address, 0xac110304);
    assert_false(ipv4_network_parse("172.17.0.0", &network, NULL));
    assert_false(ipv4_network_parse("172.17.0.0/33", &network, NULL));
    assert_false(ipv4_network_parse("172.17.0/16", &network, NULL));
    assert_false(ipv4_network_parse("fd00::/8", &network, NULL));
    assert_false(ipv4_network_parse("/16", &network, NULL));
    assert_false(ipv4_network_parse("", &network, NULL));
    assert_false(
        ipv4_network_parse("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc/1", &network, NULL));
}

static void pools_have_a_size_of_their_own_or_the_usual_one(void **state)
{
    static const struct {
        const char *text, *base;
        long long size;
    } rows[] = {
        {"10.210.0.0/16", "10.210.0.0/16", 24},
        {"10.210.0.0/16:20", "10.210.0.0/16", 20},
        {"10.210.0.0/16:16", "10.210.0.0/16", 16},
        {"10.210.0.0/26", "10.210.0.0/26", 26},
        {"fd00:1::/48", "fd00:1::/48", 64},
        {"fd00:1::/48:80", "fd00:1::/48", 80},
        {"fd00:1::/72", "fd00:1::/72", 72},
        {"10.210.0.0/16:15", NULL, 0},
        {"10.210.0.0/16:33", NULL, 0},
        {"10.210.0.0/16:", NULL, 0},
        {"10.210.0.1/16", NULL, 0},
        {"10.210.0.0", NULL, 0},
        {"pool", NULL, 0},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *base cleanup_free = NULL;
        long long size = 0;
        assert_int_equal(pool_parse(rows[i].text, &base, &size), rows[i].base != NULL);
        if (!rows[i].base)
            continue;
        assert_string_equal(base, rows[i].base);
        assert_int_equal(size, rows[i].size);
    }
}

static void each_bad_value_is_told_with_what_is_wrong(void **state)
{
    static const struct {
        option_check *check;
        const char *text, *wrong; /* NULL: good */
    } rows[] = {
        {check_mtu, "auto", NULL},
        {check_mtu, "off", NULL},
        {check_mtu, "68", NULL},
        {check_mtu, "65535", NULL},
        {check_mtu, "67", "is out of range"},
        {check_mtu, "65536", "is out of range"},
        {check_mtu, "-1", "is out of range"},
        {check_mtu, "on", "is not auto, off or a whole number"},
        {check_mtu, "", "is empty"},
        {check_pool, "", "is empty"},
        {check_pool, "10.0.0.1/8", "is the address of a host, not of a network"},
        {check_pool, "10.0.0.0/16:8", "has networks that do not fit into their base"},
        {check_pool, "10.0.0.0/8,16", "is not a network with a prefix"},
        {check_bip, "172.30.0.1/16", NULL},
        {check_bip, "172.30.0.1/30", NULL},
        {check_bip, "172.30.0.0/16", "is not the address of a host"},
        {check_bip, "172.30.255.255/16", "is not the address of a host"},
        {check_bip, "172.30.0.1/31", "is not an IPv4 address with a prefix that leaves room for containers"},
        {check_bip, "172.30.0.1", "is not an IPv4 address with a prefix that leaves room for containers"},
        {check_bip, "fd00::1/64", "is not an IPv4 address with a prefix that leaves room for containers"},
        {check_proxy, "http://proxy.example:3128", NULL},
        {check_proxy, "https://user:pass@proxy.example/", NULL},
        {check_proxy, "socks5://127.0.0.1:1080", NULL},
        {check_proxy, "proxy.example:3128", NULL},
        {check_proxy, "ftp://proxy.example", "has a scheme that the engine does not know"},
        {check_proxy, "httpx://proxy.example", "has a scheme that the engine does not know"},
        {check_proxy, "http://", "names no host"},
        {check_proxy, "http://user@", "names no host"},
        {check_proxy, "http://a b", "has blanks or commas in it"},
        {check_mirror, "https://mirror.example", NULL},
        {check_mirror, "http://mirror.example:5000/path", NULL},
        {check_mirror, "mirror.example", "does not begin with https:// or http://"},
        {check_mirror, "https://", "names no host"},
        {check_mirror, "https://u:p@mirror.example", "has a user name in it, which the engine refuses"},
        {check_mirror, "https://mirror.example?a", "has a query or a fragment, which the engine refuses"},
        {check_registry, "registry.example", NULL},
        {check_registry, "[::1]:5000", NULL},
        {check_registry, "10.0.0.0/8", NULL},
        {check_registry, "http://registry.example:5000", NULL},
        {check_registry, "ftp://registry.example", "is neither a host nor a network"},
        {check_registry, "registry.example/name", "is neither a host nor a network"},
        {check_registry, ":5000", "names no host"},
        {check_registry, "https://", "names no host"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *canonical cleanup_free = NULL;
        const char *wrong = rows[i].check(rows[i].text, &canonical);
        if (!str_equal(wrong, rows[i].wrong))
            fail_msg("'%s': %s, not %s", rows[i].text, wrong ? wrong : "good",
                rows[i].wrong ? rows[i].wrong : "good");
    }
}

static void a_registry_loses_its_scheme(void **state)
{
    char *canonical cleanup_free = NULL;
    (void)state;

    assert_null(check_registry("https://registry.example:5000", &canonical));
    assert_string_equal(canonical, "registry.example:5000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_overlap_when_one_is_in_the_other),
        cmocka_unit_test(a_network_is_its_address_without_the_hosts_bits),
        cmocka_unit_test(pools_have_a_size_of_their_own_or_the_usual_one),
        cmocka_unit_test(each_bad_value_is_told_with_what_is_wrong),
        cmocka_unit_test(a_registry_loses_its_scheme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
