/* Waits until something happens to paths, existing or not: inotify(7) on the folders that they will appear
 * in.
 */
#pragma once

#include "base/text.h"

struct watch {
    int fd; /* -1: this kernel or its limits have none, and time alone passes */
    struct {
        int id;     /* of inotify */
        char *name; /* owned: what may appear in that folder */
    } * folders;    /* owned */
    size_t count;
};

/* End it with watch_end. */
void watch_begin(struct watch *watch);
void watch_end(struct watch *watch);

/*
 * Watches these paths and nothing else from now on: each in its folder, or where that is missing, in the
 * nearest one above. What happened to them since the last call is forgotten: look at them after this one.
 */
void watch_paths(struct watch *watch, const struct strings *paths);

/* Waits for at most so many milliseconds. True if something came, went or was renamed at one of the paths. */
bool watch_wait(struct watch *watch, int milliseconds);
