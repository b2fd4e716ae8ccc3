/*
 * api.activation: the engine's sockets are made here. Should: exist with their owner, mode and interface
 * before anybody can connect. Must not: take a socket away from a process that listens on it. Not earlier:
 * the folders may lie on mounts of ours, and the access rules stand when the first packet comes. Not later:
 * capabilities may go that are needed to give the file to a group, and to bind to an interface.
 */
#include "sockets.h"

#include "base/file.h"
#include "entrypoint/kernel_text.h"
#include "entrypoint/steps.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* What a burst of clients needs; the kernel takes less if net.core.somaxconn is less. */
enum { BACKLOG = 4096, UNIX_MODE = 0660 };

static int refuse(struct err *e, const char *hint)
{
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "%s", hint);
}

int sockets_check_path(const char *path, bool folder_now, struct err *e)
{
    char *folder cleanup_free = path_folder(path);
    struct stat st;

    if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        (void)err_set(e, -ENAMETOOLONG, "%s is %zu bytes long, and the path of a socket at most %zu", path,
            strlen(path), sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
        return refuse(e, "set a shorter api.unix.path");
    }
    if (!folder_now)
        return 0;
    bool there = stat(folder, &st) == 0;
    if (there && S_ISDIR(st.st_mode))
        return 0;
    if (!there && errno == EACCES) {
        (void)err_errno(e, -EACCES, "%s: the folder of this socket of the engine", path);
        return refuse(e, "make it, and the folders above it, accessible for the engine's user");
    }
    (void)err_set(e, -ENOENT, "%s: there is no folder %s for this socket of the engine", path, folder);
    return refuse(
        e, "make it in the image, or mount a volume there (docker run -v, Kubernetes volumeMounts)");
}

int sockets_group(const struct settings *s, gid_t *gid, struct err *e)
{
    const char *group = s->api.unix_group;
    char *origin cleanup_free = settings_origin(s, OPTION_API_UNIX_GROUP);
    cleanup_text struct text groups = {0};
    struct err ignored;
    unsigned id = 0;

    (void)file_read_kernel("/etc/group", &groups, &ignored);
    int r = group ? account_id(text_get(&groups), group, &id) : 0;
    if (!group)
        (void)account_find(text_get(&groups), "docker", &id);
    if (r < 0) {
        (void)err_set(e, -EINVAL, "api.unix.group: %s (%s) %s", group, origin,
            r == -ERANGE ? "is out of range" : "is not in /etc/group");
        return refuse(e, r == -ERANGE ? "use a number from 0 to 4294967294"
                                      : "use the group's number, which needs no entry there, or make the "
                                        "group in the image");
    }
    *gid = id;
    return 0;
}

/* ---- TCP ---- */

static socklen_t tcp_address(const char *text, long long port, struct sockaddr_storage *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(address, &in, sizeof(in));
        return sizeof(in);
    }
    (void)inet_pton(AF_INET6, text, &in6.sin6_addr);
    memcpy(address, &in6, sizeof(in6));
    return sizeof(in6);
}

static int tell_tcp(int code, const char *host, const char *interface, struct err *e)
{
    (void)err_errno(
        e, code, "API on tcp://%s%s%s", host, interface ? " on " : "", interface ? interface : "");
    if (code == -EADDRINUSE)
        return refuse(
            e, "stop what listens there (all containers of a pod share its ports), or set api.tcp.port");
    if (code == -EADDRNOTAVAIL)
        return refuse(e, "set api.tcp.address to an address that this container has");
    if (code == -ENODEV)
        return refuse(e, "set api.tcp.interface to an interface that this container has");
    if (code == -EAFNOSUPPORT)
        return refuse(e, "leave the IPv6 address out of api.tcp.address, or give this container IPv6");
    return e->code;
}

/* A bound socket, or a negative errno. `both`: of both families, on every address. */
static int bind_tcp(const char *text, long long port, const char *interface, bool both)
{
    const int on = 1, one_family = !both;
    struct sockaddr_storage address = {0};
    socklen_t length = tcp_address(both ? "::" : text, port, &address);
    cleanup_close int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* restarts; as Go does it */
    if (address.ss_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one_family, sizeof(one_family)) < 0)
        return -errno;
    if (interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *)&address, length) < 0)
        return -errno;
    return take_fd(&fd);
}

static int listen_tcp(const struct work *work, const char *address, int *out, struct err *e)
{
    const char *interface = work->settings->api.tcp_interface;
    char *host cleanup_free = plan_host(address, work->plan->port);
    cleanup_close int fd = bind_tcp(address, work->plan->port, interface, false);

    if (fd < 0)
        return tell_tcp(fd, host, interface, e);
    if (listen(fd, BACKLOG) < 0)
        return tell_tcp(-errno, host, interface, e);
    *out = take_fd(&fd);
    return 0;
}

/* Takes the port as the engine will, for a moment. 0, or a negative errno. */
static int try_tcp(const struct work *work, const char *address)
{
    const struct settings *s = work->settings;
    bool both = plan_opens_both(work->plan, s, work->host, address);
    cleanup_close int fd = bind_tcp(address, work->plan->port, s->api.tcp_interface, both);

    if (fd == -EAFNOSUPPORT && both) /* a kernel without IPv6 */
        fd = bind_tcp(address, work->plan->port, s->api.tcp_interface, false);
    return fd < 0 ? fd : 0;
}

int sockets_try(const struct work *work, struct err *e)
{
    const struct settings *s = work->settings;
    bool nobody_listens =
        work->plan->mode == MODE_ROOTLESS && s->rootless.publish == TOGGLE_OFF && !s->rootless.detach_netns;

    if (work->command->kind != COMMAND_ENGINE || !work->plan->tcp || nobody_listens)
        return 0;
    for (size_t i = 0; i < s->api.tcp_addresses.count; i++) {
        const char *address = s->api.tcp_addresses.items[i];
        int r = try_tcp(work, address);
        char *host cleanup_free = plan_host(address, work->plan->port);
        /* Anything else may be different for the one who will do it. */
        if (r == -EADDRINUSE || r == -EADDRNOTAVAIL || r == -ENODEV)
            return tell_tcp(r, host, s->api.tcp_interface, e);
    }
    return 0;
}

/* ---- Unix ---- */

/* A socket that an engine before left behind goes; a living one stays, and so does anything else. */
static int make_room(const char *path, const struct sockaddr_un *address, struct err *e)
{
    struct stat st;
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_errno(e, -errno, "%s", path);
    if (!S_ISSOCK(st.st_mode)) {
        (void)err_set(e, -EEXIST, "%s is no socket, and in the way of the engine's", path);
        return refuse(e, "remove it, or set another api.unix.path");
    }
    /* EAGAIN: somebody listens, and has more to do than fits. */
    if (fd >= 0 &&
        (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)) {
        (void)err_set(e, -EADDRINUSE, "%s: another process listens on it", path);
        return refuse(e, "stop the engine whose socket it is, or set another api.unix.path");
    }
    return unlink(path) < 0 && errno != ENOENT ? err_errno(e, -errno, "%s: cannot be replaced", path) : 0;
}

/* bind(2) gives the file the mode of the socket's own inode, less the umask: nobody has more at any time. */
static int bind_unix(int fd, const struct sockaddr_un *address, mode_t mode, gid_t gid)
{
    mode_t before = umask(0);
    int r =
        fchmod(fd, mode) < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
    (void)umask(before);
    if (r == 0 && lchown(address->sun_path, (uid_t)-1, gid) < 0)
        r = -errno;
    return r == 0 && listen(fd, BACKLOG) < 0 ? -errno : r;
}

static int listen_unix(const char *path, mode_t mode, gid_t gid, int *out, struct err *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_errno(e, -errno, "%s", path);
    int r = sockets_check_path(path, true, e);
    if (r < 0)
        return r;
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    r = make_room(path, &address, e);
    if (r < 0)
        return r;
    r = bind_unix(fd, &address, mode, gid);
    if (r < 0)
        return err_errno(e, r, "%s: cannot become a socket of group %u", path, gid);
    *out = take_fd(&fd);
    return 0;
}

static int listen_next_unix(const struct work *work, const char *path, gid_t gid, struct err *e)
{
    struct applied *applied = work->applied;
    const char *mode = work->settings->api.unix_mode;
    int r = listen_unix(path, mode ? (mode_t)strtoul(mode, NULL, 8) : UNIX_MODE, gid,
        &applied->sockets[applied->socket_count], e);

    applied->socket_count += r == 0;
    return r;
}

int step_sockets(const struct work *work, struct outcome *outcome, struct err *e)
{
    const struct settings *s = work->settings;
    struct applied *applied = work->applied;
    gid_t gid = 0;
    int r = sockets_group(s, &gid, e);

    applied->sockets =
        mem_zero(1 + s->api.unix_more.count + s->api.tcp_addresses.count, sizeof(*applied->sockets));
    if (r == 0)
        r = listen_next_unix(work, work->plan->socket, gid, e);
    for (size_t i = 0; r == 0 && i < s->api.unix_more.count; i++)
        r = listen_next_unix(work, s->api.unix_more.items[i], gid, e);
    for (size_t i = 0; r == 0 && work->plan->tcp && i < s->api.tcp_addresses.count; i++) {
        r = listen_tcp(work, s->api.tcp_addresses.items[i], &applied->sockets[applied->socket_count], e);
        applied->socket_count += r == 0;
    }
    outcome->kind = OUTCOME_DONE;
    (void)snprintf(outcome->detail, sizeof(outcome->detail), "%zu sockets", applied->socket_count);
    return r;
}
