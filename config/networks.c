#include "config/networks.h"

#include "base/text.h"
#include "config/checks.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* An address of either family with a prefix. */
struct prefixed {
    int family;
    unsigned char address[sizeof(struct in6_addr)];
    unsigned length;
};

static unsigned bits_of(int family)
{
    return family == AF_INET ? 32 : 128;
}

static bool prefixed_parse(const char *text, struct prefixed *out)
{
    char address[INET6_ADDRSTRLEN] = "";
    const char *slash = strchr(text, '/');
    long long length = 0;

    *out = (struct prefixed){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    if (!slash || (size_t)(slash - text) >= sizeof(address) ||
        !parse_number(slash + 1, 0, bits_of(out->family), &length))
        return false;
    memcpy(address, text, (size_t)(slash - text));
    out->length = (unsigned)length;
    return inet_pton(out->family, address, out->address) == 1;
}

/* Some bit behind the prefix is set: the address of a host, not of a network. */
static bool has_host_bits(const struct prefixed *p)
{
    for (unsigned bit = p->length; bit < bits_of(p->family); bit++)
        if (p->address[bit / 8] & (0x80 >> bit % 8))
            return true;
    return false;
}

struct ipv4_network ipv4_network_of(uint32_t address, unsigned length)
{
    uint32_t mask = length ? UINT32_MAX << (32 - length) : 0;
    return (struct ipv4_network){address & mask, length};
}

bool ipv4_network_parse(const char *text, struct ipv4_network *network, uint32_t *address)
{
    struct prefixed p;
    uint32_t number;

    if (!prefixed_parse(text, &p) || p.family != AF_INET)
        return false;
    memcpy(&number, p.address, sizeof(number));
    number = ntohl(number);
    *network = ipv4_network_of(number, p.length);
    if (address)
        *address = number;
    return true;
}

bool ipv4_overlap(struct ipv4_network a, struct ipv4_network b)
{
    unsigned shorter = a.length < b.length ? a.length : b.length;
    return ipv4_network_of(a.address, shorter).address == ipv4_network_of(b.address, shorter).address;
}

char *ipv4_network_text(struct ipv4_network network)
{
    char text[INET_ADDRSTRLEN] = "";
    struct in_addr address = {htonl(network.address)};

    (void)inet_ntop(AF_INET, &address, text, sizeof(text));
    return str_format("%s/%u", text, network.length);
}

/* What is wrong with an item of network.pools, or NULL. */
static const char *read_pool(const char *text, char **base, long long *size)
{
    const char *slash = strchr(text, '/'), *colon = slash ? strchr(slash, ':') : NULL;
    struct prefixed p;

    *base = colon ? str_dup_n(text, (size_t)(colon - text)) : str_dup(text);
    if (!prefixed_parse(*base, &p))
        return "is not a network with a prefix";
    if (has_host_bits(&p))
        return "is the address of a host, not of a network";
    if (colon)
        return parse_number(colon + 1, p.length, bits_of(p.family), size)
                   ? NULL
                   : "has networks that do not fit into their base";
    *size = p.family == AF_INET ? 24 : 64;
    if (p.length > *size)
        *size = p.length;
    return NULL;
}

bool pool_parse(const char *text, char **base, long long *size)
{
    char *found cleanup_free = NULL;

    if (read_pool(text, &found, size))
        return false;
    *base = take(found);
    return true;
}

const char *check_pool(const char *text, char **canonical)
{
    char *base cleanup_free = NULL;
    long long size = 0;

    (void)canonical;
    return *text ? read_pool(text, &base, &size) : "is empty";
}

const char *check_bip(const char *text, char **canonical)
{
    struct ipv4_network network;
    uint32_t address = 0;

    (void)canonical;
    if (!*text)
        return "is empty";
    if (!ipv4_network_parse(text, &network, &address) || network.length == 0 || network.length > 30)
        return "is not an IPv4 address with a prefix that leaves room for containers";
    uint32_t broadcast = network.address | (UINT32_MAX >> network.length);
    return address == network.address || address == broadcast ? "is not the address of a host" : NULL;
}

const char *check_mtu(const char *text, char **canonical)
{
    enum { LEAST = 68, MOST = 65535 }; /* RFC 791; the kernel's own limit */
    long long number;

    (void)canonical;
    if (strcmp(text, "auto") == 0 || strcmp(text, "off") == 0 || parse_number(text, LEAST, MOST, &number))
        return NULL;
    if (!*text)
        return "is empty";
    return text[strspn(text, "-0123456789")] ? "is not auto, off or a whole number" : "is out of range";
}

/* What follows "SCHEME://" if it is one of these (NULL-terminated), else NULL. */
static const char *after_scheme(const char *url, const char *const *schemes)
{
    for (; *schemes; schemes++) {
        const char *rest = str_after(url, *schemes);
        if (rest)
            return str_after(rest, "://");
    }
    return NULL;
}

static const char *check_words(const char *text, char **canonical)
{
    const char *wrong = check_plain_text(text, canonical);
    return wrong ? wrong : strpbrk(text, " ,") ? "has blanks or commas in it" : NULL;
}

const char *check_proxy(const char *text, char **canonical)
{
    static const char *const schemes[] = {"https", "http", "socks5h", "socks5", NULL};
    const char *wrong = check_words(text, canonical);

    if (wrong)
        return wrong;
    const char *rest = strstr(text, "://") ? after_scheme(text, schemes) : text;
    if (!rest)
        return "has a scheme that the engine does not know";
    const char *at = strrchr(rest, '@');
    const char *host = at ? at + 1 : rest;
    return *host == '\0' || *host == '/' || (*host == ':') ? "names no host" : NULL;
}

/* moby daemon/pkg/registry/config.go, ValidateMirror. */
const char *check_mirror(const char *text, char **canonical)
{
    static const char *const schemes[] = {"https", "http", NULL};
    const char *wrong = check_words(text, canonical);

    if (wrong)
        return wrong;
    const char *host = after_scheme(text, schemes);
    if (!host)
        return "does not begin with https:// or http://";
    if (strchr(host, '@'))
        return "has a user name in it, which the engine refuses";
    if (strpbrk(host, "?#"))
        return "has a query or a fragment, which the engine refuses";
    return *host == '\0' || *host == '/' || *host == ':' ? "names no host" : NULL;
}

/* The engine takes a scheme away too, with a warning (moby daemon/pkg/registry/config.go). */
const char *check_registry(const char *text, char **canonical)
{
    static const char *const schemes[] = {"https", "http", NULL};
    struct prefixed p;
    const char *wrong = check_words(text, canonical);

    if (wrong)
        return wrong;
    const char *rest = after_scheme(text, schemes);
    if (rest)
        *canonical = str_dup(rest);
    else
        rest = text;
    if (strchr(rest, '/'))
        return prefixed_parse(rest, &p) ? NULL : "is neither a host nor a network";
    return *rest == '\0' || *rest == ':' || *rest == '-' ? "names no host" : NULL;
}
