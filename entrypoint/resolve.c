#include "resolve.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void add(struct resolved *out, const struct addrinfo *one)
{
    bool ip = one->ai_family == AF_INET || one->ai_family == AF_INET6;

    if (!ip || one->ai_addrlen > sizeof(*out->items))
        return;
    if (out->count == RESOLVED_MAX)
        out->more = true;
    else
        (void)memcpy(&out->items[out->count++], one->ai_addr, one->ai_addrlen);
}

static void look_up(const char *host, const char *port, int flags, struct resolved *out)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *found = NULL;

    *out = (struct resolved){.failure = getaddrinfo(host, port, &hints, &found)};
    if (out->failure)
        return;
    for (const struct addrinfo *at = found; at; at = at->ai_next)
        add(out, at);
    freeaddrinfo(found);
    if (!out->count)
        out->failure = EAI_NONAME;
}

static _Noreturn void look_up_for(const char *host, const char *port, int output)
{
    struct resolved found;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    look_up(host, port, 0, &found);
    _exit(write(output, &found, sizeof(found)) == (ssize_t)sizeof(found) ? 0 : 1);
}

static int read_found(int input, long long deadline, struct resolved *out)
{
    /* It comes in one piece (pipe(7)). */
    _Static_assert(sizeof(*out) <= PIPE_BUF, "one write");
    int r = deadline_wait(input, POLLIN, deadline);

    if (r < 0)
        return r;
    return read(input, out, sizeof(*out)) == (ssize_t)sizeof(*out) ? 0 : -EIO;
}

static int look_up_bounded(const char *host, const char *port, long long deadline, struct resolved *out)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    cleanup_close int input = ends[0], output = ends[1];
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        look_up_for(host, port, output);
    (void)close(take_fd(&output));
    int r = read_found(input, deadline, out);
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return r;
}

int resolve_host(const char *host, const char *port, long long deadline, struct resolved *out)
{
    int r = 0;

    look_up(host, port, AI_NUMERICHOST, out);
    if (out->failure)
        r = look_up_bounded(host, port, deadline, out);
    return r < 0 ? r : out->failure ? -ENOENT : 0;
}

/* glibc's words: they are what people search for. */
const char *resolve_words(int failure)
{
    switch (failure) {
    case EAI_NONAME:
    case EAI_NODATA:
        return "Name or service not known";
    case EAI_AGAIN:
        return "Temporary failure in name resolution";
    case EAI_FAIL:
        return "Non-recoverable failure in name resolution";
    default:
        return gai_strerror(failure);
    }
}
