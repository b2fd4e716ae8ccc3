#include "rootless.h"

#include <errno.h>

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
    if (!rootless->subuid || !rootless->subgid) {
        (void)err_set(e, -ENOENT,
            "attempting to run rootless dockerd but missing necessary entries in /etc/subuid and/or "
            "/etc/subgid for %u",
            host->uid);
        (void)err_hint(e, "add the line %s:100000:65536 to %s in the image",
            rootless->user ? rootless->user : "USER",
            rootless->subuid   ? "/etc/subgid"
            : rootless->subgid ? "/etc/subuid"
                               : "/etc/subuid and /etc/subgid");
        if (!rootless->user)
            (void)err_hint(e,
                "uid %u has no line in /etc/passwd either: start the container as the user the image has "
                "been made for "
                "(docker run --user rootless, Kubernetes runAsUser: 1000), or add uid and ranges to the "
                "image",
                host->uid);
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
    struct err why;

    (void)err_errno(&why, cause, "%s", folder);
    (void)err_set(e, cause,
        "attempting to run rootless dockerd but need writable HOME (%s) and XDG_RUNTIME_DIR (%s) for user %u",
        host->home, host->runtime_dir, host->uid);
    (void)err_hint(e, "%s; make it writable for uid %u, or set HOME and XDG_RUNTIME_DIR to folders that are",
        why.what, host->uid);
    return err_status(e, 1);
}

/* In the order in which dockerd-rootless.sh looks for them. */
static const char *network_driver(const struct settings *s, const struct host *host)
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

static long long mtu(const struct settings *s, const char *net)
{
    if (s->rootless.mtu)
        return s->rootless.mtu;
    /* These three copy through user space: large packets make them several times faster. */
    return str_equal(net, "slirp4netns") || str_equal(net, "pasta") || str_equal(net, "gvisor-tap-vsock")
               ? 65520
               : 1500;
}

void rootless_arguments(
    struct strings *arguments, const struct settings *s, const struct host *host, const char *publish)
{
    const char *net = network_driver(s, host);
    const char *port_driver = s->rootless.port_driver;

    if (str_equal(port_driver, "auto"))
        port_driver = str_equal(net, "pasta") ? "implicit" : "builtin";
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
    strings_addf(arguments, "--port-driver=%s", port_driver);
    strings_add(arguments, "--copy-up=/etc");
    strings_add(arguments, "--copy-up=/run");
    strings_add(arguments, "--propagation=rslave");
    if (s->rootless.detach_netns)
        strings_add(arguments, "--detach-netns");
    strings_add_all(arguments, &s->rootless.flags);
    /* With a detached network namespace dockerd listens out here, and there is nothing to publish. */
    if (publish && !s->rootless.detach_netns) {
        strings_add(arguments, "-p");
        strings_add(arguments, publish);
    }
}
