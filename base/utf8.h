/* UTF-8 as RFC 3629 §4 has it. */
#pragma once

#include <stddef.h>

/* Length of the valid sequence at s (of `left` bytes), 0 if there is none; *code is its code point. */
size_t utf8_length(const char *s, size_t left, unsigned *code);
