/* What each mode needs of the container and its node, requirement by requirement, with what mends it: for
 * `dindctl check`, and for the words of a start that is refused or warned. Pure.
 */
#pragma once

#include "base/err.h"
#include "entrypoint/command.h"
#include "entrypoint/engine_config.h"
#include "entrypoint/host.h"

/* Where a remedy is applied. */
enum check_place {
    CHECK_DOCKER,     /* flags of docker run, to be added as they are */
    CHECK_COMPOSE,    /* keys of the service */
    CHECK_KUBERNETES, /* fields of the container's or the pod's specification */
    CHECK_NODE,       /* a command on the node */
    CHECK_IMAGE,      /* what to put into the image */
    CHECK_SETTINGS,   /* a setting of ours */
    CHECK_PLACES,
};

struct check {
    const char *name; /* a stable identifier: "cgroup-writable" */
    const char *why;  /* what it is needed for, one clause */
    bool required;    /* without it the mode does not work; otherwise part of it does not */
    bool told;        /* not required, but a start warns of it */
    bool passed;
    bool privileged;            /* --privileged mends it too */
    bool by_root;               /* it names a start as root, which becomes the user later */
    bool by_user;               /* it names another user of the image; needless where one is by_root */
    const char *where;          /* what a word in capitals in the remedies stands for, or NULL */
    char *finding;              /* owned: what was found, one clause */
    char *remedy[CHECK_PLACES]; /* owned: NULL where there is none, and all of them if it is passed */
    char *start;                /* owned: the first line of the error of a start, or NULL for the usual one */
    int status;                 /* of that start, or 0 for EXIT_PRIVILEGE */
};

struct checks {
    enum mode mode;      /* never MODE_AUTO */
    struct check *items; /* owned */
    size_t count;
};

/* What is judged; all borrowed. */
struct check_input {
    const struct settings *settings;
    const struct host *host;
    const struct command *command;      /* NULL where no start is judged */
    const struct engine_config *config; /* the same */
    const char *engine_version;         /* what `dockerd --version` prints; NULL if it was not asked */
};

/* Judges every requirement of the mode. End it with checks_free. */
void checks_run(struct checks *checks, enum mode mode, const struct check_input *in);
void checks_free(struct checks *checks);

/* True if nothing required is missing. */
bool checks_passed(const struct checks *checks);

/*
 * Returns 0 if nothing required is missing. Otherwise -EPERM with *e: everything that is missing, each with
 * what was found and why it is needed, then the remedies by place, each once. The status is EXIT_PRIVILEGE,
 * or that of the shell entrypoint where it had a check of its own for the first that is missing, and its
 * words are the first line then.
 */
int checks_refuse(const struct checks *checks, struct err *e);

/* One sentence, remedy included, for each that works without being complete and costs something. */
void checks_warn(const struct checks *checks, struct strings *notes);

/* The warning of checks_warn about one requirement, or NULL if there is none. The caller frees it. */
char *checks_warning(const struct checks *checks, const char *name);

/* The same for people and for machines. */
void checks_show(const struct checks *checks, struct text *out);
void checks_show_json(const struct checks *checks, struct text *out);

/* What a place is called for people and for machines: "docker run", "docker_run". */
const char *check_place_shown(enum check_place place);
const char *check_place_key(enum check_place place);
