/* From the bytes of the store to what the decision needs to know, and the parsed keys and certificates. */
#pragma once

#include "certs.h"
#include "decide.h"
#include "ossl.h"
#include "store.h"

/* A key and its certificates as parsed; zero-initialised is "nothing". */
struct inspect_pair {
    char *shown;          /* owned: the folder, as messages have it */
    EVP_PKEY *key;        /* owned, NULL if missing or unusable */
    struct chain chain;   /* owned; the certificate comes first */
    struct strings names; /* of the first certificate */
    char *failed;         /* owned: words for a file that could not be read */
    char *hostile;        /* owned: words for a hostile file */
};

struct inspected {
    struct inspect_pair *pairs; /* owned, by the index of the folder */
    size_t count;
    struct decide_leaf *clients; /* owned */
    struct chain server_trust;   /* owned: server/ca.pem */
    struct text ca_pem; /* owned: the certificates of ca/cert.pem and nothing else that may stand there */
    struct decide_input input; /* borrows from all that, from the content and from the request */
};

/* The folder of a client: "client", "clients/NAME" or an absolute path. The caller frees it. */
char *inspect_folder(const struct certs_client *client);

/* Parses the content of a store with the folders of the request. `content` and `request` must outlive *out;
 * end it with inspected_free. */
void inspect(const struct store_content *content, const struct certs_request *request, struct inspected *out);
void inspected_free(struct inspected *inspected);

/* The certificate of a pair, or NULL. Borrowed. */
X509 *inspect_certificate(const struct inspect_pair *pair);

/*
 * Reads all certificates of a PEM file. Returns NULL, or words that follow the file's name ("is not a PEM
 * certificate").
 */
const char *inspect_parse(const struct text *pem, struct chain *out);

/*
 * Verifies the first certificate of `chain` for TLS servers or clients, with the rest of it as intermediates
 * and all of `trust` as trust anchors, which is what Go does with a CA file. Dates are not judged. Returns
 * NULL, or OpenSSL's words.
 */
const char *inspect_verify(const struct chain *chain, const struct chain *trust, bool server);

/* Fills from, until, ours, strict and matches. `name` is the common name that makes it ours. */
void inspect_describe(X509 *certificate, const EVP_PKEY *key, const char *name, struct decide_pair *out);
