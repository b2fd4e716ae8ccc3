#include "harness.h"

#include "base/text.h"
#include "entrypoint/host_idmap.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* As setcap(8) writes them: cap_setuid=ep, cap_setgid=p, cap_bpf=ep. */
static const unsigned char setuid_effective[20] = {1, 0, 0, 2, 0x80};
static const unsigned char setgid_permitted[20] = {0, 0, 0, 2, 0x40};
static const unsigned char bpf_effective[20] = {1, 0, 0, 2, [12] = 0x80};

static void a_file_capability_counts_only_where_it_is_effective(void **state)
{
    (void)state;
    assert_true(host_file_capability(setuid_effective, 20, CAP_SETUID));
    assert_false(host_file_capability(setuid_effective, 20, CAP_SETGID));
    assert_false(host_file_capability(setgid_permitted, 20, CAP_SETGID));
}

static void the_upper_half_of_the_set_is_read_too(void **state)
{
    (void)state;
    assert_true(host_file_capability(bpf_effective, 20, CAP_BPF));
    assert_false(host_file_capability(bpf_effective, 20, CAP_BPF - 32));
}

static void revision_3_counts_where_it_is_not_another_namespaces(void **state)
{
    unsigned char value[24] = {1, 0, 0, 3, 0x80};
    (void)state;

    assert_true(host_file_capability(value, 24, CAP_SETUID));
    value[21] = 1;
    assert_false(host_file_capability(value, 24, CAP_SETUID));
}

static void what_is_cut_short_too_long_or_of_another_revision_grants_nothing(void **state)
{
    unsigned char value[25] = {1, 0, 0, 2, 0x80};
    (void)state;

    for (size_t size = 0; size <= sizeof(value); size++)
        assert_int_equal(host_file_capability(value, size, CAP_SETUID), size == 20);
    for (unsigned revision = 0; revision < 256; revision++) {
        value[3] = (unsigned char)revision;
        assert_int_equal(host_file_capability(value, 20, CAP_SETUID), revision == 2);
        assert_int_equal(host_file_capability(value, 24, CAP_SETUID), revision == 3);
    }
    value[3] = 2;
    assert_false(host_file_capability(value, 20, 64 + CAP_SETUID));
}

/* A program in a folder of its own, and that folder as PATH. */
static int make_program(void **state)
{
    static char folder[64];

    (void)snprintf(folder, sizeof(folder), "idmap.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    char *path cleanup_free = str_format("%s/newuidmap", folder);
    FILE *file = fopen(path, "we");
    if (!file || fclose(file) != 0 || chmod(path, 0755) < 0)
        return -1;
    *state = folder;
    return 0;
}

static int remove_program(void **state)
{
    char *path cleanup_free = str_format("%s/newuidmap", (const char *)*state);
    return unlink(path) < 0 || rmdir(*state) < 0 ? -1 : 0;
}

static void a_program_that_is_not_there_has_nothing(void **state)
{
    struct host_idmap idmap;

    host_idmap_look(&idmap, "newgidmap", CAP_SETGID, *state);
    assert_null(idmap.path);
    assert_false(idmap.setuid || idmap.file_capability || idmap.nosuid);
}

static void a_plain_program_is_found_without_any_right(void **state)
{
    cleanup(host_idmap_free) struct host_idmap idmap;

    host_idmap_look(&idmap, "newuidmap", CAP_SETUID, *state);
    assert_contains(idmap.path, "/newuidmap");
    assert_false(idmap.setuid || idmap.file_capability);
}

static void the_set_user_id_bit_counts_if_the_owner_is_root(void **state)
{
    cleanup(host_idmap_free) struct host_idmap own = {0}, foreign = {0};
    char *path cleanup_free = str_format("%s/newuidmap", (const char *)*state);

    if (geteuid() != 0)
        SKIP("needs root");
    assert_int_equal(chmod(path, 04755), 0);
    host_idmap_look(&own, "newuidmap", CAP_SETUID, *state);
    assert_true(own.setuid);
    assert_int_equal(chown(path, 1, 1), 0);
    assert_int_equal(chmod(path, 04755), 0);
    host_idmap_look(&foreign, "newuidmap", CAP_SETUID, *state);
    assert_false(foreign.setuid);
}

static void a_file_capability_is_found_on_the_file(void **state)
{
    cleanup(host_idmap_free) struct host_idmap right = {0}, wrong = {0};
    char *path cleanup_free = str_format("%s/newuidmap", (const char *)*state);

    if (setxattr(path, "security.capability", setuid_effective, 20, 0) < 0)
        SKIP("needs the right to give a file a capability");
    host_idmap_look(&right, "newuidmap", CAP_SETUID, *state);
    assert_true(right.file_capability);
    host_idmap_look(&wrong, "newuidmap", CAP_SETGID, *state);
    assert_false(wrong.file_capability);
}

#define WITH_PROGRAM(test) cmocka_unit_test_setup_teardown(test, make_program, remove_program)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_capability_counts_only_where_it_is_effective),
        cmocka_unit_test(the_upper_half_of_the_set_is_read_too),
        cmocka_unit_test(revision_3_counts_where_it_is_not_another_namespaces),
        cmocka_unit_test(what_is_cut_short_too_long_or_of_another_revision_grants_nothing),
        WITH_PROGRAM(a_program_that_is_not_there_has_nothing),
        WITH_PROGRAM(a_plain_program_is_found_without_any_right),
        WITH_PROGRAM(the_set_user_id_bit_counts_if_the_owner_is_root),
        WITH_PROGRAM(a_file_capability_is_found_on_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
