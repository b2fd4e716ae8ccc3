/*
 * The storage driver. Should: find out by a trial what works where the engine's data are to lie, before the
 * engine falls back to something slow, or does not start. Must not: choose while native overlay works, or
 * turn away from data that are there. Not earlier: the data folder may be one of the mounts, and /dev/fuse
 * has to be there. Not later: CAP_SYS_ADMIN may go.
 */
#include "entrypoint/storage.h"

#include "entrypoint/plan_storage.h"
#include "entrypoint/process.h"
#include "entrypoint/steps.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>

#define ZFS_MAGIC 0x2fc12fc1L /* OpenZFS module/os/linux, zpl_super.c; moby's driver asks for the same */

enum { VERSION_SECONDS = 10 };

/* The program may be there for another machine, or without its libraries. */
static void try_fuse(const struct host *host, struct storage_found *found)
{
    static const char *const version[] = {"fuse-overlayfs", "--version", NULL};
    char *search cleanup_free = str_format("PATH=%s", host->path);
    const char *const environment[] = {search, NULL};

    if (!host->programs.fuse_overlayfs)
        (void)err_set(&found->no_fuse, -ENOENT, "fuse-overlayfs is not in PATH");
    else if (process_run_quietly(version, host->path, environment, VERSION_SECONDS) != 0)
        (void)err_set(&found->no_fuse, -ENOEXEC, "`fuse-overlayfs --version` fails");
    else
        (void)storage_try_fuse(host->data_root, &found->no_fuse);
}

int step_storage(const struct settings *s, const struct host *host, const struct plan *plan, char **driver,
    struct outcome *outcome, struct err *e)
{
    struct storage_found found = {
        .data_root = host->data_root,
        .on_btrfs = storage_on(host->data_root, BTRFS_SUPER_MAGIC),
        .on_zfs = storage_on(host->data_root, ZFS_MAGIC),
    };
    cleanup(storage_decision_free) struct storage_decision decision = {0};

    /* Mounts may have come since the facts. */
    storage_prior(host->data_root, &found.prior);
    (void)storage_try_overlay(host->data_root, &found.no_overlay);
    if (storage_wants_fuse(s, plan->storage_driver))
        try_fuse(host, &found);
    int r = storage_decide(&decision, s, plan->storage_driver, &found, e);
    strings_free(&found.prior);
    if (r < 0)
        return r;
    outcome->kind = OUTCOME_DONE;
    *driver = take(decision.driver);
    (void)snprintf(outcome->detail, sizeof(outcome->detail), "%s", text_get(&decision.told));
    (void)snprintf(outcome->warning, sizeof(outcome->warning), "%s", text_get(&decision.warning));
    return 0;
}
