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

/* Who gets a client certificate. All borrowed. */
struct certs_client {
    const char
        *name; /* the folder and the common name; CERTS_DEFAULT_CLIENT is "docker:dind client" in client/ */
    const char *dir; /* absolute; NULL: client/ or clients/NAME below the store */
    uid_t uid;       /* owner of its files */
    gid_t gid;
    mode_t mode;  /* of key.pem */
    bool implied; /* nobody asked for it by name: it may be missing where the user manages the CA */
};

#define CERTS_DEFAULT_CLIENT "client"

/* How much is to be done. */
enum certs_scope {
    CERTS_NEEDED,  /* what is missing or no longer good */
    CERTS_RENEWAL, /* server and clients get new certificates for their keys, good ones too */
    CERTS_CLIENTS, /* the clients of the request alone; CA and server stay as they are */
};

struct certs_request {
    const char *dir;                /* made if missing */
    enum certs_algorithm algorithm; /* of new keys */
    bool algorithm_chosen;          /* the user set it: existing keys of another kind are replaced */
    long long days;                 /* life of leaves, 1 to 825 */
    long long renew_before; /* days before its end that a certificate is renewed; 0: a third of its life */
    long long ca_days;      /* life of a new CA certificate */
    bool keep_ca_key;       /* else it is removed once everything is issued */
    const struct strings *names; /* "DNS:name" and "IP:address", from certs_names_add() */
    uid_t uid;                   /* owner of the files in server/: whom dockerd will run as */
    gid_t gid;
    const struct certs_client *clients;
    size_t client_count;
    enum certs_scope scope;
    time_t now;
};

enum certs_outcome {
    CERTS_VERIFIED, /* there is no CA key: verified, untouched */
    CERTS_KEPT,     /* nothing was written: all is good, or works and is not ours to write */
    CERTS_ISSUED,   /* one or more certificates were made, or files mended or removed */
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

enum certs_state {
    CERTS_GOOD,     /* nothing to do */
    CERTS_DUE,      /* a start would do something about it */
    CERTS_LEFT,     /* it ought to be renewed, but that cannot be, or is not ours to do */
    CERTS_BAD,      /* a start is refused because of it */
    CERTS_UNJUDGED, /* something else is bad */
};

/* A certificate of the store, there or not. All owned. */
struct certs_entry {
    char *file;    /* "/certs/server/cert.pem" */
    char *subject; /* RFC 2253's form, printable; NULL if there is no certificate that can be read, as all
                      below */
    char *key;     /* "ecdsa-p256", or OpenSSL's name and size */
    struct strings names;
    time_t from, until;
    enum certs_state state;
    char *words; /* what is to be said: the reason, "" for good */
};

struct certs_list {
    struct certs_entry *entries; /* owned: CA, server, clients */
    size_t count;
    bool works;           /* no start would be refused */
    char *refusal, *hint; /* owned: why one would be; NULL if it works */
    struct strings notes; /* owned, as certs_result's */
};

/*
 * The certificates of the request and what certs_ensure would say of them. Changes nothing; a bad store is no
 * error. End it with certs_list_free.
 */
int certs_look(const struct certs_request *request, struct certs_list *list, struct err *e);
void certs_list_free(struct certs_list *list);

/*
 * One user-written name: "DNS:x", "IP:y", several of them separated by commas or white space as
 * DOCKER_TLS_SAN has them, or bare: an address becomes IP:, anything else DNS:. Appends canonical, lower-case
 * items that are not yet in *names. -EINVAL with *e naming the item and its position within `text` (`source`
 * names where it was written).
 */
int certs_names_add(struct strings *names, const char *text, const char *source, struct err *e);
