/* An engine's answer: what is whole stays inside of the data and the limits; more bytes never take back a
 * refusal, nor a whole answer of a given length; the end decides. */
#include "fuzz.h"

#include "entrypoint/http_answer.h"

#include <errno.h>

static void check_whole(const char *data, size_t size, const struct http_answer *answer)
{
    CHECK(answer->status >= 100 && answer->status <= 999);
    CHECK(answer->length <= HTTP_BODY_LIMIT);
    CHECK(answer->body >= data && answer->body + answer->length <= data + size);
    CHECK(answer->body - data <= HTTP_HEAD_LIMIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t steps[] = {0, size / 4, size / 2, size - size / 4, size};
    int before = 0;

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct http_answer open, ended;
        int r = http_answer_read(text, steps[i], false, &open);
        int at_end = http_answer_read(text, steps[i], true, &ended);
        CHECK(r == 1 || r == 0 || r == -EPROTO || r == -EFBIG);
        CHECK(r == 0 ? at_end == 1 || at_end == -ECONNRESET : at_end == r);
        CHECK(before == 0 || r == before || (before == -EPROTO && r == -EFBIG));
        CHECK(open.status == ended.status);
        if (r == 1)
            check_whole(text, steps[i], &open);
        if (at_end == 1)
            check_whole(text, steps[i], &ended);
        before = r;
    }
    return 0;
}
