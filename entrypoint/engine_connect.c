#include "engine_connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
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

/* What a name stands for; as sent from one process to the other. */
struct addresses {
    int failure; /* of getaddrinfo(3) */
    unsigned count;
    struct {
        socklen_t length;
        struct sockaddr_storage address;
    } items[8];
};

static void resolve(const struct engine_address *address, int flags, struct addresses *out)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *found = NULL;

    out->failure = getaddrinfo(address->host, address->port, &hints, &found);
    for (const struct addrinfo *at = out->failure ? NULL : found;
         at && out->count < sizeof(out->items) / sizeof(*out->items); at = at->ai_next) {
        out->items[out->count].length = at->ai_addrlen;
        (void)memcpy(&out->items[out->count++].address, at->ai_addr, at->ai_addrlen);
    }
    if (!out->failure)
        freeaddrinfo(found);
}

static _Noreturn void resolve_for(const struct engine_address *address, int fd)
{
    struct addresses found = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    resolve(address, 0, &found);
    ssize_t n = write(fd, &found, sizeof(found));
    _exit(n == (ssize_t)sizeof(found) ? 0 : 1);
}

static int read_addresses(int fd, long long deadline, struct addresses *out)
{
    /* Less than PIPE_BUF: it comes in one piece (pipe(7)). */
    _Static_assert(sizeof(*out) <= PIPE_BUF, "one write");
    int r = deadline_wait(fd, POLLIN, deadline);

    if (r < 0)
        return r;
    return read(fd, out, sizeof(*out)) == (ssize_t)sizeof(*out) ? 0 : -EIO;
}

/* getaddrinfo(3) knows no deadline, and waits for dead name servers as long as resolv.conf(5) has it: in a
 * child, which can be killed. */
static int resolve_bounded(const struct engine_address *address, long long deadline, struct addresses *out)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    cleanup_close int read_end = ends[0];
    cleanup_close int write_end = ends[1];
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        resolve_for(address, write_end);
    (void)close(take_fd(&write_end));
    int r = read_addresses(read_end, deadline, out);
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return r;
}

static int look_up(
    const struct engine_address *address, long long deadline, struct addresses *out, struct err *e)
{
    int r = 0;

    *out = (struct addresses){0};
    resolve(address, AI_NUMERICHOST, out);
    if (out->failure) {
        *out = (struct addresses){0};
        r = resolve_bounded(address, deadline, out);
    }
    if (r < 0)
        return err_errno(e, r, "%s: looking up %s", address->shown, address->host);
    if (out->failure)
        return err_set(e, -ENOENT, "%s: %s: %s", address->shown, address->host, gai_strerror(out->failure));
    return out->count ? 0 : err_set(e, -ENOENT, "%s: %s has no address", address->shown, address->host);
}

static int connect_to(const struct sockaddr_storage *to, socklen_t length, long long deadline)
{
    int error = 0;
    socklen_t size = sizeof(error);
    cleanup_close int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    /* The request follows the end of the handshake: it would wait for an ACK that the other side delays. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, (const struct sockaddr *)to, length) < 0) {
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
    struct addresses all;
    int r = look_up(address, deadline, &all, e);

    if (r < 0) {
        *stage = ENGINE_NAME_UNKNOWN;
        return r;
    }
    for (unsigned i = 0; i < all.count; i++) {
        int share = deadline_left(deadline) / (int)(all.count - i);
        r = connect_to(&all.items[i].address, all.items[i].length, deadline_in(share));
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
