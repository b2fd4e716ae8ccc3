#include "rootless.h"

#include "config/options.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

/* With both, the kernel starts it as root all the same. */
static bool is_clean(const struct host_idmap *idmap)
{
    return idmap->file_capability && !idmap->setuid;
}

bool rootless_idmap_clean(const struct host *host)
{
    return is_clean(&host->rootless.newuidmap) && is_clean(&host->rootless.newgidmap);
}

capset rootless_idmap_needs(bool setuid)
{
    const capset both = CAPSET_ONE(CAP_SETUID) | CAPSET_ONE(CAP_SETGID);

    return setuid ? both | CAPSET_ONE(CAP_DAC_OVERRIDE) | CAPSET_ONE(CAP_SYS_ADMIN) : both;
}

bool rootless_idmap_mended(const struct host *host)
{
    const struct host_idmap *uids = &host->rootless.newuidmap, *gids = &host->rootless.newgidmap;

    return host->uid == 0 && (host->effective & CAPSET_ONE(CAP_SETFCAP)) && !rootless_idmap_clean(host) &&
           uids->path && gids->path && !uids->nosuid && !gids->nosuid;
}

bool rootless_accounts_made(const struct host *host)
{
    return host->uid == 0 && (host->effective & CAPSET_ONE(CAP_SYS_ADMIN));
}

char *rootless_data_folder(const char *home)
{
    return str_format("%s/.local/share/docker", str_equal(home, "/") ? "" : home);
}

int rootless_folder_error(const struct host *host, const char *folder, int cause, struct err *e)
{
    uid_t uid = host->user.uid;
    struct err why;

    (void)err_errno(&why, cause, "%s", folder);
    (void)err_set(e, cause,
        "attempting to run rootless dockerd but need writable HOME (%s) and XDG_RUNTIME_DIR (%s) for user %u",
        host->home, host->runtime_dir, uid);
    (void)err_status(e, 1);
    /* A volume whose top folder is somebody else's: an emptyDir is root's, with mode 0777. */
    if (cause == -EPERM)
        return err_hint(e,
            "%s is not owned by uid %u, and the engine sets the mode of its data folder: mount the volume "
            "one folder "
            "higher (%.*s), or start as root with DIND_MODE=rootless, which gives it away",
            folder, uid, (int)(strrchr(folder, '/') - folder), folder);
    return err_hint(e, "%s; make it writable for uid %u, or set HOME and XDG_RUNTIME_DIR to folders that are",
        why.what, uid);
}

/* slirp4netns got --netns-type with 0.4; what rootlesskit's releases brought is in its release notes. dockerd
 * enters a network namespace beside it since 29.5; before, it looks for its bridge in the outer one. */
static const struct rootless_feature features[] = {
    {OPTION_ROOTLESS_DETACH_NETNS, "true", ROOTLESS_DOCKERD, 29, 5, "false"},
    {OPTION_ROOTLESS_DETACH_NETNS, "true", ROOTLESS_ROOTLESSKIT, 2, 0, "false"},
    {OPTION_ROOTLESS_NET, "slirp4netns", ROOTLESS_SLIRP4NETNS, 0, 4, "auto"},
    {OPTION_ROOTLESS_NET, "pasta", ROOTLESS_ROOTLESSKIT, 2, 0, "slirp4netns"},
    {OPTION_ROOTLESS_NET, "gvisor-tap-vsock", ROOTLESS_ROOTLESSKIT, 3, 0, "slirp4netns"},
};

const struct rootless_feature *rootless_feature(size_t number)
{
    return number < sizeof(features) / sizeof(*features) ? &features[number] : NULL;
}

bool rootless_wants(const struct rootless_feature *feature, const struct settings *s, const struct host *host)
{
    if (feature->option == OPTION_ROOTLESS_DETACH_NETNS)
        return s->rootless.detach_netns;
    return str_equal(rootless_network_driver(s, host), feature->value);
}

const struct program_version *rootless_version_for(
    const struct rootless_feature *feature, const struct host *host)
{
    const struct host_versions *versions = &host->rootless.versions;

    switch (feature->program) {
    case ROOTLESS_DOCKERD:
        return &versions->dockerd;
    case ROOTLESS_ROOTLESSKIT:
        return &versions->rootlesskit;
    case ROOTLESS_SLIRP4NETNS:
        break;
    }
    return &versions->slirp4netns;
}

/* The programs that a driver needs are new enough, as far as is known. */
static bool driver_works(const char *driver, const struct host *host)
{
    for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++)
        if (features[i].option == OPTION_ROOTLESS_NET && strcmp(features[i].value, driver) == 0 &&
            program_version_before(
                rootless_version_for(&features[i], host), features[i].major, features[i].minor))
            return false;
    return true;
}

/* In the order in which dockerd-rootless.sh looks for them. */
const char *rootless_network_driver(const struct settings *s, const struct host *host)
{
    if (!str_equal(s->rootless.net, "auto"))
        return s->rootless.net;
    if (host->programs.slirp4netns && driver_works("slirp4netns", host))
        return "slirp4netns";
    if (host->programs.pasta && driver_works("pasta", host))
        return "pasta";
    if (host->programs.vpnkit)
        return "vpnkit";
    return "gvisor-tap-vsock";
}

const char *rootless_port_driver(const struct settings *s, const struct host *host)
{
    if (!str_equal(s->rootless.port_driver, "auto"))
        return s->rootless.port_driver;
    return str_equal(rootless_network_driver(s, host), "pasta") ? "implicit" : "builtin";
}

bool rootless_everywhere(const struct settings *s)
{
    return strings_have(&s->api.tcp_addresses, "0.0.0.0") || strings_have(&s->api.tcp_addresses, "::");
}

/* The others refuse a loopback address inside (rootlesskit pkg/port, DisallowLoopbackChildIP). */
const char *rootless_inside_address(const struct settings *s, const struct host *host)
{
    if (s->rootless.detach_netns)
        return NULL;
    return str_equal(rootless_port_driver(s, host), "builtin") && !rootless_everywhere(s) ? "127.0.0.1"
                                                                                          : "0.0.0.0";
}

static long long mtu(const struct settings *s, const char *net)
{
    if (s->rootless.mtu)
        return s->rootless.mtu;
    /* These three copy through user space: large packets make them several times faster. */
    return str_equal(net, "slirp4netns") || str_equal(net, "pasta") || str_equal(net, "gvisor-tap-vsock")
               ? 65520
               : 1500;
}

/* With a detached network namespace dockerd listens out here; pasta forwards by itself what is listened on.
 */
static bool publishes(const struct settings *s, const char *port_driver)
{
    if (s->rootless.publish != TOGGLE_AUTO)
        return s->rootless.publish == TOGGLE_ON;
    return !s->rootless.detach_netns && !str_equal(port_driver, "implicit");
}

bool rootless_hides_loopback(const struct settings *s)
{
    for (size_t i = 0; i < s->rootless.flags.count; i++)
        if (strstr(s->rootless.flags.items[i], "disable-host-loopback"))
            return false;
    return s->rootless.disable_host_loopback && !s->rootless.ipv6;
}

void rootless_arguments(struct strings *arguments, const struct settings *s, const struct host *host,
    const struct strings *publish)
{
    const char *net = rootless_network_driver(s, host);
    const char *port_driver = rootless_port_driver(s, host);

    if (s->rootless.state_dir)
        strings_addf(arguments, "--state-dir=%s", s->rootless.state_dir);
    else
        strings_addf(arguments, "--state-dir=%s/dockerd-rootless", host->runtime_dir);
    strings_addf(arguments, "--net=%s", net);
    strings_addf(arguments, "--mtu=%lld", mtu(s, net));
    strings_addf(arguments, "--slirp4netns-sandbox=%s", s->rootless.slirp4netns_sandbox);
    strings_addf(arguments, "--slirp4netns-seccomp=%s", s->rootless.slirp4netns_seccomp);
    if (s->rootless.disable_host_loopback)
        strings_add(arguments, "--disable-host-loopback");
    if (s->rootless.ipv6)
        strings_add(arguments, "--ipv6");
    strings_addf(arguments, "--port-driver=%s", port_driver);
    for (size_t i = 0; i < s->rootless.copy_up.count; i++)
        strings_addf(arguments, "--copy-up=%s", s->rootless.copy_up.items[i]);
    strings_addf(arguments, "--propagation=%s", s->rootless.propagation);
    if (s->rootless.detach_netns)
        strings_add(arguments, "--detach-netns");
    strings_add_all(arguments, &s->rootless.flags);
    for (size_t i = 0; i < publish->count && publishes(s, port_driver); i++) {
        strings_add(arguments, "-p");
        strings_add(arguments, publish->items[i]);
    }
}

void rootless_child_arguments(struct strings *arguments, const struct settings *s, const struct host *host,
    const struct rootless_child *child)
{
    strings_add(arguments, host->self);
    strings_add(arguments, ROOTLESS_CHILD);
    strings_add(arguments, options[OPTION_LOG_LEVEL].words[s->log.level]);
    strings_add(arguments, options[OPTION_LOG_FORMAT].words[s->log.format]);
    strings_add(arguments, child->data_root ? child->data_root : "-");
    if (child->guarded_port)
        strings_addf(arguments, "%lld", child->guarded_port);
    else
        strings_add(arguments, "-");
}
