#include "access_rules.h"

#include <string.h>

/* iptables takes a '+' at the end as any further characters. */
static bool means_itself(const char *interface)
{
    return !str_ends(interface, "+");
}

static void add_outside(const struct access_rules *rules, struct strings *commands)
{
    for (size_t i = 0; i < rules->sources->count; i++) {
        const char *source = rules->sources->items[i];
        if ((strchr(source, ':') != NULL) == rules->ipv6)
            strings_addf(commands, "-A " ACCESS_CHAIN_OUTSIDE " -s %s -j RETURN", source);
    }
    strings_add(commands, "-A " ACCESS_CHAIN_OUTSIDE " -j DROP");
}

static void add_nested(const struct access_rules *rules, struct strings *commands)
{
    strings_add(commands, "?-N " ACCESS_CHAIN_NESTED);
    strings_add(commands, "-F " ACCESS_CHAIN_NESTED);
    if (!rules->allow_nested)
        strings_addf(commands,
            "-A " ACCESS_CHAIN_NESTED "%s -o lo -p tcp --dport %lld -m owner --uid-owner %u -j DROP",
            !rules->loopback_out_of_reach ? ""
            : rules->ipv6                 ? " ! -d ::1"
                                          : " ! -d 127.0.0.0/8",
            rules->port, rules->user);
    strings_add(commands, "?-D OUTPUT -j " ACCESS_CHAIN_NESTED);
    strings_add(commands, "-I OUTPUT 1 -j " ACCESS_CHAIN_NESTED);
}

void access_rules_list(const struct access_rules *rules, struct strings *commands)
{
    strings_add(commands, "?-N " ACCESS_CHAIN);
    strings_add(commands, "?-N " ACCESS_CHAIN_OUTSIDE);
    strings_add(commands, "-F " ACCESS_CHAIN);
    strings_add(commands, "-F " ACCESS_CHAIN_OUTSIDE);
    add_outside(rules, commands);
    strings_add(commands, "-A " ACCESS_CHAIN " ! -p tcp -j RETURN");
    strings_addf(commands, "-A " ACCESS_CHAIN " -p tcp ! --dport %lld -j RETURN", rules->port);
    strings_add(commands, "-A " ACCESS_CHAIN " -i lo -j RETURN");
    for (size_t i = 0; i < rules->interfaces->count; i++)
        if (means_itself(rules->interfaces->items[i]))
            strings_addf(
                commands, "-A " ACCESS_CHAIN " -i %s -g " ACCESS_CHAIN_OUTSIDE, rules->interfaces->items[i]);
    strings_addf(commands, "-A " ACCESS_CHAIN " -j %s", rules->allow_nested ? "RETURN" : "DROP");
    strings_add(commands, "?-D INPUT -j " ACCESS_CHAIN);
    strings_add(commands, "-I INPUT 1 -j " ACCESS_CHAIN);
    if (rules->nested_by_user)
        add_nested(rules, commands);
}
