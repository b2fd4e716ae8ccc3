/* Strings that grow and lists of strings. Out of memory ends the process (status 71): nothing here is
 * half-done by it. */
#pragma once

#include "cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* A growing string; zero-initialised is empty. `data` is NUL-terminated once anything was added, NULL before.
 */
struct text {
    char *data; /* owned */
    size_t length, room;
};

/* A list of owned strings, NULL-terminated once anything was added; zero-initialised is empty. */
struct strings {
    char **items; /* owned, each item too */
    size_t count, room;
};

/* malloc and friends that never return NULL. Sizes are in bytes; `count * size` is checked for overflow. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_zero(size_t count, size_t size) __attribute__((returns_nonnull));
void *mem_grow(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
char *str_dup(const char *s) __attribute__((malloc, returns_nonnull));
char *str_dup_n(const char *s, size_t length) __attribute__((malloc, returns_nonnull));
char *str_format(const char *format, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

bool str_equal(const char *a, const char *b);             /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);       /* true when s begins with prefix */
const char *str_after(const char *s, const char *prefix); /* what follows prefix in s, or NULL */
bool str_ends(const char *s, const char *suffix);
bool str_blank(const char *s); /* NULL, empty or white space only */

/* An absolute path without empty parts and dots: "/a//./b/" is "/a/b". ".." stays: where it leads is not to
 * be seen from the text. The caller frees it. */
char *path_plain(const char *path) __attribute__((malloc, returns_nonnull));

/* The folder itself or a place below it, by their texts alone. */
bool path_within(const char *path, const char *folder);

/* The folder that the last name of an absolute path lies in: "/" for one just below it. The caller frees it.
 */
char *path_folder(const char *path) __attribute__((malloc, returns_nonnull));

void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t length);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *text_get(const struct text *t); /* never NULL; valid until the next change */
/* The first line of what somebody else wrote, at most 200 bytes, '?' for what is no printable ASCII: fit for
 * a message. The caller frees it. */
char *text_first_line(const struct text *t);
void text_free(struct text *t); /* leaves it empty */
void text_wipe(struct text *t); /* as text_free, the bytes overwritten first: for secrets */

void strings_add(struct strings *list, const char *s);
void strings_addf(struct strings *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strings_add_all(struct strings *list, const struct strings *more);
void strings_add_array(
    struct strings *list, const char *const *items); /* NULL-terminated; NULL adds nothing */
bool strings_have(const struct strings *list, const char *s);
void strings_free(struct strings *list);
char *strings_join(const struct strings *list, const char *separator); /* the caller frees it */

/* Adds the words of s, separated by any of the characters in `separators`; empty words are dropped. */
void strings_split(struct strings *list, const char *s, const char *separators);

/* Whole decimal number, nothing before or after it. False, and *out untouched, otherwise or when out of
 * range. */
bool parse_number(const char *s, long long min, long long max, long long *out);

/* The same for a time: "90", "90s", "2m" or "1h"; *out, min and max are in seconds. */
bool parse_time(const char *s, long long min, long long max, long long *out);

#define cleanup_text cleanup(text_free)
#define cleanup_secret cleanup(text_wipe)
#define cleanup_strings cleanup(strings_free)
