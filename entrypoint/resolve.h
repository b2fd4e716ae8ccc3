/* The addresses of a host by its name, within a bounded time. */
#pragma once

#include "base/deadline.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* musl gives 48 at most and does not say whether there are more (src/network/lookup.h, MAXADDRS). */
enum { RESOLVED_MAX = 47 };

union resolved_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

struct resolved {
    int failure;    /* of getaddrinfo(3), for resolve_words; 0 is none */
    unsigned count; /* of `items` */
    bool more;      /* the name has more addresses than there is room for */
    union resolved_address items[RESOLVED_MAX];
};

/*
 * Looks up the IPv4 and IPv6 addresses of `host`, a name or an address, for TCP to `port`, a number in text
 * or NULL, in the order of getaddrinfo(3). That has no bound on its time, and waits for dead name servers as
 * long as resolv.conf(5) has it: a child runs it, which is killed at the deadline, and is reaped in any case
 * (SIGCHLD must not be ignored). An address needs no child. Returns 0 with one address or more in *out;
 * -ENOENT with out->failure; -ETIMEDOUT; or another negative errno.
 */
int resolve_host(const char *host, const char *port, long long deadline, struct resolved *out);

/* The words for out->failure, the same whatever C library this is built with. Static. */
const char *resolve_words(int failure);
