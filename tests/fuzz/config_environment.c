/*
 * The environment and --set: strings as in /proc/PID/environ, those that begin with "--set " being arguments.
 * What is accepted prints back as itself, and warnings are texts for people.
 */
#include "fuzz.h"

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_strings struct strings all = {0}, environment = {0}, set = {0};
    cleanup(settings_free) struct settings s = {0};
    struct err e = {0};

    input_strings(&all, data, size);
    for (size_t i = 0; i < all.count; i++) {
        const char *argument = str_after(all.items[i], "--set ");
        strings_add(argument ? &set : &environment, argument ? argument : all.items[i]);
    }
    /* A file of our own: DIND_CONFIG must not lead to those of the machine. */
    const struct config_input input = {.environment = (const char *const *)environment.items,
        .set = (const char *const *)set.items,
        .file = input_file("#\n", 2)};
    int r = config_load(&s, &input, &e);
    if (r < 0) {
        check_refusal(r, &e);
        return 0;
    }
    for (size_t i = 0; i < s.warnings.count; i++)
        check_message(s.warnings.items[i]);
    check_prints_back(&s);
    return 0;
}
