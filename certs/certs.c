#include "certs.h"

#include "issue.h"
#include "look.h"
#include "write.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { LOCK_SECONDS = 120 }; /* another first start may be making RSA keys on a slow machine */

static void look_free(struct look *look)
{
    inspected_free(&look->inspected);
    store_content_free(&look->content);
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

static void list_words(struct text *out, const struct strings *words)
{
    for (size_t i = 0; i < words->count; i++) {
        text_add(out, i == 0 ? "" : i + 1 == words->count ? " and " : ", ");
        text_add(out, words->items[i]);
    }
}

/* "issued server (it lacked DNS:x), kept CA and client", or what would be done in a preview. */
static char *summarize(const struct decision *d, bool preview)
{
    static const char *const verbs[][2] = {{"issued ", "issue "}, {"mended ", "mend "},
        {"left as it was: ", "leave as it is: "}, {"kept ", "keep "}};
    static const char *const names[] = {
        [STORE_CA] = "CA", [STORE_SERVER] = "server", [STORE_CLIENT] = "client"};
    cleanup_strings struct strings issued = {0}, kept = {0}, left = {0}, mended = {0};
    cleanup_text struct text summary = {0};

    for (int i = 0; i < STORE_FOLDERS; i++) {
        const struct decide_answer *a = look_answer(d, (enum store_folder)i);
        if (a->verdict != DECIDE_KEEP)
            strings_addf(&issued, "%s (%s)", names[i], a->reason);
        else if (a->reason[0])
            strings_addf(&left, "%s (%s)", names[i], a->reason);
        else
            strings_add(&kept, names[i]);
    }
    if (d->server.verdict == DECIDE_KEEP && (d->server_ca || d->server_access))
        strings_add(&mended, d->server_ca ? "server/ca.pem" : "owner and mode in server/");
    if (d->client.verdict == DECIDE_KEEP && (d->client_ca || d->client_access))
        strings_add(&mended, d->client_ca ? "client/ca.pem" : "owner and mode in client/");

    const struct strings *const words[] = {&issued, &mended, &left, &kept};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i]->count == 0)
            continue;
        text_add(&summary, summary.length ? ", " : "");
        text_add(&summary, verbs[i][preview]);
        list_words(&summary, words[i]);
    }
    return str_dup(text_get(&summary));
}

/* Who owns a folder can put other files into it, whatever the owner of those that are there. */
static void note_strangers(struct strings *notes, const struct store *store, const struct look *look,
    const struct certs_request *request)
{
    for (int i = STORE_CA; i <= STORE_SERVER; i++) {
        const struct store_place *place = &look->content.places[i];
        if (place->exists && place->uid != 0 && place->uid != geteuid() && place->uid != request->uid &&
            place->uid != STORE_NOBODY)
            strings_addf(notes, "%s/%s belongs to user %u, who can replace what is in it", store->path,
                store_folder_name((enum store_folder)i), (unsigned int)place->uid);
    }
}

/* What ought to be renewed and was not. Names alone change too often to warn at every start. */
static void note_left(struct strings *notes, const struct store *store, const struct decision *d)
{
    for (int i = 0; i < STORE_FOLDERS && !d->managed; i++) {
        const struct decide_answer *a = look_answer(d, (enum store_folder)i);
        if (a->verdict == DECIDE_KEEP && a->reason[0] && !a->names)
            strings_addf(notes, "%s/%s ought to be renewed (%s), but it cannot be written or is not ours",
                store->path, store_shown((enum store_folder)i, STORE_CERT_PEM), a->reason);
    }
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
    if (!look->decision.managed && look->decision.client.verdict != DECIDE_KEEP && client->has_cert &&
        !client->cert_problem && in->client.chain_problem && !in->ca.pair.cert_problem &&
        (in->ca.pair.has_cert || client->ours))
        strings_addf(notes,
            "%s/client holds certificates from another CA, which are replaced: if another daemon uses this "
            "folder, its clients fail now",
            store->path);
    note_strangers(notes, store, look, request);
    note_left(notes, store, &look->decision);
}

/* When the server certificate ends: the present one, or the one that would be made. */
static time_t until_of(const struct look *look, const struct certs_request *request)
{
    if (look->decision.server.verdict == DECIDE_KEEP)
        return look->inspected.input.server.pair.until;
    return decide_time(request->now) + (time_t)request->days * ISSUE_DAY;
}

static void report(const struct store *store, const struct look *look, const struct certs_request *request,
    time_t until, bool preview, struct certs_result *result)
{
    const struct decision *d = &look->decision;
    const char *verified =
        preview ? "verify server, which the user manages" : "verified server, which the user manages";

    *result = (struct certs_result){
        .outcome = d->managed          ? CERTS_VERIFIED
                   : decide_is_idle(d) ? CERTS_KEPT
                                       : CERTS_ISSUED,
        .summary = d->managed ? str_dup(verified) : summarize(d, preview),
        .new_keys = d->ca.verdict == DECIDE_REPLACE || d->server.verdict == DECIDE_REPLACE ||
                    d->client.verdict == DECIDE_REPLACE,
        .until = until,
    };
    strings_add_all(&result->names,
        d->server.verdict == DECIDE_KEEP ? &look->inspected.pairs[STORE_SERVER].names : request->names);
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
    int r = look_at(store, request, &look, e);

    if (r < 0)
        return r;
    time_t until = until_of(&look, request);
    if (!nothing_to_do(&look.decision)) {
        /* Without a lock another run may be writing the files that look like leftovers. */
        if (store->lock >= 0)
            store_sweep(store);
        r = write_changes(store, &look, request, &until, e);
    }
    if (r == 0)
        report(store, &look, request, until, false, result);
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
        report(&store, &look, request, until_of(&look, request), true, result);
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
        report(&store, &look, request, until_of(&look, request), false, result);
        return 0;
    }
    if (r == 0)
        r = store_prepare(&store, write_owner(request), e);
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
    strings_free(&result->names);
    strings_free(&result->notes);
    *result = (struct certs_result){0};
}
