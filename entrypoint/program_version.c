#include "program_version.h"

#include "base/text.h"

#include <string.h>

/* The number at *at, which moves behind it. */
static bool read_number(const char **at, long long *number)
{
    enum { MOST = 999999 };
    size_t length = strspn(*at, "0123456789");
    char *digits cleanup_free = str_dup_n(*at, length);

    *at += length;
    return parse_number(digits, 0, MOST, number);
}

struct program_version program_version_read(const char *text)
{
    static const char word[] = "version ";
    struct program_version version = {0};
    const char *at = text ? strstr(text, word) : NULL;

    if (!at)
        return version;
    at += strlen(word);
    if (*at == 'v')
        at++;
    version.known = read_number(&at, &version.major) && *at++ == '.' && read_number(&at, &version.minor);
    return version;
}

bool program_version_before(const struct program_version *version, long long major, long long minor)
{
    return version->known && (version->major < major || (version->major == major && version->minor < minor));
}
