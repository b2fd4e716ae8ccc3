#include "certs.h"

#include "issue.h"
#include "look.h"
#include "report.h"
#include "write.h"

#include <errno.h>
#include <unistd.h>

enum { LOCK_SECONDS = 120 }; /* another first start may be making RSA keys on a slow machine */

void look_free(struct look *look)
{
    decision_free(&look->decision);
    inspected_free(&look->inspected);
    store_content_free(&look->content);
}

/* Where nothing changes nothing is asked: network file systems refuse even that. */
static struct store_owner owner_of(uid_t uid, gid_t gid)
{
    return (struct store_owner){
        .uid = uid == geteuid() ? (uid_t)-1 : uid, .gid = gid == getegid() ? (gid_t)-1 : gid};
}

int look_open(struct store *store, const struct certs_request *request, struct err *e)
{
    int r = store_open(store, request->dir, owner_of(request->uid, request->gid), e);

    for (size_t i = 0; i < request->client_count; i++) {
        const struct certs_client *client = &request->clients[i];
        char *folder cleanup_free = inspect_folder(client);
        store_add_client(store, folder, owner_of(client->uid, client->gid), client->mode);
    }
    return r;
}

/* Reads, parses and decides. */
void look_take(const struct store *store, const struct certs_request *request, struct look *look)
{
    store_read(store, &look->content);
    inspect(&look->content, request, &look->inspected);
    decide(&look->inspected.input, &look->decision);
}

/* The same; a refusal is returned as -EINVAL with *e. */
static int look_at(
    const struct store *store, const struct certs_request *request, struct look *look, struct err *e)
{
    look_take(store, request, look);
    const struct decide_answer *refusal = decide_refusal(&look->decision);
    if (!refusal)
        return 0;
    char *words cleanup_free = report_refusal(store, refusal);
    err_set(e, -EINVAL, "certs: %s", words);
    return err_hint(e, "%s", refusal->hint);
}

/* When the server certificate ends: the present one, or the one that would be made. */
static time_t until_of(const struct look *look, const struct certs_request *request)
{
    if (look->decision.server.verdict == DECIDE_KEEP)
        return look->inspected.input.server.pair.until;
    return issue_until(decide_time(request->now), request->days);
}

static bool makes_keys(const struct decision *d)
{
    for (size_t i = 0; i < look_count(d); i++)
        if (look_answer(d, i)->verdict == DECIDE_REPLACE)
            return true;
    return false;
}

static void report(const struct store *store, const struct look *look, const struct certs_request *request,
    time_t until, bool preview, struct certs_result *result)
{
    const struct decision *d = &look->decision;

    *result = (struct certs_result){
        .outcome = !decide_is_idle(d) ? CERTS_ISSUED
                   : d->managed       ? CERTS_VERIFIED
                                      : CERTS_KEPT,
        .summary = report_summary(look, request, preview),
        .new_keys = makes_keys(d),
        .until = until,
    };
    strings_add_all(&result->names,
        d->server.verdict == DECIDE_KEEP ? &look->inspected.pairs[STORE_SERVER].names : request->names);
    report_notes(&result->notes, store, look, request);
}

static bool nothing_to_do(const struct look *look, const struct certs_request *request)
{
    return decide_is_idle(&look->decision) && !report_record_is_due(look, request);
}

static int change(struct store *store, const struct look *look, const struct certs_request *request,
    time_t *until, struct err *e)
{
    cleanup_text struct text record = {0};
    int r = 0;

    /* Without a lock another run may be writing the files that look like leftovers. */
    if (store->lock >= 0)
        store_sweep(store);
    if (!decide_is_idle(&look->decision))
        r = write_changes(store, look, request, until, e);
    if (r < 0 || !report_record_is_due(look, request))
        return r;
    report_record(request, &record);
    return store_write_record(store, &record, e);
}

/* The second look, under the lock: another start may have done it all meanwhile. */
static int issue_locked(
    struct store *store, const struct certs_request *request, struct certs_result *result, struct err *e)
{
    struct look look cleanup(look_free) = {0};
    int r = look_at(store, request, &look, e);

    if (r < 0)
        return r;
    time_t until = until_of(&look, request);
    if (!nothing_to_do(&look, request))
        r = change(store, &look, request, &until, e);
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
        r = look_open(&store, request, e);
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
        r = look_open(&store, request, e);
    if (r == 0)
        r = look_at(&store, request, &look, e);
    if (r == 0 && nothing_to_do(&look, request)) {
        report(&store, &look, request, until_of(&look, request), false, result);
        return 0;
    }
    if (r == 0)
        r = store_prepare(&store, e);
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
