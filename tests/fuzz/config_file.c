/* The YAML file. What is accepted prints back as itself; a refusal also names the place in the file. */
#include "fuzz.h"

#include "config/config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config_input input = {.file = input_file(data, size)};
    cleanup(settings_free) struct settings s = {0};
    struct err e = {0};
    char *end = NULL;

    int r = config_load(&s, &input, &e);
    if (r == 0) {
        check_prints_back(&s);
        return 0;
    }
    check_refusal(r, &e);
    const char *place = str_after(e.what, input.file);
    CHECK(place && *place == ':' && strtoul(place + 1, &end, 10) > 0 && *end == ':');
    CHECK(strtoul(end + 1, &end, 10) > 0 && str_starts(end, ": "));
    return 0;
}
