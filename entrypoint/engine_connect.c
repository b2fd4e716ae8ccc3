#include "engine_connect.h"

#include "entrypoint/resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int engine_send(int fd, const char *data, size_t length, long long deadline)
{
    while (length > 0) {
        ssize_t n = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        int r = n < 0 ? deadline_wait(fd, POLLOUT, deadline) : 0;
        if (r < 0)
            return r;
        data += n < 0 ? 0 : n;
        length -= n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

ssize_t engine_receive(int fd, char *data, size_t room, long long deadline)
{
    for (;;) {
        int r = deadline_wait(fd, POLLIN, deadline);
        ssize_t n = r < 0 ? r : recv(fd, data, room, MSG_DONTWAIT);
        if (r < 0 || n >= 0)
            return n;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}

/* ---- Unix sockets ---- */

/* With a full backlog, connect(2) on a Unix socket waits as a send does; no poll(2) tells when there is room.
 */
static int connect_unix(const struct engine_address *address, long long deadline, struct err *e)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int left = deadline_left(deadline) + 1; /* 0 would be for ever */
    const struct timeval patience = {left / 1000, left % 1000 * 1000L};

    (void)memcpy(name.sun_path, address->path, strlen(address->path));
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
        return err_errno(e, -errno, "%s: socket", address->shown);
    if (connect(fd, (const struct sockaddr *)&name, sizeof(name)) < 0)
        return err_errno(e, errno == EAGAIN ? -ETIMEDOUT : -errno, "%s", address->shown);
    return take_fd(&fd);
}

/* ---- TCP ---- */

static int look_up(
    const struct engine_address *address, long long deadline, struct resolved *out, struct err *e)
{
    int r = resolve_host(address->host, address->port, deadline, out);

    if (r == -ETIMEDOUT)
        return err_set(e, r, "%s: %s could not be resolved in time", address->shown, address->host);
    if (r == -ENOENT)
        return err_set(e, r, "%s: %s: %s", address->shown, address->host, resolve_words(out->failure));
    return r < 0 ? err_errno(e, r, "%s: looking up %s", address->shown, address->host) : 0;
}

static int connect_to(const union resolved_address *to, long long deadline)
{
    bool ipv4 = to->any.sa_family == AF_INET;
    int error = 0;
    socklen_t size = sizeof(error);
    cleanup_close int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    /* The request follows the end of the handshake: it would wait for an ACK that the other side delays. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, &to->any, ipv4 ? sizeof(to->ipv4) : sizeof(to->ipv6)) < 0) {
        if (errno != EINPROGRESS)
            return -errno;
        int r = deadline_wait(fd, POLLOUT, deadline);
        if (r < 0)
            return r;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
            return -errno;
    }
    return error ? -error : take_fd(&fd);
}

/* One address after the other. Each has its share of the time: the first one may lead nowhere. */
static int connect_tcp(
    const struct engine_address *address, long long deadline, enum engine_stage *stage, struct err *e)
{
    enum { TRIED = 8 };
    struct resolved all;
    int r = look_up(address, deadline, &all, e);

    if (r < 0) {
        *stage = ENGINE_NAME_UNKNOWN;
        return r;
    }
    unsigned count = all.count < TRIED ? all.count : TRIED;
    for (unsigned i = 0; i < count; i++) {
        int share = deadline_left(deadline) / (int)(count - i);
        r = connect_to(&all.items[i], deadline_in(share));
        if (r >= 0)
            return r;
    }
    return err_errno(e, r, "%s", address->shown);
}

int engine_connect(
    const struct engine_address *address, long long deadline, enum engine_stage *stage, struct err *e)
{
    *stage = ENGINE_NOT_LISTENING;
    return address->path ? connect_unix(address, deadline, e) : connect_tcp(address, deadline, stage, e);
}
