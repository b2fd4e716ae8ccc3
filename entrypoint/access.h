/* The rules of api.allow, put in place in the network namespace of the caller. */
#pragma once

#include "base/err.h"
#include "entrypoint/access_rules.h"

/*
 * Runs iptables(8) and, where the kernel has IPv6, ip6tables(8) of `path` for what access_rules_list() says
 * of `rules`. Its `ipv6` and `interfaces` are filled in here: clients from outside come by every interface
 * that is there now, but for bridges of nested networks; a bridge counts only if it is `way_out`, the
 * interface of the default route (or NULL). `interfaces` is the caller's to free. Needs CAP_NET_ADMIN over
 * the network namespace. Returns 0, or a negative errno with *e: then the rules may be there in part, and
 * nothing may listen.
 */
int access_put_in_place(struct access_rules *rules, struct strings *interfaces, const char *way_out,
    const char *path, struct err *e);
