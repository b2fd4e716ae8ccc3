/* What the versions of a rootless engine's programs decide. */
#include "harness.h"

#include "entrypoint/program_version.h"
#include "entrypoint/rootless.h"

static void a_version_is_read_as_programs_print_it(void **state)
{
    static const struct {
        const char *text;
        long long major, minor;
    } cases[] = {
        {"Docker version 26.1.5+dfsg1, build 411e817\n", 26, 1},
        {"Docker version 29.5.0, build 0123456\n", 29, 5},
        {"rootlesskit version 1.1.0\n", 1, 1},
        {"rootlesskit version 3.0.0-rc.0\n", 3, 0},
        {"slirp4netns version 1.2.1\ncommit: 09e31e9\nlibslirp: 4.8.0\n", 1, 2},
        {"tool version v0.10", 0, 10},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct program_version version = program_version_read(cases[i].text);
        assert_true(version.known);
        assert_int_equal(version.major, cases[i].major);
        assert_int_equal(version.minor, cases[i].minor);
    }
}

static void what_is_no_version_stays_unknown(void **state)
{
    static const char *const texts[] = {NULL, "", "version", "version ", "dockerd version 0 (stub)",
        "rootlesskit version 2", "rootlesskit version 2.", "rootlesskit version .1",
        "rootlesskit version -1.0", "rootlesskit version 99999999999999999999.1", "2.0.1",
        "rootlesskit version (devel)"};
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (program_version_read(texts[i]).known)
            fail_msg("'%s' is known", texts[i]);
}

static void before_compares_number_by_number_and_never_the_unknown(void **state)
{
    static const struct program_version known = {true, 2, 9}, unknown = {false, 0, 0};
    (void)state;

    assert_true(program_version_before(&known, 2, 10));
    assert_true(program_version_before(&known, 3, 0));
    assert_false(program_version_before(&known, 2, 9));
    assert_false(program_version_before(&known, 2, 0));
    assert_false(program_version_before(&known, 1, 10));
    assert_false(program_version_before(&unknown, 99, 0));
}

static void auto_passes_by_what_is_too_old(void **state)
{
    static char net[] = "auto", path[] = "/p";
    static const struct program_version none = {0}, slirp_old = {true, 0, 3}, slirp_new = {true, 0, 4},
                                        kit_old = {true, 1, 1}, kit_new = {true, 2, 0};
    static const struct settings s = {.rootless.net = net};
    const struct {
        const struct program_version *slirp4netns, *rootlesskit;
        bool pasta, vpnkit;
        const char *driver;
    } cases[] = {
        {&slirp_new, &none, true, true, "slirp4netns"},
        {&none, &none, true, true, "slirp4netns"},
        {&slirp_old, &none, true, true, "pasta"},
        {&slirp_old, &kit_new, true, true, "pasta"},
        {&slirp_old, &kit_old, true, true, "vpnkit"},
        {&slirp_old, &kit_new, false, true, "vpnkit"},
        {&slirp_old, &kit_old, true, false, "gvisor-tap-vsock"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct host host = {.programs = {.slirp4netns = path,
                                      .pasta = cases[i].pasta ? path : NULL,
                                      .vpnkit = cases[i].vpnkit ? path : NULL},
            .rootless.versions = {
                .slirp4netns = *cases[i].slirp4netns, .rootlesskit = *cases[i].rootlesskit}};
        assert_string_equal(rootless_network_driver(&s, &host), cases[i].driver);
    }
}

static void a_driver_that_is_named_is_never_exchanged(void **state)
{
    static char net[] = "slirp4netns", path[] = "/p";
    static const struct settings s = {.rootless.net = net};
    static const struct host host = {
        .programs = {.slirp4netns = path, .pasta = path}, .rootless.versions.slirp4netns = {true, 0, 1}};
    (void)state;

    assert_string_equal(rootless_network_driver(&s, &host), "slirp4netns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_is_read_as_programs_print_it),
        cmocka_unit_test(what_is_no_version_stays_unknown),
        cmocka_unit_test(before_compares_number_by_number_and_never_the_unknown),
        cmocka_unit_test(auto_passes_by_what_is_too_old),
        cmocka_unit_test(a_driver_that_is_named_is_never_exchanged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
