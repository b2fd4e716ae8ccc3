#include "engine_api.h"

#include "entrypoint/engine_connect.h"
#include "entrypoint/http_answer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- addresses ---- */

static int parse_unix(struct engine_address *address, const char *path, struct err *e)
{
    enum { ROOM = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1 };

    if (*path != '/')
        return err_set(e, -EINVAL, "%s: a Unix socket is named unix:///PATH", address->shown);
    if (strlen(path) > ROOM)
        return err_set(e, -EINVAL, "%s: a Unix socket's path has at most %d bytes", address->shown, ROOM);
    address->path = str_dup(path);
    return 0;
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. */
static int parse_tcp(struct engine_address *address, const char *text, const char *certs, struct err *e)
{
    bool bracket = *text == '[';
    size_t length = strcspn(text + bracket, bracket ? "]" : ":/");
    const char *rest = text + bracket + length;
    long long port = certs ? 2376 : 2375;

    if (bracket && *rest == ']')
        rest++;
    else if (bracket)
        length = 0;
    if (length == 0 || (*rest && (*rest != ':' || !parse_number(rest + 1, 1, 65535, &port))))
        return err_set(e, -EINVAL, "%s: an engine's address is named tcp://HOST:PORT", address->shown);
    address->host = str_dup_n(text + bracket, length);
    address->port = str_format("%lld", port);
    address->certs = certs ? str_dup(certs) : NULL;
    return 0;
}

int engine_address_parse(struct engine_address *address, const char *text, const char *certs, struct err *e)
{
    const char *path = str_after(text, "unix://");
    const char *host = str_after(text, "tcp://");

    *address = (struct engine_address){.shown = str_dup(text)};
    for (char *c = address->shown; *c; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
            return err_set(e, -EINVAL, "the engine's address has blanks, control or other characters in it");
    if (path)
        return parse_unix(address, path, e);
    if (host)
        return parse_tcp(address, host, certs, e);
    return err_set(e, -EINVAL, "%s: an engine's address is unix:///PATH or tcp://HOST:PORT", address->shown);
}

void engine_address_free(struct engine_address *address)
{
    free(address->shown);
    free(address->path);
    free(address->host);
    free(address->port);
    free(address->certs);
    *address = (struct engine_address){0};
}

/* ---- one question ---- */

void engine_answer_free(struct engine_answer *answer)
{
    text_free(&answer->body);
}

static int send_all(int fd, const char *data, size_t length, long long deadline)
{
    while (length > 0) {
        ssize_t n = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        int r = n < 0 ? engine_wait(fd, POLLOUT, deadline) : 0;
        if (r < 0)
            return r;
        data += n < 0 ? 0 : n;
        length -= n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

static ssize_t receive(int fd, char *data, size_t room, long long deadline)
{
    for (;;) {
        int r = engine_wait(fd, POLLIN, deadline);
        ssize_t n = r < 0 ? r : recv(fd, data, room, MSG_DONTWAIT);
        if (r < 0 || n >= 0)
            return n;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}

static int read_answer(int fd, long long deadline, struct text *data, struct http_answer *http)
{
    for (;;) {
        char chunk[4096];
        ssize_t n = receive(fd, chunk, sizeof(chunk), deadline);
        if (n > 0)
            text_add_n(data, chunk, (size_t)n);
        int r = n < 0 ? (int)n : http_answer_read(text_get(data), data->length, n == 0, http);
        if (r != 0)
            return r < 0 ? r : 0;
    }
}

/* The first line of what came, fit for a terminal. The caller frees it. */
static char *first_line(const struct text *data)
{
    enum { SHOWN = 200 };
    const char *text = text_get(data);
    size_t length = strcspn(text, "\r\n");
    char *line = str_dup_n(text, length < SHOWN ? length : SHOWN);

    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    return line;
}

static int no_answer(const struct engine_address *address, int r, const struct text *data,
    enum engine_stage *stage, struct err *e)
{
    char *line cleanup_free = first_line(data);

    *stage = r == -EPROTO || r == -EFBIG ? ENGINE_NO_HTTP : ENGINE_SILENT;
    if (r == -EPROTO)
        return err_set(e, r, "%s: this is no HTTP: %s", address->shown, line);
    if (r == -EFBIG)
        return err_set(e, r, "%s: an answer without end: %s", address->shown, line);
    if (r == -ETIMEDOUT)
        return err_set(e, r, "%s: connected, but %s in time", address->shown,
            data->length ? "the answer is not whole" : "no answer came");
    return err_set(e, r, "%s: connected, but the connection ended %s", address->shown,
        data->length ? "in the middle of the answer" : "without an answer");
}

int engine_get(const struct engine_address *address, const char *path, long long deadline,
    struct engine_answer *answer, struct err *e)
{
    cleanup_text struct text data = {0};
    struct http_answer http = {0};

    *answer = (struct engine_answer){0};
    cleanup_close int fd = engine_connect(address, deadline, &answer->stage, e);
    if (fd < 0)
        return fd;
    /* HTTP/1.0: no chunks, no second answer. An engine does not look at the host's name. */
    char *request cleanup_free = str_format(
        "GET %s HTTP/1.0\r\nHost: docker\r\nUser-Agent: dindctl\r\nConnection: close\r\n\r\n", path);
    int r = send_all(fd, request, strlen(request), deadline);
    if (r == 0 || r == -EPIPE || r == -ECONNRESET)
        r = read_answer(fd, deadline, &data, &http);
    answer->status = http.status;
    if (r < 0)
        return no_answer(address, r, &data, &answer->stage, e);
    answer->stage = ENGINE_ANSWERED;
    text_add_n(&answer->body, http.body, http.length);
    return 0;
}
