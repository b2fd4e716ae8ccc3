#include "log.h"

#include "environment.h"
#include "redact.h"
#include "text.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    enum log_level level;
    enum log_format format;
    bool terminal; /* lines for people, in colour */
} logging = {.level = LOG_LEVEL_INFO, .format = LOG_FORMAT_TEXT};

void log_setup(enum log_level level, enum log_format format)
{
    logging.level = level;
    logging.format = format;
}

void log_terminal(const char *const *environment)
{
    const char *no_color = environment_get(environment, "NO_COLOR");
    const char *kind = environment_get(environment, "TERM");

    logging.terminal = isatty(STDERR_FILENO) == 1 && !(no_color && *no_color) && !str_equal(kind, "dumb");
}

/* As in JSON's strings (RFC 8259 §7), which logfmt readers take as well. Control characters never reach a
 * terminal, those of ISO 6429 in U+0080 to U+009F included, and what is not UTF-8 would make a line that is
 * no JSON. */
static void add_escaped(struct text *line, const char *s, const char *escaped)
{
    size_t left = strlen(s), length;

    for (; left > 0; s += length, left -= length) {
        unsigned code = 0;
        length = utf8_length(s, left, &code);
        if (length == 0) {
            text_add(line, "\xef\xbf\xbd"); /* U+FFFD */
            length = 1;
        } else if (code == '\n')
            text_add(line, "\\n");
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            text_addf(line, "\\u%04x", code);
        else if (code < 0x80 && strchr(escaped, (int)code))
            text_addf(line, "\\%c", (char)code);
        else
            text_add_n(line, s, length);
    }
}

static void add_quoted(struct text *line, const char *s)
{
    text_add(line, "\"");
    add_escaped(line, s, "\"\\");
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
static void format_time(char stamp[static 64])
{
    struct timespec now;
    struct tm utc;
    char date[40];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(stamp, 64, "%s.%09ldZ", date, now.tv_nsec);
}

/* One write(2) a line: lines of several processes must not mix. */
static void emit(struct text *line)
{
    text_add(line, "\n");
    ssize_t ignored = write(STDERR_FILENO, line->data, line->length);
    (void)ignored;
}

struct level_name {
    const char *word, *shown; /* in lines for programs, and for people */
    int colour;               /* of ISO 6429 */
};

static const struct level_name debug_level = {"debug", "DEBU", 37}, info_level = {"info", "INFO", 36},
                               warning_level = {"warning", "WARN", 33}, error_level = {"fatal", "FATA", 31};

static void add_line(struct text *line, const struct level_name *level, const char *message, const char *hint)
{
    char stamp[64];

    format_time(stamp);
    if (logging.format == LOG_FORMAT_JSON) {
        add_field(line, "level", level->word);
        add_field(line, "msg", message);
        add_field(line, "time", stamp);
    } else if (logging.terminal) {
        text_addf(line, "\x1b[%dm%s\x1b[0m[%s] ", level->colour, level->shown, stamp);
        add_escaped(line, message, "");
    } else {
        add_field(line, "time", stamp);
        add_field(line, "level", level->word);
        add_field(line, "msg", message);
    }
    if (!*hint)
        return;
    if (logging.format == LOG_FORMAT_TEXT && logging.terminal) {
        text_addf(line, "  \x1b[%dmhint\x1b[0m=", level->colour);
        add_quoted(line, hint);
    } else {
        add_field(line, "hint", hint);
    }
}

static void write_line(const struct level_name *level, const char *message, const char *hint)
{
    cleanup_text struct text line = {0};
    char *shown cleanup_free = redact(message);
    char *advice cleanup_free = redact(hint ? hint : "");

    add_line(&line, level, shown, advice);
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
    LOG_BODY(LOG_LEVEL_DEBUG, &debug_level, NULL);
}

void log_info(const char *format, ...)
{
    LOG_BODY(LOG_LEVEL_INFO, &info_level, NULL);
}

void log_warn(const char *hint, const char *format, ...)
{
    LOG_BODY(LOG_LEVEL_WARN, &warning_level, hint);
}

static void add_lines(struct text *out, const char *s, const char *indent)
{
    cleanup_strings struct strings lines = {0};

    strings_split(&lines, s, "\n");
    for (size_t i = 0; i < lines.count; i++) {
        text_add(out, i ? indent : "");
        add_escaped(out, lines.items[i], "");
    }
}

void log_failure(const struct err *e)
{
    if (logging.format == LOG_FORMAT_JSON) {
        write_line(&error_level, e->what, e->hint);
        return;
    }
    cleanup_text struct text line = {0};
    char *what cleanup_free = redact(e->what);
    char *hint cleanup_free = redact(e->hint);
    text_add(&line, logging.terminal ? "\x1b[31merror\x1b[0m: " : "error: ");
    add_lines(&line, what, "\n"); /* its lists bring their own indentation */
    if (*hint) {
        text_add(&line, logging.terminal ? "\n  \x1b[33mhint\x1b[0m: " : "\n  hint: ");
        /* A hint of several lines keeps its indentation. */
        add_lines(&line, hint, "\n        ");
    }
    emit(&line);
}
