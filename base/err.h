/* The one error object that every call fills: object, action and cause in `what`, one imperative remedy in
 * `hint`. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

/* Fixed size, so that it works after fork and out of memory. Zero-initialised means "no error". */
struct err {
    int code;        /* negative errno, 0 for none */
    int status;      /* exit status that main must use, 0 to let main choose by the kind of failure */
    char what[4096]; /* "mount: securityfs on /sys/kernel/security: Operation not permitted" */
    char hint[4096]; /* "run the container with --privileged, or --cap-add SYS_ADMIN"; may be empty */
};

/* Exit statuses beyond 0 and 1 (sysexits(3), and 126/127 as a shell gives them). */
enum exit_status {
    EXIT_USAGE = 64,
    EXIT_SYSTEM = 71,
    EXIT_PRIVILEGE = 77,
    EXIT_CONFIG = 78,
    EXIT_CANNOT_EXECUTE = 126,
    EXIT_NOT_FOUND = 127,
};

/* Sets code (a negative errno) and text, clears the hint and the status. Returns code. */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the words for the errno appended. */
int err_errno(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds the remedy: one sentence, imperative, with the exact flag, key or field. Returns e->code. */
int err_hint(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The words for a negative errno: of those that users meet, the same whatever C library this is built with.
 * Static. */
const char *err_words(int code);

/* Chooses the exit status. Returns e->code. */
int err_status(struct err *e, int status);

/* Puts "CONTEXT: " before the text. Returns e->code. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
