/* Addresses, networks and registries as users write them: parsing, and the checks of the option table. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An IPv4 network: the address in host byte order, no bit set behind the prefix. */
struct ipv4_network {
    uint32_t address;
    unsigned length; /* of the prefix, 0 to 32 */
};

/* The network that an address with this prefix is in. */
struct ipv4_network ipv4_network_of(uint32_t address, unsigned length);

/* "172.17.0.1/16": false when it is not that. *address (may be NULL) is the address as written. */
bool ipv4_network_parse(const char *text, struct ipv4_network *network, uint32_t *address);

bool ipv4_overlap(struct ipv4_network a, struct ipv4_network b);
char *ipv4_network_text(struct ipv4_network network); /* "172.17.0.0/16"; the caller frees it */

/*
 * An item of network.pools, "10.210.0.0/16:24": the base, which the caller frees, and the prefix of the
 * networks that are cut from it: 24 (IPv6: 64), or that of the base if it is longer. False when it is not
 * that.
 */
bool pool_parse(const char *text, char **base, long long *size);

/* Checks of the option table, see checks.h. */
const char *check_mtu(const char *text, char **canonical);      /* auto, off, or 68 to 65535 */
const char *check_pool(const char *text, char **canonical);     /* what pool_parse takes */
const char *check_bip(const char *text, char **canonical);      /* an IPv4 address of a host with a prefix */
const char *check_proxy(const char *text, char **canonical);    /* a URL or HOST:PORT */
const char *check_mirror(const char *text, char **canonical);   /* as the engine takes a registry's mirror */
const char *check_registry(const char *text, char **canonical); /* HOST[:PORT] or a network; a scheme goes */
