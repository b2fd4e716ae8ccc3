/* Strings from outside, made safe for messages, YAML and Markdown. */
#pragma once

#include "base/text.h"

/* For messages: as it is if it is one plain word, else in double quotes; control characters escaped, cut
 * after 60 bytes. The caller frees it. */
char *quote_short(const char *s);

/* A YAML scalar that reads back as the text s: plain where that is safe, else double-quoted on one line. */
void quote_yaml(struct text *out, const char *s);

/* For a comment in YAML and for logs: one line of valid UTF-8; what does not fit is a question mark. */
void quote_comment(struct text *out, const char *s);
