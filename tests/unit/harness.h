/* cmocka with what it needs included first, and a few words of our own. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Skips the running test and says why, in the form that `./dev test` collects. */
#define SKIP(reason)                                                                                         \
    do {                                                                                                     \
        (void)printf("SKIP: %s: %s\n", __func__, reason);                                                    \
        skip();                                                                                              \
    } while (0)

#define assert_contains(text, part)                                                                          \
    do {                                                                                                     \
        if (!strstr((text), (part)))                                                                         \
            fail_msg("'%s' does not contain '%s'", (text), (part));                                          \
    } while (0)
