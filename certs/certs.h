/* The TLS store of a dind: a CA, the engine's server certificate and the client certificate, made, kept or
 * verified. */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

enum certs_algorithm {
    CERTS_ECDSA_P256,
    CERTS_ECDSA_P384,
    CERTS_ED25519,
    CERTS_RSA_2048,
    CERTS_RSA_3072,
    CERTS_RSA_4096,
};

struct certs_request {
    const char *dir;                /* absolute; made if missing */
    enum certs_algorithm algorithm; /* of new keys */
    bool algorithm_chosen;          /* the user set it: existing keys of another kind are replaced */
    long long days;                 /* life of leaves, 1 to 825 */
    const struct strings *names;    /* "DNS:name" and "IP:address", from certs_names() */
    uid_t uid;                      /* owner of server/ and client/ files: whom dockerd will run as */
    gid_t gid;
    time_t now;
};

enum certs_outcome {
    CERTS_VERIFIED, /* the user manages the CA: verified, untouched */
    CERTS_KEPT,     /* nothing was written: all is good, or works and is not ours to write */
    CERTS_ISSUED,   /* one or more certificates were made */
};

struct certs_result {
    enum certs_outcome outcome;
    char
        *summary; /* owned: "issued server (it lacked DNS:x), kept CA and client"; of a preview "issue ..." */
    struct strings names; /* owned: subject alternative names of the server certificate, canonical */
    bool new_keys;        /* keys were made, or would be */
    time_t until;         /* notAfter of the server certificate */
    struct strings notes; /* owned: what the user should know, one warning each; usually empty */
};

/*
 * Makes the store ready (docs/certificates.md has the layout and the rules): verifies a user-managed trio,
 * keeps what is good, issues what is missing or no longer good. The user's files are never overwritten, and
 * on read-only mounts what works goes on. Every file is replaced atomically; client/ca.pem comes last, since
 * clients wait for it. Call it while the process has one thread (store_prepare). Returns 0 with *result
 * filled (end it with certs_result_free), or a negative errno with *e naming file and cause.
 */
int certs_ensure(const struct certs_request *request, struct certs_result *result, struct err *e);
void certs_result_free(struct certs_result *result);

/*
 * What certs_ensure would do now, without writing: for dindctl plan, and to refuse a bad store before the
 * first privileged step. Same returns; a store that does not exist yet is "issue everything".
 */
int certs_preview(const struct certs_request *request, struct certs_result *result, struct err *e);

/*
 * One user-written name: "DNS:x", "IP:y", several of them separated by commas or white space as
 * DOCKER_TLS_SAN has them, or bare: an address becomes IP:, anything else DNS:. Appends canonical, lower-case
 * items that are not yet in *names. -EINVAL with *e naming the item and its position within `text` (`source`
 * names where it was written).
 */
int certs_names_add(struct strings *names, const char *text, const char *source, struct err *e);
