#include "write.h"

#include "issue.h"
#include "key.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* Between a reader's first and last file, with room to spare. */
enum { READER_NANOSECONDS = 50 * 1000000 };

/* What is to be written into one folder. */
struct material {
    EVP_PKEY *key;        /* owned, a new one */
    X509 *certificate;    /* owned, a new one */
    struct text key_pem;  /* of a new key */
    struct text cert_pem; /* of a new certificate */
};

/* One run with all that stays the same in it. */
struct writer {
    struct store *store;
    const struct look *look;
    const struct certs_request *request;
    struct material *material; /* owned, by the index of the folder */
    size_t count;
};

static void writer_end(struct writer *w)
{
    for (size_t i = 0; i < w->count; i++) {
        EVP_PKEY_free(w->material[i].key);
        X509_free(w->material[i].certificate);
        text_wipe(&w->material[i].key_pem);
        text_free(&w->material[i].cert_pem);
    }
    free(w->material);
    store_discard(w->store);
}

static const struct decide_answer *answer_of(const struct writer *w, size_t folder)
{
    return look_answer(&w->look->decision, folder);
}

static int make_keys(const struct writer *w, struct err *e)
{
    bool *wanted cleanup_free = mem_zero(w->count, sizeof(*wanted));
    EVP_PKEY **keys cleanup_free = mem_zero(w->count, sizeof(*keys));

    for (size_t i = 0; i < w->count; i++)
        wanted[i] = answer_of(w, i)->verdict == DECIDE_REPLACE;
    int r = key_make_all(w->request->algorithm, wanted, keys, w->count, e);
    for (size_t i = 0; i < w->count; i++) {
        w->material[i].key = keys[i];
        if (keys[i] && r == 0)
            r = key_to_pem(keys[i], &w->material[i].key_pem, e);
    }
    return r;
}

static EVP_PKEY *key_of(const struct writer *w, size_t folder)
{
    return w->material[folder].key ? w->material[folder].key : w->look->inspected.pairs[folder].key;
}

static X509 *ca_of(const struct writer *w)
{
    X509 *made = w->material[STORE_CA].certificate;

    return made ? made : inspect_certificate(&w->look->inspected.pairs[STORE_CA]);
}

/* A CA of the user may forbid what we issue (name constraints, path length): told before anything is written.
 */
static int check_leaf(const struct writer *w, size_t folder, struct err *e)
{
    cleanup_chain struct chain leaf = {.stack = sk_X509_new_null()};
    cleanup_chain struct chain trust = {.stack = sk_X509_new_null()};
    const struct chain *anchors =
        w->material[STORE_CA].certificate ? &trust : &w->look->inspected.pairs[STORE_CA].chain;
    const char *who = folder == STORE_SERVER ? "server" : "client";

    if (!leaf.stack || !trust.stack ||
        X509_add_cert(leaf.stack, w->material[folder].certificate, X509_ADD_FLAG_UP_REF) != 1 ||
        X509_add_cert(trust.stack, ca_of(w), X509_ADD_FLAG_UP_REF) != 1)
        return ossl_error(e, "certs: check the new certificates");
    const char *problem = inspect_verify(&leaf, anchors, folder == STORE_SERVER);
    if (!problem)
        return 0;
    err_set(e, -EINVAL, "certs: %s/ca/cert.pem: a %s certificate from this CA would not be valid: %s",
        w->store->path, who, problem);
    return err_hint(e, "use a CA certificate without constraints on names, purpose and path length");
}

static const char *common_name(const struct writer *w, size_t folder)
{
    if (folder == STORE_SERVER)
        return ISSUE_SERVER_NAME;
    const char *name = w->request->clients[folder - STORE_CLIENTS].name;
    return str_equal(name, CERTS_DEFAULT_CLIENT) ? ISSUE_CLIENT_NAME : name;
}

static int make_leaf(const struct writer *w, size_t folder, struct err *e)
{
    struct material *m = &w->material[folder];
    bool server = folder == STORE_SERVER;
    const struct issue_leaf leaf = {
        .common_name = common_name(w, folder),
        .server = server,
        .names = server ? w->request->names : NULL,
        .days = w->request->days,
    };

    if (answer_of(w, folder)->verdict == DECIDE_KEEP)
        return 0;
    int r = issue_leaf(&leaf, key_of(w, folder), ca_of(w), key_of(w, STORE_CA), decide_time(w->request->now),
        &m->certificate, e);
    if (r == 0)
        r = issue_to_pem(m->certificate, &m->cert_pem, e);
    return r < 0 ? r : check_leaf(w, folder, e);
}

static int make_ca(const struct writer *w, struct err *e)
{
    struct material *m = &w->material[STORE_CA];

    if (answer_of(w, STORE_CA)->verdict == DECIDE_KEEP)
        return 0;
    int r =
        issue_ca(key_of(w, STORE_CA), w->request->ca_days, decide_time(w->request->now), &m->certificate, e);
    return r < 0 ? r : issue_to_pem(m->certificate, &m->cert_pem, e);
}

/* Makes everything in memory, so that a failure here leaves the store as it was. */
static int make_all(const struct writer *w, struct err *e)
{
    int r = make_keys(w, e);

    if (r == 0)
        r = make_ca(w, e);
    for (size_t i = STORE_SERVER; i < w->count && r == 0; i++)
        r = make_leaf(w, i, e);
    return r;
}

/* A kept file is written again if its owner or mode is not what it must be: never chown or chmod what another
 * may have put there. */
static int stage_kept(const struct writer *w, size_t folder, enum store_name name, struct err *e)
{
    const struct store_file *file = &w->look->content.places[folder].files[name];

    return file->state == STORE_PRESENT ? store_stage(w->store, folder, name, &file->content, e) : 0;
}

static int stage_pair(const struct writer *w, size_t folder, struct err *e)
{
    const struct material *m = &w->material[folder];
    bool access = answer_of(w, folder)->access;
    int r = 0;

    if (m->key)
        r = store_stage(w->store, folder, STORE_KEY_PEM, &m->key_pem, e);
    else if (access)
        r = stage_kept(w, folder, STORE_KEY_PEM, e);
    if (r == 0 && m->certificate)
        r = store_stage(w->store, folder, STORE_CERT_PEM, &m->cert_pem, e);
    else if (r == 0 && access)
        r = stage_kept(w, folder, STORE_CERT_PEM, e);
    return r;
}

static int stage_leaf(const struct writer *w, size_t folder, struct err *e)
{
    const struct material *ca = &w->material[STORE_CA];
    const struct text *ca_pem = ca->certificate ? &ca->cert_pem : &w->look->inspected.ca_pem;
    int r = stage_pair(w, folder, e);

    if (r == 0 && (answer_of(w, folder)->ca_pem || w->material[folder].key))
        return store_stage(w->store, folder, STORE_CA_PEM, ca_pem, e);
    return r == 0 && answer_of(w, folder)->access ? stage_kept(w, folder, STORE_CA_PEM, e) : r;
}

/*
 * Files cannot change together at one instant, and clients read ca.pem, cert.pem and key.pem one after the
 * other. So before a new key comes, its old certificate goes, and before a certificate of another CA comes,
 * ca.pem goes, which clients wait for: a reader finds nothing, not something wrong.
 */
static int withdraw(const struct writer *w, size_t folder, bool *withdrawn, struct err *e)
{
    const struct material *m = &w->material[folder];
    bool ca_gone = false, certificate_gone = false;
    int r = 0;

    if (m->key || (m->certificate && answer_of(w, folder)->ca_pem))
        r = store_remove(w->store, folder, STORE_CA_PEM, &ca_gone, e);
    if (r == 0 && m->key)
        r = store_remove(w->store, folder, STORE_CERT_PEM, &certificate_gone, e);
    *withdrawn = *withdrawn || ca_gone || certificate_gone;
    return r;
}

static int withdraw_all(const struct writer *w, struct err *e)
{
    const struct timespec pause = {.tv_nsec = READER_NANOSECONDS};
    bool withdrawn = false;
    int r = 0;

    for (size_t i = STORE_SERVER; i < w->count && r == 0; i++)
        r = withdraw(w, i, &withdrawn, e);
    /* Whoever has just begun to read gets the time to end with the old files. */
    if (r == 0 && withdrawn)
        (void)nanosleep(&pause, NULL);
    return r;
}

/* Not overwritten before: neither a journal nor flash memory would write to the same place. */
static int remove_ca_key(const struct writer *w, struct err *e)
{
    int r = store_remove(w->store, STORE_CA, STORE_KEY_PEM, NULL, e);

    return r < 0 ? r : store_sync(w->store, STORE_CA, e);
}

static int write_all(const struct writer *w, struct err *e)
{
    int r = stage_pair(w, STORE_CA, e);

    for (size_t i = STORE_SERVER; i < w->count && r == 0; i++)
        r = stage_leaf(w, i, e);
    /* Nobody but us reads ca/, and a certificate of ours beside a key that is not its own is renewed: the old
     * one stays until the new one is there. */
    if (r == 0)
        r = store_commit(w->store, STORE_CA, e);
    if (r == 0)
        r = withdraw_all(w, e);
    for (size_t i = STORE_SERVER; i < w->count && r == 0; i++)
        r = store_commit(w->store, i, e);
    if (r == 0 && w->look->decision.remove_ca_key)
        r = remove_ca_key(w, e);
    return r;
}

int write_changes(struct store *store, const struct look *look, const struct certs_request *request,
    time_t *until, struct err *e)
{
    struct writer w cleanup(writer_end) = {
        .store = store, .look = look, .request = request, .count = look_count(&look->decision)};
    struct decide_pair server = {0};

    w.material = mem_zero(w.count, sizeof(*w.material));
    int r = make_all(&w, e);
    if (r == 0)
        r = write_all(&w, e);
    if (r == 0 && w.material[STORE_SERVER].certificate) {
        inspect_describe(w.material[STORE_SERVER].certificate, NULL, ISSUE_SERVER_NAME, &server);
        *until = server.until;
    }
    return r;
}
