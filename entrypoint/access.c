#include "access.h"

#include "entrypoint/process.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COMMAND_SECONDS = 10, MOST_SAID = 16 * 1024 };

/* By the driver: /sys/class/net shows the network of whoever mounted it. */
static bool is_bridge(int any_socket, const char *interface)
{
    struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq request = {.ifr_data = (char *)&driver};

    (void)strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
    return ioctl(any_socket, SIOCETHTOOL, &request) == 0 && strcmp(driver.driver, "bridge") == 0;
}

/* Bridges that an earlier engine left in this network namespace are nested networks, too. */
static int find_outside(struct strings *interfaces, const char *way_out, struct err *e)
{
    cleanup_close int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct if_nameindex *list = any < 0 ? NULL : if_nameindex();

    if (!list)
        return err_errno(e, -errno, "api.allow: the network interfaces cannot be listed");
    for (const struct if_nameindex *at = list; at->if_name; at++)
        if (strcmp(at->if_name, "lo") != 0 &&
            (str_equal(at->if_name, way_out) || !is_bridge(any, at->if_name)))
            strings_add(interfaces, at->if_name);
    if_freenameindex(list);
    return 0;
}

static int tell_failure(const char *line, int status, const struct text *said, struct err *e)
{
    char *words cleanup_free = text_first_line(said);

    (void)err_set(e, status < 0 ? status : -EPERM, "api.allow: `%s` failed: %s", line,
        status < 0 ? err_words(status)
        : *words   ? words
                   : "it does not say why");
    (void)err_status(e, status == -ENOENT ? EXIT_CONFIG : EXIT_SYSTEM);
    if (status == -ENOENT)
        return err_hint(e, "install iptables and ip6tables in the image, or leave out api.allow");
    if (status == -ETIMEDOUT)
        return err_hint(
            e, "end the program that holds the lock of iptables (/run/xtables.lock), and start again");
    return err_hint(e, "on the node: modprobe nf_tables, or ip_tables and ip6_tables, and xt_owner for a "
                       "rootless engine; or leave out api.allow");
}

static int run(const char *line, const char *path, struct text *said)
{
    char *search cleanup_free = str_format("PATH=%s", path);
    const char *const environment[] = {search, NULL};
    cleanup_strings struct strings arguments = {0};

    strings_split(&arguments, line, " ");
    return process_capture_errors(
        (const char *const *)arguments.items, path, environment, COMMAND_SECONDS, MOST_SAID, said);
}

static int apply(const char *program, const char *path, const struct strings *commands, struct err *e)
{
    for (size_t i = 0; i < commands->count; i++) {
        const char *command = commands->items[i];
        bool may_fail = *command == '?';
        char *line cleanup_free = str_format("%s -w %s", program, command + may_fail);
        cleanup_text struct text said = {0};
        int status = run(line, path, &said);
        if (status < 0 || (status > 0 && !may_fail))
            return tell_failure(line, status, &said, e);
    }
    return 0;
}

int access_put_in_place(struct access_rules *rules, struct strings *interfaces, const char *way_out,
    const char *path, struct err *e)
{
    int r = find_outside(interfaces, way_out, e);

    rules->interfaces = interfaces;
    for (int family = 0; r == 0 && family < 2; family++) {
        cleanup_strings struct strings commands = {0};
        rules->ipv6 = family == 1;
        if (rules->ipv6 && access("/proc/net/if_inet6", F_OK) != 0)
            break; /* a kernel without it: nothing can come that way */
        access_rules_list(rules, &commands);
        r = apply(rules->ipv6 ? "ip6tables" : "iptables", path, &commands, e);
    }
    return r;
}
