#include "harness.h"

#include "entrypoint/seccomp.h"

#include <jansson.h>
#include <string.h>

static json_t *profile(enum seccomp_profile which)
{
    cleanup_text struct text out = {0};

    seccomp_print(which, &out);
    return json_loads(text_get(&out), 0, NULL);
}

/* How often a system call is allowed without a condition, in all rules. */
static unsigned allowed(const json_t *root, const char *name)
{
    unsigned found = 0;
    size_t i, j;
    json_t *rule, *word;

    json_array_foreach(json_object_get(root, "syscalls"), i, rule)
    {
        if (json_object_get(rule, "args") || json_object_get(rule, "includes"))
            continue;
        json_array_foreach(json_object_get(rule, "names"), j, word) found +=
            strcmp(json_string_value(word), name) == 0;
    }
    return found;
}

static void what_an_engine_needs_is_allowed_once(void **state)
{
    static const char *const both[] = {"unshare", "setns", "clone", "mount", "umount2", "pivot_root",
        "keyctl", "sethostname", "move_mount", "open_tree", "read", "execve", "ptrace", "chroot"};
    json_t *rootful = profile(SECCOMP_ROOTFUL), *rootless = profile(SECCOMP_ROOTLESS);
    (void)state;

    for (size_t i = 0; i < sizeof(both) / sizeof(*both); i++) {
        assert_int_equal(allowed(rootful, both[i]), 1);
        assert_int_equal(allowed(rootless, both[i]), 1);
    }
    assert_int_equal(allowed(rootful, "bpf"), 1);
    assert_int_equal(allowed(rootless, "bpf"), 0);
    json_decref(rootful);
    json_decref(rootless);
}

static void what_reaches_the_machine_is_in_neither(void **state)
{
    static const char *const never[] = {"init_module", "finit_module", "delete_module", "kexec_load",
        "kexec_file_load", "reboot", "iopl", "ioperm", "settimeofday", "clock_settime", "open_by_handle_at",
        "swapon", "acct", "userfaultfd", "io_uring_setup", "add_key", "request_key"};
    json_t *rootful = profile(SECCOMP_ROOTFUL), *rootless = profile(SECCOMP_ROOTLESS);
    (void)state;

    for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++) {
        assert_int_equal(allowed(rootful, never[i]), 0);
        assert_int_equal(allowed(rootless, never[i]), 0);
    }
    json_decref(rootful);
    json_decref(rootless);
}

static void every_rule_says_what_it_is_for(void **state)
{
    json_t *root = profile(SECCOMP_ROOTFUL), *rule;
    size_t i;
    (void)state;

    assert_string_equal(json_string_value(json_object_get(root, "defaultAction")), "SCMP_ACT_ERRNO");
    assert_true(json_array_size(json_object_get(root, "syscalls")) > 10);
    json_array_foreach(json_object_get(root, "syscalls"), i, rule)
    {
        assert_true(json_string_length(json_object_get(rule, "comment")) > 5);
        assert_string_equal(json_string_value(json_object_get(rule, "action")), "SCMP_ACT_ALLOW");
    }
    json_decref(root);
}

static void only_known_names_are_profiles(void **state)
{
    enum seccomp_profile which = SECCOMP_ROOTFUL;
    (void)state;

    assert_true(seccomp_profile_named("rootless", &which));
    assert_int_equal(which, SECCOMP_ROOTLESS);
    assert_false(seccomp_profile_named("", &which));
    assert_false(seccomp_profile_named("root", &which));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_engine_needs_is_allowed_once),
        cmocka_unit_test(what_reaches_the_machine_is_in_neither),
        cmocka_unit_test(every_rule_says_what_it_is_for),
        cmocka_unit_test(only_known_names_are_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
