/* The rules of api.allow, as arguments of iptables(8) and ip6tables(8). Pure. */
#pragma once

#include "base/text.h"

#include <stdbool.h>
#include <sys/types.h>

struct access_rules {
    bool ipv6;
    long long port;
    const struct strings *sources;    /* numeric: addresses and networks of both families */
    const struct strings *interfaces; /* by which clients from outside come */
    bool allow_nested;
    /* A rootless engine: its containers' connections to this network are made by a process of that user, and
     * those to an address of this container itself come in by the loopback interface. */
    bool nested_by_user;
    uid_t user;
    bool loopback_out_of_reach; /* but never to 127.0.0.1 and ::1: those are others of the user's */
};

/*
 * Chains of our own: DIND-API-PORT, entered from INPUT, has what comes to the port, and DIND-API-PORT-OUTSIDE
 * of that what comes from outside. For a rootless engine DIND-API-PORT-NESTED, entered from OUTPUT, has what
 * its network driver sends there. By the port, since engines may share a network namespace (a pod's), and one
 * must not take away the rules of the other.
 *
 * Appends the commands that put the rules in place, one an item, its arguments separated by spaces. Those
 * that begin with '?' are to be ignored when they fail: a chain that is there already, a jump that is not.
 * When a restart finds the chains, they are made anew; only the last command opens or closes anything.
 *
 * What decides is where a packet comes in: bridges of nested networks may have any name and come at any time,
 * so it is what was there at the start that is let in. The loopback interface stays open: what comes by it is
 * this container, others of its pod, and nested containers with --network host.
 */
void access_rules_list(const struct access_rules *rules, struct strings *commands);
