/*
 * OpenSSL never touches the socket: records go through two memory BIOs. So every wait has our deadline, and
 * no write raises SIGPIPE.
 */
#include "engine_tls.h"

#include "base/file.h"
#include "certs/inspect.h"
#include "certs/key.h"
#include "certs/names.h"
#include "certs/ossl.h"
#include "entrypoint/engine_connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

enum { PEM_LIMIT = 1024 * 1024, RECORD = 16 * 1024 };

OSSL_CLEANUP(SSL_CTX, SSL_CTX_free)

struct engine_tls {
    int fd;         /* borrowed */
    SSL *ssl;       /* owned, with both BIOs */
    BIO *from, *to; /* what has come, what has to go */
    X509 *refused;  /* owned: the certificate that we do not accept, or NULL */
    const char *refusal;
};

void engine_tls_free(struct engine_tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    X509_free(tls->refused);
    free(tls);
}

const char *engine_tls_refusal(const struct engine_tls *tls)
{
    return tls->refusal;
}

/* ---- our own certificates ---- */

static int read_pem(const char *folder, const char *name, struct text *pem, struct err *e)
{
    char *path cleanup_free = str_format("%s/%s", folder, name);

    /* Links: a mounted Secret consists of them. */
    return file_read(AT_FDCWD, path, PEM_LIMIT, FILE_FOLLOW_LINKS, pem, e);
}

static int refuse_pem(const char *folder, const char *name, const char *problem, struct err *e)
{
    ERR_clear_error();
    return err_set(e, -EINVAL, "%s/%s: %s", folder, name, problem);
}

/* Each certificate of ca.pem is trusted by itself, an intermediate one too, which is what Go does. */
static int trust(SSL_CTX *context, const char *folder, struct err *e)
{
    cleanup_text struct text pem = {0};
    cleanup_chain struct chain authorities = {0};
    X509_STORE *store = SSL_CTX_get_cert_store(context);

    int r = read_pem(folder, "ca.pem", &pem, e);
    const char *problem = r == 0 ? inspect_parse(&pem, &authorities) : NULL;
    if (problem)
        return refuse_pem(folder, "ca.pem", problem, e);
    for (int i = 0; r == 0 && i < sk_X509_num(authorities.stack); i++)
        if (X509_STORE_add_cert(store, sk_X509_value(authorities.stack, i)) != 1)
            r = ossl_error(e, "ca.pem");
    (void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return r;
}

static int show(SSL_CTX *context, const char *folder, struct err *e)
{
    cleanup_text struct text pem = {0};
    cleanup_secret struct text secret = {0};
    cleanup_chain struct chain chain = {0};
    const char *problem = NULL;

    int r = read_pem(folder, "cert.pem", &pem, e);
    if (r == 0)
        r = read_pem(folder, "key.pem", &secret, e);
    if (r < 0)
        return r;
    problem = inspect_parse(&pem, &chain);
    if (problem)
        return refuse_pem(folder, "cert.pem", problem, e);
    EVP_PKEY *key cleanup_ossl(EVP_PKEY) = key_from_pem(&secret, &problem);
    if (!key)
        return refuse_pem(folder, "key.pem", problem, e);
    X509 *first = sk_X509_value(chain.stack, 0);
    if (X509_check_private_key(first, key) != 1)
        return refuse_pem(folder, "key.pem", "is not the key of cert.pem beside it", e);
    if (SSL_CTX_use_certificate(context, first) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
        return refuse_pem(folder, "cert.pem", ERR_reason_error_string(ERR_peek_error()), e);
    for (int i = 1; i < sk_X509_num(chain.stack); i++)
        if (SSL_CTX_add1_chain_cert(context, sk_X509_value(chain.stack, i)) != 1)
            return ossl_error(e, "cert.pem");
    return 0;
}

static int make_context(const char *folder, SSL_CTX **out, struct err *e)
{
    int r = ossl_start(e);
    if (r < 0)
        return r;
    SSL_CTX *context cleanup_ossl(SSL_CTX) = SSL_CTX_new(TLS_client_method());
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        return ossl_error(e, "TLS");
    r = trust(context, folder, e);
    if (r == 0)
        r = show(context, folder, e);
    if (r == 0)
        *out = take(context);
    return r;
}

/* ---- the other side ---- */

static bool is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* Names are those of subjectAltName alone: Go does not look at the common name either. */
static bool expect(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);

    X509_VERIFY_PARAM_set_hostflags(
        rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(rules, host) == 1;
    char *name cleanup_free = str_dup(host); /* OpenSSL's macro drops the const */
    return X509_VERIFY_PARAM_set1_host(rules, name, 0) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* Keeps the certificate in question: a handshake that fails forgets it. */
static int on_verified(int good, X509_STORE_CTX *context)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct engine_tls *tls = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(context);

    if (!good && certificate && !tls->refused && X509_up_ref(certificate) == 1)
        tls->refused = certificate;
    return good;
}

static int make_session(struct engine_tls *tls, const struct engine_address *address, struct err *e)
{
    SSL_CTX *context cleanup_ossl(SSL_CTX) = NULL;

    int r = make_context(address->certs, &context, e);
    if (r < 0)
        return r;
    tls->ssl = SSL_new(context);
    BIO *from cleanup_ossl(BIO) = BIO_new(BIO_s_mem());
    BIO *to cleanup_ossl(BIO) = BIO_new(BIO_s_mem());
    if (!tls->ssl || !from || !to || !expect(tls->ssl, address->host))
        return ossl_error(e, "TLS");
    (void)SSL_set_app_data(tls->ssl, tls);
    SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, on_verified);
    tls->from = take(from);
    tls->to = take(to);
    SSL_set_bio(tls->ssl, tls->from, tls->to);
    return 0;
}

/* ---- records ---- */

static int flush(struct engine_tls *tls, long long deadline)
{
    char *data = NULL;
    long length = BIO_get_mem_data(tls->to, &data);
    int r = length > 0 ? engine_send(tls->fd, data, (size_t)length, deadline) : 0;

    (void)BIO_reset(tls->to);
    return r;
}

/* 1 when something has come, 0 at the end. */
static int feed(struct engine_tls *tls, long long deadline)
{
    char chunk[RECORD];
    ssize_t n = engine_receive(tls->fd, chunk, sizeof(chunk), deadline);

    if (n > 0 && BIO_write(tls->from, chunk, (int)n) != (int)n)
        return -ENOMEM;
    return n > 0 ? 1 : (int)n;
}

/* What an alert says of us (RFC 8446, section 6.2). */
static const char *refusal(int reason)
{
    switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return "it asks for a client certificate";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return "it does not know the CA of our certificate";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return "it says that our certificate has expired";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return "it says that our certificate was revoked";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return "it does not accept our certificate: another CA's, expired, or not for clients";
    default:
        return NULL;
    }
}

/*
 * What to do after a call that gave `result`: 1 try again, 0 the other side has ended, or a negative errno.
 * Sending may fail because the other side has hung up; why, it may have said before.
 */
static int go_on(struct engine_tls *tls, int result, long long deadline)
{
    int cause = SSL_get_error(tls->ssl, result);
    unsigned long error = ERR_peek_error();
    int r = flush(tls, deadline);

    if (r < 0 && r != -EPIPE && r != -ECONNRESET)
        return r;
    if (cause == SSL_ERROR_WANT_READ)
        return feed(tls, deadline);
    if (cause == SSL_ERROR_ZERO_RETURN)
        return 0;
    tls->refusal = refusal(ERR_GET_REASON(error));
    return -EPROTO;
}

int engine_tls_send(struct engine_tls *tls, const char *data, size_t length, long long deadline)
{
    for (;;) {
        ERR_clear_error();
        int n = SSL_write(tls->ssl, data, (int)length);
        int r = n > 0 ? flush(tls, deadline) : go_on(tls, n, deadline);
        if (n > 0 || r < 0)
            return r;
        if (r == 0)
            return -ECONNRESET;
    }
}

ssize_t engine_tls_receive(struct engine_tls *tls, char *data, size_t room, long long deadline)
{
    for (;;) {
        ERR_clear_error();
        int n = SSL_read(tls->ssl, data, (int)room);
        if (n > 0)
            return n;
        int r = go_on(tls, n, deadline);
        if (r <= 0)
            return r;
    }
}

/* ---- the handshake ---- */

static void add_day(struct text *out, const ASN1_TIME *time)
{
    char day[32] = "an unreadable date";
    struct tm utc;

    if (ASN1_TIME_to_tm(time, &utc) == 1)
        (void)strftime(day, sizeof(day), "%Y-%m-%d", &utc);
    text_add(out, day);
}

/* The names are the other side's to choose: those that are none are left out, and so are very many. */
static void add_names(struct text *out, const X509 *certificate)
{
    enum { SHOWN = 10 };
    cleanup_strings struct strings names = {0};

    names_of(certificate, &names);
    for (size_t i = 0; i < names.count && i < SHOWN; i++)
        text_addf(out, "%s%s", i ? ", " : "", names.items[i]);
    text_add(out, names.count > SHOWN ? ", ..." : names.count ? "" : "no name at all");
}

/* Why we do not accept the server's certificate, and what mends it. */
static int refuse_server(const struct engine_tls *tls, const struct engine_address *address, struct err *e)
{
    long verdict = SSL_get_verify_result(tls->ssl);
    cleanup_text struct text words = {0};
    const char *hint = NULL;

    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        text_addf(&words, "wrong name: the server's certificate is not for %s, but for ", address->host);
        add_names(&words, tls->refused);
        hint = "add the name to the engine's tls.san (DOCKER_TLS_SAN), or use one that it has";
    } else if (verdict == X509_V_ERR_CERT_HAS_EXPIRED) {
        text_add(&words, "expired: the server's certificate, or its CA's, ended on ");
        add_day(&words, X509_get0_notAfter(tls->refused));
        hint = "restart the engine's container: a start renews its certificates";
    } else if (verdict == X509_V_ERR_CERT_NOT_YET_VALID) {
        text_add(&words, "not valid yet: the server's certificate, or its CA's, begins on ");
        add_day(&words, X509_get0_notBefore(tls->refused));
        hint = "set the clock of this machine, or of the engine's";
    } else if (verdict == X509_V_ERR_INVALID_PURPOSE) {
        text_add(&words, "wrong purpose: the server's certificate is not for servers");
    } else {
        text_addf(&words, "wrong CA: the server's certificate is not from the CA in %s/ca.pem (%s)",
            address->certs, X509_verify_cert_error_string(verdict));
        hint = "mount the client certificates that this engine made";
    }
    (void)err_set(e, -EACCES, "%s: %s", address->shown, text_get(&words));
    return hint ? err_hint(e, "%s", hint) : e->code;
}

/* Why the handshake failed. */
static int explain(const struct engine_tls *tls, const struct engine_address *address, int r,
    unsigned long error, enum engine_stage *stage, struct err *e)
{
    int reason = ERR_GET_REASON(error);

    if (r == -ETIMEDOUT || r == 0 || r == -ECONNRESET) {
        *stage = ENGINE_SILENT;
        return err_set(e, r ? r : -ECONNRESET, "%s: connected, but %s TLS handshake", address->shown,
            r == -ETIMEDOUT ? "no answer came in the" : "the connection ended in the");
    }
    *stage = ENGINE_TLS_REFUSED;
    if (r != -EPROTO)
        return err_errno(e, r, "%s: TLS", address->shown);
    if (tls->refused)
        return refuse_server(tls, address, e);
    if (tls->refusal)
        return err_set(e, -EACCES, "%s: client refused: %s", address->shown, tls->refusal);
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST)
        return err_set(e, r, "%s: no TLS is spoken there", address->shown);
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION)
        return err_set(e, r, "%s: no TLS of version 1.2 or newer is spoken there", address->shown);
    const char *words = ERR_reason_error_string(error);
    return err_set(
        e, r, "%s: the handshake failed: %s", address->shown, words ? words : "no reason is known");
}

static int shake_hands(struct engine_tls *tls, const struct engine_address *address, long long deadline,
    enum engine_stage *stage, struct err *e)
{
    for (;;) {
        ERR_clear_error();
        int result = SSL_connect(tls->ssl);
        unsigned long error = ERR_peek_error();
        int r = result == 1 ? flush(tls, deadline) : go_on(tls, result, deadline);
        /* Sending our last part may fail because the other side has hung up: reading tells why. */
        if (result == 1 && (r == 0 || r == -EPIPE || r == -ECONNRESET))
            return 0;
        if (r <= 0)
            return explain(tls, address, r, error, stage, e);
    }
}

int engine_tls_start(struct engine_tls **out, int fd, const struct engine_address *address,
    long long deadline, enum engine_stage *stage, struct err *e)
{
    struct engine_tls *tls = mem_zero(1, sizeof(*tls));

    tls->fd = fd;
    *stage = ENGINE_CERTIFICATES;
    int r = make_session(tls, address, e);
    if (r == 0)
        r = shake_hands(tls, address, deadline, stage, e);
    ERR_clear_error();
    if (r < 0) {
        engine_tls_free(tls);
        return r;
    }
    *out = tls;
    return 0;
}
