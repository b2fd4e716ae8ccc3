#include "deadline.h"

#include <errno.h>
#include <poll.h>

int deadline_wait(int fd, short events, long long deadline)
{
    struct pollfd wait = {.fd = fd, .events = events};

    for (;;) {
        int left = deadline_left(deadline);
        int r = left ? poll(&wait, 1, left) : 0;
        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}
