/* Capability sets as bit masks, the profiles, and what the engine cannot live without. Pure. */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "config/settings.h"

#include <stdint.h>

typedef uint64_t capset; /* bit N is capability N of capabilities(7) */

#define CAPSET_ONE(number) ((capset)1 << (number))

/* By which root goes everywhere, and gives files away. */
#define CAPSET_FILES (CAPSET_ONE(CAP_CHOWN) | CAPSET_ONE(CAP_DAC_OVERRIDE) | CAPSET_ONE(CAP_FOWNER))

/* The 14 that every container gets by default: runc refuses to start one if the bounding set lacks any of
 * them (moby daemon/pkg/oci/caps/defaults.go). */
extern const capset CAPSET_CONTAINER;

/* Those without which dockerd does not come up, or starts no container at all; found by leaving out one at a
 * time. */
extern const capset CAPSET_ENGINE;

/* What a profile keeps of `available`, `keep` added and `drop` taken away; names are known to be
 * capabilities. */
capset capset_profile(
    enum profile profile, capset available, const struct strings *keep, const struct strings *drop);

/* "SYS_ADMIN" -> its number, or -1. */
int capset_number(const char *name);

/* Upper-case names without "CAP_", separated by single blanks, in order of their numbers. The caller frees
 * it. */
char *capset_names(capset set);
unsigned capset_count(capset set);
