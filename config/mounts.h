/* mounts.extra: mount(8)'s words, and what makes sense together. */
#pragma once

#include "config/records.h"

extern const struct record_type mounts_records;
