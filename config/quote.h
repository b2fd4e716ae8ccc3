/* Strings from outside, made safe for messages, YAML and Markdown. */
#pragma once

#include "base/text.h"

/*
 * For messages: as it is if it is one plain word, else in double quotes on one line of valid UTF-8, with what
 * could be misread escaped as in YAML; a byte that is no UTF-8 is \xHH. No character that begins behind the
 * 60th byte is shown: "...". The caller frees it.
 */
char *quote_short(const char *s);

/* A YAML scalar that reads back as the text s: plain where that is safe, else double-quoted on one line. */
void quote_yaml(struct text *out, const char *s);

/* For comments in YAML, names of files in messages, and logs: one line of valid UTF-8; what does not fit is a
 * question mark. */
void quote_line(struct text *out, const char *s);
