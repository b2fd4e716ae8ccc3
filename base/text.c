#include "text.h"

#include "err.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *p)
{
    if (!p) {
        static const char message[] = "error: out of memory\n";
        ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);
        (void)ignored;
        _exit(EXIT_SYSTEM);
    }
    return p;
}

void *mem_alloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *mem_zero(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
    return checked(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *str_dup(const char *s)
{
    return checked(strdup(s));
}

char *str_dup_n(const char *s, size_t length)
{
    return checked(strndup(s, length));
}

static __attribute__((format(printf, 1, 0))) char *formatted(const char *format, va_list ap)
{
    char *s = NULL;

    return checked(vasprintf(&s, format, ap) < 0 ? NULL : s);
}

char *str_format(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    char *s = formatted(format, ap);
    va_end(ap);
    return s;
}

bool str_equal(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0;
}

const char *str_after(const char *s, const char *prefix)
{
    size_t length = strlen(prefix);
    return s && strncmp(s, prefix, length) == 0 ? s + length : NULL;
}

bool str_starts(const char *s, const char *prefix)
{
    return str_after(s, prefix) != NULL;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t length = s ? strlen(s) : 0, tail = strlen(suffix);
    return s && length >= tail && strcmp(s + length - tail, suffix) == 0;
}

bool str_blank(const char *s)
{
    return !s || s[strspn(s, " \t\r\n\v\f")] == '\0';
}

char *path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash != path ? str_dup_n(path, (size_t)(slash - path)) : str_dup("/");
}

char *path_plain(const char *path)
{
    cleanup_strings struct strings parts = {0};
    struct text plain = {0};

    strings_split(&parts, path, "/");
    for (size_t i = 0; i < parts.count; i++)
        if (strcmp(parts.items[i], ".") != 0)
            text_addf(&plain, "/%s", parts.items[i]);
    return plain.data ? plain.data : str_dup("/");
}

bool path_within(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    while (length > 0 && folder[length - 1] == '/')
        length--;
    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static void text_reserve(struct text *t, size_t more)
{
    if (more >= SIZE_MAX / 2 - t->length)
        (void)checked(NULL);
    if (t->length + more + 1 <= t->room)
        return;

    size_t room = t->room ? t->room : 64;
    while (room < t->length + more + 1)
        room *= 2;
    /* Not realloc: it may leave a copy of a secret behind. */
    char *data = mem_alloc(room);
    if (t->data) {
        (void)memcpy(data, t->data, t->length);
        explicit_bzero(t->data, t->length);
        free(t->data);
    }
    data[t->length] = '\0';
    t->data = data;
    t->room = room;
}

void text_add_n(struct text *t, const char *s, size_t length)
{
    text_reserve(t, length);
    (void)memcpy(t->data + t->length, s, length);
    t->length += length;
    t->data[t->length] = '\0';
}

void text_add(struct text *t, const char *s)
{
    text_add_n(t, s, strlen(s));
}

void text_addf(struct text *t, const char *format, ...)
{
    va_list ap, again;

    va_start(ap, format);
    va_copy(again, ap);
    int length = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (length < 0)
        (void)checked(NULL);
    text_reserve(t, (size_t)length);
    (void)vsnprintf(t->data + t->length, (size_t)length + 1, format, again);
    va_end(again);
    t->length += (size_t)length;
}

const char *text_get(const struct text *t)
{
    return t->data ? t->data : "";
}

char *text_first_line(const struct text *t)
{
    enum { SHOWN = 200 };
    const char *text = text_get(t);
    size_t length = strcspn(text, "\r\n");
    char *line = str_dup_n(text, length < SHOWN ? length : SHOWN);

    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    return line;
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

void text_wipe(struct text *t)
{
    if (t->data)
        explicit_bzero(t->data, t->room);
    text_free(t);
}

static void strings_adopt(struct strings *list, char *s)
{
    if (list->count + 2 > list->room) {
        list->room = list->room ? list->room * 2 : 8;
        list->items = mem_grow(list->items, list->room, sizeof(*list->items));
    }
    list->items[list->count++] = s;
    list->items[list->count] = NULL;
}

void strings_add(struct strings *list, const char *s)
{
    strings_adopt(list, str_dup(s));
}

void strings_addf(struct strings *list, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    strings_adopt(list, formatted(format, ap));
    va_end(ap);
}

void strings_add_all(struct strings *list, const struct strings *more)
{
    for (size_t i = 0; i < more->count; i++)
        strings_add(list, more->items[i]);
}

void strings_add_array(struct strings *list, const char *const *items)
{
    for (; items && *items; items++)
        strings_add(list, *items);
}

bool strings_have(const struct strings *list, const char *s)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], s) == 0)
            return true;
    return false;
}

void strings_free(struct strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct strings){0};
}

char *strings_join(const struct strings *list, const char *separator)
{
    struct text joined = {0};

    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            text_add(&joined, separator);
        text_add(&joined, list->items[i]);
    }
    return joined.data ? joined.data : str_dup("");
}

void strings_split(struct strings *list, const char *s, const char *separators)
{
    for (s += strspn(s, separators); *s; s += strspn(s, separators)) {
        size_t length = strcspn(s, separators);
        strings_adopt(list, str_dup_n(s, length));
        s += length;
    }
}

bool parse_number(const char *s, long long min, long long max, long long *out)
{
    if (!s || !(*s == '-' || (*s >= '0' && *s <= '9')))
        return false;

    char *end = NULL;
    errno = 0;
    long long value = strtoll(s, &end, 10);
    if (errno || *end || end == s || value < min || value > max)
        return false;
    *out = value;
    return true;
}

bool parse_time(const char *s, long long min, long long max, long long *out)
{
    static const char units[] = "smh";
    static const long long seconds[] = {1, 60, 3600};
    char number[24] = ""; /* more than INT64_MAX has digits */
    size_t length = s ? strlen(s) : 0;
    const char *unit = length ? strchr(units, s[length - 1]) : NULL;
    long long factor = unit ? seconds[unit - units] : 1, count = 0;

    if (length == 0 || length >= sizeof(number))
        return false;
    (void)memcpy(number, s, unit ? length - 1 : length);
    if (!parse_number(number, 0, max / factor, &count) || count * factor < min)
        return false;
    *out = count * factor;
    return true;
}
