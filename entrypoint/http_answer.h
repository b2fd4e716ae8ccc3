/* What a server answers to a request of HTTP/1.0: RFC 9112. Pure; every byte is hostile until checked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    HTTP_HEAD_LIMIT = 16 * 1024, /* bytes of status line and header fields */
    HTTP_BODY_LIMIT = 1024 * 1024,
};

struct http_answer {
    int status;       /* 100 to 999 */
    const char *body; /* borrowed from the data that was given */
    size_t length;
};

/*
 * Looks at what has come so far; `ended` says that nothing more will. Returns 1 with *answer when it is
 * whole, 0 when more is needed, or a negative errno: -EPROTO it is no such answer, or uses what HTTP/1.0 does
 * not have (a transfer coding); -EFBIG it is longer than the limits; -ECONNRESET it ended too early.
 * `answer->status` is set as soon as it is known, in those cases too, and 0 before.
 */
int http_answer_read(const char *data, size_t length, bool ended, struct http_answer *answer);
