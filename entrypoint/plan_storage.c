#include "plan_storage.h"

#include "entrypoint/plan_parts.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define VOLUME "mount a volume on %s (docker run -v NAME:%s, Compose volumes:, Kubernetes an emptyDir)"

void storage_decision_free(struct storage_decision *decision)
{
    free(decision->driver);
    text_free(&decision->told);
    text_free(&decision->warning);
}

bool storage_wants_fuse(const struct settings *s, const char *asked)
{
    return asked ? strcmp(asked, "fuse-overlayfs") == 0 : s->storage.on_overlay == ON_OVERLAY_FUSE;
}

static const char *word_of(const struct settings *s)
{
    static const char *const words[] = {[ON_OVERLAY_WARN] = "warn",
        [ON_OVERLAY_FAIL] = "fail",
        [ON_OVERLAY_FUSE] = "fuse",
        [ON_OVERLAY_VFS] = "vfs"};
    return words[s->storage.on_overlay];
}

static int refuse(struct err *e, const struct settings *s, enum option_id id, const char *value,
    const char *why, const char *hint)
{
    char *origin cleanup_free = settings_origin(s, id);

    (void)err_set(e, -EINVAL, "%s: %s (%s): %s",
        id == OPTION_STORAGE_DRIVER ? "storage.driver" : "storage.on_overlay", value, origin, why);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "%s", hint);
}

/* Why the named driver cannot work here, or NULL when it can, or when only the engine can tell. */
static const char *driver_problem(const char *driver, const struct storage_found *found)
{
    if (strcmp(driver, "overlay2") == 0 || strcmp(driver, "overlayfs") == 0)
        return found->no_overlay.code ? found->no_overlay.what : NULL;
    if (strcmp(driver, "fuse-overlayfs") == 0)
        return found->no_fuse.code ? found->no_fuse.what : NULL;
    if (strcmp(driver, "btrfs") == 0)
        return found->on_btrfs ? NULL : "the engine's data are not on btrfs";
    if (strcmp(driver, "zfs") == 0)
        return found->on_zfs ? NULL : "the engine's data are not on ZFS";
    return NULL;
}

/* Data of another driver than this one; NULL when there are none. Borrowed. */
static const char *other_data(const struct storage_found *found, const char *driver)
{
    if (strings_have(&found->prior, driver))
        return NULL;
    return found->prior.count ? found->prior.items[0] : NULL;
}

/* Named by storage.driver. DOCKER_DRIVER is dockerd's own: it judges that itself. */
static bool by_key(const struct settings *s)
{
    return strcmp(s->storage.driver, "auto") != 0 &&
           !str_equal(s->origin[OPTION_STORAGE_DRIVER].name, "DOCKER_DRIVER");
}

static int decide_asked(struct storage_decision *decision, const struct settings *s, const char *asked,
    const struct storage_found *found, struct err *e)
{
    const char *problem = driver_problem(asked, found);
    const char *other = other_data(found, asked);
    char *hint cleanup_free =
        str_format(VOLUME ", or choose another storage.driver", found->data_root, found->data_root);

    if (problem && by_key(s))
        return refuse(e, s, OPTION_STORAGE_DRIVER, asked, problem, hint);
    if (problem)
        text_addf(&decision->warning, "the storage driver %s will not work: %s; " VOLUME, asked, problem,
            found->data_root, found->data_root);
    if (other)
        text_addf(&decision->warning, "%s%s has data of the storage driver %s, which %s does not see",
            decision->warning.length ? "; " : "", found->data_root, other, asked);
    return 0;
}

/* The engine looks for vfs's data last of all, so they need a word from us. */
static bool keep_other_data(
    struct storage_decision *decision, const struct storage_found *found, const char *wanted)
{
    const char *other = other_data(found, wanted);

    if (!other)
        return false;
    if (strcmp(other, "vfs") == 0 && found->prior.count == 1)
        decision->driver = str_dup("vfs");
    text_addf(&decision->warning,
        "%s; %s has data of the storage driver %s, which is not turned away from for %s: move the data away "
        "to change that",
        found->no_overlay.what, found->data_root, other, wanted);
    return true;
}

static void choose(struct storage_decision *decision, const struct settings *s,
    const struct storage_found *found, const char *wanted)
{
    if (keep_other_data(decision, found, wanted))
        return;
    decision->driver = str_dup(wanted);
    text_addf(&decision->told, "%s, by storage.on_overlay: %s, since %s", wanted, word_of(s),
        found->no_overlay.what);
    if (strcmp(wanted, "vfs") == 0)
        text_addf(&decision->warning,
            "vfs copies every layer whole: builds are slow and take many times the space; " VOLUME,
            found->data_root, found->data_root);
}

int storage_decide(struct storage_decision *decision, const struct settings *s, const char *asked,
    const struct storage_found *found, struct err *e)
{
    const char *why = found->no_overlay.what;
    char *hint cleanup_free =
        str_format(VOLUME ", or set storage.on_overlay: fuse or vfs", found->data_root, found->data_root);

    if (asked)
        return decide_asked(decision, s, asked, found, e);
    if (!found->no_overlay.code)
        return 0;
    switch ((enum on_overlay)s->storage.on_overlay) {
    case ON_OVERLAY_WARN:
        text_addf(&decision->warning,
            "%s: the engine falls back to a slower storage driver, or fails when it starts containers; %s",
            why, hint);
        return 0;
    case ON_OVERLAY_FAIL:
        return refuse(e, s, OPTION_STORAGE_ON_OVERLAY, "fail", why, hint);
    case ON_OVERLAY_FUSE:
        if (found->no_fuse.code) {
            char *both cleanup_free = str_format("%s, and %s", why, found->no_fuse.what);
            char *fuse cleanup_free =
                str_format(VOLUME ", or install fuse-overlayfs in the image and add --device /dev/fuse",
                    found->data_root, found->data_root);
            return refuse(e, s, OPTION_STORAGE_ON_OVERLAY, "fuse", both, fuse);
        }
        choose(decision, s, found, "fuse-overlayfs");
        return 0;
    case ON_OVERLAY_VFS:
        choose(decision, s, found, "vfs");
        return 0;
    }
    return 0;
}

/* ---- the plan ---- */

/* dockerd goes by DOCKER_DRIVER first, then by the flag or its file. Borrowed, or NULL. */
static const char *asked_driver(const struct plan_input *in)
{
    const struct settings *s = in->settings;

    if (strcmp(s->storage.driver, "auto") != 0 &&
        str_equal(s->origin[OPTION_STORAGE_DRIVER].name, "DOCKER_DRIVER"))
        return s->storage.driver;
    return engine_config_setting(in->config, in->command, "storage-driver");
}

/* The trial needs rootlesskit's namespaces there: by the facts alone. That the kernel takes no overlayfs for
 * the upper folder of another one is sure (fs/overlayfs, ovl_dentry_weird). */
static int decide_rootless(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct host *host = in->host;
    struct storage_found found = {.data_root = host->data_root, .prior = host->data_prior};
    cleanup(storage_decision_free) struct storage_decision decision = {0};

    if (!host->data_on_overlay)
        return 0;
    (void)err_set(&found.no_overlay, -EINVAL, "%s is on overlayfs, on which the kernel mounts no second one",
        host->data_root);
    if (!host->programs.fuse_overlayfs)
        (void)err_set(&found.no_fuse, -ENOENT, "fuse-overlayfs is not in PATH");
    else if (host->fuse.state != DEVICE_USABLE)
        (void)err_set(&found.no_fuse, -ENOENT, "/dev/fuse is missing, or closed to this user");
    int r = storage_decide(&decision, in->settings, plan->storage_driver, &found, e);
    if (r == 0 && decision.warning.length)
        strings_add(&plan->notes, text_get(&decision.warning));
    plan->storage_choice = take(decision.driver);
    return r;
}

static char *alternatives(const struct plan *plan, const struct settings *s)
{
    if (plan->storage_driver)
        return str_format("%s if that works; else %s", plan->storage_driver,
            by_key(s) ? "the start stops here" : "a warning");
    switch ((enum on_overlay)s->storage.on_overlay) {
    case ON_OVERLAY_WARN:
        break;
    case ON_OVERLAY_FAIL:
        return str_dup("the engine's own choice if it works; else the start stops here");
    case ON_OVERLAY_FUSE:
        return str_dup("the engine's own choice if it works; else fuse-overlayfs, if that does");
    case ON_OVERLAY_VFS:
        return str_dup("the engine's own choice if it works; else vfs");
    }
    return str_dup("the engine's own choice; a warning if it does not work");
}

int plan_storage(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const char *asked = asked_driver(in);
    bool strict = by_key(s) || (!asked && s->storage.on_overlay != ON_OVERLAY_WARN);

    plan->storage_driver = asked ? str_dup(asked) : NULL;
    if (plan->mode == MODE_ROOTLESS)
        return decide_rootless(plan, in, e);
    if (!(in->host->effective & CAPSET_ONE(CAP_SYS_ADMIN)))
        return 0;
    return plan_add(plan,
        (struct step){PHASE_DEVICES, STEP_STORAGE,
            str_format("mount an overlay in %s for a trial", in->host->data_root),
            in->host->data_on_overlay
                ? str_dup("that is on overlayfs itself, where the engine's own overlays fail")
                : str_dup("only a mount tells whether the engine's storage works there"),
            alternatives(plan, s), strict, 0, false},
        e);
}
