#include "http_answer.h"

#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { NO_LENGTH = -1 };

/* "HTTP/1.1 200 OK" or a beginning of it (section 4). 0 with *status, or 0 if it is not all there. */
static int read_status(const char *data, size_t length, int *status)
{
    static const char form[] = "HTTP/1.d Ddd"; /* D: no leading zero */
    enum { FORM = sizeof(form) - 1, DIGITS = FORM - 3 };

    *status = 0;
    for (size_t i = 0; i < FORM && i < length; i++) {
        bool digit = data[i] >= (form[i] == 'D' ? '1' : '0') && data[i] <= '9';
        if (form[i] == 'd' || form[i] == 'D' ? !digit : data[i] != form[i])
            return -EPROTO;
    }
    if (length <= FORM)
        return 0;
    if (data[FORM] != ' ' && data[FORM] != '\r')
        return -EPROTO;
    for (size_t i = DIGITS; i < FORM; i++)
        *status = *status * 10 + (data[i] - '0');
    return 0;
}

/* Digits and nothing else (section 6.2). Two fields that differ are an attack (section 6.3). */
static int read_length(const char *value, long long *body)
{
    long long number;

    if (value[strspn(value, "0123456789")] != '\0' || !parse_number(value, 0, INT64_MAX, &number))
        return -EPROTO;
    if (*body != NO_LENGTH && *body != number)
        return -EPROTO;
    *body = number;
    return number > HTTP_BODY_LIMIT ? -EFBIG : 0;
}

/* One "name: value" without its line end (section 5). */
static int read_field(const char *line, long long *body)
{
    static const char blanks[] = " \t";
    size_t name = strcspn(line, ":");

    if (name == 0 || line[name] == '\0' || strpbrk(line, "\r\n") || strcspn(line, blanks) < name)
        return -EPROTO;
    const char *value = line + name + 1 + strspn(line + name + 1, blanks);
    size_t length = strlen(value);
    while (length > 0 && strchr(blanks, value[length - 1]))
        length--;
    char *bare cleanup_free = str_dup_n(value, length);
    if (strncasecmp(line, "Content-Length:", name + 1) == 0)
        return read_length(bare, body);
    /* Section 6.1: never in answer to HTTP/1.0. */
    return strncasecmp(line, "Transfer-Encoding:", name + 1) == 0 ? -EPROTO : 0;
}

/* The lines behind the status line, each with its end. */
static int read_fields(const char *at, const char *end, long long *body)
{
    while (at < end) {
        size_t length = (size_t)((const char *)memmem(at, (size_t)(end - at), "\r\n", 2) - at);
        char *line cleanup_free = str_dup_n(at, length);
        int r = strlen(line) == length ? read_field(line, body) : -EPROTO;
        if (r < 0)
            return r;
        at += length + 2;
    }
    return 0;
}

static int incomplete(bool ended)
{
    return ended ? -ECONNRESET : 0;
}

int http_answer_read(const char *data, size_t length, bool ended, struct http_answer *answer)
{
    static const char gap[] = "\r\n\r\n";
    long long body = NO_LENGTH;

    *answer = (struct http_answer){0};
    int r = read_status(data, length, &answer->status);
    if (r < 0)
        return r;
    const char *end = length ? memmem(data, length, gap, strlen(gap)) : NULL;
    size_t head = end ? (size_t)(end - data) + strlen(gap) : length;
    if (head > HTTP_HEAD_LIMIT)
        return -EFBIG;
    if (!end)
        return incomplete(ended);
    r = read_fields((const char *)memmem(data, head, "\r\n", 2) + 2, end + 2, &body);
    if (r < 0)
        return r;
    size_t have = length - head;
    if (body == NO_LENGTH ? !ended : have < (size_t)body)
        return have > HTTP_BODY_LIMIT ? -EFBIG : incomplete(ended);
    answer->body = data + head;
    answer->length = body == NO_LENGTH ? have : (size_t)body;
    return answer->length > HTTP_BODY_LIMIT ? -EFBIG : 1;
}
