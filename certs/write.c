#include "write.h"

#include "issue.h"
#include "key.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Between a reader's first and last file, with room to spare. */
enum { READER_NANOSECONDS = 50 * 1000000 };

/* What is to be written. */
struct material {
    const char *path;                     /* borrowed, of the store, for messages */
    EVP_PKEY *keys[STORE_FOLDERS];        /* owned, new ones */
    X509 *certificates[STORE_FOLDERS];    /* owned, new ones */
    struct text key_pems[STORE_FOLDERS];  /* of new keys */
    struct text cert_pems[STORE_FOLDERS]; /* of new certificates */
};

static void material_free(struct material *m)
{
    for (size_t i = 0; i < STORE_FOLDERS; i++) {
        EVP_PKEY_free(m->keys[i]);
        X509_free(m->certificates[i]);
        text_wipe(&m->key_pems[i]);
        text_free(&m->cert_pems[i]);
    }
}

struct store_owner write_owner(const struct certs_request *request)
{
    /* Where nothing changes nothing is asked: network file systems refuse even that. */
    return (struct store_owner){
        .uid = request->uid == geteuid() ? (uid_t)-1 : request->uid,
        .gid = request->gid == getegid() ? (gid_t)-1 : request->gid,
    };
}

static int make_keys(
    const struct decision *d, const struct certs_request *request, struct material *m, struct err *e)
{
    bool wanted[STORE_FOLDERS];

    for (int i = 0; i < STORE_FOLDERS; i++)
        wanted[i] = look_answer(d, (enum store_folder)i)->verdict == DECIDE_REPLACE;
    int r = key_make_all(request->algorithm, wanted, m->keys, STORE_FOLDERS, e);
    for (int i = 0; i < STORE_FOLDERS && r == 0; i++)
        if (m->keys[i])
            r = key_to_pem(m->keys[i], &m->key_pems[i], e);
    return r;
}

static EVP_PKEY *key_of(const struct look *look, const struct material *m, enum store_folder folder)
{
    return m->keys[folder] ? m->keys[folder] : look->inspected.pairs[folder].key;
}

static X509 *ca_of(const struct look *look, const struct material *m)
{
    return m->certificates[STORE_CA] ? m->certificates[STORE_CA]
                                     : inspect_certificate(&look->inspected.pairs[STORE_CA]);
}

/* A CA of the user may forbid what we issue (name constraints, path length): told before anything is written.
 */
static int check_leaf(
    const struct look *look, const struct material *m, enum store_folder folder, struct err *e)
{
    cleanup_chain struct chain leaf = {.stack = sk_X509_new_null()};
    cleanup_chain struct chain trust = {.stack = sk_X509_new_null()};
    const struct chain *anchors = m->certificates[STORE_CA] ? &trust : &look->inspected.pairs[STORE_CA].chain;
    const char *who = folder == STORE_SERVER ? "server" : "client";

    if (!leaf.stack || !trust.stack ||
        X509_add_cert(leaf.stack, m->certificates[folder], X509_ADD_FLAG_UP_REF) != 1 ||
        X509_add_cert(trust.stack, ca_of(look, m), X509_ADD_FLAG_UP_REF) != 1)
        return ossl_error(e, "certs: check the new certificates");
    const char *problem = inspect_verify(&leaf, anchors, folder == STORE_SERVER);
    if (!problem)
        return 0;
    err_set(e, -EINVAL, "certs: %s/ca/cert.pem: a %s certificate from this CA would not be valid: %s",
        m->path, who, problem);
    return err_hint(e, "use a CA certificate without constraints on names, purpose and path length");
}

static int make_leaf(const struct look *look, const struct certs_request *request, enum store_folder folder,
    struct material *m, struct err *e)
{
    bool server = folder == STORE_SERVER;
    const struct issue_leaf leaf = {
        .common_name = server ? ISSUE_SERVER_NAME : ISSUE_CLIENT_NAME,
        .server = server,
        .names = server ? request->names : NULL,
        .days = request->days,
    };

    if (look_answer(&look->decision, folder)->verdict == DECIDE_KEEP)
        return 0;
    int r = issue_leaf(&leaf, key_of(look, m, folder), ca_of(look, m), key_of(look, m, STORE_CA),
        decide_time(request->now), &m->certificates[folder], e);
    if (r == 0)
        r = issue_to_pem(m->certificates[folder], &m->cert_pems[folder], e);
    return r < 0 ? r : check_leaf(look, m, folder, e);
}

/* Makes everything in memory, so that a failure here leaves the store as it was. */
static int make_material(
    const struct look *look, const struct certs_request *request, struct material *m, struct err *e)
{
    int r = make_keys(&look->decision, request, m, e);

    if (r == 0 && look->decision.ca.verdict != DECIDE_KEEP) {
        r = issue_ca(key_of(look, m, STORE_CA), decide_time(request->now), &m->certificates[STORE_CA], e);
        if (r == 0)
            r = issue_to_pem(m->certificates[STORE_CA], &m->cert_pems[STORE_CA], e);
    }
    if (r == 0)
        r = make_leaf(look, request, STORE_SERVER, m, e);
    if (r == 0)
        r = make_leaf(look, request, STORE_CLIENT, m, e);
    return r;
}

/* A write to the store with all that stays the same during one run. */
struct writer {
    const struct store *store;
    const struct look *look;
    const struct material *material;
    struct store_owner owner;
    struct store_staged staged;
};

static void writer_end(struct writer *w)
{
    store_discard(w->store, &w->staged);
}

static int stage(struct writer *w, enum store_folder folder, enum store_name name, const struct text *content,
    struct err *e)
{
    return store_stage(w->store, &w->staged, folder, name, content, w->owner, e);
}

/* A kept file is written again if its owner or mode is not what it must be: never chown or chmod what another
 * may have put there. */
static int stage_kept(struct writer *w, enum store_folder folder, enum store_name name, struct err *e)
{
    const struct store_file *file = &w->look->content.files[folder][name];

    return file->state == STORE_PRESENT ? stage(w, folder, name, &file->content, e) : 0;
}

static int stage_pair(struct writer *w, enum store_folder folder, bool access, struct err *e)
{
    const struct material *m = w->material;
    int r = 0;

    if (m->keys[folder])
        r = stage(w, folder, STORE_KEY_PEM, &m->key_pems[folder], e);
    else if (access)
        r = stage_kept(w, folder, STORE_KEY_PEM, e);
    if (r == 0 && m->certificates[folder])
        r = stage(w, folder, STORE_CERT_PEM, &m->cert_pems[folder], e);
    else if (r == 0 && access)
        r = stage_kept(w, folder, STORE_CERT_PEM, e);
    return r;
}

static int stage_leaf(struct writer *w, enum store_folder folder, bool access, bool ca, struct err *e)
{
    const struct text *ca_pem =
        w->material->certificates[STORE_CA] ? &w->material->cert_pems[STORE_CA] : &w->look->inspected.ca_pem;
    int r = stage_pair(w, folder, access, e);

    if (r == 0 && (ca || access || w->material->keys[folder]))
        r = stage(w, folder, STORE_CA_PEM, ca_pem, e);
    return r;
}

/*
 * Files cannot change together at one instant, and clients read ca.pem, cert.pem and key.pem one after the
 * other. So before a new key comes, its old certificate goes, and before a certificate of another CA comes,
 * ca.pem goes, which clients wait for: a reader finds nothing, not something wrong. Whoever has just begun to
 * read gets the time to end with the old files.
 */
static int withdraw(const struct writer *w, enum store_folder folder, bool ca, struct err *e)
{
    const struct timespec pause = {.tv_nsec = READER_NANOSECONDS};
    bool key = w->material->keys[folder], certificate = w->material->certificates[folder];
    bool ca_gone = false, certificate_gone = false;
    int r = 0;

    if (key || (certificate && ca))
        r = store_remove(w->store, folder, STORE_CA_PEM, &ca_gone, e);
    if (r == 0 && key)
        r = store_remove(w->store, folder, STORE_CERT_PEM, &certificate_gone, e);
    if (r == 0 && (ca_gone || certificate_gone))
        (void)nanosleep(&pause, NULL);
    return r;
}

static int commit_leaf(struct writer *w, enum store_folder folder, bool ca, struct err *e)
{
    int r = withdraw(w, folder, ca, e);

    return r < 0 ? r : store_commit(w->store, &w->staged, folder, e);
}

static int write_all(struct writer *w, struct err *e)
{
    const struct decision *d = &w->look->decision;
    int r = stage_pair(w, STORE_CA, false, e);

    if (r == 0)
        r = stage_leaf(w, STORE_SERVER, d->server_access, d->server_ca, e);
    if (r == 0)
        r = stage_leaf(w, STORE_CLIENT, d->client_access, d->client_ca, e);
    /* Nobody but us reads ca/, and a certificate of ours beside a key that is not its own is renewed: the old
     * one stays until the new one is there. */
    if (r == 0)
        r = store_commit(w->store, &w->staged, STORE_CA, e);
    if (r == 0)
        r = commit_leaf(w, STORE_SERVER, d->server_ca, e);
    if (r == 0)
        r = commit_leaf(w, STORE_CLIENT, d->client_ca, e);
    return r;
}

int write_changes(const struct store *store, const struct look *look, const struct certs_request *request,
    time_t *until, struct err *e)
{
    struct material material cleanup(material_free) = {.path = store->path};
    struct writer writer cleanup(writer_end) = {
        .store = store, .look = look, .material = &material, .owner = write_owner(request)};
    struct decide_pair server = {0};
    int r = make_material(look, request, &material, e);

    if (r == 0)
        r = write_all(&writer, e);
    if (r == 0 && material.certificates[STORE_SERVER]) {
        inspect_describe(material.certificates[STORE_SERVER], NULL, ISSUE_SERVER_NAME, &server);
        *until = server.until;
    }
    return r;
}
