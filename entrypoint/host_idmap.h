/* newuidmap(1) and newgidmap(1): the programs that give a user namespace its subordinate ids. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One of the two: how it gets the right to write a map, of which a mount with nosuid takes both away
 * (execve(2)). */
struct host_idmap {
    char *path;           /* owned: NULL when it is not in PATH */
    bool setuid;          /* owned by root, with the set-user-ID bit */
    bool file_capability; /* carries CAP_SETUID (newgidmap: CAP_SETGID), effective from the start */
    bool nosuid;          /* on a mount with nosuid */
};

/* Looks for `program` in `search` and at what it is. Changes and runs nothing. End it with host_idmap_free.
 */
void host_idmap_look(struct host_idmap *idmap, const char *program, unsigned capability, const char *search);
void host_idmap_free(struct host_idmap *idmap);

/*
 * True if this value of the extended attribute security.capability makes the capability effective when the
 * file is executed here (capabilities(7), "File capabilities"). Revision 3 belongs to the root of a user
 * namespace: the kernel shows it as revision 2 where that is ours or above us, so another one than 0 is
 * somebody else's.
 */
bool host_file_capability(const unsigned char *value, size_t size, unsigned capability);
