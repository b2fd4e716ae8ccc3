#include "harness.h"

#include "entrypoint/kernel_text.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

static const char mountinfo[] = "22 28 0:20 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro\n"
                                "23 28 0:21 / /proc rw,nosuid shared:12 master:3 - proc proc rw\n"
                                "garbage\n"
                                "24 28 0:22 / /with\\040blank\\134 rw - tmpfs none rw,size=4k\n"
                                "25 28 8:1 /sub /proc rw - ext4 /dev/sda1 rw\n"
                                "26 28 8:1 / /nosuper rw - ext4 /dev/sda1\n";

static void mountinfo_lines_become_entries_and_garbage_is_left_out(void **state)
{
    cleanup(mount_table_free) struct mount_table table = {0};
    (void)state;

    mount_table_parse(&table, mountinfo);
    assert_int_equal(table.count, 5);
    const struct mount_entry *sys = mount_table_at(&table, "/sys");
    assert_non_null(sys);
    assert_true(options_have(sys->options, "ro"));
    assert_false(options_have(sys->options, "rw"));
    assert_false(options_have(sys->options, "r"));
    assert_string_equal(sys->tags, "");
    assert_string_equal(table.items[1].tags, "shared:12 master:3");
    assert_string_equal(table.items[2].point, "/with blank\\");
    assert_string_equal(mount_table_at(&table, "/nosuper")->super, "");
}

static void the_topmost_mount_of_a_point_is_the_last_one(void **state)
{
    cleanup(mount_table_free) struct mount_table table = {0};
    (void)state;

    mount_table_parse(&table, mountinfo);
    assert_string_equal(mount_table_at(&table, "/proc")->type, "ext4");
    assert_null(mount_table_at(&table, "/missing"));
}

static void capability_lines_of_status_are_read_exactly(void **state)
{
    static const char status[] =
        "Name:\tx\nCapPrm:\t00000000a80425fb\nNoNewPrivs:\t1\nCapBnd:\tzz\nCapEff:\n";
    capset set = 7;
    (void)state;

    assert_true(status_capset(status, "CapPrm", &set));
    assert_int_equal(set, 0xa80425fb);
    assert_false(status_capset(status, "CapBnd", &set));
    assert_false(status_capset(status, "CapEff", &set));
    assert_false(status_capset(status, "Cap", &set));
    assert_int_equal(set, 0xa80425fb);
    assert_int_equal(status_number(status, "NoNewPrivs"), 1);
    assert_int_equal(status_number(status, "Seccomp"), -1);
}

static void the_v2_path_is_the_line_with_no_controllers(void **state)
{
    (void)state;
    char *own cleanup_free = cgroup_v2_path("12:pids:/a\n0::/init\n");
    assert_string_equal(own, "/init");
    assert_null(cgroup_v2_path("12:pids:/a\n"));
    assert_null(cgroup_v2_path(""));
}

static void only_the_full_identity_map_is_the_initial_user_namespace(void **state)
{
    (void)state;
    assert_true(uid_map_is_initial("         0          0 4294967295\n"));
    assert_false(uid_map_is_initial("         0     100000      65536\n"));
    assert_false(uid_map_is_initial("0 0 4294967295\n1 1 1\n"));
    assert_false(uid_map_is_initial(""));
}

static void users_are_found_by_uid_and_empty_fields_do_not_shift(void **state)
{
    char *name cleanup_free = NULL, *home cleanup_free = NULL;
    static const char passwd[] =
        "root:x:0:0::/root:/bin/sh\nbroken:x\nrootless:x:1000:1001::/home/rootless:/bin/sh\n";
    gid_t gid = 5;
    (void)state;

    assert_false(passwd_find(passwd, 7, &name, &gid, &home));
    assert_int_equal(gid, 5);
    assert_true(passwd_find(passwd, 1000, &name, &gid, &home));
    assert_int_equal(gid, 1001);
    assert_string_equal(name, "rootless");
    assert_string_equal(home, "/home/rootless");
}

static void accounts_are_found_by_their_exact_names(void **state)
{
    static const char accounts[] = "root:x:0:0:root:/root:/bin/sh\n"
                                   "short:x\n"
                                   "half:x:12\n"
                                   "builder:x:1000:1001::/home:/bin/sh\n"
                                   "builder:x:7:7::/:/bin/sh\n"
                                   "::5:\n"
                                   "minus:x:4294967295:\n"
                                   "last:x:4294967294:a,b";
    static const struct {
        const char *name;
        unsigned id; /* 99: it is not there */
    } rows[] = {{"root", 0}, {"builder", 1000}, {"half", 12}, {"last", 4294967294U}, {"short", 99}, {"", 99},
        {"build", 99}, {"builder:x", 99}, {"minus", 99}, {"1000", 99}, {"x", 99}};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        unsigned id = 99;
        assert_int_equal(account_find(accounts, rows[i].name, &id), rows[i].id != 99);
        assert_int_equal(id, rows[i].id);
    }
}

static void digits_alone_are_a_number_and_anything_else_is_a_name(void **state)
{
    static const char accounts[] = "builder:x:1000:\n12:x:7:\n";
    static const struct {
        const char *account;
        int code;
        unsigned id;
    } rows[] = {{"builder", 0, 1000}, {"0", 0, 0}, {"1000", 0, 1000}, {"12", 0, 12}, {"0012", 0, 12},
        {"4294967294", 0, 4294967294U}, {"4294967295", -ERANGE, 99}, {"99999999999999999999", -ERANGE, 99},
        {"nobody", -ENOENT, 99}, {"-1", -ENOENT, 99}, {"+1", -ENOENT, 99}, {"1x", -ENOENT, 99},
        {"", -ENOENT, 99}};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        unsigned id = 99;
        assert_int_equal(account_id(accounts, rows[i].account, &id), rows[i].code);
        assert_int_equal(id, rows[i].id);
    }
}

static void subordinate_ids_are_found_by_name_or_number(void **state)
{
    (void)state;
    assert_true(subid_has("a:1:2\nrootless:100000:65536\n", "rootless", 1000));
    assert_true(subid_has("1000:100000:65536\n", NULL, 1000));
    assert_false(subid_has("rootless2:100000:65536\n", "rootless", 1000));
    assert_false(subid_has("rootless\n", "rootless", 1000));
    assert_false(subid_has("10000:1:1\n", "rootless", 1000));
    assert_false(subid_has("", NULL, 0));
}

static void the_canonical_host_name_is_the_first_of_its_line(void **state)
{
    static const char hosts[] = "127.0.0.1 localhost\n10.0.0.2\tbox.example.com box # box2\n";
    (void)state;

    char *full cleanup_free = hosts_canonical(hosts, "box");
    assert_string_equal(full, "box.example.com");
    assert_null(hosts_canonical(hosts, "box2"));
    assert_null(hosts_canonical(hosts, "10.0.0.2"));
}

static void profiles_are_the_exact_lists(void **state)
{
    const capset all = ((capset)1 << 41) - 1;
    const struct strings none = {0};
    (void)state;

    assert_int_equal(capset_profile(PROFILE_COMPAT, all, &none, &none), all);
    assert_int_equal(capset_profile(PROFILE_STRICT, all, &none, &none), 0xa82c35fb);
    const capset dropped = all & ~capset_profile(PROFILE_DEFAULT, all, &none, &none);
    char *names cleanup_free = capset_names(dropped);
    assert_string_equal(names,
        "DAC_READ_SEARCH SYS_MODULE SYS_RAWIO SYS_BOOT SYS_TIME MAC_OVERRIDE MAC_ADMIN "
        "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ");
    assert_int_equal(capset_count(dropped), 10);
}

static void a_profile_never_holds_what_is_not_there(void **state)
{
    const capset docker = 0xa80425fb;
    cleanup_strings struct strings keep = {0}, drop = {0};
    (void)state;

    strings_add(&keep, "SYS_TIME");
    assert_int_equal(capset_profile(PROFILE_STRICT, docker, &keep, &drop), docker);
    assert_int_equal(capset_profile(PROFILE_DEFAULT, docker, &keep, &drop), docker);
}

static void keep_and_drop_refine_a_profile_and_drop_wins(void **state)
{
    const capset all = ((capset)1 << 41) - 1;
    cleanup_strings struct strings keep = {0}, drop = {0};
    (void)state;

    strings_add(&keep, "SYS_TIME");
    strings_add(&keep, "SYSLOG");
    strings_add(&drop, "SYSLOG");
    strings_add(&drop, "NET_RAW");
    const capset set = capset_profile(PROFILE_STRICT, all, &keep, &drop);
    assert_int_equal(set, (0xa82c35fb | CAPSET_ONE(CAP_SYS_TIME)) & ~CAPSET_ONE(CAP_NET_RAW));
}

static void capability_names_go_both_ways(void **state)
{
    (void)state;
    assert_int_equal(capset_number("SYS_ADMIN"), CAP_SYS_ADMIN);
    assert_int_equal(capset_number("CHECKPOINT_RESTORE"), CAP_CHECKPOINT_RESTORE);
    assert_int_equal(capset_number("NONSENSE"), -1);
    char *empty cleanup_free = capset_names(0);
    assert_string_equal(empty, "");
}

/* As runc leaves them in a container without --privileged, lxcfs and others among them. */
static const char masked[] = "1 0 0:40 / / rw - overlay overlay rw\n"
                             "2 1 0:41 / /proc rw,nosuid - proc proc rw\n"
                             "3 2 0:41 /sys /proc/sys ro,nosuid - proc proc rw\n"
                             "4 2 0:42 / /proc/acpi ro,relatime - tmpfs tmpfs ro\n"
                             "5 2 0:43 /null /proc/kcore rw,nosuid - tmpfs tmpfs rw,size=65536k\n"
                             "6 2 0:44 /proc/meminfo /proc/meminfo rw,nosuid - fuse.lxcfs lxcfs rw\n"
                             "7 3 0:45 / /proc/sys/fs/binfmt_misc rw - binfmt_misc binfmt_misc rw\n"
                             "8 1 0:46 / /sys ro,nosuid - sysfs sysfs ro\n"
                             "9 8 0:47 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"
                             "10 8 0:48 / /sys/firmware ro,relatime - tmpfs tmpfs ro\n"
                             "11 8 0:49 / /sys/kernel/security ro - securityfs securityfs rw\n"
                             "12 1 0:50 / /process ro - tmpfs tmpfs ro\n"
                             "13 1 0:51 /null /srv/x rw - devtmpfs dev rw\n";

static void masks_are_told_by_their_form_and_listed_in_the_order_of_unmounting(void **state)
{
    cleanup(mount_table_free) struct mount_table table = {0};
    cleanup_strings struct strings masks = {0};
    (void)state;

    mount_table_parse(&table, masked);
    mount_table_masks(&table, &masks);
    char *list cleanup_free = strings_join(&masks, " ");
    assert_string_equal(list, "/sys/firmware /proc/kcore /proc/acpi /proc/sys");
}

static void an_apparmor_profile_is_found_by_its_whole_name(void **state)
{
    static const char profiles[] =
        "docker-default2 (enforce)\n/usr/bin/man (enforce)\ndocker-default (enforce)\n";
    (void)state;

    assert_true(apparmor_profile_listed(profiles, "docker-default"));
    assert_true(apparmor_profile_listed(profiles, "/usr/bin/man"));
    assert_false(apparmor_profile_listed(profiles, "docker"));
    assert_false(apparmor_profile_listed("", "docker-default"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mountinfo_lines_become_entries_and_garbage_is_left_out),
        cmocka_unit_test(the_topmost_mount_of_a_point_is_the_last_one),
        cmocka_unit_test(capability_lines_of_status_are_read_exactly),
        cmocka_unit_test(the_v2_path_is_the_line_with_no_controllers),
        cmocka_unit_test(only_the_full_identity_map_is_the_initial_user_namespace),
        cmocka_unit_test(users_are_found_by_uid_and_empty_fields_do_not_shift),
        cmocka_unit_test(accounts_are_found_by_their_exact_names),
        cmocka_unit_test(digits_alone_are_a_number_and_anything_else_is_a_name),
        cmocka_unit_test(subordinate_ids_are_found_by_name_or_number),
        cmocka_unit_test(the_canonical_host_name_is_the_first_of_its_line),
        cmocka_unit_test(profiles_are_the_exact_lists),
        cmocka_unit_test(a_profile_never_holds_what_is_not_there),
        cmocka_unit_test(keep_and_drop_refine_a_profile_and_drop_wins),
        cmocka_unit_test(capability_names_go_both_ways),
        cmocka_unit_test(masks_are_told_by_their_form_and_listed_in_the_order_of_unmounting),
        cmocka_unit_test(an_apparmor_profile_is_found_by_its_whole_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
