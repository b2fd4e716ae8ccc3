/* The engine's data folder: what is in it, and what can be mounted there. The trials are mounts in a mount
 * namespace of their own. */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <stdbool.h>

/* True if `path`, or what there is above it yet, is on a filesystem of this magic number (statfs(2)). */
bool storage_on(const char *path, unsigned long magic);

/*
 * Appends the storage drivers that have data below `data_root`: those that the engine looks for (moby
 * daemon/graphdriver, scanPriorDrivers), vfs, and "containerd" for its image store.
 */
void storage_prior(const char *data_root, struct strings *drivers);

/*
 * Mounts an overlay of scratch folders in `data_root`, or above it where that does not exist yet, as the
 * driver overlay2 would. Needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace, so it may
 * be called inside of rootlesskit's too. Leaves nothing: the mount ends with the child that made it, and what
 * a killed trial left of the folders goes with the next one. Returns 0 when it works, else a negative errno
 * with *e: why not, one clause.
 */
int storage_try_overlay(const char *data_root, struct err *e);

/* The same with a FUSE mount that nobody serves, for fuse-overlayfs: device, kernel and right are there. */
int storage_try_fuse(const char *data_root, struct err *e);
