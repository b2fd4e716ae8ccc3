#include "log.h"

#include "text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    enum log_level level;
    enum log_format format;
} logging = {LOG_LEVEL_INFO, LOG_FORMAT_TEXT};

void log_setup(enum log_level level, enum log_format format)
{
    logging.level = level;
    logging.format = format;
}

/* JSON string syntax (RFC 8259 §7), which logfmt readers take as well. Control characters never reach a
 * terminal. */
static void add_quoted(struct text *line, const char *s)
{
    text_add(line, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            text_addf(line, "\\%c", c);
        else if (c == '\n')
            text_add(line, "\\n");
        else if (c < 0x20 || c == 0x7f)
            text_addf(line, "\\u%04x", c);
        else
            text_add_n(line, s, 1);
    }
    text_add(line, "\"");
}

static void add_field(struct text *line, const char *key, const char *value)
{
    if (logging.format == LOG_FORMAT_JSON) {
        text_addf(line, "%s\"%s\":", line->length ? "," : "{", key);
        add_quoted(line, value);
        return;
    }
    text_addf(line, "%s%s=", line->length ? " " : "", key);
    if (strcmp(key, "level") == 0)
        text_add(line, value);
    else
        add_quoted(line, value);
}

/* RFC 3339 with nanoseconds in UTC, as dockerd's lines. */
static void add_time(struct text *line)
{
    struct timespec now;
    struct tm utc;
    char date[40], stamp[64];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(stamp, sizeof(stamp), "%s.%09ldZ", date, now.tv_nsec);
    add_field(line, "time", stamp);
}

/* One write(2) a line: lines of several processes must not mix. */
static void emit(struct text *line)
{
    text_add(line, "\n");
    ssize_t ignored = write(STDERR_FILENO, line->data, line->length);
    (void)ignored;
}

static void write_line(const char *level, const char *message, const char *hint)
{
    cleanup_text struct text line = {0};

    add_time(&line);
    add_field(&line, "level", level);
    add_field(&line, "msg", message);
    if (hint && *hint)
        add_field(&line, "hint", hint);
    if (logging.format == LOG_FORMAT_JSON)
        text_add(&line, "}");
    emit(&line);
}

#define LOG_BODY(threshold, name, hint)                                                                      \
    do {                                                                                                     \
        if (logging.level > (threshold))                                                                     \
            return;                                                                                          \
        char message[4096];                                                                                  \
        va_list ap;                                                                                          \
        va_start(ap, format);                                                                                \
        (void)vsnprintf(message, sizeof(message), format, ap);                                               \
        va_end(ap);                                                                                          \
        write_line(name, message, hint);                                                                     \
    } while (0)

void log_debug(const char *format, ...)
{
    LOG_BODY(LOG_LEVEL_DEBUG, "debug", NULL);
}

void log_info(const char *format, ...)
{
    LOG_BODY(LOG_LEVEL_INFO, "info", NULL);
}

void log_warn(const char *hint, const char *format, ...)
{
    LOG_BODY(LOG_LEVEL_WARN, "warning", hint);
}

void log_failure(const struct err *e)
{
    if (logging.format == LOG_FORMAT_JSON) {
        write_line("fatal", e->what, e->hint);
        return;
    }
    cleanup_text struct text line = {0};
    text_addf(&line, "error: %s", e->what);
    if (e->hint[0]) {
        text_add(&line, "\n  hint: ");
        /* A hint of several lines keeps its indentation. */
        for (const char *at = e->hint; *at; at++)
            if (*at == '\n')
                text_add(&line, "\n        ");
            else
                text_add_n(&line, at, 1);
    }
    emit(&line);
}
