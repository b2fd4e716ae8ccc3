#include "judge.h"

#include "names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Renewed when less than this part of its life is left, if nothing else is asked for: one third, what ACME
 * and step clients do. */
enum { RENEW_PART = 3, DAY = 86400 };

/* Later than every notAfter: 9999-12-31T23:59:59Z (RFC 5280 4.1.2.5). */
#define FOREVER ((time_t)253402300799)

static void answer(struct decide_answer *a, enum decide_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void answer(struct decide_answer *a, enum decide_verdict verdict, const char *format, ...)
{
    va_list ap;

    a->verdict = verdict;
    a->names = false;
    a->hint[0] = '\0';
    va_start(ap, format);
    (void)vsnprintf(a->reason, sizeof(a->reason), format, ap);
    va_end(ap);
}

void judge_refuse(struct decide_answer *a, const char *hint, const char *format, ...)
{
    va_list ap;

    a->verdict = DECIDE_REFUSE;
    a->names = false;
    va_start(ap, format);
    (void)vsnprintf(a->reason, sizeof(a->reason), format, ap);
    va_end(ap);
    (void)snprintf(a->hint, sizeof(a->hint), "%s", hint);
}

void judge_keep(struct decide_answer *a)
{
    answer(a, DECIDE_KEEP, "%s", "");
}

static const char *date(time_t when, char out[static 32])
{
    struct tm tm;

    if (!gmtime_r(&when, &tm) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return "an unknown date";
    return out;
}

const char *judge_validity(time_t from, time_t until, time_t now)
{
    if (now < DECIDE_EARLIEST)
        return NULL;
    return now < from ? "not yet valid" : now >= until ? "expired" : NULL;
}

/* Seconds before its end that a certificate is due. */
static time_t due_before(const struct decide_pair *pair, const struct decide_input *in, bool leaf)
{
    time_t third = (pair->until - pair->from) / RENEW_PART;

    /* A CA in its last days would cut its leaves short, so that they are due at once. */
    return in->renew_before > 0 && (leaf || in->renew_before > third) ? in->renew_before : third;
}

/* Answers RENEW if the dates of the certificate call for a new one, which would live until `longest`. */
static bool is_due(const struct decide_pair *pair, const struct decide_input *in, bool leaf, time_t longest,
    struct decide_answer *out)
{
    const char *problem = judge_validity(pair->from, pair->until, in->now);
    time_t before = due_before(pair, in, leaf);

    if (problem)
        answer(out, DECIDE_RENEW, "%s", problem);
    else if (in->now < DECIDE_EARLIEST || pair->until - in->now >= before || pair->until >= longest)
        return false;
    else if (before == in->renew_before)
        answer(out, DECIDE_RENEW, "less than %lld days left", (long long)(before / DAY));
    else
        answer(out, DECIDE_RENEW, "less than a third of its life left");
    return true;
}

bool judge_works(const struct decide_pair *pair, time_t now)
{
    return pair->has_key && !pair->key_problem && pair->has_cert && !pair->cert_problem && pair->matches &&
           !judge_validity(pair->from, pair->until, now);
}

bool judge_foreign(const struct decide_pair *pair)
{
    return pair->has_cert && !pair->cert_problem && !pair->ours;
}

bool judge_changes(const struct decide_answer *a)
{
    return a->verdict == DECIDE_RENEW || a->verdict == DECIDE_REPLACE;
}

void judge_leave(struct decide_answer *a)
{
    a->verdict = DECIDE_KEEP;
}

static void refuse_fixed(struct decide_answer *a, const char *folder, bool read_only)
{
    const struct decide_answer was = *a;

    if (read_only)
        judge_refuse(a, "mount it writable, or put valid certificates there",
            "%s/: is on a read-only file system, so nothing can be issued (%s)", folder, was.reason);
    else
        judge_refuse(a, "replace the links by files, or remove them to have the files made",
            "%s/: has symbolic links where files must be written (%s)", folder, was.reason);
}

/* What a CA certificate of the user lacks; it is never replaced, so this refuses. */
static void judge_foreign_ca(const struct decide_ca *ca, time_t now, struct decide_answer *out)
{
    char when[32];

    judge_keep(out);
    if (!ca->pair.matches)
        judge_refuse(out,
            "put the certificate of that very key there, or remove ca/cert.pem to have one made",
            "ca/cert.pem: is not the certificate of ca/key.pem");
    else if (!ca->is_ca)
        judge_refuse(out,
            "give it basicConstraints CA:TRUE and keyUsage keyCertSign, or remove ca/cert.pem to have one "
            "made",
            "ca/cert.pem: is not a CA certificate");
    else if (now >= DECIDE_EARLIEST && now >= ca->pair.until)
        judge_refuse(out, "renew it, or remove ca/cert.pem to have one made from ca/key.pem",
            "ca/cert.pem: expired on %s", date(ca->pair.until, when));
    else if (now >= DECIDE_EARLIEST && now < ca->pair.from)
        judge_refuse(out, "check the clock of this machine, or wait", "ca/cert.pem: is not valid before %s",
            date(ca->pair.from, when));
}

static void judge_own_ca(const struct decide_ca *ca, const struct decide_input *in, struct decide_answer *out)
{
    judge_keep(out);
    if (in->algorithm_chosen && !ca->pair.kind_wanted)
        answer(out, DECIDE_REPLACE, "tls.key asks for another kind of key");
    else if (!ca->pair.matches)
        answer(out, DECIDE_RENEW, "did not match its key");
    else if (!ca->is_ca || !ca->pair.strict)
        answer(out, DECIDE_RENEW, "strict clients refuse it");
    else
        (void)is_due(&ca->pair, in, false, FOREVER, out);
}

void judge_ca(const struct decide_input *in, struct decide_answer *out)
{
    const struct decide_ca *ca = &in->ca;

    if (!ca->pair.has_key)
        answer(out, DECIDE_REPLACE, "missing");
    else if (ca->pair.key_problem)
        judge_refuse(out,
            "give an unencrypted PEM key (PKCS#8, PKCS#1 or SEC1); or only server/{ca,cert,key}.pem, without "
            "a CA key",
            "ca/key.pem: %s", ca->pair.key_problem);
    else if (!ca->pair.strong)
        judge_refuse(out, "use RSA of 2048 bits and up, ECDSA P-256, P-384 or P-521, or Ed25519",
            "ca/key.pem: is a kind of key that current TLS clients refuse");
    else if (!ca->pair.has_cert && in->algorithm_chosen && !ca->pair.kind_wanted)
        /* Without a certificate nobody knows whose key it is: too much to lose. */
        judge_refuse(out,
            "leave tls.key out to have a certificate made for this key, or remove ca/key.pem to have a new "
            "one made",
            "ca/key.pem: is not the kind of key that tls.key asks for, and has no ca/cert.pem");
    else if (!ca->pair.has_cert)
        answer(out, DECIDE_RENEW, "there was a key but no certificate");
    else if (ca->pair.cert_problem)
        judge_refuse(out, "put it right, or remove ca/cert.pem to have one made from ca/key.pem",
            "ca/cert.pem: %s", ca->pair.cert_problem);
    else if (ca->pair.ours)
        judge_own_ca(ca, in, out);
    else
        judge_foreign_ca(ca, in->now, out);
}

void judge_settle_ca(const struct decide_ca *ca, time_t now, struct decide_answer *out)
{
    bool replaces_link = ca->linked && (out->verdict == DECIDE_REPLACE || ca->pair.has_cert);

    if (!judge_changes(out) || !(ca->read_only || replaces_link))
        return;
    if (judge_works(&ca->pair, now) && ca->is_ca)
        judge_leave(out);
    else
        refuse_fixed(out, "ca", ca->read_only);
}

/* True if what the present CA certificate signed stays good: its key and its name live on. */
static bool ca_lives_on(const struct decide_ca *ca, enum decide_verdict verdict)
{
    return verdict == DECIDE_KEEP || (verdict == DECIDE_RENEW && ca->pair.has_cert && ca->pair.matches);
}

/* Until when a leaf would be valid that is issued now. */
static time_t longest_life(const struct decide_input *in, enum decide_verdict ca)
{
    time_t until = decide_time(in->now) + in->life;

    return ca == DECIDE_KEEP && in->ca.pair.until < until ? in->ca.pair.until : until;
}

/* What stands against the key of a leaf. False if nothing does. */
static bool judge_key(
    const struct decide_input *in, const struct decide_pair *pair, struct decide_answer *out)
{
    if (!pair->has_key)
        answer(out, DECIDE_REPLACE, pair->has_cert ? "its key was missing" : "missing");
    else if (pair->key_problem)
        answer(out, DECIDE_REPLACE, "its key %s", pair->key_problem);
    else if (!pair->strong)
        answer(out, DECIDE_REPLACE, "current TLS clients refuse its key");
    else if (in->algorithm_chosen && !pair->kind_wanted)
        answer(out, DECIDE_REPLACE, "tls.key asks for another kind of key");
    else
        return false;
    return true;
}

void judge_leaf(const struct decide_input *in, const struct decide_leaf *leaf, enum decide_verdict ca,
    const struct strings *names, struct decide_answer *out)
{
    const struct decide_pair *pair = &leaf->pair;
    bool chained = ca_lives_on(&in->ca, ca) && !leaf->chain_problem;
    const char *lacking = names_missing(leaf->names, names);

    judge_keep(out);
    if (judge_key(in, pair, out))
        return;
    if (!pair->has_cert)
        answer(out, DECIDE_RENEW, "there was a key but no certificate");
    else if (pair->cert_problem)
        answer(out, DECIDE_RENEW, "cert.pem %s", pair->cert_problem);
    else if (!pair->matches)
        answer(out, DECIDE_RENEW, "did not match its key");
    else if (ca == DECIDE_REPLACE)
        answer(out, DECIDE_RENEW, "the CA is new");
    else if (!chained)
        answer(out, DECIDE_RENEW, "%s", leaf->chain_problem ? leaf->chain_problem : "the CA has another key");
    else if (leaf->named && !pair->ours)
        answer(out, DECIDE_RENEW, "it had another common name");
    else if (!pair->strict)
        answer(out, DECIDE_RENEW, "strict clients refuse it");
    else if (is_due(pair, in, true, longest_life(in, ca), out))
        return;
    else if (lacking) {
        answer(out, DECIDE_RENEW, "it lacked %s", lacking);
        out->names = true;
    } else if (in->scope == DECIDE_RENEWAL)
        answer(out, DECIDE_RENEW, "asked for");
}

void judge_trio(const struct decide_input *in, bool ca_comes, struct decide_answer *out)
{
    const struct decide_leaf *server = &in->server;
    const struct decide_pair *pair = &server->pair;
    const char *dates = judge_validity(pair->from, pair->until, in->now);
    const char *ca_dates = server->has_ca ? judge_validity(server->ca_from, server->ca_until, in->now) : NULL;
    const char *problem = server->has_ca ? server->own_problem : server->chain_problem;
    char when[32];

    judge_keep(out);
    if (!pair->has_key || !pair->has_cert || (!server->has_ca && !ca_comes))
        judge_refuse(out, "complete server/ with ca.pem, cert.pem and key.pem", "server/%s: is missing",
            !pair->has_key    ? "key.pem"
            : !pair->has_cert ? "cert.pem"
                              : "ca.pem");
    else if (pair->key_problem)
        judge_refuse(out, "give an unencrypted PEM key (PKCS#8, PKCS#1 or SEC1)", "server/key.pem: %s",
            pair->key_problem);
    else if (pair->cert_problem)
        judge_refuse(out, "give a PEM certificate", "server/cert.pem: %s", pair->cert_problem);
    else if (!pair->matches)
        judge_refuse(out, "put the key of that certificate there",
            "server/key.pem: is not the key of server/cert.pem");
    else if (dates && in->now >= pair->until)
        judge_refuse(out, "renew it", "server/cert.pem: expired on %s", date(pair->until, when));
    else if (dates)
        judge_refuse(out, "check the clock of this machine, or wait",
            "server/cert.pem: is not valid before %s", date(pair->from, when));
    else if (problem)
        judge_refuse(out,
            "put the CA that issued it into server/ca.pem, and extendedKeyUsage serverAuth into the "
            "certificate",
            "server/cert.pem: does not verify against server/ca.pem: %s", problem);
    else if (ca_dates && in->now >= server->ca_until)
        judge_refuse(out, "put a certificate of the CA there that is still valid",
            "server/ca.pem: the CA of server/cert.pem expired on %s", date(server->ca_until, when));
    else if (ca_dates)
        judge_refuse(out, "check the clock of this machine, or wait",
            "server/ca.pem: the CA of server/cert.pem is not valid before %s", date(server->ca_from, when));
}

/* A server certificate that is the user's, a link, or cannot be written: what is there must do, or nothing is
 * done. */
static void settle_fixed_server(const struct decide_input *in, struct decision *d)
{
    const struct decide_leaf *server = &in->server;
    bool theirs = judge_foreign(&server->pair);
    bool chained = ca_lives_on(&in->ca, d->ca.verdict) && !server->chain_problem;
    struct decide_answer trio;

    if (theirs && !chained && !in->ca.pair.has_key) {
        judge_refuse(&d->server,
            "complete it with ca.pem, cert.pem and key.pem, or remove server/cert.pem to have one made",
            "server/cert.pem: is yours, but server/{ca,cert,key}.pem are not all there");
        return;
    }
    if (theirs && !chained) {
        judge_refuse(&d->server,
            "remove the CA in ca/ to use this certificate as it is, or remove server/cert.pem to have one "
            "made",
            "server/cert.pem: is yours, but not from the CA in ca/");
        return;
    }
    if (!chained) {
        refuse_fixed(&d->server, "server", server->read_only);
        return;
    }
    judge_trio(in, !server->read_only, &trio);
    if (trio.verdict == DECIDE_REFUSE) {
        d->server = trio;
        if (server->read_only && !theirs)
            (void)snprintf(
                d->server.hint, sizeof(d->server.hint), "mount server/ writable to have it mended");
    } else if (server->has_ca && !server->ca_trusted) {
        judge_refuse(&d->server, "add ca/cert.pem to it, or remove it to have it made",
            "server/ca.pem: does not hold the CA in ca/, so clients of that CA would be refused");
    } else {
        judge_leave(&d->server);
        d->server.ca_pem = !server->has_ca;
    }
}

void judge_settle_server(const struct decide_input *in, struct decision *d)
{
    const struct decide_leaf *server = &in->server;
    const struct decide_pair *pair = &server->pair;
    bool fixed = judge_foreign(pair) || server->linked || server->read_only;

    if (fixed)
        d->server.access = false;
    if (d->server.verdict == DECIDE_KEEP && !(fixed && d->server.ca_pem))
        return;
    if (pair->has_key && pair->key_sealed)
        judge_refuse(&d->server, "give an unencrypted PEM key, or remove server/key.pem to have one made",
            "server/key.pem: %s", pair->key_problem);
    else if (fixed)
        settle_fixed_server(in, d);
}

void judge_settle_client(const struct decide_input *in, const struct decide_leaf *client,
    enum decide_verdict ca, struct decide_answer *out)
{
    bool chained = ca_lives_on(&in->ca, ca) && !client->chain_problem;

    if (client->read_only) {
        /* The engine runs without it. */
        if (out->verdict == DECIDE_KEEP && out->ca_pem)
            answer(out, DECIDE_KEEP, "ca.pem is not the CA's");
        judge_leave(out);
        out->ca_pem = false;
        out->access = false;
    } else if (judge_foreign(&client->pair) && !client->named) {
        /* Its name may be what an authorization plugin goes by, its mode what the user wants. */
        out->access = false;
        if (!chained || !judge_works(&client->pair, in->now))
            return;
        if (in->scope == DECIDE_RENEWAL)
            answer(out, DECIDE_KEEP, "asked for");
        else
            judge_keep(out);
        out->ca_pem = !client->ca_trusted;
    }
}
