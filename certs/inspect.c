#include "inspect.h"

#include "issue.h"
#include "key.h"
#include "names.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
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

static time_t seconds(const ASN1_TIME *time)
{
    struct tm tm;

    return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

/* When all certificates above the first one are valid; a self-signed one stands above itself. */
struct validity {
    time_t from, until;
};

static struct validity validity_above(const STACK_OF(X509) * verified)
{
    int last = sk_X509_num(verified) - 1;
    struct validity v = {.from = 0, .until = 0};

    for (int i = last; i >= 0 && (i > 0 || last == 0); i--) {
        time_t from = seconds(X509_get0_notBefore(sk_X509_value(verified, i)));
        time_t until = seconds(X509_get0_notAfter(sk_X509_value(verified, i)));
        v.from = i == last || from > v.from ? from : v.from;
        v.until = i == last || until < v.until ? until : v.until;
    }
    return v;
}

static const char *verify(
    const struct chain *chain, const struct chain *trust, bool server, struct validity *above)
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
    else if (above)
        *above = validity_above(X509_STORE_CTX_get0_chain(context));
    ERR_clear_error();
    return problem;
}

const char *inspect_verify(const struct chain *chain, const struct chain *trust, bool server)
{
    return verify(chain, trust, server, NULL);
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

char *inspect_folder(const struct certs_client *client)
{
    if (client->dir)
        return str_dup(client->dir);
    return str_equal(client->name, CERTS_DEFAULT_CLIENT) ? str_dup("client")
                                                         : str_format("clients/%s", client->name);
}

/* "ca/key.pem: is a FIFO" for the first file of the folder that is in that state, or NULL. */
static char *first_file(const struct store_place *place, size_t folder, const char *shown,
    bool (*is)(const struct store_file *, size_t))
{
    for (int i = 0; i < STORE_NAMES; i++)
        if (is(&place->files[i], folder))
            return str_format(
                "%s/%s: %s", shown, store_file_name((enum store_name)i), place->files[i].problem);
    return NULL;
}

static bool is_hostile(const struct store_file *file, size_t folder)
{
    /* Of a client only a folder matters: rename(2) replaces everything else without looking into it. */
    return file->state == STORE_HOSTILE && (folder < STORE_CLIENTS || file->folder);
}

static bool is_failed(const struct store_file *file, size_t folder)
{
    /* A CA key that we may not read is as good as none: decide.h. */
    return file->state == STORE_FAILED || (file->state == STORE_UNREADABLE && folder != STORE_CA);
}

/* Whom a leaf's files belong to, and the mode of its key. */
struct access {
    uid_t uid;
    gid_t gid;
    mode_t mode;
};

static bool owner_ok(const struct store_file *file, const struct access *access)
{
    /* Only root can give files away. */
    if (geteuid() != 0)
        return true;
    if (access->uid != 0)
        return file->uid == access->uid && file->gid == access->gid;
    /* Where root is made nobody a new file would be nobody's again, at every start. */
    return file->uid == STORE_NOBODY ||
           (file->uid == 0 && (access->gid == getegid() || file->gid == access->gid));
}

static bool access_ok(const struct store_place *place, const struct access *access)
{
    for (int i = 0; i < STORE_NAMES; i++) {
        const struct store_file *file = &place->files[i];
        if (file->state == STORE_PRESENT &&
            (file->mode != (i == STORE_KEY_PEM ? access->mode : 0644) || !owner_ok(file, access)))
            return false;
    }
    return true;
}

/* True if `bundle` holds the CA: a renewed one has the same name and key, and that is what counts. */
static bool trusts(const struct chain *bundle, X509 *ca)
{
    for (int i = 0; ca && i < sk_X509_num(bundle->stack); i++) {
        X509 *one = sk_X509_value(bundle->stack, i);
        if (X509_NAME_cmp(X509_get_subject_name(one), X509_get_subject_name(ca)) == 0 &&
            EVP_PKEY_eq(X509_get0_pubkey(one), X509_get0_pubkey(ca)) == 1)
            return true;
    }
    return false;
}

/* The ca.pem beside a leaf: which CA it holds, and whether the leaf verifies against it. */
static void inspect_ca_pem(const struct store_file *file, const struct inspected *all,
    const struct inspect_pair *pair, bool server, struct decide_leaf *out)
{
    cleanup_chain struct chain trust = {0};
    struct validity above = {0};

    out->has_ca = file->state != STORE_ABSENT;
    out->own_problem = "there is no CA certificate";
    if (file->state != STORE_PRESENT)
        return;
    out->ca_current = file->content.length == all->ca_pem.length &&
                      memcmp(text_get(&file->content), text_get(&all->ca_pem), all->ca_pem.length) == 0;
    out->own_problem = inspect_parse(&file->content, &trust);
    if (out->own_problem)
        return;
    out->ca_trusted = trusts(&trust, inspect_certificate(&all->pairs[STORE_CA]));
    if (inspect_certificate(pair))
        out->own_problem = verify(&pair->chain, &trust, server, &above);
    out->ca_from = above.from;
    out->ca_until = above.until;
    ERR_clear_error();
}

/* Why the leaf does not verify against these CAs, or NULL. */
static const char *chain_problem(const struct inspect_pair *pair, const struct chain *trust, bool server)
{
    if (!inspect_certificate(pair))
        return NULL;
    return trust->stack ? inspect_verify(&pair->chain, trust, server) : "there is no CA certificate";
}

/* A leaf by the index of its folder; `common_name` makes it ours. */
static void inspect_leaf(const struct store_content *content, const struct certs_request *request,
    size_t folder, const char *common_name, const struct access *access, struct inspected *all,
    struct decide_leaf *out)
{
    const struct store_place *place = &content->places[folder];
    const struct store_file *files = place->files;
    struct inspect_pair *pair = &all->pairs[folder];
    bool server = folder == STORE_SERVER;

    inspect_key(&files[STORE_KEY_PEM], request, pair, &out->pair);
    inspect_certificates(&files[STORE_CERT_PEM], common_name, pair, &out->pair);
    pair->failed = first_file(place, folder, pair->shown, is_failed);
    pair->hostile = first_file(place, folder, pair->shown, is_hostile);
    out->shown = pair->shown;
    out->names = &pair->names;
    out->failed = pair->failed;
    out->hostile = pair->hostile;
    out->linked = files[STORE_KEY_PEM].linked || files[STORE_CERT_PEM].linked || files[STORE_CA_PEM].linked;
    out->read_only = place->read_only;
    out->access_ok = access_ok(place, access);
    inspect_ca_pem(&files[STORE_CA_PEM], all, pair, server, out);
    out->chain_problem = chain_problem(pair, &all->pairs[STORE_CA].chain, server);
}

static void inspect_ca(
    const struct store_content *content, const struct certs_request *request, struct inspected *all)
{
    const struct store_place *place = &content->places[STORE_CA];
    const struct store_file *files = place->files;
    struct inspect_pair *pair = &all->pairs[STORE_CA];
    struct decide_ca *out = &all->input.ca;
    struct err ignored;

    inspect_key(&files[STORE_KEY_PEM], request, pair, &out->pair);
    inspect_certificates(&files[STORE_CERT_PEM], ISSUE_CA_NAME, pair, &out->pair);
    pair->failed = first_file(place, STORE_CA, pair->shown, is_failed);
    pair->hostile = first_file(place, STORE_CA, pair->shown, is_hostile);
    out->unreadable = files[STORE_KEY_PEM].state == STORE_UNREADABLE;
    out->failed = pair->failed;
    out->hostile = pair->hostile;
    out->linked = files[STORE_KEY_PEM].linked || files[STORE_CERT_PEM].linked;
    out->read_only = place->read_only;
    X509 *certificate = inspect_certificate(pair);
    out->is_ca = certificate && may_sign_certificates(certificate);
    /* Copies go to clients: a private key in the same file must not go with them. */
    for (int i = 0; i < sk_X509_num(pair->chain.stack); i++)
        (void)issue_to_pem(sk_X509_value(pair->chain.stack, i), &all->ca_pem, &ignored);
}

static void inspect_server(
    const struct store_content *content, const struct certs_request *request, struct inspected *all)
{
    const struct access access = {.uid = request->uid, .gid = request->gid, .mode = 0600};
    const struct store_file *ca = &content->places[STORE_SERVER].files[STORE_CA_PEM];

    inspect_leaf(content, request, STORE_SERVER, ISSUE_SERVER_NAME, &access, all, &all->input.server);
    if (ca->state == STORE_PRESENT)
        (void)inspect_parse(&ca->content, &all->server_trust);
    ERR_clear_error();
}

static void inspect_client(const struct store_content *content, const struct certs_request *request,
    size_t index, struct inspected *all)
{
    const struct certs_client *client = &request->clients[index];
    const struct access access = {.uid = client->uid, .gid = client->gid, .mode = client->mode};
    bool named = !str_equal(client->name, CERTS_DEFAULT_CLIENT);
    size_t folder = STORE_CLIENTS + index;
    struct decide_leaf *out = &all->clients[index];

    all->pairs[folder].shown = inspect_folder(client);
    inspect_leaf(content, request, folder, named ? client->name : ISSUE_CLIENT_NAME, &access, all, out);
    out->implied = client->implied;
    out->named = named;
    out->server_problem = chain_problem(&all->pairs[folder], &all->server_trust, false);
}

void inspect(const struct store_content *content, const struct certs_request *request, struct inspected *out)
{
    static const enum decide_scope scopes[] = {
        [CERTS_NEEDED] = DECIDE_NEEDED, [CERTS_RENEWAL] = DECIDE_RENEWAL, [CERTS_CLIENTS] = DECIDE_CLIENTS};
    size_t count = STORE_CLIENTS + request->client_count;

    *out = (struct inspected){
        .pairs = mem_zero(count, sizeof(*out->pairs)),
        .count = count,
        .clients = mem_zero(request->client_count, sizeof(*out->clients)),
        .input = {.client_count = request->client_count,
            .names = request->names,
            .algorithm_chosen = request->algorithm_chosen,
            .scope = scopes[request->scope],
            .keep_ca_key = request->keep_ca_key,
            .life = issue_until(0, request->days),
            .renew_before = (time_t)request->renew_before * ISSUE_DAY,
            .now = request->now},
    };
    out->input.clients = out->clients;
    out->pairs[STORE_CA].shown = str_dup("ca");
    out->pairs[STORE_SERVER].shown = str_dup("server");
    inspect_ca(content, request, out);
    inspect_server(content, request, out);
    for (size_t i = 0; i < request->client_count; i++)
        inspect_client(content, request, i, out);
}

void inspected_free(struct inspected *inspected)
{
    for (size_t i = 0; i < inspected->count; i++) {
        struct inspect_pair *pair = &inspected->pairs[i];
        EVP_PKEY_free(pair->key);
        chain_free(&pair->chain);
        strings_free(&pair->names);
        free(pair->shown);
        free(pair->failed);
        free(pair->hostile);
    }
    free(inspected->pairs);
    free(inspected->clients);
    chain_free(&inspected->server_trust);
    text_free(&inspected->ca_pem);
    *inspected = (struct inspected){0};
}
