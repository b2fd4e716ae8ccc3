/* Asks an engine over its API: one GET, bounded in time and bytes, over a Unix socket or TCP, with mutual TLS
 * where there are certificates. */
#pragma once

#include "base/deadline.h"
#include "base/err.h"
#include "base/text.h"

/* How far an engine was from answering. */
enum engine_stage {
    ENGINE_ANSWERED,      /* in HTTP, whatever the status */
    ENGINE_NAME_UNKNOWN,  /* its name cannot be resolved, or not yet */
    ENGINE_CERTIFICATES,  /* ours are missing or unusable */
    ENGINE_NOT_LISTENING, /* no connection comes about */
    ENGINE_TLS_REFUSED,   /* one side does not accept the other */
    ENGINE_SILENT,        /* connected, but no whole answer came */
    ENGINE_NO_HTTP,       /* something came that is no answer of an engine */
};

struct engine_address {
    char *shown;       /* owned: "unix:///run/docker.sock", "tcp://docker:2376" */
    char *path;        /* owned: of the Unix socket, or NULL */
    char *host, *port; /* owned: of TCP, or NULL; an IPv6 address stands without its brackets */
    char *certs;       /* owned: the folder with ca.pem, cert.pem and key.pem; NULL: no TLS */
};

/*
 * Reads unix:///PATH or tcp://HOST[:PORT]. `certs` is borrowed and for TCP only; NULL: plain. Without a port
 * it is 2376, or 2375 when plain. Returns 0, or -EINVAL with *e. End it with engine_address_free in any case.
 */
int engine_address_parse(struct engine_address *address, const char *text, const char *certs, struct err *e);
void engine_address_free(struct engine_address *address);

struct engine_answer {
    enum engine_stage stage;
    int status;       /* of HTTP; 0 if none came */
    struct text body; /* owned; at most HTTP_BODY_LIMIT bytes */
};

/*
 * GET `path` ("/_ping", "/containers/json"). Nothing of it outlasts `deadline` (base/deadline.h). Returns 0
 * with *answer when HTTP came back, whatever its status; else a negative errno with *e, which names the
 * address and what is wrong, and answer->stage, which is set in any case. End it with engine_answer_free.
 * A Unix socket needs neither OpenSSL nor another process. A name of a host is resolved by a child, which is
 * reaped: SIGCHLD must not be ignored.
 */
int engine_get(const struct engine_address *address, const char *path, long long deadline,
    struct engine_answer *answer, struct err *e);
void engine_answer_free(struct engine_answer *answer);
