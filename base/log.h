/* Log lines as dockerd writes them: logfmt or JSON on stderr. Only entrypoint/ logs; libraries return errors.
 * Secrets are masked (redact.h), control characters escaped. */
#pragma once

#include "err.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* What is below `level` is not written. Before the first call: info, text. */
void log_setup(enum log_level level, enum log_format format);

/*
 * Looks whether text lines go to somebody's terminal: standard error is one, NO_COLOR is unset or empty
 * (https://no-color.org), and TERM is not "dumb". Then they have dockerd's form for terminals, "INFO[TIME]
 * MESSAGE", with the level in colour. Before the first call: logfmt.
 */
void log_terminal(const char *const *environment);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `hint` may be NULL: what the user can do about it. */
void log_warn(const char *hint, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The last words of a failing program: "error: WHAT" and an indented line "hint: HINT", or one JSON object.
 * The words come first on their own line, as the shell entrypoint wrote them, so that log filters made for it
 * keep matching.
 */
void log_failure(const struct err *e);
