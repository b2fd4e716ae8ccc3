/* What the fuzzers share: the entry point, checks that stay in every build, and input as strings. */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <stdint.h>

/* libFuzzer and replay.c call it with one input after the other. Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process when a property does not hold. Unlike assert(3) it also works with NDEBUG. */
#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            check_failed(__FILE__, __LINE__, #condition);                                                    \
    } while (0)
void check_failed(const char *file, int line, const char *what) __attribute__((noreturn));

void check_equal(const char *a, const char *b);
void check_same(const struct strings *a, const struct strings *b);

/* UTF-8 throughout. */
bool is_utf8(const char *text);

/* A text for people: there is one, on one line, in UTF-8 without control characters (C0, DEL, C1). */
void check_message(const char *text);

/* A refusal of the configuration: a negative errno, a text, a hint, and the exit status EXIT_CONFIG. */
void check_refusal(int r, const struct err *e);

/* The input up to its first NUL; the caller frees it. Of exactly that size, so that reading past it is seen.
 */
char *input_string(const uint8_t *data, size_t size);

/* Adds the strings of the input, each ended by a NUL, as /proc/PID/environ and /proc/PID/cmdline have them.
 */
void input_strings(struct strings *list, const uint8_t *data, size_t size);

/* The path of a file with this content, the same one each time; it is removed at exit. */
const char *input_file(const void *data, size_t size);

struct settings;

/* What config_print writes of the settings, config_load reads as the same values. */
void check_prints_back(const struct settings *s);
