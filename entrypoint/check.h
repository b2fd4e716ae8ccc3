/* What each mode needs of the container and its node, requirement by requirement, with what mends it. Pure.
 */
#pragma once

#include "base/err.h"
#include "entrypoint/host.h"

/* Where a remedy is applied; NULL where there is none. All static. */
struct check_remedy {
    const char *docker;     /* flags of docker run */
    const char *compose;    /* keys of the service */
    const char *kubernetes; /* fields of the container's or the pod's specification */
    const char *node;       /* a command on the node */
    const char *image;      /* what to put into the image */
};

struct check {
    const char *name; /* a stable identifier: "cgroup-writable" */
    const char *why;  /* what it is needed for, one clause */
    bool required;    /* without it the mode does not work; otherwise part of it does not */
    bool passed;
    char *finding; /* owned: what was found, one clause */
    struct check_remedy remedy;
};

struct checks {
    enum mode mode;      /* never MODE_AUTO */
    struct check *items; /* owned */
    size_t count;
};

/* Judges every requirement of the mode. End it with checks_free. */
void checks_run(struct checks *checks, enum mode mode, const struct settings *s, const struct host *host);
void checks_free(struct checks *checks);

/* True if nothing required is missing. */
bool checks_passed(const struct checks *checks);

/* The same for people and for machines. */
void checks_show(const struct checks *checks, struct text *out);
void checks_show_json(const struct checks *checks, struct text *out);
