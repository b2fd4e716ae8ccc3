#include "harness.h"

#include "entrypoint/capset.h"

#include <linux/capability.h>

static const capset ALL = CAPSET_ONE(CAP_LAST_CAP + 1) - 1;

/* Without the ten that no ordinary use needs. */
static const capset DEFAULT_DROPS = CAPSET_ONE(CAP_SYS_MODULE) | CAPSET_ONE(CAP_SYS_RAWIO) |
                                    CAPSET_ONE(CAP_SYS_BOOT) | CAPSET_ONE(CAP_SYS_TIME) |
                                    CAPSET_ONE(CAP_MAC_OVERRIDE) | CAPSET_ONE(CAP_MAC_ADMIN) |
                                    CAPSET_ONE(CAP_WAKE_ALARM) | CAPSET_ONE(CAP_BLOCK_SUSPEND) |
                                    CAPSET_ONE(CAP_AUDIT_READ) | CAPSET_ONE(CAP_DAC_READ_SEARCH);
static const capset STRICT = 0xa82c35fb;

static capset profile(enum profile name, capset available, const char *keep, const char *drop)
{
    cleanup_strings struct strings kept = {0}, dropped = {0};

    strings_split(&kept, keep, " ");
    strings_split(&dropped, drop, " ");
    return capset_profile(name, available, &kept, &dropped);
}

static void the_profiles_are_exact(void **state)
{
    (void)state;
    assert_int_equal(profile(PROFILE_COMPAT, ALL, "", ""), ALL);
    assert_int_equal(profile(PROFILE_DEFAULT, ALL, "", ""), ALL & ~DEFAULT_DROPS);
    assert_int_equal(capset_count(DEFAULT_DROPS), 10);
    assert_int_equal(profile(PROFILE_STRICT, ALL, "", ""), STRICT);
    assert_int_equal(capset_count(STRICT), 17);
}

static void what_is_not_available_is_in_no_profile(void **state)
{
    const capset available = 0xa80425fb; /* an ordinary container's */
    (void)state;

    assert_int_equal(profile(PROFILE_COMPAT, available, "", ""), available);
    assert_int_equal(profile(PROFILE_STRICT, available, "SYS_TIME", ""), available);
}

static void keep_adds_and_drop_takes_away(void **state)
{
    (void)state;
    assert_int_equal(profile(PROFILE_STRICT, ALL, "SYS_TIME SYSLOG", "NET_RAW"),
        (STRICT | CAPSET_ONE(CAP_SYS_TIME) | CAPSET_ONE(CAP_SYSLOG)) & ~CAPSET_ONE(CAP_NET_RAW));
    assert_int_equal(profile(PROFILE_COMPAT, ALL, "", "SYS_MODULE"), ALL & ~CAPSET_ONE(CAP_SYS_MODULE));
}

static void the_kernels_newer_capabilities_stay_by_default_and_go_under_strict(void **state)
{
    const capset newer = CAPSET_ONE(CAP_LAST_CAP + 1);
    (void)state;

    assert_true(profile(PROFILE_DEFAULT, ALL | newer, "", "") & newer);
    assert_false(profile(PROFILE_STRICT, ALL | newer, "", "") & newer);
}

static void an_engine_needs_what_every_container_gets_and_two_more(void **state)
{
    (void)state;
    assert_int_equal(CAPSET_CONTAINER, 0xa80425fb);
    assert_int_equal(
        CAPSET_ENGINE & ~CAPSET_CONTAINER, CAPSET_ONE(CAP_SYS_ADMIN) | CAPSET_ONE(CAP_NET_ADMIN));
}

static void names_are_those_of_the_manual_in_order_of_numbers(void **state)
{
    char *names cleanup_free =
        capset_names(CAPSET_ONE(CAP_SYS_ADMIN) | CAPSET_ONE(CAP_CHOWN) | CAPSET_ONE(63));
    char *none cleanup_free = capset_names(0);
    (void)state;

    assert_string_equal(names, "CHOWN SYS_ADMIN 63");
    assert_string_equal(none, "");
    assert_int_equal(capset_number("NET_RAW"), CAP_NET_RAW);
    assert_int_equal(capset_number("NONSENSE"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_profiles_are_exact),
        cmocka_unit_test(what_is_not_available_is_in_no_profile),
        cmocka_unit_test(keep_adds_and_drop_takes_away),
        cmocka_unit_test(the_kernels_newer_capabilities_stay_by_default_and_go_under_strict),
        cmocka_unit_test(an_engine_needs_what_every_container_gets_and_two_more),
        cmocka_unit_test(names_are_those_of_the_manual_in_order_of_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
