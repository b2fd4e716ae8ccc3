/* OpenSSL objects with cleanup attributes, and its error queue as our error object. */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define OSSL_CLEANUP(type, function)                                                                         \
    static inline void cleanup_##type##_(type **object) /* NOLINT(bugprone-macro-parentheses): a type */     \
    {                                                                                                        \
        function(*object);                                                                                   \
    }

OSSL_CLEANUP(BIO, BIO_free_all)
OSSL_CLEANUP(EVP_PKEY, EVP_PKEY_free)
OSSL_CLEANUP(X509, X509_free)
OSSL_CLEANUP(X509_STORE, X509_STORE_free)
OSSL_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free)
OSSL_CLEANUP(X509_EXTENSION, X509_EXTENSION_free)
OSSL_CLEANUP(BIGNUM, BN_free)
OSSL_CLEANUP(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
OSSL_CLEANUP(AUTHORITY_KEYID, AUTHORITY_KEYID_free)
OSSL_CLEANUP(GENERAL_NAME, GENERAL_NAME_free)
OSSL_CLEANUP(GENERAL_NAMES, GENERAL_NAMES_free)

#define cleanup_ossl(type) cleanup(cleanup_##type##_)

/* A list of owned certificates; zero-initialised is empty. */
struct chain {
    STACK_OF(X509) * stack; /* owned, may be NULL */
};

static inline void chain_free(struct chain *chain)
{
    sk_X509_pop_free(chain->stack, X509_free);
    chain->stack = NULL;
}

#define cleanup_chain cleanup(chain_free)

/* OpenSSL without openssl.cnf: a file from outside must not choose providers. May be called any number of
 * times. */
int ossl_start(struct err *e);

/* Takes the newest error off OpenSSL's queue as "ACTION: reason", empties the queue, returns -EIO. */
int ossl_error(struct err *e, const char *action);

/* Appends what a memory BIO holds. */
void ossl_drain(BIO *bio, struct text *out);
