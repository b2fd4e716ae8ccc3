#include "inspect.h"

#include "issue.h"
#include "key.h"
#include "names.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* OpenSSL's security level 1: no SHA-1, no RSA below 1024 bits. Go refuses SHA-1 too. */
enum { AUTH_LEVEL = 1 };

X509 *inspect_certificate(const struct inspect_pair *pair)
{
    return sk_X509_num(pair->chain.stack) > 0 ? sk_X509_value(pair->chain.stack, 0) : NULL;
}

const char *inspect_parse(const struct text *pem, struct chain *out)
{
    cleanup_chain struct chain found = {.stack = sk_X509_new_null()};
    BIO *bio cleanup_ossl(BIO) = BIO_new_mem_buf(text_get(pem), (int)pem->length);

    while (bio && found.stack) {
        X509 *certificate cleanup_ossl(X509) = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (!certificate)
            break;
        if (sk_X509_push(found.stack, certificate) <= 0)
            break;
        certificate = NULL;
    }
    /* The end of the file is the reason to stop; all other ones mean damage. */
    unsigned long last = ERR_peek_last_error();
    bool damaged = ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (damaged)
        return "is a damaged certificate";
    if (sk_X509_num(found.stack) <= 0)
        return "is not a PEM certificate";
    out->stack = take(found.stack);
    return NULL;
}

const char *inspect_verify(const struct chain *chain, const struct chain *trust, bool server)
{
    X509_STORE *store cleanup_ossl(X509_STORE) = X509_STORE_new();
    X509_STORE_CTX *context cleanup_ossl(X509_STORE_CTX) = X509_STORE_CTX_new();

    if (!store || !context)
        return "out of memory";
    for (int i = 0; i < sk_X509_num(trust->stack); i++)
        if (X509_STORE_add_cert(store, sk_X509_value(trust->stack, i)) != 1)
            return "its CA cannot be used";
    if (X509_STORE_CTX_init(context, store, sk_X509_value(chain->stack, 0), chain->stack) != 1)
        return "it cannot be verified";

    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    if (X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN) != 1 ||
        X509_VERIFY_PARAM_set_purpose(
            parameters, server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT) != 1)
        return "it cannot be verified";
    X509_VERIFY_PARAM_set_auth_level(parameters, AUTH_LEVEL);

    const char *problem = NULL;
    if (X509_verify_cert(context) != 1)
        problem = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
    ERR_clear_error();
    return problem;
}

static bool has_critical(const X509 *certificate, int nid)
{
    int at = X509_get_ext_by_NID(certificate, nid, -1);

    return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate, at)) == 1;
}

static bool may_sign_certificates(X509 *certificate)
{
    /* All bits are set if there is no keyUsage. */
    return X509_check_ca(certificate) == 1 && (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN);
}

static bool strict_ca(X509 *certificate)
{
    return has_critical(certificate, NID_basic_constraints) &&
           X509_get_ext_by_NID(certificate, NID_key_usage, -1) >= 0 && X509_get0_subject_key_id(certificate);
}

static bool strict_leaf(X509 *certificate)
{
    return X509_get0_authority_key_id(certificate) && X509_check_ca(certificate) == 0 &&
           X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1) >= 0;
}

static bool named(const X509 *certificate, const char *name)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);

    if (X509_NAME_entry_count(subject) != 1)
        return false;
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, 0);
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
    return OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == NID_commonName &&
           (size_t)ASN1_STRING_length(value) == strlen(name) &&
           memcmp(ASN1_STRING_get0_data(value), name, strlen(name)) == 0;
}

static time_t seconds(const ASN1_TIME *time)
{
    struct tm tm;

    return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

void inspect_describe(X509 *certificate, const EVP_PKEY *key, const char *name, struct decide_pair *out)
{
    EVP_PKEY *own = X509_get0_pubkey(certificate);

    out->from = seconds(X509_get0_notBefore(certificate));
    out->until = seconds(X509_get0_notAfter(certificate));
    out->ours = named(certificate, name);
    out->matches = key && own && EVP_PKEY_eq(own, key) == 1;
    out->strict = X509_get_version(certificate) == X509_VERSION_3 &&
                  (strcmp(name, ISSUE_CA_NAME) == 0 ? strict_ca(certificate) : strict_leaf(certificate));
    ERR_clear_error();
}

static void inspect_key(const struct store_file *file, const struct certs_request *request,
    struct inspect_pair *pair, struct decide_pair *out)
{
    out->has_key = file->state != STORE_ABSENT;
    if (file->state == STORE_PRESENT)
        pair->key = key_from_pem(&file->content, &out->key_problem);
    else if (out->has_key)
        out->key_problem = file->problem;
    /* Words that begin thus are of somebody's key, not of rubbish. */
    out->key_sealed = out->key_problem && file->state == STORE_PRESENT &&
                      strcmp(out->key_problem, "is not a PEM private key") != 0 &&
                      strcmp(out->key_problem, "is a damaged private key") != 0;
    out->kind_wanted = pair->key && key_is(pair->key, request->algorithm);
    out->strong = pair->key && key_is_strong(pair->key);
}

static void inspect_certificates(
    const struct store_file *file, const char *name, struct inspect_pair *pair, struct decide_pair *out)
{
    out->has_cert = file->state != STORE_ABSENT;
    if (file->state == STORE_PRESENT)
        out->cert_problem = inspect_parse(&file->content, &pair->chain);
    else if (out->has_cert)
        out->cert_problem = file->problem;
    X509 *certificate = inspect_certificate(pair);
    if (!certificate)
        return;
    inspect_describe(certificate, pair->key, name, out);
    names_of(certificate, &pair->names);
}

/* The first file of the folder that must not be touched, as "ca/key.pem: is a FIFO". */
static const char *hostile_file(
    const struct store_content *content, enum store_folder folder, char *words, size_t room)
{
    for (int i = 0; i < STORE_NAMES; i++) {
        const struct store_file *file = &content->files[folder][i];
        /* In client/ only a folder matters: rename(2) replaces everything else without looking into it. */
        if (file->state != STORE_HOSTILE || (folder == STORE_CLIENT && !file->folder))
            continue;
        (void)snprintf(words, room, "%s: %s", store_shown(folder, (enum store_name)i), file->problem);
        return words;
    }
    return NULL;
}

static bool access_ok(
    const struct store_content *content, enum store_folder folder, const struct certs_request *request)
{
    for (int i = 0; i < STORE_NAMES; i++) {
        const struct store_file *file = &content->files[folder][i];
        if (file->state != STORE_PRESENT)
            continue;
        if (file->mode != store_mode(folder, (enum store_name)i))
            return false;
        /* Only root can give files away. */
        if (geteuid() == 0 && file->uid != request->uid)
            return false;
        if (geteuid() == 0 && request->uid != 0 && file->gid != request->gid)
            return false;
    }
    return true;
}

static void inspect_leaf(const struct store_content *content, const struct certs_request *request,
    enum store_folder folder, const struct chain *ca, struct inspect_pair *pair, struct decide_leaf *out)
{
    const struct store_file *files = content->files[folder];
    const struct store_file *ca_file = &files[STORE_CA_PEM];
    const struct text *ca_pem = &content->files[STORE_CA][STORE_CERT_PEM].content;
    bool server = folder == STORE_SERVER;

    inspect_key(&files[STORE_KEY_PEM], request, pair, &out->pair);
    inspect_certificates(
        &files[STORE_CERT_PEM], server ? ISSUE_SERVER_NAME : ISSUE_CLIENT_NAME, pair, &out->pair);
    out->names = &pair->names;
    out->hostile = hostile_file(content, folder, pair->words, sizeof(pair->words));
    out->linked = files[STORE_KEY_PEM].linked || files[STORE_CERT_PEM].linked || ca_file->linked;
    out->has_ca = ca_file->state != STORE_ABSENT;
    out->ca_current = ca_file->state == STORE_PRESENT && ca_file->content.length == ca_pem->length &&
                      memcmp(text_get(&ca_file->content), text_get(ca_pem), ca_pem->length) == 0;
    out->access_ok = access_ok(content, folder, request);
    if (!inspect_certificate(pair))
        return;
    out->chain_problem = ca->stack ? inspect_verify(&pair->chain, ca, server) : "there is no CA certificate";
}

static void inspect_ca(const struct store_content *content, const struct certs_request *request,
    struct inspect_pair *pair, struct decide_ca *out)
{
    const struct store_file *files = content->files[STORE_CA];

    inspect_key(&files[STORE_KEY_PEM], request, pair, &out->pair);
    inspect_certificates(&files[STORE_CERT_PEM], ISSUE_CA_NAME, pair, &out->pair);
    out->unreadable = files[STORE_KEY_PEM].state == STORE_UNREADABLE;
    out->hostile = hostile_file(content, STORE_CA, pair->words, sizeof(pair->words));
    X509 *certificate = inspect_certificate(pair);
    out->is_ca = certificate && may_sign_certificates(certificate);
}

/* Without a CA key the trio in server/ stands for itself: its own ca.pem is the anchor. */
static void inspect_trio(
    const struct store_content *content, struct inspect_pair *pair, struct decide_leaf *out)
{
    const struct store_file *file = &content->files[STORE_SERVER][STORE_CA_PEM];
    cleanup_chain struct chain trust = {0};

    if (file->state != STORE_PRESENT || !inspect_certificate(pair))
        return;
    out->chain_problem = inspect_parse(&file->content, &trust);
    if (out->chain_problem)
        return;
    out->chain_problem = inspect_verify(&pair->chain, &trust, true);
}

void inspect(const struct store_content *content, const struct certs_request *request, struct inspected *out)
{
    struct decide_input *in = &out->input;

    *out = (struct inspected){
        .input = {
            .names = request->names, .algorithm_chosen = request->algorithm_chosen, .now = request->now}};
    inspect_ca(content, request, &out->pairs[STORE_CA], &in->ca);

    const struct chain *ca = &out->pairs[STORE_CA].chain;
    inspect_leaf(content, request, STORE_SERVER, ca, &out->pairs[STORE_SERVER], &in->server);
    inspect_leaf(content, request, STORE_CLIENT, ca, &out->pairs[STORE_CLIENT], &in->client);
    if (!in->ca.pair.has_key || in->ca.unreadable)
        inspect_trio(content, &out->pairs[STORE_SERVER], &in->server);
}

void inspected_free(struct inspected *inspected)
{
    for (size_t i = 0; i < STORE_FOLDERS; i++) {
        EVP_PKEY_free(inspected->pairs[i].key);
        chain_free(&inspected->pairs[i].chain);
        strings_free(&inspected->pairs[i].names);
    }
    *inspected = (struct inspected){0};
}
