#include "redact.h"

#include <string.h>

#define MASK "xxxxx"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
/* No URL has them unescaped. A single quote, a comma and the like may stand in a password (RFC 3986,
 * userinfo). */
#define URL_ENDS " \t\r\n\"`<>\\"
#define VALUE_ENDS " \t\r\n\"'`,;"

static bool ends_with(const char *name, size_t length, const char *word)
{
    size_t n = strlen(word);
    return length >= n && strncasecmp(name + length - n, word, n) == 0;
}

static bool is_secret(const char *name, size_t length)
{
    return ends_with(name, length, "token") || ends_with(name, length, "password") ||
           ends_with(name, length, "passwd") || ends_with(name, length, "secret");
}

/* Those of no_proxy are addresses. */
static bool is_proxy(const char *name, size_t length)
{
    return ends_with(name, length, "proxy") && !ends_with(name, length, "no-proxy") &&
           !ends_with(name, length, "no_proxy");
}

static const char *last_at(const char *s, size_t length)
{
    return memrchr(s, '@', length);
}

/* Up to where s may still be the same URL: the next one begins with a scheme behind a separator. */
static size_t length_of_url(const char *s)
{
    size_t word = strcspn(s, URL_ENDS);

    for (const char *next = strstr(s, "://"); next && next < s + word; next = strstr(next + 3, "://")) {
        const char *scheme = next;
        while (scheme > s && strchr(NAME_CHARACTERS, scheme[-1]))
            scheme--;
        if (scheme > s && !strchr(":@/", scheme[-1]))
            return (size_t)(scheme - s);
    }
    return word;
}

/*
 * Writes the mask for what stands before the host in s, which is a URL behind its "://", and returns what
 * follows. A password with a slash in it is no URL any more, but a secret still: behind "user:" everything up
 * to the last "@" is taken for one.
 */
static const char *mask_user(struct text *out, const char *s)
{
    size_t word = length_of_url(s);
    size_t authority = strcspn(s, "/?#"), user = strcspn(s, ":@");

    if (authority > word)
        authority = word;
    /* What was masked already stays as it is: texts may come through here twice. */
    bool password = user < authority && s[user] == ':' && !str_starts(s, MASK ":" MASK "@");
    const char *at = last_at(s, password ? word : authority);
    if (!at)
        return s;
    text_add(out, MASK ":" MASK);
    return at;
}

/* What NAME, just before s, is given in `NAME=`, `"NAME": "` or, if it is a flag, `--NAME `; NULL for
 * nothing. */
static const char *value_behind(const char *s, bool flag)
{
    bool quoted = *s == '"' || *s == '\'';

    s += quoted;
    if (quoted)
        s += strspn(s, " ");
    if (*s != '=' && !(quoted && *s == ':') && !(flag && *s == ' '))
        return NULL;
    s++;
    if (quoted)
        s += strspn(s, " ");
    return s + (*s == '"' || *s == '\'');
}

/* At a name: writes it, and its value if that has to be masked. Returns what follows. */
static const char *pass_name(struct text *out, const char *s, size_t length)
{
    const char *name = s, *value = value_behind(s + length, *s == '-');

    s += length;
    text_add_n(out, name, length);
    if (!value || *value == '\0')
        return s;
    if (is_secret(name, length)) {
        size_t secret = value[-1] == '"' || value[-1] == '\'' ? strcspn(value, (char[]){value[-1], '\0'})
                                                              : strcspn(value, VALUE_ENDS);
        text_add_n(out, s, (size_t)(value - s));
        text_add(out, secret ? MASK : "");
        return value + secret;
    }
    const char *scheme = strstr(value, "://");
    if (is_proxy(name, length) && !(scheme && scheme < value + strcspn(value, URL_ENDS))) {
        text_add_n(out, s, (size_t)(value - s));
        return mask_user(out, value);
    }
    return s;
}

static void add_redacted(struct text *out, const char *s)
{
    while (*s) {
        size_t length = strspn(s, NAME_CHARACTERS);
        if (length > 0) {
            s = pass_name(out, s, length);
        } else if (str_starts(s, "://")) {
            text_add(out, "://");
            s = mask_user(out, s + 3);
        } else {
            text_add_n(out, s++, 1);
        }
    }
}

char *redact(const char *s)
{
    struct text out = {0};

    text_add(&out, "");
    add_redacted(&out, s);
    return out.data;
}

char *redact_value(const char *name, const char *value)
{
    size_t length = name ? strlen(name) : 0;

    if (*value == '\0')
        return str_dup("");
    if (is_secret(name, length))
        return str_dup(MASK);
    if (is_proxy(name, length) && !strstr(value, "://")) {
        struct text out = {0};
        text_add(&out, mask_user(&out, value));
        return out.data;
    }
    return redact(value);
}
