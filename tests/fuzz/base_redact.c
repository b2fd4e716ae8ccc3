/* A text with secrets in it: what is masked once stays as it is, and a password that is put before a host is
 * gone. */
#include "fuzz.h"

#include "base/redact.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text cleanup_free = input_string(data, size);
    char *masked cleanup_free = redact(text), *again cleanup_free = redact(masked);

    check_equal(masked, again);
    char *url cleanup_free = str_format("http://me:hunter2@host %s", text), *shown cleanup_free = redact(url);
    CHECK(str_starts(shown, "http://xxxxx:xxxxx@host "));
    CHECK(strstr(text, "hunter2") || !strstr(shown, "hunter2"));
    char *value cleanup_free = redact_value("x-token", text);
    CHECK(*text == '\0' || strcmp(value, "xxxxx") == 0);
    return 0;
}
