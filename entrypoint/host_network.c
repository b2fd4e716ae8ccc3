#include "host_network.h"

#include "base/file.h"
#include "entrypoint/kernel_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A host with a whole routing table of the Internet has nothing more to tell us. */
enum { MAX_ROUTES = 4096, PIECE = 64 * 1024, MAX_PIECES = 1024 };

#define RESOLV "/etc/resolv.conf"
#define RESOLV_SYSTEMD "/run/systemd/resolve/resolv.conf"

/* ---- the kernel's routes ---- */

/* The kernel aligns everything to four bytes. */
static size_t aligned(size_t length)
{
    return (length + 3) & ~(size_t)3;
}

static uint32_t number_of(const unsigned char *data, size_t length)
{
    uint32_t number = 0;

    if (length >= sizeof(number))
        memcpy(&number, data, sizeof(number));
    return number;
}

/* The next attribute of a list; false at its end. */
static bool next_attribute(
    const unsigned char **at, size_t *left, struct rtattr *head, const unsigned char **value, size_t *length)
{
    if (*left < sizeof(*head))
        return false;
    memcpy(head, *at, sizeof(*head));
    if (head->rta_len < sizeof(*head) || head->rta_len > *left)
        return false;
    *value = *at + sizeof(*head);
    *length = head->rta_len - sizeof(*head);
    size_t step = aligned(head->rta_len) < *left ? aligned(head->rta_len) : *left;
    *at += step;
    *left -= step;
    return true;
}

static unsigned metrics_mtu(const unsigned char *at, size_t left)
{
    struct rtattr head;
    const unsigned char *value;
    size_t length;

    while (next_attribute(&at, &left, &head, &value, &length))
        if (head.rta_type == RTAX_MTU)
            return number_of(value, length);
    return 0;
}

static void read_attributes(const unsigned char *at, size_t left, struct route *route, uint32_t *table)
{
    struct rtattr head;
    const unsigned char *value;
    size_t length;

    while (next_attribute(&at, &left, &head, &value, &length)) {
        struct rtnexthop hop;
        switch (head.rta_type) {
        case RTA_DST:
            if (!route->ipv6)
                route->to = ipv4_network_of(ntohl(number_of(value, length)), route->to.length);
            break;
        case RTA_OIF:
            route->interface = (int)number_of(value, length);
            break;
        case RTA_PRIORITY:
            route->metric = number_of(value, length);
            break;
        case RTA_TABLE:
            *table = number_of(value, length);
            break;
        case RTA_METRICS:
            route->mtu = metrics_mtu(value, length);
            break;
        case RTA_MULTIPATH:
            /* The first of several ways stands for all. */
            if (length >= sizeof(hop)) {
                memcpy(&hop, value, sizeof(hop));
                route->interface = hop.rtnh_ifindex;
            }
            break;
        }
    }
}

static void read_route(const unsigned char *data, size_t length, struct routes *routes)
{
    struct rtmsg head;

    if (length < sizeof(head))
        return;
    memcpy(&head, data, sizeof(head));
    struct route route = {
        .to = {0, head.rtm_dst_len},
        .ipv6 = head.rtm_family == AF_INET6,
        .default_route = head.rtm_dst_len == 0,
        .on_link = head.rtm_scope == RT_SCOPE_LINK,
    };
    uint32_t table = head.rtm_table;
    if (head.rtm_type != RTN_UNICAST || (head.rtm_flags & RTM_F_CLONED) ||
        (route.ipv6 ? !route.default_route : head.rtm_family != AF_INET || route.to.length > 32))
        return;
    read_attributes(data + aligned(sizeof(head)), length - aligned(sizeof(head)), &route, &table);
    if (table != RT_TABLE_MAIN || route.interface <= 0 || routes->count >= MAX_ROUTES)
        return;
    routes->items = mem_grow(routes->items, routes->count + 1, sizeof(*routes->items));
    routes->items[routes->count++] = route;
}

int routes_parse(const void *data, size_t length, struct routes *routes)
{
    const unsigned char *at = data;
    struct nlmsghdr head;

    while (length >= sizeof(head)) {
        memcpy(&head, at, sizeof(head));
        if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > length)
            return -EPROTO;
        const unsigned char *body = at + sizeof(head);
        size_t body_length = head.nlmsg_len - sizeof(head);
        if (head.nlmsg_type == NLMSG_DONE)
            return 1;
        if (head.nlmsg_type == NLMSG_ERROR) {
            int code = (int)number_of(body, body_length);
            return code < 0 ? code : -EPROTO;
        }
        if (head.nlmsg_type == RTM_NEWROUTE)
            read_route(body, body_length, routes);
        size_t step = aligned(head.nlmsg_len) < length ? aligned(head.nlmsg_len) : length;
        at += step;
        length -= step;
    }
    return length == 0 ? 0 : -EPROTO;
}

void routes_free(struct routes *routes)
{
    free(routes->items);
    *routes = (struct routes){0};
}

const struct route *routes_default(const struct routes *routes)
{
    const struct route *best = NULL;

    for (size_t i = 0; i < routes->count; i++) {
        const struct route *route = &routes->items[i];
        bool better = !best || (best->ipv6 && !route->ipv6) ||
                      (best->ipv6 == route->ipv6 && route->metric < best->metric);
        if (route->default_route && better)
            best = route;
    }
    return best;
}

static void ask_for_routes(unsigned char family, struct routes *routes)
{
    const struct {
        struct nlmsghdr head;
        struct rtmsg body;
    } request = {
        {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        {.rtm_family = family},
    };
    char *piece cleanup_free = mem_alloc(PIECE);
    cleanup_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0)
        return;
    for (unsigned i = 0; i < MAX_PIECES; i++) {
        ssize_t n = recv(fd, piece, PIECE, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || routes_parse(piece, (size_t)n, routes) != 0)
            return;
    }
}

/* ---- what is taken ---- */

/* Bridges of a nested engine that ran here before: not something outside. */
static bool is_nested(const char *interface)
{
    return str_equal(interface, "docker0") || str_starts(interface, "br-");
}

static void add_taken(struct host_network *network, struct ipv4_network taken, bool avoided, const char *what,
    const char *interface)
{
    network->taken = mem_grow(network->taken, network->taken_count + 1, sizeof(*network->taken));
    struct host_taken *added = &network->taken[network->taken_count++];
    *added = (struct host_taken){.network = taken, .avoided = avoided};
    (void)snprintf(added->what, sizeof(added->what), "%s%s%s", what, *interface ? " of " : "", interface);
}

static void take_routes(struct host_network *network, const struct routes *routes)
{
    for (size_t i = 0; i < routes->count; i++) {
        const struct route *route = &routes->items[i];
        char interface[IF_NAMESIZE] = "?";
        (void)if_indextoname((unsigned)route->interface, interface);
        if (!route->ipv6 && !route->default_route && !is_nested(interface))
            add_taken(network, route->to, route->on_link, "route", interface);
    }
}

/* An interface may have an address without an on-link route: many a pod has a single address, and a gateway
 * that is in no network. */
static void take_addresses(struct host_network *network)
{
    struct ifaddrs *list = NULL;

    if (getifaddrs(&list) < 0)
        return;
    for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
        struct sockaddr_in address, mask;
        if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET || !at->ifa_netmask ||
            (at->ifa_flags & IFF_LOOPBACK) || is_nested(at->ifa_name))
            continue;
        memcpy(&address, at->ifa_addr, sizeof(address));
        memcpy(&mask, at->ifa_netmask, sizeof(mask));
        unsigned length = (unsigned)__builtin_popcount(mask.sin_addr.s_addr);
        add_taken(
            network, ipv4_network_of(ntohl(address.sin_addr.s_addr), length), false, "address", at->ifa_name);
    }
    freeifaddrs(list);
}

static void take_nameservers(struct host_network *network)
{
    for (size_t i = 0; i < network->nameservers.count; i++) {
        struct in_addr address;
        if (inet_pton(AF_INET, network->nameservers.items[i], &address) == 1 &&
            !str_starts(network->nameservers.items[i], "127."))
            add_taken(network, ipv4_network_of(ntohl(address.s_addr), 32), true, "name server", "");
    }
}

/* The network that is taken twice is told once, as what the engine knows of it. */
static void unite(struct host_network *network)
{
    for (size_t i = 0; i < network->taken_count; i++)
        for (size_t j = 0; j < network->taken_count; j++) {
            struct host_taken *one = &network->taken[i], *other = &network->taken[j];
            if (other->avoided && other->network.address == one->network.address &&
                other->network.length == one->network.length)
                one->avoided = true;
        }
}

/* ---- the way out ---- */

static long long interface_mtu(const char *name)
{
    struct ifreq request = {0};
    cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    return fd >= 0 && ioctl(fd, SIOCGIFMTU, &request) == 0 ? request.ifr_mtu : 0;
}

static void find_way_out(struct host_network *network, const struct routes *routes)
{
    const struct route *route = routes_default(routes);
    char interface[IF_NAMESIZE];

    if (!route || !if_indextoname((unsigned)route->interface, interface))
        return;
    network->interface = str_dup(interface);
    network->mtu = interface_mtu(interface);
    /* Some networks leave the interface at 1500 and tell the route what fits through their tunnel. */
    if (route->mtu && (!network->mtu || route->mtu < network->mtu))
        network->mtu = route->mtu;
}

/* Beside systemd-resolved the engine reads its list of servers behind it (moby
 * daemon/libnetwork/internal/resolvconf, Path). */
static void find_nameservers(struct strings *servers)
{
    cleanup_text struct text text = {0}, behind = {0};
    struct err ignored;

    if (file_read_kernel(RESOLV, &text, &ignored) < 0)
        return;
    resolv_nameservers(text_get(&text), servers);
    if (servers->count == 1 && strcmp(servers->items[0], "127.0.0.53") == 0 &&
        file_read_kernel(RESOLV_SYSTEMD, &behind, &ignored) == 0) {
        strings_free(servers);
        resolv_nameservers(text_get(&behind), servers);
    }
}

void host_network_look(struct host_network *network)
{
    cleanup(routes_free) struct routes routes = {0};

    *network = (struct host_network){0};
    ask_for_routes(AF_INET, &routes);
    ask_for_routes(AF_INET6, &routes);
    find_way_out(network, &routes);
    find_nameservers(&network->nameservers);
    take_routes(network, &routes);
    take_addresses(network);
    take_nameservers(network);
    unite(network);
}

void host_network_free(struct host_network *network)
{
    free(network->interface);
    free(network->taken);
    strings_free(&network->nameservers);
    *network = (struct host_network){0};
}
