/* Judging single certificates, for decide.c alone. Pure. */
#pragma once

#include "decide.h"

/* Sets the answer, and leaves what it says of files beside the certificate. */
void judge_refuse(struct decide_answer *a, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void judge_keep(struct decide_answer *a);

/* What ought to change and cannot goes on as it is; the reason stays. */
void judge_leave(struct decide_answer *a);

/* A certificate is to be made. */
bool judge_changes(const struct decide_answer *a);

/* Why a certificate with these dates does not work now, or NULL. */
const char *judge_validity(time_t from, time_t until, time_t now);

/* A key and a certificate that belong together and are valid now. */
bool judge_works(const struct decide_pair *pair, time_t now);

/* A certificate that somebody else made. */
bool judge_foreign(const struct decide_pair *pair);

/* What the CA needs, as if everything could be written. */
void judge_ca(const struct decide_input *in, struct decide_answer *out);

/* And what of it cannot be: a CA on a read-only file system, or of links to files of the user's. */
void judge_settle_ca(const struct decide_ca *ca, time_t now, struct decide_answer *out);

/* The same for leaves. `ca` is what becomes of the CA; `names` may be NULL. */
void judge_leaf(const struct decide_input *in, const struct decide_leaf *leaf, enum decide_verdict ca,
    const struct strings *names, struct decide_answer *out);
void judge_settle_server(const struct decide_input *in, struct decision *d);
void judge_settle_client(const struct decide_input *in, const struct decide_leaf *client,
    enum decide_verdict ca, struct decide_answer *out);

/*
 * The trio in server/ as it is: what the engine and its clients would stumble over. A missing ca.pem passes
 * if one will be written.
 */
void judge_trio(const struct decide_input *in, bool ca_comes, struct decide_answer *out);
