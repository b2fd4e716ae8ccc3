/* How nested networks fit into the one around this container. Pure. */
#pragma once

#include "entrypoint/host_network.h"

typedef struct json_t json_t;

/*
 * Pools for the engine's default-address-pools: its own (moby daemon/libnetwork/ipamutils) without what is
 * taken outside, and 10.201.0.0/16 or a following one where none of those is left. A new array, and *because
 * names what is in the way; NULL when the engine's own pools do, since it keeps away by itself from on-link
 * routes and name servers if it `sees` them; NULL with *because when nothing is free at all.
 */
json_t *network_free_pools(const struct host_network *network, bool sees, struct text *because);
