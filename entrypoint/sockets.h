/* The sockets of the API: what can be known of them before the engine starts, and api.activation. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct settings;
struct work;

/* Refuses (EXIT_CONFIG) a path that is too long for unix(7) and, where `folder_now`, one whose folder is not
 * there. Returns 0 or a negative errno with *e. */
int sockets_check_path(const char *path, bool folder_now, struct err *e);

/* The group of the Unix sockets: api.unix.group, whose name must be in /etc/group; else docker, as dockerd
 * has it, or root where there is none. Returns 0, or -EINVAL with *e. */
int sockets_group(const struct settings *s, gid_t *gid, struct err *e);

/* Refuses a TCP port that is in use, and an address that nobody here has: found by binding a socket for a
 * moment, without listening. Returns 0 or a negative errno with *e. */
int sockets_try(const struct work *work, struct err *e);
