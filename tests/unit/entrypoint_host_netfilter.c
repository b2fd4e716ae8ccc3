#include "harness.h"

#include "entrypoint/host_netfilter.h"

#include <string.h>

static void modules_are_found_in_the_kernels_own_list(void **state)
{
    static const char loaded[] = "nft_chain_nat 16384 1 - Live 0x0\nnf_tables 348160 1 ip_tables, Live 0x0\n";
    (void)state;

    assert_true(module_listed(loaded, "nf_tables"));
    assert_true(module_listed(loaded, "nft_chain_nat"));
    assert_false(module_listed(loaded, "ip_tables")); /* it only uses another one */
    assert_false(module_listed(loaded, "nf_table"));
    assert_false(module_listed(loaded, "tables"));
}

static void modules_are_found_by_their_files_however_they_are_packed(void **state)
{
    static const char *const lists[] = {"kernel/net/netfilter/nf_tables.ko: kernel/net/ip_tables.ko\n",
        "kernel/x.ko\nkernel/net/netfilter/nf_tables.ko.xz:\n",
        "kernel/net/nf-tables.ko.zst:", "nf_tables.ko"};
    (void)state;

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        assert_true(module_listed(lists[i], "nf_tables"));
        assert_false(module_listed(lists[i], "ip_tables"));
    }
}

static void nothing_is_in_an_empty_list(void **state)
{
    (void)state;
    assert_false(module_listed("", "nf_tables"));
    assert_false(module_listed("\n\n", "nf_tables"));
    assert_false(module_listed("/", "nf_tables"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_are_found_in_the_kernels_own_list),
        cmocka_unit_test(modules_are_found_by_their_files_however_they_are_packed),
        cmocka_unit_test(nothing_is_in_an_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
