#include "harness.h"

#include "base/text.h"
#include "entrypoint/http_answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What comes of the text: in one piece, and byte by byte until it is decided. */
static int reads(const char *text, size_t length, bool ended, struct http_answer *answer)
{
    for (size_t part = 0; part < length; part++) {
        int r = http_answer_read(text, part, false, answer);
        if (r != 0) {
            struct http_answer whole;
            assert_int_equal(http_answer_read(text, length, ended, &whole), r);
            return r;
        }
    }
    return http_answer_read(text, length, ended, answer);
}

static void an_answer_is_whole_when_its_length_says_so(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\n\r\nOK";
    struct http_answer answer;
    (void)state;

    assert_int_equal(reads(text, strlen(text), false, &answer), 1);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.length, 2);
    assert_memory_equal(answer.body, "OK", 2);
}

static void without_a_length_the_end_of_the_connection_is_the_end(void **state)
{
    static const char text[] = "HTTP/1.0 503 Service Unavailable\r\n\r\nnot yet";
    struct http_answer answer;
    (void)state;

    assert_int_equal(reads(text, strlen(text), false, &answer), 0);
    assert_int_equal(reads(text, strlen(text), true, &answer), 1);
    assert_int_equal(answer.status, 503);
    assert_int_equal(answer.length, strlen("not yet"));
}

static void what_comes_behind_the_length_is_left_aside(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\ncontent-length:\t0 \r\n\r\nHTTP/1.1 500 No\r\n\r\n";
    struct http_answer answer;
    (void)state;

    assert_int_equal(http_answer_read(text, strlen(text), true, &answer), 1);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.length, 0);
}

static void an_answer_that_ends_too_early_is_told(void **state)
{
    static const char *const texts[] = {"", "HTTP", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nOK"};
    struct http_answer answer;
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        assert_int_equal(http_answer_read(texts[i], strlen(texts[i]), false, &answer), 0);
        assert_int_equal(http_answer_read(texts[i], strlen(texts[i]), true, &answer), -ECONNRESET);
    }
    assert_int_equal(answer.status, 200);
}

static void what_is_no_answer_is_refused(void **state)
{
    static const char *const texts[] = {"SSH-2.0-OpenSSH\r\n", "http/1.1 200 OK", "HTTP/2 200",
        "HTTP/1.1 2000 ", "HTTP/1.1 20x", "HTTP/1.1 020 ", "HTTP/1.1  200 OK", "HTTP/1.1\t200 OK",
        "HTTP/1.1 200\n\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\n a: x\r\n\r\n", "HTTP/1.1 200 OK\r\na : x\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: x\ny: z\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"};
    struct http_answer answer;
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (reads(texts[i], strlen(texts[i]), true, &answer) != -EPROTO)
            fail_msg("taken: %s", texts[i]);
    static const char nul[] = "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n";
    assert_int_equal(reads(nul, sizeof(nul) - 1, true, &answer), -EPROTO);
}

/* "HEAD", then `size` letters. */
static int read_long(const char *head, size_t size, bool ended)
{
    cleanup_text struct text all = {0};
    struct http_answer answer;

    text_add(&all, head);
    for (size_t i = 0; i < size; i++)
        text_add(&all, "x");
    return http_answer_read(all.data, all.length, ended, &answer);
}

static void an_answer_without_end_is_refused(void **state)
{
    static const char open[] = "HTTP/1.1 200 OK\r\n\r\n";
    char length[64];
    (void)state;

    assert_int_equal(read_long("HTTP/1.1 200 ", HTTP_HEAD_LIMIT - 13, false), 0);
    assert_int_equal(read_long("HTTP/1.1 200 ", HTTP_HEAD_LIMIT, false), -EFBIG);
    assert_int_equal(read_long("HTTP/1.1 200 OK\r\nA: ", HTTP_HEAD_LIMIT, true), -EFBIG);
    assert_int_equal(read_long(open, HTTP_BODY_LIMIT, false), 0);
    assert_int_equal(read_long(open, HTTP_BODY_LIMIT, true), 1);
    assert_int_equal(read_long(open, HTTP_BODY_LIMIT + 1, false), -EFBIG);
    assert_int_equal(read_long(open, HTTP_BODY_LIMIT + 1, true), -EFBIG);
    (void)snprintf(
        length, sizeof(length), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", HTTP_BODY_LIMIT + 1);
    assert_int_equal(read_long(length, 0, false), -EFBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_whole_when_its_length_says_so),
        cmocka_unit_test(without_a_length_the_end_of_the_connection_is_the_end),
        cmocka_unit_test(what_comes_behind_the_length_is_left_aside),
        cmocka_unit_test(an_answer_that_ends_too_early_is_told),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(an_answer_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
