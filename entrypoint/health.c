#include "health.h"

#include "base/environment.h"
#include "base/file.h"
#include "entrypoint/process.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { RECORD_LIMIT = 64 * 1024, ANSWER_LIMIT = 4096 };

static char *record_path(const char *const *environment)
{
    const char *runtime = environment_get(environment, "XDG_RUNTIME_DIR");

    if (geteuid() == 0)
        return str_dup("/run/dind/instance.json");
    if (runtime && *runtime)
        return str_format("%s/dind/instance.json", runtime);
    return str_format("/run/user/%u/dind/instance.json", geteuid());
}

/* The socket of the recorded instance, if that is the one that runs: /run may have survived a restart of the
 * container. The caller frees it; NULL with *e set if there is none. */
static char *recorded_socket(const char *const *environment, struct err *e)
{
    char *path cleanup_free = record_path(environment);
    cleanup_text struct text text = {0};
    struct err missing;

    if (file_read(AT_FDCWD, path, RECORD_LIMIT, FILE_NO_LINKS, &text, &missing) < 0) {
        (void)err_set(e, -EAGAIN, "not ready: launcher: no engine was started yet (%s)", missing.what);
        return NULL;
    }
    json_t *record = json_loadb(text_get(&text), text.length, 0, NULL);
    json_int_t pid = json_integer_value(json_object_get(record, "pid"));
    json_int_t started = json_integer_value(json_object_get(record, "started"));
    const char *recorded = json_string_value(json_object_get(record, "socket"));
    char *socket_path = NULL;
    if (!recorded)
        (void)err_set(e, -EINVAL, "not ready: launcher: %s is not a record of an instance", path);
    else if (process_start_time((pid_t)pid) != started)
        (void)err_set(
            e, -EAGAIN, "not ready: launcher: the instance of %s (pid %lld) has ended", path, (long long)pid);
    else
        socket_path = str_dup(recorded);
    json_decref(record);
    return socket_path;
}

static int connect_unix(const char *path, struct err *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);

    if (length >= sizeof(address.sun_path))
        return err_set(e, -ENAMETOOLONG, "not ready: %s: a Unix socket's path has at most %zu bytes", path,
            sizeof(address.sun_path) - 1);
    (void)memcpy(address.sun_path, path, length);
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, -errno, "not ready: socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return err_errno(e, -errno, "not ready: engine not listening: unix://%s", path);
    return take_fd(&fd);
}

static int milliseconds_until(const struct timespec *deadline)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    long long left = (deadline->tv_sec - now.tv_sec) * 1000LL + (deadline->tv_nsec - now.tv_nsec) / 1000000LL;
    return left < 0 ? 0 : (int)left;
}

static int read_answer(int fd, const struct timespec *deadline, struct text *answer)
{
    while (answer->length < ANSWER_LIMIT) {
        char chunk[1024];
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int r = poll(&wait, 1, milliseconds_until(deadline));
        if (r == 0)
            return -ETIMEDOUT;
        ssize_t n = r < 0 ? -1 : read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (n == 0)
            return 0;
        if (n > 0)
            text_add_n(answer, chunk, (size_t)n);
    }
    return 0;
}

static int judge(const char *path, const struct text *answer, struct err *e)
{
    const char *text = text_get(answer);
    /* RFC 9112, section 4: HTTP-version SP three digits SP reason */
    enum { VERSION = sizeof("HTTP/1.1") - 1, STATUS = sizeof(" 200") - 1 };
    bool http = str_starts(text, "HTTP/1.") && answer->length > VERSION + STATUS;

    if (http && strncmp(text + VERSION, " 200", STATUS) == 0 && strchr(" \r\n", text[VERSION + STATUS]))
        return 0;
    char *line cleanup_free = str_dup_n(text, strcspn(text, "\r\n"));
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    return err_set(e, -EPROTO, "not ready: engine answers an error: unix://%s: %.200s", path,
        *line ? line : "(nothing)");
}

int health_ask(const char *host, unsigned seconds, const char *const *environment, struct err *e)
{
    static const char request[] = "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n";
    cleanup_text struct text answer = {0};
    struct timespec deadline;

    (void)clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += seconds;
    if (host && !str_starts(host, "unix:///"))
        return err_set(e, -EINVAL, "health: --host %s: only unix:///PATH is understood", host);
    char *path cleanup_free = host ? str_dup(str_after(host, "unix://")) : recorded_socket(environment, e);
    if (!path)
        return e->code;
    cleanup_close int fd = connect_unix(path, e);
    if (fd < 0)
        return fd;
    if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
        return err_errno(e, -errno, "not ready: engine not listening: unix://%s", path);
    int r = read_answer(fd, &deadline, &answer);
    if (r < 0)
        return err_errno(e, r, "not ready: engine does not answer: unix://%s", path);
    return judge(path, &answer, e);
}
