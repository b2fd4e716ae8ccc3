#include "access_sources.h"

#include "entrypoint/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

static int refuse_name(const char *name, int cause, int failure, struct err *e)
{
    bool unknown = cause == -ENOENT && (failure == EAI_NONAME || failure == EAI_NODATA);

    if (cause == -ETIMEDOUT)
        (void)err_set(e, cause, "api.allow: %s could not be resolved in time", name);
    else if (cause == -ENOENT)
        (void)err_set(e, cause, "api.allow: %s cannot be resolved here: %s", name, resolve_words(failure));
    else
        return err_errno(e, cause, "api.allow: looking up %s", name);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(
        e, unknown ? "start the container of that name first, or write its address or network instead"
                   : "look at the name servers in /etc/resolv.conf, or write its address or network instead");
}

static int refuse_many(const char *name, struct err *e)
{
    (void)err_set(e, -E2BIG, "api.allow: %s has more than %d addresses", name, RESOLVED_MAX);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "write the network of these addresses instead");
}

/* The interface of a link-local address is left out: it is for the rules to say. */
static void add_address(struct strings *sources, const union resolved_address *address)
{
    char text[INET6_ADDRSTRLEN];
    bool ipv4 = address->any.sa_family == AF_INET;
    const void *number =
        ipv4 ? (const void *)&address->ipv4.sin_addr : (const void *)&address->ipv6.sin6_addr;

    if (inet_ntop(address->any.sa_family, number, text, sizeof(text)) && !strings_have(sources, text))
        strings_add(sources, text);
}

static int add_name(const char *name, long long milliseconds, struct strings *sources, struct err *e)
{
    struct resolved found;
    int r = resolve_host(name, NULL, deadline_in(milliseconds), &found);

    if (r < 0)
        return refuse_name(name, r, found.failure, e);
    if (found.more)
        return refuse_many(name, e);
    for (unsigned i = 0; i < found.count; i++)
        add_address(sources, &found.items[i]);
    return 0;
}

int access_sources(
    const struct strings *allow, long long milliseconds, struct strings *sources, struct err *e)
{
    struct in_addr ignored;
    int r = 0;

    for (size_t i = 0; r == 0 && i < allow->count; i++) {
        const char *item = allow->items[i];
        if (strchr(item, '/') || strchr(item, ':') || inet_pton(AF_INET, item, &ignored) == 1)
            strings_add(sources, item);
        else
            r = add_name(item, milliseconds, sources, e);
    }
    return r;
}
