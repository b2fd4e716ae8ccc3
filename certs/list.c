/* certs_look: every certificate with its verdict. */
#include "key.h"
#include "look.h"
#include "report.h"

#include <stdlib.h>

static char *subject_of(const X509 *certificate)
{
    BIO *bio cleanup_ossl(BIO) = BIO_new(BIO_s_mem());
    cleanup_text struct text subject = {0};

    /* All that is not printable ASCII is escaped. */
    if (!bio || X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
        return str_dup("");
    ossl_drain(bio, &subject);
    return str_dup(text_get(&subject));
}

static char *key_words(const EVP_PKEY *key)
{
    for (int i = CERTS_ECDSA_P256; key && i <= CERTS_RSA_4096; i++)
        if (key_is(key, (enum certs_algorithm)i))
            return str_dup(key_algorithm_name((enum certs_algorithm)i));
    const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;
    return type ? str_format("%s-%d", type, EVP_PKEY_get_bits(key)) : str_dup("unknown");
}

static void judge_kept(const struct look *look, size_t folder, struct certs_entry *entry)
{
    const struct decision *d = &look->decision;
    const struct decide_answer *a = look_answer(d, folder);

    entry->state = CERTS_DUE;
    if (folder == STORE_CA && d->remove_ca_key)
        entry->words = str_dup("its key is to be removed (tls.ca.keep_key: false)");
    else if (a->ca_pem)
        entry->words = str_dup("ca.pem beside it is to be written");
    else if (a->access)
        entry->words = str_dup("owner and mode of its files are to be mended");
    else if (a->reason[0] && !a->names) {
        entry->state = CERTS_LEFT;
        entry->words = str_format("ought to be renewed (%s)", a->reason);
    } else {
        entry->state = CERTS_GOOD;
        entry->words = a->reason[0] ? str_format("good (%s)", a->reason) : str_dup("good");
    }
}

static void judge_entry(
    const struct look *look, const struct certs_request *request, size_t folder, struct certs_entry *entry)
{
    const struct decision *d = &look->decision;
    const struct decide_answer *a = look_answer(d, folder);
    bool implied = folder >= STORE_CLIENTS && request->clients[folder - STORE_CLIENTS].implied;

    if (a->verdict == DECIDE_REFUSE) {
        entry->state = CERTS_BAD;
        entry->words = str_format("bad (%s)", a->reason);
    } else if (decide_refusal(d)) {
        entry->state = CERTS_UNJUDGED;
        entry->words = str_dup("not judged, since another one is bad");
    } else if (d->managed && !d->keyless && (folder == STORE_CA || implied)) {
        entry->state = CERTS_UNJUDGED;
        entry->words = str_dup("not judged, since you manage the CA");
    } else if (a->verdict == DECIDE_KEEP) {
        judge_kept(look, folder, entry);
    } else {
        bool missing =
            !look->inspected.pairs[folder].key && !inspect_certificate(&look->inspected.pairs[folder]);
        entry->state = CERTS_DUE;
        entry->words = str_format("%s (%s)",
            missing                      ? "to be made"
            : a->verdict == DECIDE_RENEW ? "to be renewed"
                                         : "to be replaced",
            a->reason);
    }
}

static void fill_entry(const struct store *store, const struct look *look,
    const struct certs_request *request, size_t folder, struct certs_entry *entry)
{
    const struct inspect_pair *pair = &look->inspected.pairs[folder];
    const X509 *certificate = inspect_certificate(pair);
    struct decide_pair dates = {0};

    entry->file = store_shown(store, folder, STORE_CERT_PEM);
    judge_entry(look, request, folder, entry);
    if (!certificate)
        return;
    inspect_describe(inspect_certificate(pair), NULL, "", &dates);
    entry->subject = subject_of(certificate);
    entry->key = key_words(X509_get0_pubkey(certificate));
    strings_add_all(&entry->names, &pair->names);
    entry->from = dates.from;
    entry->until = dates.until;
}

static void entry_free(struct certs_entry *entry)
{
    free(entry->file);
    free(entry->subject);
    free(entry->key);
    strings_free(&entry->names);
    free(entry->words);
    *entry = (struct certs_entry){0};
}

int certs_look(const struct certs_request *request, struct certs_list *list, struct err *e)
{
    struct store store cleanup(store_close) = {0};
    struct look look cleanup(look_free) = {0};
    int r = ossl_start(e);

    if (r == 0)
        r = look_open(&store, request, e);
    if (r < 0)
        return r;
    look_take(&store, request, &look);

    const struct decide_answer *refusal = decide_refusal(&look.decision);
    *list = (struct certs_list){.works = !refusal,
        .refusal = refusal ? report_refusal(&store, refusal) : NULL,
        .hint = refusal ? str_dup(refusal->hint) : NULL,
        .entries = mem_zero(look_count(&look.decision), sizeof(*list->entries))};
    for (size_t i = 0; i < look_count(&look.decision); i++) {
        bool nothing = !inspect_certificate(&look.inspected.pairs[i]) && look.decision.managed;
        fill_entry(&store, &look, request, i, &list->entries[list->count]);
        /* What the user keeps elsewhere is nothing to tell of. */
        if (nothing && list->entries[list->count].state == CERTS_UNJUDGED)
            entry_free(&list->entries[list->count]);
        else
            list->count++;
    }
    report_notes(&list->notes, &store, &look, request);
    return 0;
}

void certs_list_free(struct certs_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        entry_free(&list->entries[i]);
    free(list->entries);
    free(list->refusal);
    free(list->hint);
    strings_free(&list->notes);
    *list = (struct certs_list){0};
}
