/*
 * Names for certificates, as DOCKER_TLS_SAN has them. Accepted ones are canonical: given again, together or
 * one by one, they are the same, and so they are in capitals. None is added twice. A refusal adds nothing and
 * says why, in UTF-8 if the names are.
 */
#include "fuzz.h"

#include "certs/names.h"

#include <errno.h>

static void check_canonical(const struct strings *names)
{
    cleanup_strings struct strings together = {0}, single = {0};
    char *joined cleanup_free = strings_join(names, ",");
    unsigned char address[16];
    struct err e = {0};
    int length = 0;

    CHECK(certs_names_add(&together, joined, "fuzzer", &e) == 0);
    check_same(names, &together);
    for (size_t i = 0; i < names->count; i++) {
        CHECK(certs_names_add(&single, names->items[i], "fuzzer", &e) == 0);
        const char *name = names_address(names->items[i], address, &length);
        CHECK(*name && str_ends(names->items[i], name));
        CHECK(str_starts(names->items[i], length ? "IP:" : "DNS:"));
    }
    check_same(names, &single);
    CHECK(!names_missing(names, &single));
}

static void check_capitals(const char *text, const struct strings *names)
{
    char *capitals cleanup_free = str_dup(text);
    cleanup_strings struct strings again = {0};
    struct err e = {0};

    for (char *c = capitals; *c; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    CHECK(certs_names_add(&again, capitals, "fuzzer", &e) == 0);
    check_same(names, &again);
    CHECK(certs_names_add(&again, text, "fuzzer", &e) == 0);
    CHECK(again.count == names->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text cleanup_free = input_string(data, size);
    cleanup_strings struct strings names = {0};
    struct err e = {0};

    int r = certs_names_add(&names, text, "fuzzer", &e);
    if (r == 0) {
        check_canonical(&names);
        check_capitals(text, &names);
        return 0;
    }
    CHECK(r == -EINVAL && e.code == r && names.count == 0);
    CHECK(str_starts(e.what, "fuzzer: '"));
    check_message(e.hint);
    if (is_utf8(text))
        check_message(e.what);
    return 0;
}
