#include "harness.h"

#include "base/environment.h"

#include <string.h>

static const char *const sample[] = {"A=1", "AB=2", "EMPTY=", "A=3", "novalue", NULL};

static void the_first_value_of_exactly_that_name_is_found(void **state)
{
    (void)state;
    assert_string_equal(environment_get(sample, "A"), "1");
    assert_string_equal(environment_get(sample, "AB"), "2");
    assert_null(environment_get(sample, "B"));
    assert_null(environment_get(sample, "novalue"));
    assert_null(environment_get(NULL, "A"));
}

static void an_empty_value_is_not_an_absent_one(void **state)
{
    (void)state;
    assert_string_equal(environment_get(sample, "EMPTY"), "");
}

static void setting_replaces_every_older_value_and_null_removes(void **state)
{
    cleanup_strings struct strings environment = {0};
    (void)state;

    environment_set(&environment, "NEW", NULL);
    assert_int_equal(environment.count, 0);
    strings_add_array(&environment, sample);
    environment_set(&environment, "A", "4");
    environment_set(&environment, "AB", NULL);
    char *joined cleanup_free = strings_join(&environment, " ");
    assert_string_equal(joined, "EMPTY= novalue A=4");
    assert_null(environment.items[environment.count]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_value_of_exactly_that_name_is_found),
        cmocka_unit_test(an_empty_value_is_not_an_absent_one),
        cmocka_unit_test(setting_replaces_every_older_value_and_null_removes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
