/* Which storage driver the engine gets, by what the settings say and what trials found. Pure. */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "config/settings.h"

#include <stdbool.h>

/* What was found. A `code` of 0 in an err means that it works. */
struct storage_found {
    const char *data_root;
    struct err no_overlay, no_fuse;
    bool on_btrfs, on_zfs;
    struct strings prior; /* storage_prior */
};

struct storage_decision {
    char *driver;        /* owned: what the engine is told to use beyond what the user said; NULL: nothing */
    struct text told;    /* what was decided, for the log; may be empty */
    struct text warning; /* what will not work, or not well; may be empty */
};

void storage_decision_free(struct storage_decision *decision);

/* Whether it matters if fuse-overlayfs works. `asked` is the driver that the user named, in whatever way, or
 * NULL. */
bool storage_wants_fuse(const struct settings *s, const char *asked);

/*
 * Decides. Native overlay that works, a driver that the user named, and data of another driver are never
 * turned away from. Returns 0, or -EINVAL with *e (EXIT_CONFIG) when what storage.driver or
 * storage.on_overlay asks for cannot be had.
 */
int storage_decide(struct storage_decision *decision, const struct settings *s, const char *asked,
    const struct storage_found *found, struct err *e);
