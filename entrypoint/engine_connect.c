#include "engine_connect.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int engine_wait(int fd, short events, long long deadline)
{
    struct pollfd wait = {.fd = fd, .events = events};

    for (;;) {
        int r = poll(&wait, 1, deadline_left(deadline));
        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

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

int engine_connect(
    const struct engine_address *address, long long deadline, enum engine_stage *stage, struct err *e)
{
    *stage = ENGINE_NOT_LISTENING;
    if (address->path)
        return connect_unix(address, deadline, e);
    return err_set(e, -EINVAL, "%s: only unix:///PATH is understood", address->shown);
}
