/* seccomp profiles for the container around the engine, in Docker's JSON format. Pure. */
#pragma once

#include "base/text.h"

enum seccomp_profile {
    SECCOMP_ROOTFUL,  /* a rootful engine with SYS_ADMIN, NET_ADMIN and SYS_PTRACE instead of --privileged */
    SECCOMP_ROOTLESS, /* a rootless engine without any privilege but SETUID and SETGID for newuidmap */
};

/* "rootful", "rootless"; false for another name. */
bool seccomp_profile_named(const char *name, enum seccomp_profile *out);

/*
 * The whole profile: an allow-list in groups, each with a comment that says what it is for and, for what goes
 * beyond the usual list of a container, why an engine needs it. Everything else fails with EPERM, clone3 with
 * ENOSYS where its flags can't be seen. Format: moby profiles/seccomp,
 * https://docs.docker.com/engine/security/seccomp/.
 */
void seccomp_print(enum seccomp_profile profile, struct text *out);
