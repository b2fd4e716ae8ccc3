#include "harness.h"

#include "certs/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *added(const char *text)
{
    cleanup_strings struct strings names = {0};
    struct err e = {0};

    if (certs_names_add(&names, text, "san", &e) < 0)
        fail_msg("'%s' was refused: %s", text, e.what);
    return strings_join(&names, " ");
}

static void assert_added(const char *text, const char *wanted)
{
    char *got cleanup_free = added(text);

    if (strcmp(got, wanted) != 0)
        fail_msg("'%s' became '%s' instead of '%s'", text, got, wanted);
}

static struct err refused(const char *text)
{
    cleanup_strings struct strings names = {0};
    struct err e = {0};

    if (certs_names_add(&names, text, "san", &e) != -EINVAL)
        fail_msg("'%s' was taken", text);
    assert_int_equal(names.count, 0);
    assert_true(*e.hint);
    return e;
}

static void assert_refused(const char *text, const char *what, const char *hint)
{
    struct err e = refused(text);

    assert_contains(e.what, what);
    assert_contains(e.hint, hint);
}

static void bare_items_become_addresses_or_names(void **state)
{
    (void)state;
    assert_added("docker", "DNS:docker");
    assert_added("10.1.2.3", "IP:10.1.2.3");
    assert_added("::1", "IP:::1");
    assert_added("a_b.c-d.example", "DNS:a_b.c-d.example");
}

static void the_syntax_of_openssl_is_taken(void **state)
{
    (void)state;
    assert_added("DNS:docker,IP:10.0.0.1", "DNS:docker IP:10.0.0.1");
    assert_added("DNS: docker, IP: 10.0.0.1", "DNS:docker IP:10.0.0.1");
    assert_added("dns:Docker,ip:10.0.0.1", "DNS:docker IP:10.0.0.1");
    assert_added("DNS:a,DNS:b,IP:::1", "DNS:a DNS:b IP:::1");
}

static void commas_and_any_white_space_separate(void **state)
{
    (void)state;
    assert_added(" a,b c\td\r\ne,, f ,", "DNS:a DNS:b DNS:c DNS:d DNS:e DNS:f");
    assert_added("", "");
    assert_added(" ,\t, ", "");
}

static void repeated_items_are_added_once(void **state)
{
    (void)state;
    assert_added("docker,DOCKER,DNS:docker,docker.", "DNS:docker");
    assert_added("::1,0:0:0:0:0:0:0:1,IP:[::1]", "IP:::1");
}

static void what_is_there_is_not_added_again(void **state)
{
    cleanup_strings struct strings names = {0};
    struct err e = {0};
    (void)state;

    strings_add(&names, "DNS:docker");
    assert_int_equal(certs_names_add(&names, "docker,other", "san", &e), 0);
    assert_int_equal(names.count, 2);
}

static void addresses_have_one_spelling(void **state)
{
    (void)state;
    assert_added("2001:DB8:0:0:0:0:0:1", "IP:2001:db8::1");
    assert_added("IP:[2001:db8::1]", "IP:2001:db8::1");
    assert_added("[::1]", "IP:::1");
    assert_added("DNS:10.0.0.1", "IP:10.0.0.1");
    assert_added("DNS:::1", "IP:::1");
    assert_added("fe80::1", "IP:fe80::1");
}

static void an_ipv4_address_written_as_ipv6_is_that_ipv4_address(void **state)
{
    (void)state;
    assert_added("::ffff:1.2.3.4", "IP:1.2.3.4");
    assert_added("IP:::FFFF:0102:0304", "IP:1.2.3.4");
    /* This one is IPv6 and stays it; inet_ntop(3) of glibc and of musl spell it differently. */
    char *compatible cleanup_free = added("::1.2.3.4");
    assert_true(str_equal(compatible, "IP:::1.2.3.4") || str_equal(compatible, "IP:::102:304"));
}

static void names_are_lower_case_without_the_dot_of_the_root(void **state)
{
    (void)state;
    assert_added("Docker.Example.ORG.", "DNS:docker.example.org");
}

static void a_wildcard_is_the_whole_first_label(void **state)
{
    (void)state;
    assert_added("*.example.org", "DNS:*.example.org");
    assert_refused("*", "item 1", "*.example.org");
    assert_refused("*foo.example.org", "'*foo.example.org'", "*.example.org");
    assert_refused("a.*.example.org", "item 1", "*.example.org");
    assert_refused("*.*.example.org", "item 1", "*.example.org");
    assert_refused("*.", "item 1", "*.example.org");
}

static void international_names_are_taken_in_their_ascii_form_only(void **state)
{
    (void)state;
    assert_added("XN--BCHER-KVA.example", "DNS:xn--bcher-kva.example");
    assert_refused("b\xc3\xbc"
                   "cher.example",
        "item 1", "xn--");
}

static void a_number_of_twelve_digits_is_a_host_name_but_a_mistyped_address_is_none(void **state)
{
    (void)state;
    /* Docker's own host names are twelve hexadecimal digits. */
    assert_added("123456789012", "DNS:123456789012");
    assert_refused("10.0.0.256", "'10.0.0.256' (item 1)", "0 to 255");
    assert_refused("10.0.0", "item 1", "four numbers");
    assert_refused("010.0.0.1", "item 1", "leading zeros");
    assert_refused("10.0.0.1.5", "item 1", "four numbers");
    assert_refused("host.7", "item 1", "");
}

static void a_bad_address_behind_ip_is_no_name(void **state)
{
    (void)state;
    assert_refused("IP:docker", "'IP:docker' (item 1)", "");
    assert_refused("IP:10.0.0.0/8", "item 1", "network");
    assert_refused("fe80::1%eth0", "item 1", "zone");
    assert_refused("[::1", "item 1", "");
    assert_refused("[]", "item 1", "");
    assert_refused("DNS:[::1]", "item 1", "");
}

static void a_port_and_other_kinds_of_names_are_told(void **state)
{
    (void)state;
    assert_refused("docker:2376", "item 1", "leave out the port");
    assert_refused("[::1]:2376", "item 1", "leave out the port");
    assert_refused("URI:https://docker", "item 1", "DNS:name or IP:address");
    assert_refused("email:a@b", "item 1", "DNS:name or IP:address");
}

static void an_error_names_source_item_and_position(void **state)
{
    (void)state;
    assert_refused("good,DNS:alright,no good!,IP:10.0.0.1", "san: 'good!' (item 4) is not a DNS name", "");
    assert_refused("a, DNS:,b", "san: 'DNS:' (item 2) has no name after its prefix", "DNS:name");
    assert_refused("a IP:", "san: 'IP:' (item 2) has no name after its prefix", "");
}

static void one_bad_item_adds_nothing(void **state)
{
    cleanup_strings struct strings names = {0};
    struct err e = {0};
    (void)state;

    strings_add(&names, "DNS:before");
    assert_int_equal(certs_names_add(&names, "a,b,c!", "san", &e), -EINVAL);
    assert_int_equal(names.count, 1);
}

static void labels_and_names_have_the_lengths_of_dns(void **state)
{
    char label[65];
    cleanup_text struct text name = {0};
    (void)state;

    (void)memset(label, 'a', 64);
    label[64] = '\0';
    assert_refused(label, "item 1", "");
    label[63] = '\0';
    char *with_label cleanup_free = str_format("DNS:%s", label);
    assert_added(label, with_label);

    for (int i = 0; i < 127; i++)
        text_add(&name, i ? ".a" : "a");
    assert_int_equal(name.length, 253);
    char *longest cleanup_free = str_format("DNS:%s", text_get(&name));
    assert_added(text_get(&name), longest);
    text_add(&name, "a");
    assert_refused(text_get(&name), "item 1", "");
}

static void odd_labels_are_refused(void **state)
{
    static const char *const odd[] = {"-a", "a-", "a..b", ".", ".a", "a.-b", "a/b", "a@b", "a\\b", "'a'",
        "a;b", "$(a)", "a=b", "..", "a\x7f"};
    (void)state;

    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        assert_refused(odd[i], "item 1", "");
}

static void hostile_bytes_reach_no_terminal(void **state)
{
    (void)state;
    struct err e = refused("a\x1b[31mb\x07");

    assert_contains(e.what, "'a?[31mb?'");
    /* U+009B begins a sequence too. */
    struct err c1 = refused("a\xc2\x9b"
                            "31m");
    assert_contains(c1.what, "'a??31m'");
    for (const char *s = e.what; *s; s++)
        assert_true((unsigned char)*s >= 0x20);
}

static void a_long_item_is_cut_between_characters(void **state)
{
    cleanup_text struct text item = {0};
    (void)state;

    text_add(&item, "x");
    for (int i = 0; i < 200; i++)
        text_add(&item, "\xc3\xbc");
    struct err e = refused(text_get(&item));
    assert_contains(e.what, "\xc3\xbc...' (item 1)");
    assert_true(strlen(e.what) < 200);
}

static void a_long_list_is_taken_whole(void **state)
{
    cleanup_text struct text list = {0};
    cleanup_strings struct strings names = {0};
    struct err e = {0};
    (void)state;

    for (int i = 0; i < 2000; i++)
        text_addf(&list, "host-%d,", i);
    assert_int_equal(certs_names_add(&names, text_get(&list), "san", &e), 0);
    assert_int_equal(names.count, 2000);
    text_add(&list, "bad!");
    assert_refused(text_get(&list), "(item 2001)", "");
}

static void the_bytes_of_an_address_are_those_of_the_network(void **state)
{
    unsigned char address[16];
    int length = -1;
    (void)state;

    assert_string_equal(names_address("IP:10.0.0.1", address, &length), "10.0.0.1");
    assert_int_equal(length, 4);
    assert_memory_equal(address, "\x0a\x00\x00\x01", 4);
    assert_string_equal(names_address("IP:::1", address, &length), "::1");
    assert_int_equal(length, 16);
    assert_int_equal(address[15], 1);
    assert_string_equal(names_address("DNS:10.example", address, &length), "10.example");
    assert_int_equal(length, 0);
}

static void the_first_missing_name_is_found(void **state)
{
    cleanup_strings struct strings have = {0}, wanted = {0};
    (void)state;

    strings_add(&have, "DNS:a");
    strings_add(&have, "DNS:b");
    strings_add(&wanted, "DNS:b");
    assert_null(names_missing(&have, &wanted));
    assert_null(names_missing(&have, NULL));
    strings_add(&wanted, "IP:10.0.0.1");
    strings_add(&wanted, "DNS:z");
    assert_string_equal(names_missing(&have, &wanted), "IP:10.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_items_become_addresses_or_names),
        cmocka_unit_test(the_syntax_of_openssl_is_taken),
        cmocka_unit_test(commas_and_any_white_space_separate),
        cmocka_unit_test(repeated_items_are_added_once),
        cmocka_unit_test(what_is_there_is_not_added_again),
        cmocka_unit_test(addresses_have_one_spelling),
        cmocka_unit_test(an_ipv4_address_written_as_ipv6_is_that_ipv4_address),
        cmocka_unit_test(names_are_lower_case_without_the_dot_of_the_root),
        cmocka_unit_test(a_wildcard_is_the_whole_first_label),
        cmocka_unit_test(international_names_are_taken_in_their_ascii_form_only),
        cmocka_unit_test(a_number_of_twelve_digits_is_a_host_name_but_a_mistyped_address_is_none),
        cmocka_unit_test(a_bad_address_behind_ip_is_no_name),
        cmocka_unit_test(a_port_and_other_kinds_of_names_are_told),
        cmocka_unit_test(an_error_names_source_item_and_position),
        cmocka_unit_test(one_bad_item_adds_nothing),
        cmocka_unit_test(labels_and_names_have_the_lengths_of_dns),
        cmocka_unit_test(odd_labels_are_refused),
        cmocka_unit_test(hostile_bytes_reach_no_terminal),
        cmocka_unit_test(a_long_item_is_cut_between_characters),
        cmocka_unit_test(a_long_list_is_taken_whole),
        cmocka_unit_test(the_bytes_of_an_address_are_those_of_the_network),
        cmocka_unit_test(the_first_missing_name_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
