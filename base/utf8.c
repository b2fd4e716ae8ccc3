#include "base/utf8.h"

static size_t length_by_first(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >> 5 == 0x06)
        return 2;
    if (first >> 4 == 0x0e)
        return 3;
    return first >> 3 == 0x1e ? 4 : 0;
}

size_t utf8_length(const char *s, size_t left, unsigned *code)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000}, bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t length = left ? length_by_first((unsigned char)s[0]) : 0;

    if (length == 0 || length > left)
        return 0;
    unsigned point = (unsigned char)s[0] & bits[length];
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | ((unsigned char)s[i] & 0x3f);
    }
    if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *code = point;
    return length;
}
