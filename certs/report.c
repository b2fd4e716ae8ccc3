#include "report.h"

#include <string.h>
#include <unistd.h>

/* ---- ca/.clients ---- */

void report_record(const struct certs_request *request, struct text *record)
{
    for (size_t i = 0; i < request->client_count; i++) {
        char *folder cleanup_free = inspect_folder(&request->clients[i]);
        if (!str_equal(request->clients[i].name, CERTS_DEFAULT_CLIENT))
            text_addf(record, "%s %s\n", request->clients[i].name, folder);
    }
}

/* It is kept up where we issue, or did. */
bool report_record_is_due(const struct look *look, const struct certs_request *request)
{
    cleanup_text struct text record = {0};

    if (request->scope == CERTS_CLIENTS || (look->decision.managed && !look->decision.keyless) ||
        look->inspected.input.ca.read_only)
        return false;
    report_record(request, &record);
    return strcmp(text_get(&record), text_get(&look->content.record)) != 0;
}

static void note_gone(struct strings *notes, const struct store *store, const struct look *look,
    const struct certs_request *request)
{
    cleanup_text struct text record = {0};
    cleanup_strings struct strings before = {0}, now = {0};

    if (request->scope == CERTS_CLIENTS)
        return;
    report_record(request, &record);
    strings_split(&now, text_get(&record), "\n");
    strings_split(&before, text_get(&look->content.record), "\n");
    for (size_t i = 0; i < before.count; i++) {
        char *folder = strchr(before.items[i], ' ');
        if (!folder || strings_have(&now, before.items[i]))
            continue;
        *folder++ = '\0';
        strings_addf(notes,
            "client %s is no longer in tls.clients, or has another folder now: %s%s%s is left as it is, and "
            "its certificate is accepted until it expires",
            before.items[i], *folder == '/' ? "" : store->path, *folder == '/' ? "" : "/", folder);
    }
}

/* ---- words ---- */

enum { LISTED = 8 }; /* of a list, before "and N more" */

static void list_words(struct text *out, const struct strings *words)
{
    size_t shown = words->count > LISTED + 1 ? LISTED : words->count;

    for (size_t i = 0; i < shown; i++) {
        text_add(out, i == 0 ? "" : i + 1 == words->count ? " and " : ", ");
        text_add(out, words->items[i]);
    }
    if (shown < words->count)
        text_addf(out, " and %zu more", words->count - shown);
}

static const char *label(const struct certs_request *request, size_t folder)
{
    return folder == STORE_CA       ? "CA"
           : folder == STORE_SERVER ? "server"
                                    : request->clients[folder - STORE_CLIENTS].name;
}

/* What is done to files of a kept certificate. */
static void add_mended(struct strings *mended, const struct decide_answer *a, const char *folder)
{
    if (a->verdict != DECIDE_KEEP)
        return;
    if (a->ca_pem)
        strings_addf(mended, "%s/ca.pem", folder);
    else if (a->access)
        strings_addf(mended, "owner and mode in %s/", folder);
}

/* "issued server (it lacked DNS:x), kept CA and client", or what would be done in a preview. */
static char *summarize(const struct look *look, const struct certs_request *request, bool preview)
{
    enum { ISSUED, MENDED, REMOVED, LEFT, KEPT, KINDS };
    static const char *const verbs[KINDS][2] = {[ISSUED] = {"issued ", "issue "},
        [MENDED] = {"mended ", "mend "},
        [REMOVED] = {"removed ", "remove "},
        [LEFT] = {"left as it was: ", "leave as it is: "},
        [KEPT] = {"kept ", "keep "}};
    const struct decision *d = &look->decision;
    struct strings words[KINDS] = {0};
    cleanup_text struct text summary = {0};

    for (size_t i = request->scope == CERTS_CLIENTS ? STORE_CLIENTS : STORE_CA; i < look_count(d); i++) {
        const struct decide_answer *a = look_answer(d, i);
        bool kept = a->verdict == DECIDE_KEEP;
        if (kept && !a->reason[0])
            strings_add(&words[KEPT], label(request, i));
        else
            strings_addf(&words[kept ? LEFT : ISSUED], "%s (%s)", label(request, i), a->reason);
        add_mended(&words[MENDED], a, look->inspected.pairs[i].shown);
    }
    if (d->remove_ca_key)
        strings_add(&words[REMOVED], "the CA's key");
    for (size_t i = 0; i < KINDS; i++) {
        if (words[i].count > 0) {
            text_addf(&summary, "%s%s", summary.length ? ", " : "", verbs[i][preview]);
            list_words(&summary, &words[i]);
        }
        strings_free(&words[i]);
    }
    return str_dup(text_get(&summary));
}

static char *summarize_managed(const struct certs_request *request, bool preview)
{
    cleanup_strings struct strings verified = {0};
    cleanup_text struct text summary = {0};

    strings_add(&verified, "server");
    for (size_t i = 0; i < request->client_count; i++)
        if (!request->clients[i].implied)
            strings_add(&verified, request->clients[i].name);
    text_add(&summary, preview ? "verify " : "verified ");
    list_words(&summary, &verified);
    text_add(&summary, ", which the user manages");
    return str_dup(text_get(&summary));
}

char *report_summary(const struct look *look, const struct certs_request *request, bool preview)
{
    if (look->decision.managed && !look->decision.keyless)
        return summarize_managed(request, preview);
    char *summary = summarize(look, request, preview);
    if (!look->decision.keyless)
        return summary;
    char *both = str_format("%s; there is no CA key", summary);
    free(summary);
    return both;
}

/* Who owns a folder can put other files into it, whatever the owner of those that are there. */
static void note_strangers(struct strings *notes, const struct store *store, const struct look *look,
    const struct certs_request *request)
{
    for (size_t i = STORE_CA; i <= STORE_SERVER; i++) {
        const struct store_place *place = &look->content.places[i];
        if (place->exists && place->uid != 0 && place->uid != geteuid() && place->uid != request->uid &&
            place->uid != STORE_NOBODY)
            strings_addf(notes, "%s/%s belongs to user %u, who can replace what is in it", store->path,
                store->folders[i].path, (unsigned int)place->uid);
    }
}

/* What ought to be renewed and was not. Names alone change too often to warn at every start. */
static void note_left(struct strings *notes, const struct store *store, const struct decision *d)
{
    for (size_t i = 0; i < look_count(d) && (!d->managed || d->keyless); i++) {
        const struct decide_answer *a = look_answer(d, i);
        char *file cleanup_free = store_shown(store, i, STORE_CERT_PEM);
        if (a->verdict == DECIDE_KEEP && a->reason[0] && !a->names)
            strings_addf(notes, "%s ought to be renewed (%s), but it cannot be written or is not ours%s",
                file, a->reason, d->keyless ? ", or its CA has no key (tls.ca.keep_key)" : "");
    }
}

static void note_replaced(struct strings *notes, const struct store *store, const struct look *look)
{
    const struct decide_input *in = &look->inspected.input;

    for (size_t i = 0; i < in->client_count && !look->decision.managed; i++) {
        const struct decide_leaf *client = &in->clients[i];
        if (look->decision.clients[i].verdict == DECIDE_KEEP || !client->pair.has_cert ||
            client->pair.cert_problem || !client->chain_problem || in->ca.pair.cert_problem ||
            !(in->ca.pair.has_cert || client->pair.ours))
            continue;
        char *folder cleanup_free = store_shown_folder(store, STORE_CLIENTS + i);
        strings_addf(notes,
            "%s holds certificates from another CA, which are replaced: if another daemon uses this "
            "folder, its clients fail now",
            folder);
    }
}

static void note_ca_key(struct strings *notes, const struct store *store, const struct look *look,
    const struct certs_request *request)
{
    const struct store_file *key = &look->content.places[STORE_CA].files[STORE_KEY_PEM];
    bool stays = key->state == STORE_PRESENT && !look->decision.remove_ca_key;

    if (stays && (key->mode & 0004))
        strings_addf(notes,
            "%s/ca/key.pem can be read by every user (mode %04o): whoever reads it can make certificates",
            store->path, (unsigned int)key->mode);
    if (stays && !request->keep_ca_key && request->scope != CERTS_CLIENTS)
        strings_addf(notes,
            "%s/ca/key.pem stays although tls.ca.keep_key is false: it is not of our making, or cannot be "
            "removed",
            store->path);
}

void report_notes(struct strings *notes, const struct store *store, const struct look *look,
    const struct certs_request *request)
{
    if (look->decision.clock_wrong)
        strings_addf(notes,
            "the clock says %lld seconds since 1970, which is before this program was made: dates of "
            "certificates were not judged",
            (long long)request->now);
    note_ca_key(notes, store, look, request);
    note_replaced(notes, store, look);
    note_gone(notes, store, look, request);
    note_strangers(notes, store, look, request);
    note_left(notes, store, &look->decision);
}

char *report_refusal(const struct store *store, const struct decide_answer *refusal)
{
    return *refusal->reason == '/' ? str_dup(refusal->reason)
                                   : str_format("%s/%s", store->path, refusal->reason);
}
