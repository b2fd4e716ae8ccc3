/* Which storage driver the engine is given, by what trials found. */
#include "harness.h"

#include "entrypoint/plan_storage.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NO_OVERLAY "/d is on overlayfs"
#define NO_FUSE "there is no FUSE"

struct row {
    enum on_overlay on_overlay;
    const char *key, *asked; /* storage.driver; the driver that the user named in whatever way */
    bool overlay, fuse;
    const char *prior; /* drivers that have data */
    const char *driver, *warning, *refused;
};

static void check(const struct row *row)
{
    struct settings s = {.storage = {.driver = str_dup(row->key), .on_overlay = (int)row->on_overlay}};
    struct storage_found found = {.data_root = "/d"};
    cleanup(storage_decision_free) struct storage_decision decision = {0};
    struct err e = {0};

    if (!row->overlay)
        (void)err_set(&found.no_overlay, -EINVAL, "%s", NO_OVERLAY);
    if (!row->fuse)
        (void)err_set(&found.no_fuse, -ENOENT, "%s", NO_FUSE);
    strings_split(&found.prior, row->prior, " ");
    int r = storage_decide(&decision, &s, row->asked, &found, &e);
    strings_free(&found.prior);
    free(s.storage.driver);
    if (row->refused) {
        assert_int_equal(r, -EINVAL);
        assert_int_equal(e.status, EXIT_CONFIG);
        assert_contains(e.what, row->refused);
        assert_contains(e.hint, "mount a volume on /d");
        return;
    }
    assert_int_equal(r, 0);
    if (!str_equal(decision.driver, row->driver))
        fail_msg(
            "%s, not %s", decision.driver ? decision.driver : "none", row->driver ? row->driver : "none");
    if (row->warning)
        assert_contains(text_get(&decision.warning), row->warning);
    else
        assert_string_equal(text_get(&decision.warning), "");
}

static void overlay_that_works_is_left_to_the_engine(void **state)
{
    (void)state;

    for (int on = ON_OVERLAY_WARN; on <= ON_OVERLAY_VFS; on++)
        check(&(struct row){.on_overlay = (enum on_overlay)on, .key = "auto", .overlay = true, .prior = ""});
}

static void where_overlay_fails_the_setting_decides(void **state)
{
    static const struct row rows[] = {
        {ON_OVERLAY_WARN, "auto", NULL, false, true, "", NULL, NO_OVERLAY, NULL},
        {ON_OVERLAY_FAIL, "auto", NULL, false, true, "", NULL, NULL, "storage.on_overlay: fail"},
        {ON_OVERLAY_FUSE, "auto", NULL, false, true, "", "fuse-overlayfs", NULL, NULL},
        {ON_OVERLAY_FUSE, "auto", NULL, false, false, "", NULL, NULL, NO_FUSE},
        {ON_OVERLAY_VFS, "auto", NULL, false, false, "", "vfs", "copies every layer", NULL},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

static void data_of_another_driver_are_not_turned_away_from(void **state)
{
    static const struct row rows[] = {
        {ON_OVERLAY_FUSE, "auto", NULL, false, true, "fuse-overlayfs", "fuse-overlayfs", NULL, NULL},
        {ON_OVERLAY_FUSE, "auto", NULL, false, true, "vfs fuse-overlayfs", "fuse-overlayfs", NULL, NULL},
        {ON_OVERLAY_FUSE, "auto", NULL, false, true, "overlay2", NULL,
            "has data of the storage driver overlay2", NULL},
        {ON_OVERLAY_FUSE, "auto", NULL, false, true, "vfs", "vfs", "has data of the storage driver vfs",
            NULL},
        {ON_OVERLAY_VFS, "auto", NULL, false, true, "vfs", "vfs", "copies every layer", NULL},
        {ON_OVERLAY_VFS, "auto", NULL, false, true, "fuse-overlayfs", NULL, "driver fuse-overlayfs", NULL},
        {ON_OVERLAY_VFS, "auto", NULL, false, true, "containerd", NULL, "driver containerd", NULL},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

static void a_driver_that_was_named_is_tried_and_never_replaced(void **state)
{
    static const struct row rows[] = {
        {ON_OVERLAY_VFS, "overlay2", "overlay2", true, false, "", NULL, NULL, NULL},
        {ON_OVERLAY_VFS, "overlay2", "overlay2", false, false, "", NULL, NULL, "storage.driver: overlay2"},
        {ON_OVERLAY_WARN, "fuse-overlayfs", "fuse-overlayfs", false, true, "", NULL, NULL, NULL},
        {ON_OVERLAY_WARN, "fuse-overlayfs", "fuse-overlayfs", true, false, "", NULL, NULL, NO_FUSE},
        {ON_OVERLAY_WARN, "btrfs", "btrfs", true, true, "", NULL, NULL, "are not on btrfs"},
        {ON_OVERLAY_WARN, "zfs", "zfs", true, true, "", NULL, NULL, "are not on ZFS"},
        {ON_OVERLAY_FAIL, "vfs", "vfs", false, false, "", NULL, NULL, NULL},
        {ON_OVERLAY_WARN, "stargz", "stargz", false, false, "", NULL, NULL, NULL},
        /* Data of another driver are out of sight then, which is worth a word. */
        {ON_OVERLAY_WARN, "vfs", "vfs", false, false, "overlay2", NULL, "which vfs does not see", NULL},
        /* By flag, file or DOCKER_DRIVER: dockerd itself refuses it, and we say why. */
        {ON_OVERLAY_VFS, "auto", "overlay2", false, false, "", NULL, "overlay2 will not work: " NO_OVERLAY,
            NULL},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlay_that_works_is_left_to_the_engine),
        cmocka_unit_test(where_overlay_fails_the_setting_decides),
        cmocka_unit_test(data_of_another_driver_are_not_turned_away_from),
        cmocka_unit_test(a_driver_that_was_named_is_tried_and_never_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
