#include "access_rules.h"

#include <string.h>

/* iptables takes a '+' at the end as any further characters. */
static bool means_itself(const char *interface)
{
    return !str_ends(interface, "+");
}

static void add_chain(struct strings *commands, const char *chain)
{
    strings_addf(commands, "?-N %s", chain);
    strings_addf(commands, "-F %s", chain);
}

static void add_jump(struct strings *commands, const char *from, const char *chain)
{
    strings_addf(commands, "?-D %s -j %s", from, chain);
    strings_addf(commands, "-I %s 1 -j %s", from, chain);
}

static void add_outside(const struct access_rules *rules, struct strings *commands, const char *chain)
{
    for (size_t i = 0; i < rules->sources->count; i++) {
        const char *source = rules->sources->items[i];
        if ((strchr(source, ':') != NULL) == rules->ipv6)
            strings_addf(commands, "-A %s -s %s -j RETURN", chain, source);
    }
    strings_addf(commands, "-A %s -j DROP", chain);
}

static void add_nested(const struct access_rules *rules, struct strings *commands)
{
    char *chain cleanup_free = str_format("DIND-API-%lld-NESTED", rules->port);
    const char *kept = !rules->loopback_out_of_reach ? "" : rules->ipv6 ? " ! -d ::1" : " ! -d 127.0.0.0/8";

    add_chain(commands, chain);
    if (!rules->allow_nested)
        strings_addf(commands, "-A %s%s -o lo -p tcp --dport %lld -m owner --uid-owner %u -j DROP", chain,
            kept, rules->port, rules->user);
    add_jump(commands, "OUTPUT", chain);
}

void access_rules_list(const struct access_rules *rules, struct strings *commands)
{
    char *chain cleanup_free = str_format("DIND-API-%lld", rules->port);
    char *outside cleanup_free = str_format("%s-OUTSIDE", chain);

    add_chain(commands, chain);
    add_chain(commands, outside);
    add_outside(rules, commands, outside);
    strings_addf(commands, "-A %s ! -p tcp -j RETURN", chain);
    strings_addf(commands, "-A %s -p tcp ! --dport %lld -j RETURN", chain, rules->port);
    strings_addf(commands, "-A %s -i lo -j RETURN", chain);
    for (size_t i = 0; i < rules->interfaces->count; i++)
        if (means_itself(rules->interfaces->items[i]))
            strings_addf(commands, "-A %s -i %s -g %s", chain, rules->interfaces->items[i], outside);
    strings_addf(commands, "-A %s -j %s", chain, rules->allow_nested ? "RETURN" : "DROP");
    add_jump(commands, "INPUT", chain);
    if (rules->nested_by_user)
        add_nested(rules, commands);
}
