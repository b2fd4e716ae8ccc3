/* The network that this container stands in: its way out, and the addresses that are taken. Read-only. */
#pragma once

#include "base/text.h"
#include "config/networks.h"

#include <stdbool.h>
#include <stddef.h>

/* An IPv4 network that nested containers must be able to reach from here. */
struct host_taken {
    struct ipv4_network network;
    bool avoided;  /* the engine keeps its own networks away from it by itself */
    char what[64]; /* "route of eth0", "address of eth0", "name server" */
};

struct host_network {
    char *interface; /* owned: of the default route, that of IPv6 where there is none of IPv4; NULL without */
    long long mtu;   /* of that route, else of its interface; 0 when unknown */
    struct host_taken *taken; /* owned */
    size_t taken_count;
    struct strings nameservers; /* of the resolv.conf(5) that the engine will read */
};

void host_network_look(struct host_network *network);
void host_network_free(struct host_network *network); /* leaves it empty */

/* A unicast route of the main table. */
struct route {
    struct ipv4_network to; /* of IPv6 only the length, as far as it is 0 */
    bool ipv6, default_route;
    bool on_link; /* scope link: no gateway between */
    int interface;
    unsigned metric, mtu; /* 0: none of its own */
};

struct routes {
    struct route *items; /* owned */
    size_t count;
};

/*
 * Appends the routes of one piece of the kernel's answer to RTM_GETROUTE (rtnetlink(7)); of IPv6 only default
 * ones. Returns 1 at the end of the answer, 0 when more is to come, a negative errno when the kernel reports
 * one or the bytes are no such answer.
 */
int routes_parse(const void *data, size_t length, struct routes *routes);
void routes_free(struct routes *routes);

/* The default route with the lowest metric, IPv4 first; NULL when there is none. Borrowed. */
const struct route *routes_default(const struct routes *routes);
