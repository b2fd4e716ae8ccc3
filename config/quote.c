#include "config/quote.h"

#include "base/utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { SHOWN_MAX = 60 };

static const char plain_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-@%=";

static bool is_word(const char *s)
{
    return *s && s[strspn(s, plain_characters)] == '\0';
}

/* Neither libyaml's printable characters nor safe on a terminal: controls, its line breaks, byte order mark,
 * noncharacters. */
static bool is_special(unsigned code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029 ||
           code == 0xfeff || code == 0xfffe || code == 0xffff;
}

/* Reads as text in every YAML version: no indicator in front, no number, boolean or null of 1.1 or 1.2. */
static bool is_plain_yaml(const char *s)
{
    static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", NULL};

    if (!is_word(s) || !(isalpha((unsigned char)*s) || *s == '/'))
        return false;
    for (size_t i = 0; words[i]; i++)
        if (strcasecmp(s, words[i]) == 0)
            return false;
    return true;
}

static void add_escaped(struct text *out, const char *s, size_t length, unsigned code)
{
    if (code == '"' || code == '\\')
        text_addf(out, "\\%c", (char)code);
    else if (code == '\n')
        text_add(out, "\\n");
    else if (code == '\t')
        text_add(out, "\\t");
    else if (is_special(code))
        text_addf(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
    else
        text_add_n(out, s, length);
}

char *quote_short(const char *s)
{
    struct text out = {0};
    unsigned code = 0;
    size_t i = 0;

    if (is_word(s) && strlen(s) <= SHOWN_MAX)
        return str_dup(s);
    text_add(&out, "\"");
    while (i < SHOWN_MAX && s[i]) {
        size_t step = utf8_length(s + i, strnlen(s + i, 4), &code);
        if (step)
            add_escaped(&out, s + i, step, code);
        else
            text_addf(&out, "\\x%02x", (unsigned char)s[i]);
        i += step ? step : 1;
    }
    text_add(&out, s[i] ? "...\"" : "\"");
    return out.data;
}

void quote_yaml(struct text *out, const char *s)
{
    unsigned code = 0;
    size_t left = strlen(s);

    if (is_plain_yaml(s)) {
        text_add(out, s);
        return;
    }
    text_add(out, "\"");
    while (left > 0) {
        size_t step = utf8_length(s, left, &code);
        if (step)
            add_escaped(out, s, step, code);
        else
            text_add(out, "?");
        s += step ? step : 1;
        left -= step ? step : 1;
    }
    text_add(out, "\"");
}

void quote_line(struct text *out, const char *s)
{
    unsigned code = 0;
    size_t left = strlen(s);

    while (left > 0) {
        size_t step = utf8_length(s, left, &code);
        if (step && !is_special(code))
            text_add_n(out, s, step);
        else
            text_add(out, "?");
        s += step ? step : 1;
        left -= step ? step : 1;
    }
}
