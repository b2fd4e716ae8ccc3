/* Carries a plan out: the only part of the program that changes the system. */
#pragma once

#include "base/err.h"
#include "entrypoint/plan.h"

enum outcome_kind {
    OUTCOME_DONE,         /* the system was changed */
    OUTCOME_ALREADY,      /* it was so already: a restarted container runs its steps again */
    OUTCOME_CHOSE,        /* there were several ways: `detail` says which was taken */
    OUTCOME_NOT_POSSIBLE, /* the start goes on without it: `warning` says why */
    OUTCOME_FAILED,       /* the start stops here; only of a fatal step */
    OUTCOME_NOT_RUN,      /* it came after the one that failed */
};

/* A stable identifier for machines: "not possible". */
const char *outcome_name(enum outcome_kind kind);

struct outcome {
    enum outcome_kind kind;
    char detail[1024];  /* for the log; "" for nothing worth a line */
    char warning[1024]; /* done, but not whole: what follows from it; "" for none */
};

/* How steps are run: the live system, or a recorder in tests. */
struct system {
    void *context;
    /* 0 with *outcome, or a negative errno with *e. */
    int (*run)(void *context, const struct step *step, struct outcome *outcome, struct err *e);
    /* Asked before each step, `next`: 0 to go on, or a negative errno with *e. May be NULL. */
    int (*stopped)(const char *next, struct err *e);
    bool inside; /* the second stage: PHASE_INSIDE is its own, and nobody else's */
};

struct boot_report;

/*
 * Runs the steps in order, logs what came of them and adds it to *report: one line a phase that has something
 * to tell, each step with its time at debug. A fatal step that fails stops everything: nothing after it runs,
 * nothing is undone, *e names the step. Another failing step is a warning. A stop that was asked for takes
 * effect between two steps. The steps of PHASE_INSIDE are for the second stage's system alone.
 */
int plan_apply(
    const struct plan *plan, const struct system *system, struct boot_report *report, struct err *e);
