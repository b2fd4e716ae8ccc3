#include "config/words.h"

#include <string.h>

static const char blanks[] = " \t\r\n";

/* A backslash before the end of a line vanishes together with it, before words are looked for (2.2.1). */
static const char *skip_blanks(const char *s)
{
    s += strspn(s, blanks);
    while (s[0] == '\\' && s[1] == '\n')
        s += 2 + strspn(s + 2, blanks);
    return s;
}

/* Each reader takes its part of a word from *at and leaves *at behind it; false when the end comes first. */

static bool read_single(const char **at, struct text *word)
{
    const char *end = strchr(*at, '\'');
    if (!end)
        return false;
    text_add_n(word, *at, (size_t)(end - *at));
    *at = end + 1;
    return true;
}

/* In double quotes a backslash quotes only these; before others it stays (2.2.3). */
static bool read_double(const char **at, struct text *word)
{
    for (const char *s = *at; *s; s++) {
        if (*s == '"') {
            *at = s + 1;
            return true;
        }
        if (*s == '\\' && s[1] && strchr("$`\"\\\n", s[1])) {
            s++;
            if (*s == '\n')
                continue;
        }
        text_add_n(word, s, 1);
    }
    return false;
}

static bool read_escaped(const char **at, struct text *word)
{
    if (!**at)
        return false;
    if (**at != '\n')
        text_add_n(word, *at, 1);
    ++*at;
    return true;
}

static bool read_word(const char **at, struct text *word)
{
    while (**at && !strchr(blanks, **at)) {
        char c = *(*at)++;
        bool closed = true;
        if (c == '\'')
            closed = read_single(at, word);
        else if (c == '"')
            closed = read_double(at, word);
        else if (c == '\\')
            closed = read_escaped(at, word);
        else
            text_add_n(word, &c, 1);
        if (!closed)
            return false;
    }
    return true;
}

bool words_split(struct strings *out, const char *text)
{
    cleanup_strings struct strings words = {0};

    for (text = skip_blanks(text); *text; text = skip_blanks(text)) {
        cleanup_text struct text word = {0};
        if (!read_word(&text, &word))
            return false;
        strings_add(&words, text_get(&word));
    }
    strings_add_all(out, &words);
    return true;
}

void words_quote(struct text *out, const char *word)
{
    text_add(out, "'");
    for (; *word; word++) {
        if (*word == '\'')
            text_add(out, "'\\''");
        else
            text_add_n(out, word, 1);
    }
    text_add(out, "'");
}
