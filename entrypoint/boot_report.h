/* What came of a start: collected while it goes on, written as boot.json beside the record of the instance,
 * shown by `dindctl report`. The form of the file is in docs/boot-report.md. Secrets are masked
 * (base/redact.h). */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "entrypoint/apply.h"
#include "entrypoint/host.h"
#include "entrypoint/plan.h"

#include <jansson.h>
#include <time.h>

/* Zero-initialised is empty; times are microseconds of boot_clock. */
struct boot_report {
    struct timespec time;          /* of the wall clock, at the beginning */
    long long began, pid, started; /* the latter as proc_pid_stat(5) has them */
    long long settings, facts, plan, steps, total;
    json_t *step_list, *warnings; /* owned; NULL while there is none */
};

/* Microseconds of the monotonic clock. */
long long boot_clock(void);

/* The beginning: who we are, and what time it is. */
void boot_report_begin(struct boot_report *report);
void boot_report_free(struct boot_report *report);

/* Something to be told again at the end. `from` is "settings", "plan" or a step's name; `hint` may be NULL or
 * empty. */
void boot_report_warn(struct boot_report *report, const char *from, const char *text, const char *hint);
size_t boot_report_warnings(const struct boot_report *report);

/* How a step ended. `failed` has the words if outcome->kind is OUTCOME_NOT_POSSIBLE or OUTCOME_FAILED, else
 * NULL. */
void boot_report_step(struct boot_report *report, const struct step *step, const struct outcome *outcome,
    const struct err *failed, long long microseconds);

/* The whole; `command` is the line that is executed, or NULL when the start failed. The caller owns it. */
json_t *boot_report_json(const struct boot_report *report, const struct plan *plan, const char *command);

/* Removes what a former start has left, with root's record or the user's: this one may write elsewhere. */
void boot_report_forget(const struct host *host);

/* Ends the report and writes boot.json. 0, or a negative errno with *e. */
int boot_report_write(struct boot_report *report, const struct host *host, const struct plan *plan,
    const char *command, struct err *e);

/*
 * For the second stage: what *report has of it takes the place of what boot.json, in the folder dind of
 * `runtime_dir`, says of it so far; so do its warnings and times, and `started`. Returns 1; 0 when there is
 * no boot.json, of which the first stage has warned; or a negative errno with *e.
 */
int boot_report_continue(struct boot_report *report, const char *runtime_dir, bool started, struct err *e);

/* The same with the report in memory. */
void boot_report_extend(json_t *json, const struct boot_report *report, long long now, bool started);

/* A report as read. */
struct boot_record {
    struct text content; /* owned: the file */
    json_t *json;        /* owned */
    bool former;         /* the process that wrote it has ended */
};

/*
 * Reads the report of root's start, or of the user's: a regular file of bounded size, no links, every value
 * of the right kind. 0, or a negative errno with *e (status 1 when there is none). End it with
 * boot_record_free in any case.
 */
int boot_record_read(struct boot_record *record, const char *const *environment, struct err *e);
void boot_record_free(struct boot_record *record);

/* 0 if `json` has the form of a report, or -EINVAL with *e. Pure; json_unpack_ex(3) takes no const. */
int boot_report_check(json_t *json, struct err *e);

/* Who looks at it. */
struct boot_view {
    unsigned width; /* in columns */
    bool wrap;      /* texts are broken to fit; into a pipe they stay whole, for grep */
};

/* COLUMNS, else the terminal on standard output, else 80 columns and no wrapping. */
struct boot_view boot_view_of(const char *const *environment);

/* A table of a checked report, with a bar for each step, and the warnings. Pure. */
void boot_report_show(const json_t *report, bool former, struct boot_view view, struct text *out);
