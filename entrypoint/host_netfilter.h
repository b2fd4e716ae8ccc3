/* What of the kernel's packet filter can be known without using it: using it would load it. */
#pragma once

#include <stdbool.h>

enum netfilter_state {
    NETFILTER_UNKNOWN,  /* neither seen nor ruled out */
    NETFILTER_ABSENT,   /* nor is there a module to be loaded */
    NETFILTER_LOADABLE, /* not seen, but there is a module */
    NETFILTER_THERE,
};

struct host_netfilter {
    enum netfilter_state nf_tables, ip_tables, ipv6_nat;
    bool ipv6; /* this network namespace has an IPv6 address */
};

/* Reads /proc, /sys/module and the list of this kernel's modules in /lib/modules, where the image has one. */
void host_netfilter_look(struct host_netfilter *netfilter);

/* True if a list of modules names one: /proc/modules ("NAME SIZE …"), or modules.builtin and modules.dep
 * ("FOLDER/NAME.ko.xz: …"). A "-" in a file's name is a "_" in the module's. */
bool module_listed(const char *list, const char *name);
