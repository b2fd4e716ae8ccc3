/* The version of a program that we start, out of what its --version prints. Pure. */
#pragma once

#include <stdbool.h>

struct program_version {
    bool known;
    long long major, minor;
};

/* "Docker version 26.1.5+dfsg1, build …", "rootlesskit version 2.0.2", "slirp4netns version 1.2.0\n…". Not
 * known where `text` is NULL or something else. */
struct program_version program_version_read(const char *text);

/* Known, and older than that: what is not known counts as new enough. */
bool program_version_before(const struct program_version *version, long long major, long long minor);
