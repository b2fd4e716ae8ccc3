/* The kernel's answer to RTM_GETROUTE: every route that is read has an interface, a network that its prefix
 * allows, and the way out is one of them. */
#include "fuzz.h"

#include "entrypoint/host_network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup(routes_free) struct routes routes = {0};

    int r = routes_parse(data, size, &routes);
    CHECK(r <= 1);
    const struct route *way_out = routes_default(&routes);
    bool found = !way_out;
    for (size_t i = 0; i < routes.count; i++) {
        const struct route *route = &routes.items[i];
        struct ipv4_network same = ipv4_network_of(route->to.address, route->to.length);
        CHECK(route->interface > 0 && route->to.length <= 32 && same.address == route->to.address);
        CHECK(!route->ipv6 || route->default_route);
        found = found || (route == way_out && route->default_route);
    }
    CHECK(found);
    return 0;
}
