#include "err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What does not fit is cut. */
static void append(struct err *e, const char *words)
{
    (void)strncat(e->what, words, sizeof(e->what) - 1 - strlen(e->what));
}

int err_set(struct err *e, int code, const char *format, ...)
{
    va_list ap;

    *e = (struct err){.code = code};
    va_start(ap, format);
    (void)vsnprintf(e->what, sizeof(e->what), format, ap);
    va_end(ap);
    return code;
}

/* glibc's words: they are what people search for. musl has others for these. */
const char *err_words(int code)
{
    switch (-code) {
    case EADDRINUSE:
        return "Address already in use";
    case EADDRNOTAVAIL:
        return "Cannot assign requested address";
    case EBUSY:
        return "Device or resource busy";
    case ECHILD:
        return "No child processes";
    case EDQUOT:
        return "Disk quota exceeded";
    case EHOSTUNREACH:
        return "No route to host";
    case EIO:
        return "Input/output error";
    case ELOOP:
        return "Too many levels of symbolic links";
    case EMFILE:
        return "Too many open files";
    case ENAMETOOLONG:
        return "File name too long";
    case EMSGSIZE:
        return "Message too long";
    case ENETUNREACH:
        return "Network is unreachable";
    case ENOMEM:
        return "Cannot allocate memory";
    case ENOTCONN:
        return "Transport endpoint is not connected";
    case ENOTTY:
        return "Inappropriate ioctl for device";
    case EOPNOTSUPP:
        return "Operation not supported";
    case EOVERFLOW:
        return "Value too large for defined data type";
    case ETIMEDOUT:
        return "Connection timed out";
    case EUCLEAN: /* what a damaged file system gives */
        return "Structure needs cleaning";
    case EXDEV:
        return "Invalid cross-device link";
    default:
        return strerror(-code);
    }
}

int err_errno(struct err *e, int code, const char *format, ...)
{
    va_list ap;

    *e = (struct err){.code = code};
    va_start(ap, format);
    (void)vsnprintf(e->what, sizeof(e->what), format, ap);
    va_end(ap);

    append(e, ": ");
    append(e, err_words(code));
    return code;
}

int err_hint(struct err *e, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(e->hint, sizeof(e->hint), format, ap);
    va_end(ap);
    return e->code;
}

int err_status(struct err *e, int status)
{
    e->status = status;
    return e->code;
}

int err_prefix(struct err *e, const char *format, ...)
{
    char context[sizeof(e->what)];
    char text[sizeof(e->what)];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(context, sizeof(context), format, ap);
    va_end(ap);

    (void)memcpy(text, e->what, sizeof(text));
    (void)memcpy(e->what, context, sizeof(context));
    append(e, ": ");
    append(e, text);
    return e->code;
}
