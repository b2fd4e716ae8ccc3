#include "rootless.h"

#include "config/options.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

/* As root, what is missing there is laid over it. */
static bool may_lay_copies(const struct host *host)
{
    return host->uid == 0 && (host->effective & CAPSET_ONE(CAP_SYS_ADMIN));
}

int rootless_check(const struct host *host, struct err *e)
{
    const struct host_rootless *rootless = &host->rootless;

    if (!host->programs.rootlesskit) {
        (void)err_set(e, -ENOENT,
            "attempting to run rootless dockerd but missing 'rootlesskit' (perhaps the "
            "'docker:dind-rootless' image "
            "variant is intended?)");
        (void)err_hint(
            e, "use an image with rootlesskit in PATH (%s), or start the container as root", host->path);
        return err_status(e, 1);
    }
    if ((!rootless->subuid || !rootless->subgid) && !may_lay_copies(host)) {
        (void)err_set(e, -ENOENT,
            "attempting to run rootless dockerd but missing necessary entries in /etc/subuid and/or "
            "/etc/subgid for %u",
            host->user.uid);
        (void)err_hint(e, "add the line %s:100000:65536 to %s in the image",
            host->user.name ? host->user.name : "USER",
            rootless->subuid   ? "/etc/subgid"
            : rootless->subgid ? "/etc/subuid"
                               : "/etc/subuid and /etc/subgid");
        if (!host->user.name)
            (void)err_hint(e,
                "uid %u has no line in /etc/passwd either: start the container as the user the image has "
                "been made for "
                "(docker run --user rootless, Kubernetes runAsUser: 1000), or add uid and ranges to the "
                "image",
                host->user.uid);
        return err_status(e, 1);
    }
    if (rootless->userns_clone_off) {
        (void)err_set(e, -EPERM,
            "attempting to run rootless dockerd but need 'kernel.unprivileged_userns_clone' "
            "(/proc/sys/kernel/unprivileged_userns_clone) set to 1");
        (void)err_hint(e, "on the node: sysctl -w kernel.unprivileged_userns_clone=1");
        return err_status(e, 1);
    }
    if (rootless->user_namespaces_off) {
        (void)err_set(e, -EPERM,
            "attempting to run rootless dockerd but need 'user.max_user_namespaces' "
            "(/proc/sys/user/max_user_namespaces) set to a sufficiently large value");
        (void)err_hint(e, "on the node: sysctl -w user.max_user_namespaces=28633");
        return err_status(e, 1);
    }
    if (host->no_new_privs) {
        (void)err_set(e, -EPERM,
            "attempting to run rootless dockerd but no_new_privs is set: newuidmap cannot map subordinate "
            "ids");
        (void)err_hint(e, "docker run:  leave out --security-opt no-new-privileges\n"
                          "Kubernetes:  set securityContext.allowPrivilegeEscalation: true");
        return err_status(e, EXIT_PRIVILEGE);
    }
    if (rootless->conflicting_containerd) {
        (void)err_set(e, -EEXIST,
            "attempting to run rootless dockerd but %s/containerd-rootless exists: dockerd and a "
            "rootless containerd cannot share XDG_RUNTIME_DIR",
            host->runtime_dir);
        (void)err_hint(e, "stop that containerd and remove the folder, or set another XDG_RUNTIME_DIR");
        return err_status(e, 1);
    }
    return 0;
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

/* In the order in which dockerd-rootless.sh looks for them. */
const char *rootless_network_driver(const struct settings *s, const struct host *host)
{
    if (!str_equal(s->rootless.net, "auto"))
        return s->rootless.net;
    if (host->programs.slirp4netns)
        return "slirp4netns";
    if (host->programs.pasta)
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

void rootless_arguments(
    struct strings *arguments, const struct settings *s, const struct host *host, const char *publish)
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
    if (publish && publishes(s, port_driver)) {
        strings_add(arguments, "-p");
        strings_add(arguments, publish);
    }
}

void rootless_child_arguments(struct strings *arguments, const struct settings *s, const struct host *host)
{
    strings_add(arguments, host->self);
    strings_add(arguments, ROOTLESS_CHILD);
    strings_add(arguments, options[OPTION_LOG_LEVEL].words[s->log.level]);
    strings_add(arguments, options[OPTION_LOG_FORMAT].words[s->log.format]);
}
