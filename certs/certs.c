#include "certs.h"

#include "decide.h"
#include "inspect.h"
#include "issue.h"
#include "key.h"
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Another first start may be making RSA keys on a slow machine. */
enum { LOCK_SECONDS = 120 };

/* One look at the store and what follows from it. */
struct look {
    struct store_content content;
    struct inspected inspected;
    struct decision decision;
};

static void look_free(struct look *look)
{
    inspected_free(&look->inspected);
    store_content_free(&look->content);
}

/* What is to be written. */
struct material {
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

static const struct decide_answer *answer_of(const struct decision *d, enum store_folder folder)
{
    const struct decide_answer *answers[] = {
        [STORE_CA] = &d->ca,
        [STORE_SERVER] = &d->server,
        [STORE_CLIENT] = &d->client,
    };
    return answers[folder];
}

/* Reads, parses and decides. A refusal is returned as -EINVAL with *e. */
static int look_at(
    const struct store *store, const struct certs_request *request, struct look *look, struct err *e)
{
    store_read(store, &look->content);
    inspect(&look->content, request, &look->inspected);
    decide(&look->inspected.input, &look->decision);

    const struct decide_answer *refusal = decide_refusal(&look->decision);
    if (!refusal)
        return 0;
    err_set(e, -EINVAL, "certs: %s/%s", store->path, refusal->reason);
    return err_hint(e, "%s", refusal->hint);
}

static struct store_owner owner_of(const struct certs_request *request)
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
        wanted[i] = answer_of(d, (enum store_folder)i)->verdict == DECIDE_REPLACE;
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
    err_set(e, -EINVAL, "certs: a %s certificate from the CA in ca/cert.pem would not be valid: %s", who,
        problem);
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

    if (answer_of(&look->decision, folder)->verdict == DECIDE_KEEP)
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
};

/*
 * A new key and its certificate cannot appear at the same instant under two names. The certificate goes
 * first, so that a reader in between finds it missing, not wrong; a new certificate of the same key is one
 * rename.
 */
static int write_pair(const struct writer *w, enum store_folder folder, struct err *e)
{
    const struct material *m = w->material;
    int r = 0;

    if (m->keys[folder]) {
        r = store_remove(w->store, folder, STORE_CERT_PEM, e);
        if (r == 0)
            r = store_write(w->store, folder, STORE_KEY_PEM, &m->key_pems[folder], w->owner, e);
    }
    if (r == 0 && m->certificates[folder])
        r = store_write(w->store, folder, STORE_CERT_PEM, &m->cert_pems[folder], w->owner, e);
    return r;
}

/* Writes a kept file again, as its owner or mode is not what it must be: never chown or chmod what another
 * may have put there. */
static int write_again(const struct writer *w, enum store_folder folder, enum store_name name, struct err *e)
{
    const struct store_file *file = &w->look->content.files[folder][name];

    return file->state == STORE_PRESENT ? store_write(w->store, folder, name, &file->content, w->owner, e)
                                        : 0;
}

static int write_access(const struct writer *w, enum store_folder folder, struct err *e)
{
    int r = 0;

    if (!w->material->keys[folder])
        r = write_again(w, folder, STORE_KEY_PEM, e);
    if (r == 0 && !w->material->certificates[folder])
        r = write_again(w, folder, STORE_CERT_PEM, e);
    return r;
}

static int write_leaf(const struct writer *w, enum store_folder folder, bool access, bool ca, struct err *e)
{
    const struct text *ca_pem = w->material->certificates[STORE_CA]
                                    ? &w->material->cert_pems[STORE_CA]
                                    : &w->look->content.files[STORE_CA][STORE_CERT_PEM].content;
    int r = 0;

    /* Clients wait for client/ca.pem: while the key or the CA changes it must be missing. */
    if (folder == STORE_CLIENT && (w->material->keys[folder] || w->material->keys[STORE_CA]))
        r = store_remove(w->store, folder, STORE_CA_PEM, e);
    if (r == 0)
        r = write_pair(w, folder, e);
    if (r == 0 && access)
        r = write_access(w, folder, e);
    if (r == 0 && (ca || access || w->material->keys[folder]))
        r = store_write(w->store, folder, STORE_CA_PEM, ca_pem, w->owner, e);
    return r;
}

static int write_all(const struct writer *w, struct err *e)
{
    const struct decision *d = &w->look->decision;
    int r = write_pair(w, STORE_CA, e);

    if (r == 0)
        r = write_leaf(w, STORE_SERVER, d->server_access, d->server_ca, e);
    if (r == 0)
        r = write_leaf(w, STORE_CLIENT, d->client_access, d->client_ca, e);
    return r;
}

static void list_words(struct text *out, const struct strings *words)
{
    for (size_t i = 0; i < words->count; i++) {
        text_add(out, i == 0 ? "" : i + 1 == words->count ? " and " : ", ");
        text_add(out, words->items[i]);
    }
}

/* "issued server (it lacked DNS:x), kept CA and client". */
static char *summarize(const struct decision *d)
{
    static const char *const names[] = {
        [STORE_CA] = "CA", [STORE_SERVER] = "server", [STORE_CLIENT] = "client"};
    cleanup_strings struct strings issued = {0}, kept = {0}, mended = {0};
    cleanup_text struct text summary = {0};

    for (int i = 0; i < STORE_FOLDERS; i++) {
        const struct decide_answer *a = answer_of(d, (enum store_folder)i);
        if (a->verdict == DECIDE_KEEP)
            strings_add(&kept, names[i]);
        else
            strings_addf(&issued, "%s (%s)", names[i], a->reason);
    }
    if (d->server.verdict == DECIDE_KEEP && (d->server_ca || d->server_access))
        strings_add(&mended, d->server_ca ? "server/ca.pem" : "owner and mode in server/");
    if (d->client.verdict == DECIDE_KEEP && (d->client_ca || d->client_access))
        strings_add(&mended, d->client_ca ? "client/ca.pem" : "owner and mode in client/");

    const struct {
        const char *verb;
        const struct strings *words;
    } parts[] = {{"issued ", &issued}, {"mended ", &mended}, {"kept ", &kept}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].words->count == 0)
            continue;
        text_add(&summary, summary.length ? ", " : "");
        text_add(&summary, parts[i].verb);
        list_words(&summary, parts[i].words);
    }
    return str_dup(text_get(&summary));
}

static void note(struct strings *notes, const struct store *store, const struct look *look,
    const struct certs_request *request)
{
    const struct decide_input *in = &look->inspected.input;
    const struct store_file *ca_key = &look->content.files[STORE_CA][STORE_KEY_PEM];
    const struct decide_pair *client = &in->client.pair;

    if (look->decision.clock_wrong)
        strings_addf(notes,
            "the clock says %lld seconds since 1970, which is before this program was made: dates of "
            "certificates were not judged",
            (long long)request->now);
    if (ca_key->state == STORE_PRESENT && (ca_key->mode & 0004))
        strings_addf(notes,
            "%s/ca/key.pem can be read by every user (mode %04o): whoever reads it can make certificates",
            store->path, (unsigned int)ca_key->mode);
    if (!look->decision.managed && client->has_cert && !client->cert_problem && in->client.chain_problem &&
        !in->ca.pair.cert_problem && (in->ca.pair.has_cert || client->ours))
        strings_addf(notes,
            "%s/client held certificates from another CA, which were replaced: if another daemon uses this "
            "folder, its clients fail now",
            store->path);
}

static void report(const struct store *store, const struct look *look, const struct material *m,
    const struct certs_request *request, struct certs_result *result)
{
    const struct decision *d = &look->decision;
    struct decide_pair server = look->inspected.input.server.pair;

    if (m && m->certificates[STORE_SERVER])
        inspect_describe(m->certificates[STORE_SERVER], NULL, ISSUE_SERVER_NAME, &server);
    else if (d->server.verdict != DECIDE_KEEP)
        server.until = decide_time(request->now) + (time_t)request->days * ISSUE_DAY;
    *result = (struct certs_result){
        .outcome = d->managed          ? CERTS_VERIFIED
                   : decide_is_idle(d) ? CERTS_KEPT
                                       : CERTS_ISSUED,
        .summary = d->managed ? str_dup("verified server, which the user manages") : summarize(d),
        .until = server.until,
    };
    note(&result->notes, store, look, request);
}

static bool nothing_to_do(const struct decision *d)
{
    return d->managed || decide_is_idle(d);
}

/* The second look, under the lock: another start may have done it all meanwhile. */
static int issue_locked(const struct store *store, const struct certs_request *request,
    struct certs_result *result, struct err *e)
{
    struct look look cleanup(look_free) = {0};
    struct material material cleanup(material_free) = {0};
    int r = look_at(store, request, &look, e);

    if (r == 0 && !nothing_to_do(&look.decision)) {
        const struct writer writer = {
            .store = store, .look = &look, .material = &material, .owner = owner_of(request)};
        store_sweep(store);
        r = make_material(&look, request, &material, e);
        if (r == 0)
            r = write_all(&writer, e);
    }
    if (r == 0)
        report(store, &look, &material, request, result);
    return r;
}

int certs_preview(const struct certs_request *request, struct certs_result *result, struct err *e)
{
    struct store store cleanup(store_close) = {0};
    struct look look cleanup(look_free) = {0};
    int r = ossl_start(e);

    if (r == 0)
        r = store_open(&store, request->dir, e);
    if (r == 0)
        r = look_at(&store, request, &look, e);
    if (r == 0)
        report(&store, &look, NULL, request, result);
    return r;
}

int certs_ensure(const struct certs_request *request, struct certs_result *result, struct err *e)
{
    struct store store cleanup(store_close) = {0};
    struct look look cleanup(look_free) = {0};
    bool unlocked = false;
    int r = ossl_start(e);

    if (r == 0)
        r = store_open(&store, request->dir, e);
    if (r == 0)
        r = look_at(&store, request, &look, e);
    if (r == 0 && nothing_to_do(&look.decision)) {
        report(&store, &look, NULL, request, result);
        return 0;
    }
    if (r == 0)
        r = store_prepare(&store, owner_of(request), e);
    if (r == 0)
        r = store_lock(&store, LOCK_SECONDS, &unlocked, e);
    if (r == 0)
        r = issue_locked(&store, request, result, e);
    if (r == 0 && unlocked)
        strings_addf(&result->notes, "%s is on a file system without locks: start one daemon at a time on it",
            request->dir);
    return r;
}

void certs_result_free(struct certs_result *result)
{
    free(result->summary);
    strings_free(&result->notes);
    *result = (struct certs_result){0};
}
