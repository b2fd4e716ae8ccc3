#include "engine_api.h"

#include "entrypoint/engine_connect.h"
#include "entrypoint/engine_tls.h"
#include "entrypoint/http_answer.h"

#include <errno.h>
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
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return err_set(e, -EINVAL, "the engine's address has control characters in it");
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

/* A connection, with or without TLS. */
struct stream {
    int fd;
    struct engine_tls *tls;
};

static int stream_send(const struct stream *s, const char *data, long long deadline)
{
    return s->tls ? engine_tls_send(s->tls, data, strlen(data), deadline)
                  : engine_send(s->fd, data, strlen(data), deadline);
}

static ssize_t stream_receive(const struct stream *s, char *data, size_t room, long long deadline)
{
    return s->tls ? engine_tls_receive(s->tls, data, room, deadline)
                  : engine_receive(s->fd, data, room, deadline);
}

static int read_answer(
    const struct stream *stream, long long deadline, struct text *data, struct http_answer *http)
{
    for (;;) {
        char chunk[4096];
        ssize_t n = stream_receive(stream, chunk, sizeof(chunk), deadline);
        if (n > 0)
            text_add_n(data, chunk, (size_t)n);
        int r = n < 0 ? (int)n : http_answer_read(text_get(data), data->length, n == 0, http);
        if (r != 0)
            return r < 0 ? r : 0;
    }
}

static int no_answer(const struct engine_address *address, int r, const struct text *data,
    const struct engine_tls *tls, enum engine_stage *stage, struct err *e)
{
    char *line cleanup_free = text_first_line(data);
    const char *refusal = tls ? engine_tls_refusal(tls) : NULL;

    *stage = refusal ? ENGINE_TLS_REFUSED : r == -EPROTO || r == -EFBIG ? ENGINE_NO_HTTP : ENGINE_SILENT;
    if (refusal)
        return err_set(e, -EACCES, "%s: client refused: %s", address->shown, refusal);
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

/* HTTP/1.0: no chunks, no second answer. An engine does not look at the host's name. */
static int ask(const struct stream *stream, const struct engine_address *address, const char *path,
    long long deadline, struct engine_answer *answer, struct err *e)
{
    cleanup_text struct text data = {0};
    struct http_answer http = {0};
    char *request cleanup_free = str_format(
        "GET %s HTTP/1.0\r\nHost: docker\r\nUser-Agent: dindctl\r\nConnection: close\r\n\r\n", path);

    int r = stream_send(stream, request, deadline);
    /* Hung up already: why, may have been said before. */
    if (r == 0 || r == -EPIPE || r == -ECONNRESET)
        r = read_answer(stream, deadline, &data, &http);
    answer->status = http.status;
    if (r < 0)
        return no_answer(address, r, &data, stream->tls, &answer->stage, e);
    answer->stage = ENGINE_ANSWERED;
    text_add_n(&answer->body, http.body, http.length);
    return 0;
}

int engine_get(const struct engine_address *address, const char *path, long long deadline,
    struct engine_answer *answer, struct err *e)
{
    *answer = (struct engine_answer){0};
    cleanup_close int fd = engine_connect(address, deadline, &answer->stage, e);
    if (fd < 0)
        return fd;
    struct stream stream = {.fd = fd};
    int r = address->certs ? engine_tls_start(&stream.tls, fd, address, deadline, &answer->stage, e) : 0;
    if (r == 0)
        r = ask(&stream, address, path, deadline, answer, e);
    engine_tls_free(stream.tls);
    return r;
}
