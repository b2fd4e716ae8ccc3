/* "Did you mean": nearest keys and words. */
#include "config/apply.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum { COMPARED_MAX = 64 };

/* Upper case and separators are the environment's spelling; here all spellings are one. */
static void normalise(const char *s, char out[COMPARED_MAX + 1])
{
    (void)memset(out, '\0', COMPARED_MAX + 1);
    for (size_t i = 0; i < COMPARED_MAX && s[i]; i++)
        out[i] = s[i] == '.' || s[i] == '-' ? '_' : (char)tolower((unsigned char)s[i]);
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][COMPARED_MAX + 1];
    size_t n = strlen(a), m = strlen(b);

    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = before[j - 1] + (a[i - 1] != b[j - 1]);
            if (before[j] + 1 < best)
                best = before[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && older[j - 2] + 1 < best)
                best = older[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[n % 3][m];
}

/* One mistake in four letters, two in eight, never more than three; the longer of the two words counts. */
static bool is_near(const char *a, const char *b, size_t mistakes)
{
    size_t n = strlen(a), m = strlen(b);
    size_t tolerated = (n > m ? n : m) / 4;
    return mistakes <= (tolerated > 3 ? 3 : tolerated);
}

/* "api_port" has all its parts, in order, in "api_tcp_port". */
static bool parts_within(const char *some, const char *all)
{
    cleanup_strings struct strings parts = {0}, whole = {0};
    size_t found = 0;

    strings_split(&parts, some, "_");
    strings_split(&whole, all, "_");
    for (size_t i = 0; i < whole.count && found < parts.count; i++)
        found += strcmp(parts.items[found], whole.items[i]) == 0;
    return parts.count >= 2 && found == parts.count;
}

static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

const struct option *option_nearest(const char *key, bool loose)
{
    char wanted[COMPARED_MAX + 1], candidate[COMPARED_MAX + 1];
    const struct option *nearest = NULL;
    size_t best = SIZE_MAX;

    normalise(key, wanted);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        normalise(options[i].key, candidate);
        size_t d = distance(wanted, candidate);
        if (d < best && is_near(wanted, candidate, d)) {
            best = d;
            nearest = &options[i];
        }
    }
    for (size_t i = 0; i < OPTION_COUNT && !nearest; i++) {
        normalise(options[i].key, candidate);
        if (parts_within(wanted, candidate))
            nearest = &options[i];
    }
    for (size_t i = 0; i < OPTION_COUNT && !nearest && loose; i++)
        if (strcmp(last_part(key), last_part(options[i].key)) == 0)
            nearest = &options[i];
    return nearest;
}

const char *nearest_word(const char *word, const char *const *words)
{
    char wanted[COMPARED_MAX + 1], candidate[COMPARED_MAX + 1];
    const char *nearest = NULL;
    size_t best = SIZE_MAX;

    normalise(word, wanted);
    for (; *words; words++) {
        normalise(*words, candidate);
        size_t d = distance(wanted, candidate);
        if (d < best && is_near(wanted, candidate, d)) {
            best = d;
            nearest = *words;
        }
    }
    return nearest;
}
