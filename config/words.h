/* Words with a shell's quoting, and nothing else of a shell. */
#pragma once

#include "base/text.h"

/*
 * Splits at blanks and newlines. Quotes and backslashes as in POSIX sh (2.2 Quoting); $ ` * ~ # ; & | are
 * ordinary characters. False when a quote is not closed or a backslash ends the text; *out is then as it was.
 */
bool words_split(struct strings *out, const char *text);

/* Adds one word so quoted that words_split reads it back. */
void words_quote(struct text *out, const char *word);
