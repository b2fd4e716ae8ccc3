/* X.509 profiles that strict verifiers accept (RFC 5280; OpenSSL -x509_strict, Python's VERIFY_X509_STRICT,
 * Go). */
#pragma once

#include "ossl.h"

#include <time.h>

/* The common names of what is issued here; they also tell our own certificates from the user's. */
#define ISSUE_CA_NAME "docker:dind CA"
#define ISSUE_SERVER_NAME "docker:dind server"
#define ISSUE_CLIENT_NAME "docker:dind client"

enum {
    ISSUE_BACKDATE = 3600, /* seconds: clocks of clients run behind */
    ISSUE_DAY = 86400,
};

struct issue_leaf {
    const char *common_name;
    bool server;                 /* serverAuth, else clientAuth */
    const struct strings *names; /* canonical, see names.h; NULL or empty: no subjectAltName */
    long long days;              /* cut short at the CA's notAfter */
};

/* notAfter of a leaf that is issued now. Its life counts from notBefore to notAfter, both seconds included
 * (RFC 5280 4.1.2.5): strict verifiers take a second more than 825 days for too long. */
static inline time_t issue_until(time_t now, long long days)
{
    return now - ISSUE_BACKDATE + (time_t)days * ISSUE_DAY - 1;
}

/* A self-signed CA certificate for the key, for so many days. The caller owns *out. */
int issue_ca(EVP_PKEY *key, long long days, time_t now, X509 **out, struct err *e);

/* A leaf for the key, signed by the CA. The caller owns *out. */
int issue_leaf(const struct issue_leaf *leaf, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, time_t now,
    X509 **out, struct err *e);

/* Appends the certificate as PEM. */
int issue_to_pem(X509 *certificate, struct text *pem, struct err *e);
