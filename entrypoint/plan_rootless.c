/* What is particular to a rootless engine. */
#include "plan_parts.h"

#include "config/config.h"
#include "entrypoint/rootless.h"

#include <errno.h>
#include <linux/capability.h>

static void decide_bounding_set(struct plan *plan, const struct host *host)
{
    capset little = rootless_idmap_needs(false), much = rootless_idmap_needs(true);

    plan->keep = little & host->bounding;
    if (rootless_idmap_clean(host))
        return;
    plan->keep = much & host->bounding;
    if (rootless_idmap_mended(host)) {
        plan->until_mended = much & ~little & host->bounding;
        return;
    }
    strings_add(&plan->notes,
        "newuidmap is a set-user-ID program, for which DAC_OVERRIDE and SYS_ADMIN stay in the bounding set; "
        "with "
        "file capabilities in the image they would go: chmod u-s, then setcap cap_setuid=ep on newuidmap and "
        "cap_setgid=ep on newgidmap");
}

/* What a user would otherwise find out later. */
static void note_limits(struct plan *plan, const struct settings *s, const struct host *host)
{
    strings_add(&plan->limits, "a rootless engine without systemd has the cgroup driver none: -m, --cpus, "
                               "--pids-limit and the like have no "
                               "effect on nested containers; limit this container instead");
    if (s->rootless.detach_netns)
        strings_add(&plan->limits, "with rootless.detach_netns the engine and nested containers with "
                                   "--network host are in this container's "
                                   "own network");
    else if (str_equal(rootless_port_driver(s, host), "builtin"))
        strings_add(&plan->limits,
            "behind published ports nested containers see an address of rootlesskit's "
            "port driver instead of the "
            "client's (rootlesskit 3 keeps it, with userland-proxy off in the engine)");
}

/* Nobody who names an address expects it open elsewhere. */
static void note_open_inside(struct plan *plan, const struct settings *s, const struct host *host)
{
    char *origin cleanup_free = settings_origin(s, OPTION_API_TCP_ADDRESS);

    if (plan->tcp && !rootless_everywhere(s) && str_equal(plan->inside, "0.0.0.0") && !plan->guarded_port)
        strings_addf(&plan->notes,
            "api.tcp.address (%s) says where the API is open outside; nested containers reach it by their "
            "gateway, too, since rootless.port_driver is %s (with builtin they do not; "
            "api.allow keeps them out altogether)",
            origin, rootless_port_driver(s, host));
}

static int refuse_address(const struct settings *s, struct err *e)
{
    char *origin cleanup_free = settings_origin(s, OPTION_API_TCP_ADDRESS);
    char *addresses cleanup_free = strings_join(&s->api.tcp_addresses, ", ");

    (void)err_set(e, -EINVAL,
        "api.tcp.address: %s (%s), but the port driver implicit opens the port on every address of this "
        "container",
        addresses, origin);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(
        e, "set rootless.net: slirp4netns, leave out api.tcp.address, or set api.tcp.enabled: false");
}

static int refuse_publishing(const struct settings *s, struct err *e)
{
    char *origin cleanup_free = settings_origin(s, OPTION_ROOTLESS_PUBLISH);

    (void)err_set(e, -EINVAL, "rootless.publish: on (%s), but %s", origin,
        s->rootless.detach_netns
            ? "with rootless.detach_netns the engine listens outside by itself"
            : "the port driver implicit publishes every port by itself, and none on request");
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "set rootless.publish: auto");
}

/* Of the drivers that are programs of their own. */
static bool driver_is_there(const char *net, const struct host_programs *programs)
{
    return str_equal(net, "slirp4netns") ? programs->slirp4netns != NULL
           : str_equal(net, "pasta")     ? programs->pasta != NULL
           : str_equal(net, "vpnkit")    ? programs->vpnkit != NULL
                                         : true;
}

static int refuse_driver(const struct settings *s, const struct host *host, struct err *e)
{
    char *origin cleanup_free = settings_origin(s, OPTION_ROOTLESS_NET);

    (void)err_set(
        e, -ENOENT, "rootless.net: %s (%s) is not in PATH (%s)", s->rootless.net, origin, host->path);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "install it in the image, or set rootless.net: auto");
}

/* What rootlesskit itself would find out, when auto stands for one of the two. */
static int check_drivers(const struct settings *s, const struct host *host, struct err *e)
{
    const char *net = rootless_network_driver(s, host), *port = rootless_port_driver(s, host);
    const char *needed = config_port_driver_network(port);

    if (!driver_is_there(net, &host->programs))
        return refuse_driver(s, host, e);
    if (needed ? str_equal(net, needed) : !str_equal(net, "pasta"))
        return 0;
    char *origin cleanup_free = settings_origin(s, OPTION_ROOTLESS_PORT_DRIVER);
    (void)err_set(e, -EINVAL,
        "rootless.port_driver: %s (%s) does not work with the network driver %s, which is the one here", port,
        origin, net);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "leave out rootless.port_driver, or set rootless.net: %s and have that in the image",
        needed ? needed : "slirp4netns");
}

int plan_decide_rootless(struct plan *plan, const struct plan_input *in, struct err *e)
{
    const struct settings *s = in->settings;
    const struct host *host = in->host;
    bool implicit = str_equal(rootless_port_driver(s, host), "implicit");
    int r = check_drivers(s, host, e);

    if (r < 0)
        return r;
    if (plan->tcp && !rootless_everywhere(s) && !s->rootless.detach_netns && implicit)
        return refuse_address(s, e);
    if (s->rootless.publish == TOGGLE_ON && (implicit || s->rootless.detach_netns))
        return refuse_publishing(s, e);
    plan->becomes = host->uid == 0;
    note_limits(plan, s, host);
    note_open_inside(plan, s, host);
    if (plan->becomes)
        decide_bounding_set(plan, host);
    return 0;
}

int plan_accounts(struct plan *plan, const struct host *host, struct err *e)
{
    if (host->user.name && host->rootless.subuid && host->rootless.subgid)
        return 0;
    return plan_add(plan,
        (struct step){.phase = PHASE_MOUNTS,
            .kind = STEP_ACCOUNTS,
            .what = str_format(
                "lay private copies of /etc/passwd, /etc/subuid and /etc/subgid over them, with what "
                "they lack for uid %u",
                host->user.uid),
            .why = str_dup("rootlesskit looks the user and the subordinate ids up there"),
            .fatal = true},
        e);
}

int plan_idmap(struct plan *plan, const struct host *host, struct err *e)
{
    if (!plan->until_mended)
        return 0;
    return plan_add(plan,
        (struct step){.phase = PHASE_FILES,
            .kind = STEP_IDMAP,
            .what = str_format("give %s and %s file capabilities in place of the set-user-ID bit",
                host->rootless.newuidmap.path, host->rootless.newgidmap.path),
            .why = str_dup("with these, SETUID and SETGID are all that they need around them")},
        e);
}

bool plan_files_as_user(const struct plan *plan, const struct host *host)
{
    return plan->becomes && (host->effective & CAPSET_FILES) != CAPSET_FILES;
}

void plan_note_bounding_set(struct plan *plan, const struct host *host)
{
    capset needed = rootless_idmap_needs(!rootless_idmap_clean(host)), more = host->bounding & ~needed;
    char *names cleanup_free = capset_names(needed);

    if (more)
        strings_addf(&plan->notes,
            "the bounding set still holds %u %s beyond %s, which newuidmap needs: only root may shrink it",
            capset_count(more), capset_count(more) == 1 ? "capability" : "capabilities", names);
}

int plan_identity(struct plan *plan, const struct host *host, struct err *e)
{
    capset dropped = host->bounding & ~plan->keep;
    char *names cleanup_free = capset_names(plan->keep & ~plan->until_mended);
    bool may_drop = host->effective & CAPSET_ONE(CAP_SETPCAP);
    int r = 0;

    if (dropped && !may_drop)
        strings_addf(&plan->notes, "the bounding set still holds %u %s beyond %s: shrinking it needs SETPCAP",
            capset_count(dropped), capset_count(dropped) == 1 ? "capability" : "capabilities", names);
    if (may_drop && (dropped || plan->until_mended))
        r = plan_add(plan,
            (struct step){.phase = PHASE_BOUNDING,
                .kind = STEP_BOUNDING_SET,
                .what = str_format("drop all capabilities but %s from the bounding set", names),
                .why = str_dup("newuidmap and newgidmap need no more, and nothing else needs any"),
                .otherwise = plan->until_mended
                                 ? str_dup("DAC_OVERRIDE and SYS_ADMIN stay if they could not be mended")
                                 : NULL,
                .fatal = true},
            e);
    if (r < 0)
        return r;
    return plan_add(plan,
        (struct step){.phase = PHASE_IDENTITY,
            .kind = STEP_IDENTITY,
            .what = str_format("become %s (uid %u, gid %u) for good, and try to get back",
                host->user.name ? host->user.name : "the user", host->user.uid, host->user.gid),
            .why = str_dup("neither the engine nor its containers shall have a right over the host"),
            .fatal = true},
        e);
}
