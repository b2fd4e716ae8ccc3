/* mounts.extra: mount(8)'s words, what makes sense together, and what comes by them. */
#pragma once

#include "config/records.h"

extern const struct record_type mounts_records;

/* True for a path on one of these mounts: what it names is not there before they are made. */
bool mounts_bring(const struct settings *s, const char *path);
