#include "decide.h"

#include "names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Renewed when less than this part of its life is left: one third, what ACME and step clients do. */
enum { RENEW_PART = 3 };

static void answer(struct decide_answer *a, enum decide_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void answer(struct decide_answer *a, enum decide_verdict verdict, const char *format, ...)
{
    va_list ap;

    *a = (struct decide_answer){.verdict = verdict};
    va_start(ap, format);
    (void)vsnprintf(a->reason, sizeof(a->reason), format, ap);
    va_end(ap);
}

static void refuse(struct decide_answer *a, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void refuse(struct decide_answer *a, const char *hint, const char *format, ...)
{
    va_list ap;

    *a = (struct decide_answer){.verdict = DECIDE_REFUSE};
    va_start(ap, format);
    (void)vsnprintf(a->reason, sizeof(a->reason), format, ap);
    va_end(ap);
    (void)snprintf(a->hint, sizeof(a->hint), "%s", hint);
}

static const char *date(time_t when, char out[static 32])
{
    struct tm tm;

    if (!gmtime_r(&when, &tm) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return "an unknown date";
    return out;
}

/* Why a certificate with these dates does not work now, or NULL. */
static const char *validity_problem(time_t from, time_t until, time_t now)
{
    if (now < DECIDE_EARLIEST)
        return NULL;
    return now < from ? "not yet valid" : now >= until ? "expired" : NULL;
}

/* Why the dates of a certificate call for a new one, or NULL. */
static const char *dates_problem(const struct decide_pair *pair, time_t now)
{
    const char *problem = validity_problem(pair->from, pair->until, now);

    if (problem || now < DECIDE_EARLIEST)
        return problem;
    if (pair->until - now < (pair->until - pair->from) / RENEW_PART)
        return "less than a third of its life left";
    return NULL;
}

/* A key and a certificate that belong together and are valid now. */
static bool works(const struct decide_pair *pair, time_t now)
{
    return pair->has_key && !pair->key_problem && pair->has_cert && !pair->cert_problem && pair->matches &&
           !validity_problem(pair->from, pair->until, now);
}

/* A certificate that somebody else made. */
static bool foreign(const struct decide_pair *pair)
{
    return pair->has_cert && !pair->cert_problem && !pair->ours;
}

static bool changes(const struct decide_answer *a)
{
    return a->verdict == DECIDE_RENEW || a->verdict == DECIDE_REPLACE;
}

/* What ought to change and cannot goes on as it is; the reason stays. */
static void leave(struct decide_answer *a)
{
    a->verdict = DECIDE_KEEP;
}

static void refuse_fixed(struct decide_answer *a, const char *folder, bool read_only)
{
    const struct decide_answer was = *a;

    if (read_only)
        refuse(a, "mount it writable, or put valid certificates there",
            "%s/: is on a read-only file system, so nothing can be issued (%s)", folder, was.reason);
    else
        refuse(a, "replace the links by files, or remove them to have the files made",
            "%s/: has symbolic links where files must be written (%s)", folder, was.reason);
}

/* What a CA certificate of the user lacks; it is never replaced, so this refuses. */
static void judge_foreign_ca(const struct decide_ca *ca, time_t now, struct decide_answer *out)
{
    char when[32];

    *out = (struct decide_answer){.verdict = DECIDE_KEEP};
    if (!ca->pair.matches)
        refuse(out, "put the certificate of that very key there, or remove ca/cert.pem to have one made",
            "ca/cert.pem: is not the certificate of ca/key.pem");
    else if (!ca->is_ca)
        refuse(out,
            "give it basicConstraints CA:TRUE and keyUsage keyCertSign, or remove ca/cert.pem to have one "
            "made",
            "ca/cert.pem: is not a CA certificate");
    else if (now >= DECIDE_EARLIEST && now >= ca->pair.until)
        refuse(out, "renew it, or remove ca/cert.pem to have one made from ca/key.pem",
            "ca/cert.pem: expired on %s", date(ca->pair.until, when));
    else if (now >= DECIDE_EARLIEST && now < ca->pair.from)
        refuse(out, "check the clock of this machine, or wait", "ca/cert.pem: is not valid before %s",
            date(ca->pair.from, when));
}

static void judge_own_ca(const struct decide_ca *ca, const struct decide_input *in, struct decide_answer *out)
{
    const char *dates = dates_problem(&ca->pair, in->now);

    *out = (struct decide_answer){.verdict = DECIDE_KEEP};
    if (in->algorithm_chosen && !ca->pair.kind_wanted)
        answer(out, DECIDE_REPLACE, "tls.key asks for another kind of key");
    else if (!ca->pair.matches)
        answer(out, DECIDE_RENEW, "did not match its key");
    else if (!ca->is_ca || !ca->pair.strict)
        answer(out, DECIDE_RENEW, "strict clients refuse it");
    else if (dates)
        answer(out, DECIDE_RENEW, "%s", dates);
}

static void judge_ca(const struct decide_input *in, struct decide_answer *out)
{
    const struct decide_ca *ca = &in->ca;

    if (!ca->pair.has_key)
        answer(out, DECIDE_REPLACE, "missing");
    else if (ca->pair.key_problem)
        refuse(out,
            "give an unencrypted PEM key (PKCS#8, PKCS#1 or SEC1); or only server/{ca,cert,key}.pem, without "
            "a CA key",
            "ca/key.pem: %s", ca->pair.key_problem);
    else if (!ca->pair.strong)
        refuse(out, "use RSA of 2048 bits and up, ECDSA P-256, P-384 or P-521, or Ed25519",
            "ca/key.pem: is a kind of key that current TLS clients refuse");
    else if (!ca->pair.has_cert && in->algorithm_chosen && !ca->pair.kind_wanted)
        /* Without a certificate nobody knows whose key it is: too much to lose. */
        refuse(out,
            "leave tls.key out to have a certificate made for this key, or remove ca/key.pem to have a new "
            "one made",
            "ca/key.pem: is not the kind of key that tls.key asks for, and has no ca/cert.pem");
    else if (!ca->pair.has_cert)
        answer(out, DECIDE_RENEW, "there was a key but no certificate");
    else if (ca->pair.cert_problem)
        refuse(out, "put it right, or remove ca/cert.pem to have one made from ca/key.pem", "ca/cert.pem: %s",
            ca->pair.cert_problem);
    else if (ca->pair.ours)
        judge_own_ca(ca, in, out);
    else
        judge_foreign_ca(ca, in->now, out);
}

/* A CA that cannot be written, or consists of links to files of the user's. */
static void settle_ca(const struct decide_ca *ca, time_t now, struct decide_answer *out)
{
    bool replaces_link = ca->linked && (out->verdict == DECIDE_REPLACE || ca->pair.has_cert);

    if (!changes(out) || !(ca->read_only || replaces_link))
        return;
    if (works(&ca->pair, now) && ca->is_ca)
        leave(out);
    else
        refuse_fixed(out, "ca", ca->read_only);
}

/* True if what the present CA certificate signed stays good: its key and its name live on. */
static bool ca_lives_on(const struct decide_ca *ca, enum decide_verdict verdict)
{
    return verdict == DECIDE_KEEP || (verdict == DECIDE_RENEW && ca->pair.has_cert && ca->pair.matches);
}

static void judge_leaf(const struct decide_input *in, const struct decide_leaf *leaf, enum decide_verdict ca,
    const struct strings *names, struct decide_answer *out)
{
    const struct decide_pair *pair = &leaf->pair;
    bool chained = ca_lives_on(&in->ca, ca) && !leaf->chain_problem;
    const char *dates = dates_problem(pair, in->now);
    const char *lacking = names_missing(leaf->names, names);

    *out = (struct decide_answer){.verdict = DECIDE_KEEP};
    if (!pair->has_key)
        answer(out, DECIDE_REPLACE, pair->has_cert ? "its key was missing" : "missing");
    else if (pair->key_problem)
        answer(out, DECIDE_REPLACE, "its key %s", pair->key_problem);
    else if (!pair->strong)
        answer(out, DECIDE_REPLACE, "current TLS clients refuse its key");
    else if (in->algorithm_chosen && !pair->kind_wanted)
        answer(out, DECIDE_REPLACE, "tls.key asks for another kind of key");
    else if (!pair->has_cert)
        answer(out, DECIDE_RENEW, "there was a key but no certificate");
    else if (pair->cert_problem)
        answer(out, DECIDE_RENEW, "cert.pem %s", pair->cert_problem);
    else if (!pair->matches)
        answer(out, DECIDE_RENEW, "did not match its key");
    else if (ca == DECIDE_REPLACE)
        answer(out, DECIDE_RENEW, "the CA is new");
    else if (!chained)
        answer(out, DECIDE_RENEW, "%s", leaf->chain_problem ? leaf->chain_problem : "the CA has another key");
    else if (!pair->strict)
        answer(out, DECIDE_RENEW, "strict clients refuse it");
    else if (dates)
        answer(out, DECIDE_RENEW, "%s", dates);
    else if (lacking) {
        answer(out, DECIDE_RENEW, "it lacked %s", lacking);
        out->names = true;
    }
}

/*
 * The trio in server/ as it is: what the engine and its clients would stumble over. A missing ca.pem passes
 * if one will be written.
 */
static void verify_trio(const struct decide_input *in, bool ca_comes, struct decide_answer *out)
{
    const struct decide_leaf *server = &in->server;
    const struct decide_pair *pair = &server->pair;
    const char *dates = validity_problem(pair->from, pair->until, in->now);
    const char *ca_dates =
        server->has_ca ? validity_problem(server->ca_from, server->ca_until, in->now) : NULL;
    const char *problem = server->has_ca ? server->own_problem : server->chain_problem;
    char when[32];

    *out = (struct decide_answer){.verdict = DECIDE_KEEP};
    if (!pair->has_key || !pair->has_cert || (!server->has_ca && !ca_comes))
        refuse(out, "complete server/ with ca.pem, cert.pem and key.pem", "server/%s: is missing",
            !pair->has_key    ? "key.pem"
            : !pair->has_cert ? "cert.pem"
                              : "ca.pem");
    else if (pair->key_problem)
        refuse(out, "give an unencrypted PEM key (PKCS#8, PKCS#1 or SEC1)", "server/key.pem: %s",
            pair->key_problem);
    else if (pair->cert_problem)
        refuse(out, "give a PEM certificate", "server/cert.pem: %s", pair->cert_problem);
    else if (!pair->matches)
        refuse(out, "put the key of that certificate there",
            "server/key.pem: is not the key of server/cert.pem");
    else if (dates && in->now >= pair->until)
        refuse(out, "renew it", "server/cert.pem: expired on %s", date(pair->until, when));
    else if (dates)
        refuse(out, "check the clock of this machine, or wait", "server/cert.pem: is not valid before %s",
            date(pair->from, when));
    else if (problem)
        refuse(out,
            "put the CA that issued it into server/ca.pem, and extendedKeyUsage serverAuth into the "
            "certificate",
            "server/cert.pem: does not verify against server/ca.pem: %s", problem);
    else if (ca_dates && in->now >= server->ca_until)
        refuse(out, "put a certificate of the CA there that is still valid",
            "server/ca.pem: the CA of server/cert.pem expired on %s", date(server->ca_until, when));
    else if (ca_dates)
        refuse(out, "check the clock of this machine, or wait",
            "server/ca.pem: the CA of server/cert.pem is not valid before %s", date(server->ca_from, when));
}

/* A server certificate that is the user's, a link, or cannot be written: what is there must do, or nothing is
 * done. */
static void settle_fixed_server(const struct decide_input *in, struct decision *d)
{
    const struct decide_leaf *server = &in->server;
    bool theirs = foreign(&server->pair);
    bool chained = ca_lives_on(&in->ca, d->ca.verdict) && !server->chain_problem;
    struct decide_answer trio;

    if (theirs && !chained && !in->ca.pair.has_key) {
        refuse(&d->server,
            "complete it with ca.pem, cert.pem and key.pem, or remove server/cert.pem to have one made",
            "server/cert.pem: is yours, but server/{ca,cert,key}.pem are not all there");
        return;
    }
    if (theirs && !chained) {
        refuse(&d->server,
            "remove the CA in ca/ to use this certificate as it is, or remove server/cert.pem to have one "
            "made",
            "server/cert.pem: is yours, but not from the CA in ca/");
        return;
    }
    if (!chained) {
        refuse_fixed(&d->server, "server", server->read_only);
        return;
    }
    verify_trio(in, !server->read_only, &trio);
    if (trio.verdict == DECIDE_REFUSE) {
        d->server = trio;
        if (server->read_only && !theirs)
            (void)snprintf(
                d->server.hint, sizeof(d->server.hint), "mount server/ writable to have it mended");
    } else if (server->has_ca && !server->ca_trusted) {
        refuse(&d->server, "add ca/cert.pem to it, or remove it to have it made",
            "server/ca.pem: does not hold the CA in ca/, so clients of that CA would be refused");
    } else {
        leave(&d->server);
        d->server_ca = !server->has_ca;
    }
}

static void settle_server(const struct decide_input *in, struct decision *d)
{
    const struct decide_leaf *server = &in->server;
    const struct decide_pair *pair = &server->pair;
    bool fixed = foreign(pair) || server->linked || server->read_only;

    if (fixed)
        d->server_access = false;
    if (d->server.verdict == DECIDE_KEEP && !(fixed && d->server_ca))
        return;
    if (pair->has_key && pair->key_sealed)
        refuse(&d->server, "give an unencrypted PEM key, or remove server/key.pem to have one made",
            "server/key.pem: %s", pair->key_problem);
    else if (fixed)
        settle_fixed_server(in, d);
}

static void settle_client(const struct decide_input *in, struct decision *d)
{
    const struct decide_leaf *client = &in->client;
    bool chained = ca_lives_on(&in->ca, d->ca.verdict) && !client->chain_problem;

    if (client->read_only) {
        /* The engine runs without it. */
        if (d->client.verdict == DECIDE_KEEP && d->client_ca)
            answer(&d->client, DECIDE_KEEP, "ca.pem is not the CA's");
        leave(&d->client);
        d->client_ca = false;
        d->client_access = false;
    } else if (foreign(&client->pair)) {
        /* Its name may be what an authorization plugin goes by, its mode what the user wants. */
        d->client_access = false;
        if (!chained || !works(&client->pair, in->now))
            return;
        d->client = (struct decide_answer){.verdict = DECIDE_KEEP};
        d->client_ca = !client->ca_trusted;
    }
}

static void decide_managed(const struct decide_input *in, struct decision *out)
{
    out->managed = true;
    if (in->server.hostile)
        refuse(&out->server, "put a regular file there", "%s", in->server.hostile);
    else
        verify_trio(in, false, &out->server);
}

static void decide_issued(const struct decide_input *in, struct decision *out)
{
    judge_ca(in, &out->ca);
    settle_ca(&in->ca, in->now, &out->ca);
    if (out->ca.verdict == DECIDE_REFUSE)
        return;

    bool ca_written = changes(&out->ca);
    out->server_ca = ca_written || !in->server.has_ca || !in->server.ca_current;
    out->client_ca = ca_written || !in->client.has_ca || !in->client.ca_current;
    out->server_access = !in->server.access_ok;
    out->client_access = !in->client.access_ok;
    judge_leaf(in, &in->server, out->ca.verdict, in->names, &out->server);
    judge_leaf(in, &in->client, out->ca.verdict, NULL, &out->client);
    settle_server(in, out);
    settle_client(in, out);
}

/* A file that could not be read may be good. Nothing is decided without it. */
static bool refuse_failed(const char *failed, struct decide_answer *out)
{
    if (failed)
        refuse(out, "make sure that this user may read it and that its file system is sound", "%s", failed);
    return failed != NULL;
}

void decide(const struct decide_input *in, struct decision *out)
{
    bool key_usable = in->ca.pair.has_key && !in->ca.unreadable;
    bool trio = in->server.pair.has_key && in->server.pair.has_cert && in->server.has_ca;

    *out = (struct decision){.clock_wrong = in->now < DECIDE_EARLIEST};
    if (refuse_failed(in->ca.failed, &out->ca))
        return;
    if (in->ca.hostile)
        refuse(&out->ca, "put a regular file there, or remove it", "%s", in->ca.hostile);
    else if (refuse_failed(in->server.failed, &out->server))
        return;
    else if (!key_usable && trio)
        decide_managed(in, out);
    else if (in->ca.unreadable)
        refuse(&out->ca, "make ca/key.pem readable for this user, or give server/{ca,cert,key}.pem",
            "ca/key.pem: Permission denied");
    else if (!key_usable && in->ca.pair.has_cert)
        refuse(&out->ca,
            "add ca/key.pem, or give server/{ca,cert,key}.pem, or remove ca/cert.pem to have a new CA made",
            "ca/cert.pem: there is no ca/key.pem, so nothing can be issued from this CA");
    else if (in->server.hostile)
        refuse(&out->server, "put a regular file there, or remove it", "%s", in->server.hostile);
    else if (refuse_failed(in->client.failed, &out->client))
        return;
    else if (in->client.hostile)
        refuse(&out->client, "remove it", "%s", in->client.hostile);
    else
        decide_issued(in, out);
}

time_t decide_time(time_t now)
{
    return now < DECIDE_EARLIEST ? DECIDE_EARLIEST : now;
}

bool decide_is_idle(const struct decision *d)
{
    return d->ca.verdict == DECIDE_KEEP && d->server.verdict == DECIDE_KEEP &&
           d->client.verdict == DECIDE_KEEP && !d->server_ca && !d->client_ca && !d->server_access &&
           !d->client_access;
}

const struct decide_answer *decide_refusal(const struct decision *d)
{
    const struct decide_answer *all[] = {&d->ca, &d->server, &d->client};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i]->verdict == DECIDE_REFUSE)
            return all[i];
    return NULL;
}
