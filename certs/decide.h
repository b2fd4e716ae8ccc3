/* The decision: from what is on disk, the wanted names, the algorithm and the time to an answer per
 * certificate. Pure: no files, no clock, no keys. */
#pragma once

#include "base/text.h"

#include <stdbool.h>
#include <time.h>

/* Of the launcher's source, kept up with releases: a clock before it is plainly wrong. A constant, since a
 * date taken at build time would make builds differ. 2026-11-01T00:00:00Z. */
#define DECIDE_EARLIEST ((time_t)1793491200)

/* A key file and its certificate file. */
struct decide_pair {
    bool has_key, has_cert; /* there is a non-empty file */
    const char
        *key_problem; /* words that follow the file's name if the key can't be used, or NULL. Borrowed */
    const char *cert_problem; /* the same for the certificate */
    bool key_sealed;    /* the key can't be used but is plainly somebody's: encrypted, in another format */
    bool kind_wanted;   /* the key is of the algorithm asked for */
    bool strong;        /* the key is good enough for current clients */
    bool ours;          /* the subject is the one that the launcher (and the old entrypoint) writes */
    bool matches;       /* the certificate is the key's */
    bool strict;        /* it has all that strict verifiers ask for */
    time_t from, until; /* notBefore, notAfter */
};

struct decide_ca {
    struct decide_pair pair;
    bool unreadable;     /* we may not look at the key: that is as good as none */
    const char *failed;  /* "ca/key.pem: Input/output error": what it holds is unknown. Borrowed */
    const char *hostile; /* "ca/key.pem: is a FIFO", if something in ca/ must not be touched. Borrowed */
    bool linked;         /* a file of it is a symbolic link that was followed: it is not ours to replace */
    bool read_only;      /* nothing can be written in ca/ */
    bool is_ca;          /* basicConstraints CA:TRUE and may sign certificates */
};

struct decide_leaf {
    const char *shown; /* its folder, as messages have it: "server", "clients/ci". Borrowed */
    bool implied;      /* of a client: always there, not asked for by the user */
    bool named;        /* of a client: its common name is the user's word, so another one will not do */
    struct decide_pair pair;
    const char *failed, *hostile; /* as in decide_ca */
    bool linked, read_only;       /* as in decide_ca */
    const char *chain_problem;  /* why it does not verify against the CA for its purpose, or NULL. Borrowed */
    const char *own_problem;    /* the same against the ca.pem beside it */
    const char *server_problem; /* of a client: the same against server/ca.pem */
    time_t ca_from, ca_until;   /* when all that verify it against that ca.pem are valid */
    const struct strings *names; /* its subjectAltNames, canonical */
    bool has_ca;                 /* ca.pem beside it is there */
    bool ca_current;             /* it is exactly the CA's certificate, as ca/cert.pem has it */
    bool ca_trusted;             /* it trusts the CA in ca/, maybe others too */
    bool access_ok;              /* owner and mode are as they must be */
};

/* How much is to be done. */
enum decide_scope {
    DECIDE_NEEDED,  /* what is missing or no longer good */
    DECIDE_RENEWAL, /* leaves that are good too get a new certificate for their key */
    DECIDE_CLIENTS, /* the clients alone; CA and server stay as they are */
};

struct decide_input {
    struct decide_ca ca;
    struct decide_leaf server;
    const struct decide_leaf *clients; /* borrowed */
    size_t client_count;
    const struct strings *names; /* that the server certificate must have */
    bool algorithm_chosen;
    enum decide_scope scope;
    bool keep_ca_key;
    time_t life;         /* seconds from now that a new leaf lives */
    time_t renew_before; /* seconds before its end; 0: when a third of its life is left */
    time_t now;
};

enum decide_verdict {
    DECIDE_KEEP,
    DECIDE_RENEW,   /* a new certificate for the same key */
    DECIDE_REPLACE, /* a new key and certificate */
    DECIDE_REFUSE,
};

struct decide_answer {
    enum decide_verdict verdict;
    /* REFUSE: begins with the file, "ca/key.pem: …". KEEP: empty, or why it ought to be renewed, which cannot
     * be done but is not needed yet. */
    char reason[512];
    char hint[320]; /* for REFUSE */
    bool names;     /* the reason is that names are missing, nothing else */
    bool ca_pem;    /* of a leaf: ca.pem beside it must be written */
    bool access;    /* of a leaf: kept files must get their owner and mode */
};

struct decision {
    bool managed; /* there is no CA key: what is there was verified, and nothing can be issued */
    bool keyless; /* managed, and the CA is one of ours whose key was removed */
    struct decide_answer ca, server;
    struct decide_answer *clients; /* owned */
    size_t client_count;
    bool remove_ca_key; /* once everything is written */
    bool clock_wrong;   /* now is before DECIDE_EARLIEST: dates were not judged */
};

/* Decides; end it with decision_free. The first REFUSE among ca, server and clients says why nothing may be
 * done. */
void decide(const struct decide_input *in, struct decision *out);
void decision_free(struct decision *d);

/* The time to issue at: never before DECIDE_EARLIEST. */
time_t decide_time(time_t now);

/* True if nothing at all is to be written or removed. */
bool decide_is_idle(const struct decision *d);

/* The refusal, or NULL. */
const struct decide_answer *decide_refusal(const struct decision *d);
