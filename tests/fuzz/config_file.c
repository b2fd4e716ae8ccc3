/* The YAML file. What is accepted prints back as itself; a refusal also names the place in the file. */
#include "fuzz.h"

#include "config/config.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config_input input = {.file = input_file(data, size)};
    cleanup(settings_free) struct settings s = {0};
    struct err e = {0};
    unsigned line = 0, column = 0;

    int r = config_load(&s, &input, &e);
    if (r == 0) {
        check_prints_back(&s);
        return 0;
    }
    check_refusal(r, &e);
    const char *place = str_after(e.what, input.file);
    CHECK(place && sscanf(place, ":%u:%u: ", &line, &column) == 2);
    CHECK(line > 0 && column > 0);
    return 0;
}
