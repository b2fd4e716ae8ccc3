/*
 * Device nodes. Should: make what is missing, open up what only root can open, and try it: a device cgroup's
 * refusal looks like a missing right, and only open(2) tells. Must not: change nodes of the host's own
 * devtmpfs, which a container may have mounted. Not earlier: /dev may be one of the mounts. Not later:
 * CAP_MKNOD may go.
 */
#include "base/cleanup.h"
#include "entrypoint/identity.h"
#include "entrypoint/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct node {
    const char *path, *folder, *module;
    unsigned minor;
};

enum { TUN, FUSE };

static const struct node nodes[] = {
    [TUN] = {"/dev/net/tun", "/dev/net", "tun", 200},
    [FUSE] = {"/dev/fuse", NULL, "fuse", 229},
};

static int make_node(const struct node *node)
{
    if (node->folder && mkdir(node->folder, 0755) < 0 && errno != EEXIST)
        return -errno;
    return mknod(node->path, S_IFCHR | 0666, makedev(10, node->minor)) < 0 ? -errno : 0;
}

/* 0 when it is there and everybody may open it as far as its mode goes. */
static int mend_node(const struct node *node, bool ours, bool *changed)
{
    struct stat st;

    if (lstat(node->path, &st) < 0 && errno == ENOENT) {
        int r = make_node(node);
        if (r < 0)
            return r;
        *changed = true;
        if (lstat(node->path, &st) < 0)
            return -errno;
    }
    if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(10, node->minor))
        return -EEXIST;
    /* Whoever is neither root nor its owner can only try it as it is. */
    if ((st.st_mode & 0666) == 0666 || !ours || geteuid() != 0)
        return 0;
    /* Not by mknod alone: the umask would narrow it. */
    if (chmod(node->path, (st.st_mode & 07777) | 0666) < 0)
        return -errno;
    *changed = true;
    return 0;
}

/* Why it does not open, and what mends that; "" when it opens. */
static const char *open_problem(const struct node *node, char words[static 320])
{
    cleanup_close int fd = open(node->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd >= 0)
        return "";
    if (errno == EPERM)
        (void)snprintf(words, 320,
            "%s is there, but the device cgroup refuses it: add --device %s (Kubernetes: a device plugin, or "
            "privileged: "
            "true)",
            node->path, node->path);
    else if (errno == ENODEV || errno == ENXIO)
        (void)snprintf(words, 320, "%s is there, but the kernel has no driver: on the node, modprobe %s",
            node->path, node->module);
    else
        (void)snprintf(words, 320, "%s: %s", node->path, err_words(-errno));
    return words;
}

/* As the user whom we become, if that is another: only their attempt counts. */
static const char *try_as(
    const struct host_user *user, const struct node *node, char words[static 320], struct err *e)
{
    bool another = user->uid != geteuid();

    if (another && identity_borrow(user, e) < 0)
        return NULL;
    const char *problem = open_problem(node, words);
    if (another)
        identity_return();
    return problem;
}

static int refuse_tun(const char *problem, const struct host *host, struct err *e)
{
    (void)err_set(e, -ENODEV, "the network of a rootless engine needs /dev/net/tun: %s", problem);
    return err_hint(e,
        "docker run:  --device /dev/net/tun%s\n"
        "Compose:     devices: [/dev/net/tun]\n"
        "Kubernetes:  a device plugin for /dev/net/tun%s\n"
        "node:        modprobe tun%s",
        host->uid == 0 ? ""
                       : ", and --user 0 -e DIND_MODE=rootless, which opens it up before it becomes the user",
        host->uid == 0 ? "" : ", and runAsUser: 0 with DIND_MODE=rootless",
        host->uid == 0 ? "" : "; chmod 666 /dev/net/tun");
}

int step_devices(const struct host *host, bool tun_required, struct outcome *outcome, struct err *e)
{
    const bool ours[] = {host->tun.ours, host->fuse.ours};
    bool changed = false;
    size_t used = 0;

    for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
        char words[320] = "";
        int r = mend_node(&nodes[i], ours[i], &changed);
        if (r == -EEXIST)
            (void)snprintf(words, sizeof(words), "%s: something else has its name", nodes[i].path);
        else if (r < 0)
            (void)snprintf(words, sizeof(words), "%s %s: %s", nodes[i].path,
                access(nodes[i].path, F_OK) < 0 ? "is missing and cannot be made" : "cannot be opened up",
                err_words(r));
        const char *problem = r < 0 ? words : try_as(&host->user, &nodes[i], words, e);
        if (!problem)
            return e->code;
        if (*problem && i == TUN && tun_required)
            return refuse_tun(problem, host, e);
        /* Whether a rootless engine needs /dev/fuse shows when it chooses its storage driver. */
        if (*problem && !tun_required && used < sizeof(outcome->warning))
            used += (size_t)snprintf(
                outcome->warning + used, sizeof(outcome->warning) - used, "%s%s", used ? "; " : "", problem);
    }
    outcome->kind = changed ? OUTCOME_DONE : used ? OUTCOME_NOT_POSSIBLE : OUTCOME_ALREADY;
    return 0;
}
