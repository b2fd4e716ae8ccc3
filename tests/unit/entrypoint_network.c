/* The network around us: the kernel's routes as bytes, and which pools are left for nested networks. */
#include "harness.h"

#include "entrypoint/host_network.h"
#include "entrypoint/plan_network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* An answer of the kernel, as long as it gets. */
struct answer {
    unsigned char data[1024];
    size_t length;
};

static void append(struct answer *answer, const void *data, size_t length)
{
    assert_true(answer->length + length <= sizeof(answer->data));
    memcpy(answer->data + answer->length, data, length);
    answer->length += length;
    while (answer->length % 4)
        answer->data[answer->length++] = 0;
}

static void append_attribute(struct answer *answer, unsigned short type, const void *data, size_t length)
{
    struct rtattr head = {.rta_len = (unsigned short)(sizeof(head) + length), .rta_type = type};

    append(answer, &head, sizeof(head));
    append(answer, data, length);
}

struct wanted {
    unsigned char family, length, table, type, scope;
    const char *to;
    unsigned interface, metric, mtu;
};

static void append_route(struct answer *answer, const struct wanted *w)
{
    size_t start = answer->length;
    struct nlmsghdr head = {.nlmsg_type = RTM_NEWROUTE};
    struct rtmsg body = {.rtm_family = w->family,
        .rtm_dst_len = w->length,
        .rtm_table = w->table,
        .rtm_type = w->type,
        .rtm_scope = w->scope};

    append(answer, &head, sizeof(head));
    append(answer, &body, sizeof(body));
    if (w->to) {
        uint32_t address = inet_addr(w->to);
        append_attribute(answer, RTA_DST, &address, sizeof(address));
    }
    append_attribute(answer, RTA_OIF, &w->interface, sizeof(w->interface));
    if (w->metric)
        append_attribute(answer, RTA_PRIORITY, &w->metric, sizeof(w->metric));
    if (w->mtu) {
        struct answer metrics = {0};
        append_attribute(&metrics, RTAX_MTU, &w->mtu, sizeof(w->mtu));
        append_attribute(answer, RTA_METRICS, metrics.data, metrics.length);
    }
    head.nlmsg_len = (uint32_t)(answer->length - start);
    memcpy(answer->data + start, &head, sizeof(head));
}

static void append_end(struct answer *answer)
{
    struct nlmsghdr head = {.nlmsg_len = sizeof(head) + 4, .nlmsg_type = NLMSG_DONE};
    append(answer, &head, sizeof(head));
    append(answer, &(int){0}, sizeof(int));
}

static void routes_of_the_main_table_are_read_with_their_mtu(void **state)
{
    static const struct wanted rows[] = {
        {AF_INET, 0, RT_TABLE_MAIN, RTN_UNICAST, RT_SCOPE_UNIVERSE, NULL, 7, 200, 0},
        {AF_INET, 0, RT_TABLE_MAIN, RTN_UNICAST, RT_SCOPE_UNIVERSE, NULL, 8, 100, 1423},
        {AF_INET, 16, RT_TABLE_MAIN, RTN_UNICAST, RT_SCOPE_LINK, "172.17.0.0", 7, 0, 0},
        /* Not of interest: another table, a local address, a blackhole, IPv6 that is no way out. */
        {AF_INET, 16, RT_TABLE_LOCAL, RTN_UNICAST, RT_SCOPE_LINK, "172.18.0.0", 7, 0, 0},
        {AF_INET, 32, RT_TABLE_MAIN, RTN_LOCAL, RT_SCOPE_HOST, "172.19.0.1", 7, 0, 0},
        {AF_INET, 16, RT_TABLE_MAIN, RTN_BLACKHOLE, RT_SCOPE_UNIVERSE, "172.20.0.0", 7, 0, 0},
        {AF_INET6, 64, RT_TABLE_MAIN, RTN_UNICAST, RT_SCOPE_LINK, NULL, 7, 0, 0},
        {AF_INET6, 0, RT_TABLE_MAIN, RTN_UNICAST, RT_SCOPE_UNIVERSE, NULL, 9, 1, 1280},
    };
    struct answer answer = {0};
    cleanup(routes_free) struct routes routes = {0};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        append_route(&answer, &rows[i]);
    assert_int_equal(routes_parse(answer.data, answer.length, &routes), 0);
    assert_int_equal(routes.count, 4);
    const struct route *way_out = routes_default(&routes);
    assert_non_null(way_out);
    assert_int_equal(way_out->interface, 8);
    assert_int_equal(way_out->mtu, 1423);
    char *to cleanup_free = ipv4_network_text(routes.items[2].to);
    assert_string_equal(to, "172.17.0.0/16");
    assert_true(routes.items[2].on_link && !routes.items[2].default_route);
    assert_false(routes.items[0].on_link);
    append_end(&answer);
    assert_int_equal(routes_parse(answer.data, answer.length, &routes), 1);
}

static void ipv6_is_the_way_out_where_there_is_no_other(void **state)
{
    static const struct wanted six = {
        AF_INET6, 0, RT_TABLE_MAIN, RTN_UNICAST, RT_SCOPE_UNIVERSE, NULL, 9, 1024, 0};
    static const struct wanted link = {
        AF_INET, 24, RT_TABLE_MAIN, RTN_UNICAST, RT_SCOPE_LINK, "192.0.2.0", 7, 0, 0};
    struct answer answer = {0};
    cleanup(routes_free) struct routes routes = {0};
    (void)state;

    append_route(&answer, &link);
    assert_int_equal(routes_parse(answer.data, answer.length, &routes), 0);
    assert_null(routes_default(&routes));
    append_route(&answer, &six);
    assert_int_equal(routes_parse(answer.data, answer.length, &routes), 0);
    assert_int_equal(routes_default(&routes)->interface, 9);
}

static void an_answer_that_is_cut_or_an_error_is_one(void **state)
{
    static const struct wanted one = {
        AF_INET, 0, RT_TABLE_MAIN, RTN_UNICAST, RT_SCOPE_UNIVERSE, NULL, 7, 0, 0};
    struct answer answer = {0}, failed = {0};
    cleanup(routes_free) struct routes routes = {0};
    struct nlmsghdr head = {.nlmsg_len = sizeof(head) + 4, .nlmsg_type = NLMSG_ERROR};
    (void)state;

    append_route(&answer, &one);
    for (size_t length = 1; length < answer.length; length++)
        assert_int_equal(routes_parse(answer.data, length, &routes), -EPROTO);
    append(&failed, &head, sizeof(head));
    append(&failed, &(int){-EPERM}, sizeof(int));
    assert_int_equal(routes_parse(failed.data, failed.length, &routes), -EPERM);
}

/* "172.18.0.0/16:16 ..." */
static char *pools_text(const json_t *pools)
{
    cleanup_strings struct strings list = {0};
    const json_t *pool;
    size_t i;

    json_array_foreach(pools, i, pool)
        strings_addf(&list, "%s:%lld", json_string_value(json_object_get(pool, "base")),
            (long long)json_integer_value(json_object_get(pool, "size")));
    return list.count ? strings_join(&list, " ") : str_dup("");
}

static void pools_move_only_for_what_the_engine_does_not_see(void **state)
{
    static const struct {
        const char *taken; /* networks; "!" before one: the engine does not see it */
        bool sees;
        const char *pools, *because;
    } rows[] = {
        {"", true, "", ""},
        {"172.17.0.0/16", true, "", ""},
        {"!10.0.0.0/8 !198.51.100.0/24", true, "", ""},
        /* OpenVPN's two halves are a default route. */
        {"!0.0.0.0/1 !128.0.0.0/1", true, "", ""},
        {"172.17.0.0/16", false,
            "172.18.0.0/16:16 172.19.0.0/16:16 172.20.0.0/14:16 172.24.0.0/14:16 172.28.0.0/14:16 "
            "192.168.0.0/16:20",
            "172.17.0.0/16 (route)"},
        {"!172.17.5.9/32", true,
            "172.18.0.0/16:16 172.19.0.0/16:16 172.20.0.0/14:16 172.24.0.0/14:16 172.28.0.0/14:16 "
            "192.168.0.0/16:20",
            "172.17.5.9/32 (route)"},
        {"!172.16.0.0/12 192.168.0.0/17", true,
            "192.168.128.0/20:20 192.168.144.0/20:20 192.168.160.0/20:20 192.168.176.0/20:20 "
            "192.168.192.0/20:20 192.168.208.0/20:20 192.168.224.0/20:20 192.168.240.0/20:20",
            "172.16.0.0/12 (route)"},
        {"172.16.0.0/12 192.168.0.0/16", true, "10.201.0.0/16:24", "every network of the engine's own pools"},
        {"!172.16.0.0/12 !192.168.0.0/16 10.201.128.0/24", true, "10.202.0.0/16:24",
            "172.16.0.0/12 (route), 192.168.0.0/16 (route)"},
        {"!172.16.0.0/12 !192.168.0.0/16 !10.0.0.0/8", true, "",
            "172.16.0.0/12 (route), 192.168.0.0/16 (route)"},
        /* The route and the address of one interface are one. */
        {"172.17.0.0/16 172.17.0.0/16", false,
            "172.18.0.0/16:16 172.19.0.0/16:16 172.20.0.0/14:16 172.24.0.0/14:16 172.28.0.0/14:16 "
            "192.168.0.0/16:20",
            "172.17.0.0/16 (route)"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_strings struct strings list = {0};
        cleanup_text struct text because = {0};
        struct host_taken taken[4] = {0};
        struct host_network network = {.taken = taken};
        strings_split(&list, rows[i].taken, " ");
        for (size_t t = 0; t < list.count; t++) {
            const char *text = list.items[t];
            taken[t] = (struct host_taken){.avoided = *text != '!', .what = "route"};
            assert_true(ipv4_network_parse(text + (*text == '!'), &taken[t].network, NULL));
        }
        network.taken_count = list.count;
        json_t *pools = network_free_pools(&network, rows[i].sees, &because);
        char *text cleanup_free = pools_text(pools);
        json_decref(pools);
        assert_string_equal(text, rows[i].pools);
        assert_string_equal(text_get(&because), rows[i].because);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_of_the_main_table_are_read_with_their_mtu),
        cmocka_unit_test(ipv6_is_the_way_out_where_there_is_no_other),
        cmocka_unit_test(an_answer_that_is_cut_or_an_error_is_one),
        cmocka_unit_test(pools_move_only_for_what_the_engine_does_not_see),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
