#include "decide.h"

#include "judge.h"

#include <stdio.h>
#include <stdlib.h>

/* A file that could not be read may be good. Nothing is decided without it. */
static void refuse_failed(const char *failed, struct decide_answer *out)
{
    judge_refuse(out, "make sure that this user may read it and that its file system is sound", "%s", failed);
}

/* A client's file that says nothing, or must not be touched. */
static bool refuse_client(const struct decide_leaf *client, struct decide_answer *out)
{
    if (client->failed)
        refuse_failed(client->failed, out);
    else if (client->hostile)
        judge_refuse(out, "remove it", "%s", client->hostile);
    return client->failed || client->hostile;
}

static bool refuse_clients(const struct decide_input *in, struct decision *out)
{
    for (size_t i = 0; i < in->client_count; i++)
        if (refuse_client(&in->clients[i], &out->clients[i]))
            return true;
    return false;
}

/* ---- without a CA key ---- */

/* What a client needs where nothing can be issued. */
static void verify_client(
    const struct decide_input *in, const struct decide_leaf *client, bool ours, struct decide_answer *out)
{
    static const char hint[] =
        "put the CA's key into ca/key.pem (tls.ca.keep_key: false removes it), or complete "
        "the folder yourself, or remove ca/ and server/ to have a new CA made";
    const struct decide_pair *pair = &client->pair;
    const char *dates = judge_validity(pair->from, pair->until, in->now);

    judge_keep(out);
    if (refuse_client(client, out))
        return;
    if (!pair->has_key || !pair->has_cert || !client->has_ca)
        judge_refuse(out, hint, "%s/%s: is missing, and without ca/key.pem nothing can be issued",
            client->shown,
            !pair->has_key    ? "key.pem"
            : !pair->has_cert ? "cert.pem"
                              : "ca.pem");
    else if (pair->key_problem)
        judge_refuse(out, hint, "%s/key.pem: %s, and without ca/key.pem nothing can be issued", client->shown,
            pair->key_problem);
    else if (pair->cert_problem)
        judge_refuse(out, hint, "%s/cert.pem: %s, and without ca/key.pem nothing can be issued",
            client->shown, pair->cert_problem);
    else if (!pair->matches)
        judge_refuse(out, hint,
            "%s/cert.pem: is not the certificate of key.pem, and without ca/key.pem nothing can "
            "be issued",
            client->shown);
    else if (client->server_problem)
        judge_refuse(out, hint,
            "%s/cert.pem: does not verify against server/ca.pem (%s), and without ca/key.pem nothing can be "
            "issued",
            client->shown, client->server_problem);
    else if (dates)
        judge_refuse(out, hint, "%s/cert.pem: is %s, and without ca/key.pem nothing can be issued",
            client->shown, dates);
    else if (ours && client->named && !pair->ours)
        judge_refuse(out, hint,
            "%s/cert.pem: has another common name, and without ca/key.pem nothing can be issued",
            client->shown);
}

/* A store of ours whose CA key was removed: what is there goes on, and what it lacks is told. */
static void decide_keyless(const struct decide_input *in, struct decision *out)
{
    out->keyless = true;
    if (out->server.verdict == DECIDE_REFUSE) {
        (void)snprintf(out->server.hint, sizeof(out->server.hint),
            "put the CA's key into ca/key.pem (tls.ca.keep_key: false removes it), or remove ca/ and server/ "
            "to "
            "have a new CA made, whose certificates all clients need then");
        return;
    }
    judge_leaf(in, &in->server, DECIDE_KEEP, in->names, &out->server);
    judge_leave(&out->server);
    out->server.access = !in->server.access_ok && !in->server.linked && !in->server.read_only;
    for (size_t i = 0; i < in->client_count; i++) {
        const struct decide_leaf *client = &in->clients[i];
        struct decide_answer *a = &out->clients[i];
        verify_client(in, client, true, a);
        if (a->verdict == DECIDE_REFUSE)
            return;
        judge_leaf(in, client, DECIDE_KEEP, NULL, a);
        judge_leave(a);
        a->access = !client->access_ok && !client->read_only;
    }
}

static void decide_managed(const struct decide_input *in, struct decision *out)
{
    bool ours = !in->ca.pair.has_key && in->ca.pair.has_cert && in->ca.pair.ours && in->server.pair.ours;

    out->managed = true;
    if (in->server.hostile) {
        judge_refuse(&out->server, "put a regular file there", "%s", in->server.hostile);
        return;
    }
    if (in->scope == DECIDE_RENEWAL) {
        judge_refuse(&out->ca, "put the CA's key into ca/key.pem (tls.ca.keep_key: false removes it)",
            "ca/key.pem: %s, so nothing can be renewed",
            in->ca.unreadable ? "Permission denied" : "is missing");
        return;
    }
    judge_trio(in, false, &out->server);
    if (ours) {
        decide_keyless(in, out);
        return;
    }
    /* Where the user issues certificates, those that were not asked for by name may be anywhere. */
    for (size_t i = 0; i < in->client_count && out->server.verdict != DECIDE_REFUSE; i++) {
        if (!in->clients[i].implied)
            verify_client(in, &in->clients[i], false, &out->clients[i]);
        if (out->clients[i].verdict == DECIDE_REFUSE)
            return;
    }
}

/* ---- with one ---- */

/* Not what somebody else made, nor what is a link or cannot be written: those are told of. */
static bool key_may_go(const struct decide_input *in)
{
    return !in->keep_ca_key && !in->ca.linked && !in->ca.read_only && !judge_foreign(&in->ca.pair);
}

static void judge_client(
    const struct decide_input *in, size_t i, enum decide_verdict ca, struct decision *out)
{
    const struct decide_leaf *client = &in->clients[i];
    struct decide_answer *a = &out->clients[i];

    a->ca_pem = judge_changes(&out->ca) || !client->has_ca || !client->ca_current;
    a->access = !client->access_ok;
    judge_leaf(in, client, ca, NULL, a);
    judge_settle_client(in, client, ca, a);
}

static void decide_issued(const struct decide_input *in, struct decision *out)
{
    if (refuse_clients(in, out))
        return;
    judge_ca(in, &out->ca);
    judge_settle_ca(&in->ca, in->now, &out->ca);
    if (out->ca.verdict == DECIDE_REFUSE)
        return;

    out->server.ca_pem = judge_changes(&out->ca) || !in->server.has_ca || !in->server.ca_current;
    out->server.access = !in->server.access_ok;
    judge_leaf(in, &in->server, out->ca.verdict, in->names, &out->server);
    judge_settle_server(in, out);
    for (size_t i = 0; i < in->client_count; i++)
        judge_client(in, i, out->ca.verdict, out);
    out->remove_ca_key = key_may_go(in);
}

/* Clients of a CA that stays as it is, whatever it ought to be. */
static void decide_clients(const struct decide_input *in, struct decision *out)
{
    if (refuse_clients(in, out))
        return;
    if (!in->ca.pair.has_key) {
        judge_refuse(&out->ca,
            "put the CA's key there (tls.ca.keep_key: false removes it); a store that is not there yet is "
            "made "
            "by a start, or by dindctl certs init",
            "ca/key.pem: is missing, so nothing can be issued");
        return;
    }
    judge_ca(in, &out->ca);
    if (judge_changes(&out->ca) && judge_works(&in->ca.pair, in->now) && in->ca.is_ca)
        judge_leave(&out->ca);
    if (judge_changes(&out->ca)) {
        const struct decide_answer was = out->ca;
        judge_refuse(&out->ca, "run dindctl certs renew first, or restart the container",
            "ca/cert.pem: cannot issue as it is (%s)", was.reason);
    }
    for (size_t i = 0; i < in->client_count && out->ca.verdict != DECIDE_REFUSE; i++)
        judge_client(in, i, DECIDE_KEEP, out);
}

void decide(const struct decide_input *in, struct decision *out)
{
    bool key_usable = in->ca.pair.has_key && !in->ca.unreadable;
    bool trio = in->server.pair.has_key && in->server.pair.has_cert && in->server.has_ca;

    *out = (struct decision){.clock_wrong = in->now < DECIDE_EARLIEST,
        .clients = mem_zero(in->client_count, sizeof(*out->clients)),
        .client_count = in->client_count};
    if (in->ca.failed)
        refuse_failed(in->ca.failed, &out->ca);
    else if (in->ca.hostile)
        judge_refuse(&out->ca, "put a regular file there, or remove it", "%s", in->ca.hostile);
    else if (in->server.failed)
        refuse_failed(in->server.failed, &out->server);
    else if (!key_usable && trio && in->scope != DECIDE_CLIENTS)
        decide_managed(in, out);
    else if (in->ca.unreadable)
        judge_refuse(&out->ca, "make ca/key.pem readable for this user, or give server/{ca,cert,key}.pem",
            "ca/key.pem: Permission denied");
    else if (in->scope == DECIDE_CLIENTS)
        decide_clients(in, out);
    else if (!key_usable && in->ca.pair.has_cert)
        judge_refuse(&out->ca,
            "add ca/key.pem (tls.ca.keep_key: false removes it), or give server/{ca,cert,key}.pem, or remove "
            "ca/cert.pem to have a new CA made",
            "ca/cert.pem: there is no ca/key.pem, so nothing can be issued from this CA");
    else if (in->server.hostile)
        judge_refuse(&out->server, "put a regular file there, or remove it", "%s", in->server.hostile);
    else
        decide_issued(in, out);
}

void decision_free(struct decision *d)
{
    free(d->clients);
    *d = (struct decision){0};
}

time_t decide_time(time_t now)
{
    return now < DECIDE_EARLIEST ? DECIDE_EARLIEST : now;
}

static bool is_idle(const struct decide_answer *a)
{
    return !judge_changes(a) && !a->ca_pem && !a->access;
}

bool decide_is_idle(const struct decision *d)
{
    bool idle = is_idle(&d->ca) && is_idle(&d->server) && !d->remove_ca_key;

    for (size_t i = 0; i < d->client_count; i++)
        idle = idle && is_idle(&d->clients[i]);
    return idle;
}

const struct decide_answer *decide_refusal(const struct decision *d)
{
    if (d->ca.verdict == DECIDE_REFUSE)
        return &d->ca;
    if (d->server.verdict == DECIDE_REFUSE)
        return &d->server;
    for (size_t i = 0; i < d->client_count; i++)
        if (d->clients[i].verdict == DECIDE_REFUSE)
            return &d->clients[i];
    return NULL;
}
