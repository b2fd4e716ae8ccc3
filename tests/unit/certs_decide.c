/* The decision over a table: what is on disk, what is wanted and the time on one side, the whole answer on
 * the other. */
#include "harness.h"

#include "certs/decide.h"

#include <string.h>

/* Each case is the good store with a few things changed: overriding initialisers is what is meant. */
#pragma GCC diagnostic ignored "-Woverride-init"

#define DAY ((time_t)86400)
#define NOW ((time_t)1811808000) /* 2027-06-01T00:00:00Z */

static struct strings wanted, all, none, more;

/* `left` is in days. A leaf lives for 825 days, a CA for 3650. */
#define PAIR(life, left)                                                                                     \
    {                                                                                                        \
        .has_key = true, .has_cert = true, .kind_wanted = true, .strong = true, .ours = true,                \
        .matches = true, .strict = true, .from = NOW - ((life) - (left)) * DAY, .until = NOW + (left)*DAY    \
    }
#define LEAF                                                                                                 \
    {                                                                                                        \
        .pair = PAIR(825, 725), .names = &all, .has_ca = true, .ca_current = true, .ca_trusted = true,       \
        .ca_from = NOW - 100 * DAY, .ca_until = NOW + 3550 * DAY, .access_ok = true                          \
    }
#define ASKED .now = NOW, .names = &wanted, .life = 825 * DAY, .keep_ca_key = true
#define GOOD ASKED, .ca = {.pair = PAIR(3650, 3550), .is_ca = true}, .server = LEAF, .client = LEAF
#define NO_LEAF                                                                                              \
    {                                                                                                        \
        .names = &none, .access_ok = true                                                                    \
    }
#define EMPTY ASKED, .server = NO_LEAF, .client = NO_LEAF

/* The leaf is not from the CA in ca/. */
#define STRANGE(leaf) .leaf.chain_problem = "unable to get local issuer certificate"
/* Only server/ is there. */
#define TRIO                                                                                                 \
    ASKED, .server = LEAF, .server.chain_problem = "there is no CA certificate", .server.ca_current = false, \
           .server.ca_trusted = false, .client = NO_LEAF
/* A store of ours whose CA key was removed. */
#define KEYLESS                                                                                              \
    GOOD, .ca.pair.has_key = false, .ca.pair.matches = false, .ca.pair.strong = false, .keep_ca_key = false
/* A client that the user asks for by name. */
#define NAMED(leaf) .two_clients = true, .named = leaf
#define USERS(which) .which.pair.ours = false

/* struct decide_input with its clients in place. */
struct situation {
    struct decide_ca ca;
    struct decide_leaf server;
    struct decide_leaf client; /* the default one, always there */
    struct decide_leaf named;  /* another one, which the user asks for */
    bool two_clients;
    const struct strings *names;
    bool algorithm_chosen, keep_ca_key;
    enum decide_scope scope;
    time_t life, renew_before, now;
};

static const struct sample {
    const char *name;
    struct situation in;
    const char *answer;
} samples[] = {
    /* ---- first start, and nothing to do ---- */
    {"an empty store gets everything", {EMPTY},
        "replace (missing), replace (missing), replace (missing) + server/ca.pem + client/ca.pem"},
    {"a good store is left alone", {GOOD}, "keep, keep, keep"},
    {"names beyond those wanted are no reason", {GOOD, .server.names = &more}, "keep, keep, keep"},
    {"a clock a second behind the certificates is a reason", {GOOD, .server.pair.from = NOW + 1},
        "keep, renew (not yet valid), keep"},
    {"a certificate is valid from its first second", {GOOD, .server.pair.from = NOW}, "keep, keep, keep"},

    /* ---- dates ---- */
    {"a third of the life left is enough", {GOOD, .server.pair = PAIR(825, 275)}, "keep, keep, keep"},
    {"a second less than a third is not",
        {GOOD, .server.pair = PAIR(825, 275), .server.pair.until = NOW + 275 * DAY - 1,
            .server.pair.from = NOW - 550 * DAY - 1},
        "keep, renew (less than a third of its life left), keep"},
    {"a client certificate is renewed by the same rule", {GOOD, .client.pair = PAIR(825, 274)},
        "keep, keep, renew (less than a third of its life left)"},
    {"a certificate ends at its last second", {GOOD, .server.pair.until = NOW},
        "keep, renew (expired), keep"},
    {"an expired client certificate is renewed", {GOOD, .client.pair = PAIR(825, -1)},
        "keep, keep, renew (expired)"},
    {"a CA in its last third is renewed and its leaves go on", {GOOD, .ca.pair = PAIR(3650, 1216)},
        "renew (less than a third of its life left), keep, keep + server/ca.pem + client/ca.pem"},
    {"a CA with a third of its life left is kept", {GOOD, .ca.pair = PAIR(3650, 1217)}, "keep, keep, keep"},
    {"an expired CA of ours is renewed", {GOOD, .ca.pair = PAIR(3650, -1)},
        "renew (expired), keep, keep + server/ca.pem + client/ca.pem"},
    {"a CA from the future is renewed", {GOOD, .ca.pair.from = NOW + DAY},
        "renew (not yet valid), keep, keep + server/ca.pem + client/ca.pem"},
    {"everything expired is renewed with the same keys",
        {GOOD, .ca.pair = PAIR(3650, -1), .server.pair = PAIR(825, -1), .client.pair = PAIR(825, -1)},
        "renew (expired), renew (expired), renew (expired) + server/ca.pem + client/ca.pem"},

    /* ---- a clock that is plainly wrong ---- */
    {"a clock before the build is told and dates are not judged", {GOOD, .now = DECIDE_EARLIEST - 1},
        "keep, keep, keep, clock"},
    {"a clock at the build is believed",
        {GOOD, .now = DECIDE_EARLIEST, .server.pair.from = DECIDE_EARLIEST + 1,
            .ca.pair.from = DECIDE_EARLIEST, .client.pair.from = DECIDE_EARLIEST},
        "keep, renew (not yet valid), keep"},
    {"a clock at 1970 still finds missing names", {GOOD, .now = 0, .server.names = &none},
        "keep, renew (it lacked DNS:docker), keep, clock"},
    {"a clock at 1970 makes a first store", {EMPTY, .now = 0},
        "replace (missing), replace (missing), replace (missing) + server/ca.pem + client/ca.pem, clock"},

    /* ---- names ---- */
    {"a missing name renews the server only", {GOOD, .names = &more},
        "keep, renew (it lacked IP:10.0.0.9), keep"},
    {"names are asked of the server only", {GOOD, .client.names = &none}, "keep, keep, keep"},
    {"no wanted names are no reason", {GOOD, .names = NULL, .server.names = &none}, "keep, keep, keep"},

    /* ---- keys ---- */
    {"a server without key gets both", {GOOD, .server.pair.has_key = false, .server.pair.matches = false},
        "keep, replace (its key was missing), keep"},
    {"a client without key gets both", {GOOD, .client.pair.has_key = false, .client.pair.matches = false},
        "keep, keep, replace (its key was missing)"},
    {"a server key without certificate is kept", {GOOD, .server.pair.has_cert = false},
        "keep, renew (there was a key but no certificate), keep"},
    {"a client key without certificate is kept", {GOOD, .client.pair.has_cert = false},
        "keep, keep, renew (there was a key but no certificate)"},
    {"an empty server folder is filled", {GOOD, .server = NO_LEAF},
        "keep, replace (missing), keep + server/ca.pem"},
    {"an empty client folder is filled", {GOOD, .client = NO_LEAF},
        "keep, keep, replace (missing) + client/ca.pem"},
    {"a damaged server key is replaced",
        {GOOD, .server.pair.key_problem = "is a damaged private key", .server.pair.matches = false},
        "keep, replace (its key is a damaged private key), keep"},
    {"a sealed server key is not ours to replace",
        {GOOD, .server.pair.key_problem = "is encrypted with a passphrase", .server.pair.key_sealed = true,
            .server.pair.matches = false},
        "refuse (server/key.pem: is encrypted with a passphrase)"},
    {"a client key behind a link is replaced",
        {GOOD, .client.pair.key_problem = "is a symbolic link, or below one", .client.pair.matches = false},
        "keep, keep, replace (its key is a symbolic link, or below one)"},
    {"a weak server key is replaced", {GOOD, .server.pair.strong = false},
        "keep, replace (current TLS clients refuse its key), keep"},
    {"a weak client key is replaced", {GOOD, .client.pair.strong = false},
        "keep, keep, replace (current TLS clients refuse its key)"},
    {"a server key of another certificate is kept and gets its own", {GOOD, .server.pair.matches = false},
        "keep, renew (did not match its key), keep"},
    {"a client key of another certificate is kept and gets its own", {GOOD, .client.pair.matches = false},
        "keep, keep, renew (did not match its key)"},

    /* ---- tls.key ---- */
    {"keys of another kind are kept while tls.key is not set",
        {GOOD, .ca.pair.kind_wanted = false, .server.pair.kind_wanted = false,
            .client.pair.kind_wanted = false},
        "keep, keep, keep"},
    {"keys of the kind that tls.key asks for are kept", {GOOD, .algorithm_chosen = true}, "keep, keep, keep"},
    {"a tls.key that the user set replaces keys of another kind",
        {GOOD, .algorithm_chosen = true, .ca.pair.kind_wanted = false, .server.pair.kind_wanted = false,
            .client.pair.kind_wanted = false},
        "replace (tls.key asks for another kind of key), replace (tls.key asks for another kind of key), "
        "replace (tls.key asks for another kind of key) + server/ca.pem + client/ca.pem"},
    {"tls.key replaces only what is of another kind",
        {GOOD, .algorithm_chosen = true, .client.pair.kind_wanted = false},
        "keep, keep, replace (tls.key asks for another kind of key)"},
    {"a new CA key brings new certificates for the keys that stay",
        {GOOD, .algorithm_chosen = true, .ca.pair.kind_wanted = false},
        "replace (tls.key asks for another kind of key), renew (the CA is new), renew (the CA is new) + "
        "server/ca.pem + client/ca.pem"},
    {"the user's CA keeps its key whatever tls.key asks for",
        {GOOD, .algorithm_chosen = true, USERS(ca), .ca.pair.kind_wanted = false}, "keep, keep, keep"},
    {"a lone CA key gets a certificate",
        {GOOD, .ca.pair.has_cert = false, .ca.is_ca = false, STRANGE(server), STRANGE(client)},
        "renew (there was a key but no certificate), renew (unable to get local issuer certificate), renew "
        "(unable to get local issuer certificate) + server/ca.pem + client/ca.pem"},
    {"a lone CA key of another kind is not replaced, since it may be the user's",
        {GOOD, .algorithm_chosen = true, .ca.pair.has_cert = false, .ca.pair.kind_wanted = false},
        "refuse (ca/key.pem: is not the kind of key that tls.key asks for, and has no ca/cert.pem)"},
    {"a lone CA key of another kind is kept while tls.key is not set",
        {GOOD, .ca.pair.has_cert = false, .ca.pair.kind_wanted = false},
        "renew (there was a key but no certificate), renew (the CA has another key), renew (the CA has "
        "another key) + server/ca.pem + client/ca.pem"},

    /* ---- our own CA ---- */
    {"a lost CA key means a new CA and new leaves for their keys",
        {GOOD, .ca = {.is_ca = false}, STRANGE(server), STRANGE(client), .server.has_ca = false},
        "replace (missing), renew (the CA is new), renew (the CA is new) + server/ca.pem + client/ca.pem"},
    {"a CA certificate of ours that is not its key's is renewed", {GOOD, .ca.pair.matches = false},
        "renew (did not match its key), renew (the CA has another key), renew (the CA has another key) + "
        "server/ca.pem + client/ca.pem"},
    {"a CA of ours that strict clients refuse is renewed", {GOOD, .ca.pair.strict = false},
        "renew (strict clients refuse it), keep, keep + server/ca.pem + client/ca.pem"},
    {"a CA of ours that may not sign is renewed", {GOOD, .ca.is_ca = false},
        "renew (strict clients refuse it), keep, keep + server/ca.pem + client/ca.pem"},
    {"a weak CA key is refused", {GOOD, .ca.pair.strong = false},
        "refuse (ca/key.pem: is a kind of key that current TLS clients refuse)"},

    /* ---- the user's CA ---- */
    {"a good CA of the user is used", {GOOD, USERS(ca)}, "keep, keep, keep"},
    {"the user's CA is not renewed in its last third", {GOOD, USERS(ca), .ca.pair.until = NOW + 1},
        "keep, keep, keep"},
    {"the user's CA need not please strict clients", {GOOD, USERS(ca), .ca.pair.strict = false},
        "keep, keep, keep"},
    {"an expired CA of the user is refused with its date", {GOOD, USERS(ca), .ca.pair.until = NOW},
        "refuse (ca/cert.pem: expired on 2027-06-01T00:00:00Z)"},
    {"a CA of the user from the future is refused", {GOOD, USERS(ca), .ca.pair.from = NOW + 1},
        "refuse (ca/cert.pem: is not valid before 2027-06-01T00:00:01Z)"},
    {"an expired CA of the user is not judged by a wrong clock",
        {GOOD, USERS(ca), .now = 5, .ca.pair.until = 1}, "keep, keep, keep, clock"},
    {"a CA certificate of the user that is not its key's is refused",
        {GOOD, USERS(ca), .ca.pair.matches = false},
        "refuse (ca/cert.pem: is not the certificate of ca/key.pem)"},
    {"CA:FALSE is no CA", {GOOD, USERS(ca), .ca.is_ca = false},
        "refuse (ca/cert.pem: is not a CA certificate)"},
    {"a sealed CA key is refused",
        {GOOD, .ca.pair.key_problem = "is encrypted with a passphrase", .ca.pair.key_sealed = true},
        "refuse (ca/key.pem: is encrypted with a passphrase)"},
    {"a damaged CA key is refused, never replaced", {GOOD, .ca.pair.key_problem = "is a damaged private key"},
        "refuse (ca/key.pem: is a damaged private key)"},
    {"a damaged CA certificate is refused", {GOOD, .ca.pair.cert_problem = "is a damaged certificate"},
        "refuse (ca/cert.pem: is a damaged certificate)"},
    {"a CA certificate without key and trio issues nothing", {EMPTY, .ca = {.pair = {.has_cert = true}}},
        "refuse (ca/cert.pem: there is no ca/key.pem, so nothing can be issued from this CA)"},

    /* ---- the user's trio ---- */
    {"a trio without CA key is verified", {TRIO}, "keep, keep, keep, managed"},
    {"a trio beside a lone CA certificate is verified", {TRIO, .ca = {.pair = {.has_cert = true}}},
        "keep, keep, keep, managed"},
    {"a trio is verified where the CA key is not for us to read",
        {TRIO, .ca = {.unreadable = true, .pair = {.has_key = true, .key_problem = "Permission denied"}}},
        "keep, keep, keep, managed"},
    {"names are not asked of a trio", {TRIO, .names = &more, .server.names = &none},
        "keep, keep, keep, managed"},
    {"a trio is not renewed early", {TRIO, .server.pair.until = NOW + 1}, "keep, keep, keep, managed"},
    {"an expired trio is refused", {TRIO, .server.pair.until = NOW},
        "refuse (server/cert.pem: expired on 2027-06-01T00:00:00Z)"},
    {"a trio from the future is refused", {TRIO, .server.pair.from = NOW + DAY},
        "refuse (server/cert.pem: is not valid before 2027-06-02T00:00:00Z)"},
    {"dates of a trio are not judged by a wrong clock", {TRIO, .now = 1, .server.ca_until = 0},
        "keep, keep, keep, managed, clock"},
    {"a trio whose CA has expired is refused", {TRIO, .server.ca_until = NOW},
        "refuse (server/ca.pem: the CA of server/cert.pem expired on 2027-06-01T00:00:00Z)"},
    {"a trio whose CA is from the future is refused", {TRIO, .server.ca_from = NOW + DAY},
        "refuse (server/ca.pem: the CA of server/cert.pem is not valid before 2027-06-02T00:00:00Z)"},
    {"a trio whose key is another's is refused", {TRIO, .server.pair.matches = false},
        "refuse (server/key.pem: is not the key of server/cert.pem)"},
    {"a trio with a sealed key is refused",
        {TRIO, .server.pair.key_problem = "is encrypted with a passphrase", .server.pair.key_sealed = true},
        "refuse (server/key.pem: is encrypted with a passphrase)"},
    {"a trio with a damaged certificate is refused",
        {TRIO, .server.pair.cert_problem = "is a damaged certificate"},
        "refuse (server/cert.pem: is a damaged certificate)"},
    {"a trio that its own CA does not vouch for is refused",
        {TRIO, .server.own_problem = "unsuitable certificate purpose"},
        "refuse (server/cert.pem: does not verify against server/ca.pem: unsuitable certificate purpose)"},
    {"a trio with a FIFO in it is refused", {TRIO, .server.hostile = "server/key.pem: is a FIFO"},
        "refuse (server/key.pem: is a FIFO)"},
    {"two files of the user's are no trio", {TRIO, USERS(server), .server.has_ca = false},
        "refuse (server/cert.pem: is yours, but server/{ca,cert,key}.pem are not all there)"},
    {"an unreadable CA key without trio is refused",
        {EMPTY, .ca = {.unreadable = true, .pair = {.has_key = true, .key_problem = "Permission denied"}}},
        "refuse (ca/key.pem: Permission denied)"},

    /* ---- a server certificate of the user's beside a CA key ---- */
    {"the user's server certificate from this CA is used", {GOOD, USERS(server)}, "keep, keep, keep"},
    {"the user's server certificate is not overwritten for a name", {GOOD, USERS(server), .names = &more},
        "keep, keep (it lacked IP:10.0.0.9), keep"},
    {"the user's server certificate is not overwritten when it is due",
        {GOOD, USERS(server), .server.pair.until = NOW + DAY},
        "keep, keep (less than a third of its life left), keep"},
    {"the user's server certificate is refused once it has expired",
        {GOOD, USERS(server), .server.pair.until = NOW},
        "refuse (server/cert.pem: expired on 2027-06-01T00:00:00Z)"},
    {"the user's server certificate keeps owner and mode", {GOOD, USERS(server), .server.access_ok = false},
        "keep, keep, keep"},
    {"the user's server certificate gets the ca.pem that it lacks",
        {GOOD, USERS(server), .server.has_ca = false, .server.ca_current = false, .server.ca_trusted = false,
            .server.own_problem = "there is no CA certificate"},
        "keep, keep, keep + server/ca.pem"},
    {"the user's server/ca.pem may hold more than our CA", {GOOD, USERS(server), .server.ca_current = false},
        "keep, keep, keep"},
    {"the user's server/ca.pem must hold our CA",
        {GOOD, USERS(server), .server.ca_current = false, .server.ca_trusted = false},
        "refuse (server/ca.pem: does not hold the CA in ca/, so clients of that CA would be refused)"},
    {"the user's server certificate from another CA is refused", {GOOD, USERS(server), STRANGE(server)},
        "refuse (server/cert.pem: is yours, but not from the CA in ca/)"},
    {"the user's server certificate is refused with another's key",
        {GOOD, USERS(server), .server.pair.matches = false},
        "refuse (server/key.pem: is not the key of server/cert.pem)"},
    {"the user's server certificate is refused without its key",
        {GOOD, USERS(server), .server.pair.matches = false, .server.pair.has_key = false},
        "refuse (server/key.pem: is missing)"},

    /* ---- leaves of ours ---- */
    {"leaves of another CA are issued again", {GOOD, STRANGE(server), STRANGE(client)},
        "keep, renew (unable to get local issuer certificate), renew (unable to get local issuer "
        "certificate)"},
    {"a leaf that strict clients refuse is renewed",
        {GOOD, .server.pair.strict = false, .client.pair.strict = false},
        "keep, renew (strict clients refuse it), renew (strict clients refuse it)"},
    {"a damaged server certificate is renewed",
        {GOOD, .server.pair.cert_problem = "is a damaged certificate", .server.pair.ours = false},
        "keep, renew (cert.pem is a damaged certificate), keep"},
    {"the user's client certificate from this CA keeps its name to the last day",
        {GOOD, USERS(client), .client.pair.until = NOW + 1}, "keep, keep, keep"},
    {"the user's client key keeps its mode", {GOOD, USERS(client), .client.access_ok = false},
        "keep, keep, keep"},
    {"the user's client certificate is replaced when it has expired",
        {GOOD, USERS(client), .client.pair.until = NOW}, "keep, keep, renew (expired)"},

    /* ---- ca.pem beside the leaves, owners and modes ---- */
    {"a missing server/ca.pem is written", {GOOD, .server.has_ca = false, .server.ca_current = false},
        "keep, keep, keep + server/ca.pem"},
    {"a client/ca.pem of another CA is written", {GOOD, .client.ca_current = false},
        "keep, keep, keep + client/ca.pem"},
    {"owner and mode of server files are mended", {GOOD, .server.access_ok = false},
        "keep, keep, keep + server access"},
    {"owner and mode of client files are mended", {GOOD, .client.access_ok = false},
        "keep, keep, keep + client access"},

    /* ---- files that cannot be touched ---- */
    {"something hostile in ca/ is refused", {GOOD, .ca.hostile = "ca/key.pem: is not a regular file"},
        "refuse (ca/key.pem: is not a regular file)"},
    {"something hostile in server/ is refused", {GOOD, .server.hostile = "server/cert.pem: is a folder"},
        "refuse (server/cert.pem: is a folder)"},
    {"a folder in client/ is refused", {GOOD, .client.hostile = "client/key.pem: is a folder"},
        "refuse (client/key.pem: is a folder)"},
    {"a CA file that cannot be read may be good", {GOOD, .ca.failed = "ca/key.pem: Input/output error"},
        "refuse (ca/key.pem: Input/output error)"},
    {"a server file that cannot be read may be good",
        {GOOD, .server.failed = "server/key.pem: Input/output error", .server.pair.key_problem = "x"},
        "refuse (server/key.pem: Input/output error)"},
    {"a client file that cannot be read may be good",
        {GOOD, .client.failed = "client/key.pem: Input/output error", .client.pair.key_problem = "x"},
        "refuse (client/key.pem: Input/output error)"},
    {"a trio that cannot be read is refused", {TRIO, .server.failed = "server/key.pem: Permission denied"},
        "refuse (server/key.pem: Permission denied)"},

    /* ---- links of a mounted Secret ---- */
    {"links that need nothing are fine", {GOOD, .server.linked = true, .ca.linked = true},
        "keep, keep, keep"},
    {"owner and mode of linked files stay", {GOOD, .server.linked = true, .server.access_ok = false},
        "keep, keep, keep"},
    {"linked files go on with a name missing", {GOOD, .server.linked = true, .names = &more},
        "keep, keep (it lacked IP:10.0.0.9), keep"},
    {"linked files that have expired are refused", {GOOD, .server.linked = true, .server.pair.until = NOW},
        "refuse (server/cert.pem: expired on 2027-06-01T00:00:00Z)"},
    {"linked files of another CA are refused", {GOOD, .server.linked = true, STRANGE(server)},
        "refuse (server/: has symbolic links where files must be written (unable to get local issuer "
        "certificate))"},
    {"a linked CA goes on when it is due", {GOOD, .ca.linked = true, .ca.pair.until = NOW + DAY},
        "keep (less than a third of its life left), keep, keep"},
    {"a linked CA that has expired is refused", {GOOD, .ca.linked = true, .ca.pair.until = NOW},
        "refuse (ca/: has symbolic links where files must be written (expired))"},
    {"a linked CA key may get a certificate beside it", {GOOD, .ca.linked = true, .ca.pair.has_cert = false},
        "renew (there was a key but no certificate), renew (the CA has another key), renew (the CA has "
        "another key) + server/ca.pem + client/ca.pem"},

    /* ---- read-only mounts ---- */
    {"a good store on a read-only mount is fine",
        {GOOD, .ca.read_only = true, .server.read_only = true, .client.read_only = true}, "keep, keep, keep"},
    {"a read-only server goes on with a name missing", {GOOD, .server.read_only = true, .names = &more},
        "keep, keep (it lacked IP:10.0.0.9), keep"},
    {"a read-only store goes on when everything is due",
        {GOOD, .ca.read_only = true, .server.read_only = true, .client.read_only = true,
            .ca.pair.until = NOW + DAY, .server.pair.until = NOW + DAY - 1,
            .client.pair.until = NOW + DAY - 1},
        "keep (less than a third of its life left), keep (less than a third of its life left), keep (less "
        "than a third of its life left)"},
    {"a read-only store goes on whatever tls.key asks for",
        {GOOD, .ca.read_only = true, .server.read_only = true, .client.read_only = true,
            .algorithm_chosen = true, .ca.pair.kind_wanted = false},
        "keep (tls.key asks for another kind of key), keep, keep"},
    {"a read-only server that has expired is refused",
        {GOOD, .server.read_only = true, .server.pair.until = NOW},
        "refuse (server/cert.pem: expired on 2027-06-01T00:00:00Z)"},
    {"a read-only server without certificate is refused",
        {GOOD, .server.read_only = true, .server.pair.has_cert = false},
        "refuse (server/cert.pem: is missing)"},
    {"a read-only server of another CA is refused", {GOOD, .server.read_only = true, STRANGE(server)},
        "refuse (server/: is on a read-only file system, so nothing can be issued (unable to get local "
        "issuer certificate))"},
    {"a read-only CA that has expired is refused", {GOOD, .ca.read_only = true, .ca.pair.until = NOW},
        "refuse (ca/: is on a read-only file system, so nothing can be issued (expired))"},
    {"an empty store on a read-only mount is refused",
        {EMPTY, .ca.read_only = true, .server.read_only = true, .client.read_only = true},
        "refuse (ca/: is on a read-only file system, so nothing can be issued (missing))"},
    {"the engine runs without client files", {GOOD, .client.read_only = true, .client.pair.has_cert = false},
        "keep, keep, keep (there was a key but no certificate)"},
    {"a read-only client/ca.pem of another CA is told",
        {GOOD, .client.read_only = true, .client.ca_current = false},
        "keep, keep, keep (ca.pem is not the CA's)"},
    {"owner and mode on a read-only mount stay",
        {GOOD, .server.read_only = true, .client.read_only = true, .server.access_ok = false,
            .client.access_ok = false},
        "keep, keep, keep"},

    /* ---- tls.renew_before ---- */
    {"certificates with more days left than asked for are kept",
        {GOOD, .renew_before = 30 * DAY, .server.pair = PAIR(825, 30), .client.pair = PAIR(825, 31)},
        "keep, keep, keep"},
    {"certificates with fewer days left than asked for are renewed",
        {GOOD, .renew_before = 300 * DAY, .server.pair = PAIR(825, 299), .client.pair = PAIR(825, 300)},
        "keep, renew (less than 300 days left), keep"},
    {"a CA is renewed in its last third however late leaves are",
        {GOOD, .renew_before = 7 * DAY, .ca.pair = PAIR(3650, 1216)},
        "renew (less than a third of its life left), keep, keep + server/ca.pem + client/ca.pem"},
    {"a CA that would cut leaves short of what is asked for is renewed before",
        {GOOD, .renew_before = 20 * DAY, .ca.pair = PAIR(30, 19), .server.pair = PAIR(30, 19),
            .client.pair = PAIR(30, 25)},
        "renew (less than 20 days left), renew (less than 20 days left), keep + server/ca.pem + "
        "client/ca.pem"},
    {"a leaf that lives as long as a CA that stays is not renewed for nothing",
        {GOOD, USERS(ca), .ca.pair.until = NOW + 10 * DAY, .server.pair.until = NOW + 10 * DAY,
            .client.pair.until = NOW + 9 * DAY},
        "keep, keep, renew (less than a third of its life left)"},
    {"a certificate is not replaced by one that ends before it",
        {GOOD, .life = 90 * DAY, .server.pair = PAIR(825, 200)}, "keep, keep, keep"},

    /* ---- clients by name ---- */
    {"a client by name is issued beside what is there", {GOOD, NAMED(NO_LEAF)},
        "keep, keep, keep, replace (missing) + named/ca.pem"},
    {"a first start issues all clients", {EMPTY, NAMED(NO_LEAF)},
        "replace (missing), replace (missing), replace (missing), replace (missing) + server/ca.pem + "
        "client/ca.pem + named/ca.pem"},
    {"a good client by name is left alone", {GOOD, NAMED(LEAF)}, "keep, keep, keep, keep"},
    {"a client by name is renewed when it is due", {GOOD, NAMED(LEAF), .named.pair = PAIR(825, 274)},
        "keep, keep, keep, renew (less than a third of its life left)"},
    {"a client by name must have that name", {GOOD, NAMED(LEAF), .named.pair.ours = false},
        "keep, keep, keep, renew (it had another common name)"},
    {"owner and mode of a client by name are mended", {GOOD, NAMED(LEAF), .named.access_ok = false},
        "keep, keep, keep, keep + named access"},
    {"a client of another CA is issued again", {GOOD, NAMED(LEAF), STRANGE(named)},
        "keep, keep, keep, renew (unable to get local issuer certificate)"},
    {"a new CA is a new CA for all clients",
        {GOOD, NAMED(LEAF), .algorithm_chosen = true, .ca.pair.kind_wanted = false},
        "replace (tls.key asks for another kind of key), renew (the CA is new), renew (the CA is new), renew "
        "(the CA is new) + server/ca.pem + client/ca.pem + named/ca.pem"},
    {"a folder in the place of a client's file is refused",
        {GOOD, NAMED(LEAF), .named.hostile = "clients/named/key.pem: is a folder"},
        "refuse (clients/named/key.pem: is a folder)"},
    {"a client's file that cannot be read may be good",
        {GOOD, NAMED(LEAF), .named.failed = "clients/named/key.pem: Input/output error"},
        "refuse (clients/named/key.pem: Input/output error)"},
    {"the engine runs without a client whose folder is read-only",
        {GOOD, NAMED(NO_LEAF), .named.read_only = true}, "keep, keep, keep, keep (missing)"},

    /* ---- the CA key goes ---- */
    {"a first start without keeping the CA key makes it and removes it", {EMPTY, .keep_ca_key = false},
        "replace (missing), replace (missing), replace (missing) + server/ca.pem + client/ca.pem - "
        "ca/key.pem"},
    {"the CA key of a good store goes when it is not to be kept", {GOOD, .keep_ca_key = false},
        "keep, keep, keep - ca/key.pem"},
    {"the CA key goes after what is due was issued",
        {GOOD, .keep_ca_key = false, .server.pair = PAIR(825, -1)},
        "keep, renew (expired), keep - ca/key.pem"},
    {"the user's CA key is not ours to remove", {GOOD, USERS(ca), .keep_ca_key = false}, "keep, keep, keep"},
    {"a linked CA key is not ours to remove", {GOOD, .ca.linked = true, .keep_ca_key = false},
        "keep, keep, keep"},
    {"a CA key on a read-only mount stays", {GOOD, .ca.read_only = true, .keep_ca_key = false},
        "keep, keep, keep"},
    {"a lone CA key goes too once it has issued",
        {GOOD, .keep_ca_key = false, .ca.pair.has_cert = false, .ca.pair.ours = false},
        "renew (there was a key but no certificate), renew (the CA has another key), renew (the CA has "
        "another "
        "key) + server/ca.pem + client/ca.pem - ca/key.pem"},

    /* ---- and is gone ---- */
    {"a store whose CA key is gone goes on", {KEYLESS}, "keep, keep, keep, keyless"},
    {"it goes on whether the key is to be kept or not", {KEYLESS, .keep_ca_key = true},
        "keep, keep, keep, keyless"},
    {"it goes on with clients by name", {KEYLESS, NAMED(LEAF)}, "keep, keep, keep, keep, keyless"},
    {"it goes on with a name missing, which is told", {KEYLESS, .names = &more},
        "keep, keep (it lacked IP:10.0.0.9), keep, keyless"},
    {"it goes on when certificates are due, which is told",
        {KEYLESS, .server.pair = PAIR(825, 3), .client.pair = PAIR(825, 2)},
        "keep, keep (less than a third of its life left), keep (less than a third of its life left), "
        "keyless"},
    {"it goes on whatever tls.key asks for",
        {KEYLESS, .algorithm_chosen = true, .client.pair.kind_wanted = false},
        "keep, keep, keep (tls.key asks for another kind of key), keyless"},
    {"owner and mode are mended without a CA key",
        {KEYLESS, NAMED(LEAF), .server.access_ok = false, .named.access_ok = false},
        "keep, keep, keep, keep + server access + named access, keyless"},
    {"it is refused once the server has expired", {KEYLESS, .server.pair.until = NOW},
        "refuse (server/cert.pem: expired on 2027-06-01T00:00:00Z)"},
    {"it is refused once a client has expired", {KEYLESS, .client.pair.until = NOW},
        "refuse (client/cert.pem: is expired, and without ca/key.pem nothing can be issued)"},
    {"it is refused without the default client", {KEYLESS, .client = NO_LEAF},
        "refuse (client/key.pem: is missing, and without ca/key.pem nothing can be issued)"},
    {"it is refused for a new client", {KEYLESS, NAMED(NO_LEAF)},
        "refuse (clients/named/key.pem: is missing, and without ca/key.pem nothing can be issued)"},
    {"it is refused for a client with another name", {KEYLESS, NAMED(LEAF), .named.pair.ours = false},
        "refuse (clients/named/cert.pem: has another common name, and without ca/key.pem nothing can be "
        "issued)"},
    {"it is refused for a client without ca.pem", {KEYLESS, NAMED(LEAF), .named.has_ca = false},
        "refuse (clients/named/ca.pem: is missing, and without ca/key.pem nothing can be issued)"},
    {"it is refused for a client with a damaged key",
        {KEYLESS, NAMED(LEAF), .named.pair.key_problem = "is a damaged private key"},
        "refuse (clients/named/key.pem: is a damaged private key, and without ca/key.pem nothing can be "
        "issued)"},
    {"it is refused for a client with a damaged certificate",
        {KEYLESS, NAMED(LEAF), .named.pair.cert_problem = "is a damaged certificate"},
        "refuse (clients/named/cert.pem: is a damaged certificate, and without ca/key.pem nothing can be "
        "issued)"},
    {"it is refused for a client with a key of another certificate", {KEYLESS, .client.pair.matches = false},
        "refuse (client/cert.pem: is not the certificate of key.pem, and without ca/key.pem nothing can be "
        "issued)"},
    {"it is refused for a client of another CA",
        {KEYLESS, NAMED(LEAF), .named.server_problem = "unable to get local issuer certificate"},
        "refuse (clients/named/cert.pem: does not verify against server/ca.pem (unable to get local issuer "
        "certificate), and without ca/key.pem nothing can be issued)"},
    {"it is refused for a client's file that cannot be read",
        {KEYLESS, NAMED(LEAF), .named.failed = "clients/named/key.pem: Input/output error"},
        "refuse (clients/named/key.pem: Input/output error)"},
    {"nothing is renewed without a CA key", {KEYLESS, .scope = DECIDE_RENEWAL},
        "refuse (ca/key.pem: is missing, so nothing can be renewed)"},
    {"a trio of ours alone, from a Secret, needs no client", {TRIO}, "keep, keep, keep, managed"},
    {"clients by name must be there where the user manages the CA", {TRIO, NAMED(NO_LEAF)},
        "refuse (clients/named/key.pem: is missing, and without ca/key.pem nothing can be issued)"},
    {"clients by name that are there are used where the user manages the CA",
        {TRIO, USERS(server), NAMED(LEAF), .named.pair.ours = false, STRANGE(named)},
        "keep, keep, keep, keep, managed"},

    /* ---- only clients ---- */
    {"a client alone is issued and nothing else is touched",
        {GOOD, .scope = DECIDE_CLIENTS, .server.pair.until = NOW, .server.access_ok = false,
            .client = NO_LEAF},
        "keep, keep, replace (missing) + client/ca.pem"},
    {"a client alone that is good is kept", {GOOD, .scope = DECIDE_CLIENTS}, "keep, keep, keep"},
    {"a client alone is issued from a CA that is due",
        {GOOD, .scope = DECIDE_CLIENTS, .client = NO_LEAF, .ca.pair.until = NOW + DAY},
        "keep (less than a third of its life left), keep, replace (missing) + client/ca.pem"},
    {"a client alone is not issued from a CA that has expired",
        {GOOD, .scope = DECIDE_CLIENTS, .client = NO_LEAF, .ca.pair.until = NOW},
        "refuse (ca/cert.pem: cannot issue as it is (expired))"},
    {"a client alone is not issued without a CA", {EMPTY, .scope = DECIDE_CLIENTS},
        "refuse (ca/key.pem: is missing, so nothing can be issued)"},
    {"a client alone is not issued without the CA's key",
        {KEYLESS, .scope = DECIDE_CLIENTS, .client = NO_LEAF},
        "refuse (ca/key.pem: is missing, so nothing can be issued)"},
    {"a client alone does not cost the CA its key",
        {GOOD, .scope = DECIDE_CLIENTS, .keep_ca_key = false, .client = NO_LEAF},
        "keep, keep, replace (missing) + client/ca.pem"},

    /* ---- everything again ---- */
    {"good leaves are issued again when that is asked for", {GOOD, NAMED(LEAF), .scope = DECIDE_RENEWAL},
        "keep, renew (asked for), renew (asked for), renew (asked for)"},
    {"what is missing is made, and the rest issued again", {GOOD, .client = NO_LEAF, .scope = DECIDE_RENEWAL},
        "keep, renew (asked for), replace (missing) + client/ca.pem"},
    {"the user's leaves are not issued again", {GOOD, USERS(server), USERS(client), .scope = DECIDE_RENEWAL},
        "keep, keep (asked for), keep (asked for)"},
};

static void add_answer(struct text *out, const char *separator, const struct decide_answer *a)
{
    static const char *const verdicts[] = {
        [DECIDE_KEEP] = "keep",
        [DECIDE_RENEW] = "renew",
        [DECIDE_REPLACE] = "replace",
        [DECIDE_REFUSE] = "refuse",
    };

    text_addf(out, "%s%s", separator, verdicts[a->verdict]);
    if (a->reason[0])
        text_addf(out, " (%s)", a->reason);
    /* Whoever is refused must know what to do, and whatever is done must have a reason. */
    assert_int_equal(a->hint[0] != '\0', a->verdict == DECIDE_REFUSE);
    assert_true(a->reason[0] || a->verdict == DECIDE_KEEP);
}

/* Beside a refusal nothing else is done, so nothing else counts. */
static char *render(const struct decision *d)
{
    cleanup_text struct text out = {0};

    if (decide_refusal(d)) {
        add_answer(&out, "", decide_refusal(d));
        return str_dup(text_get(&out));
    }
    add_answer(&out, "", &d->ca);
    add_answer(&out, ", ", &d->server);
    for (size_t i = 0; i < d->client_count; i++)
        add_answer(&out, ", ", &d->clients[i]);
    text_add(&out, d->server.ca_pem ? " + server/ca.pem" : "");
    for (size_t i = 0; i < d->client_count; i++)
        if (d->clients[i].ca_pem)
            text_addf(&out, " + %s/ca.pem", i ? "named" : "client");
    text_add(&out, d->server.access ? " + server access" : "");
    for (size_t i = 0; i < d->client_count; i++)
        if (d->clients[i].access)
            text_addf(&out, " + %s access", i ? "named" : "client");
    text_add(&out, d->remove_ca_key ? " - ca/key.pem" : "");
    text_add(&out, d->keyless ? ", keyless" : d->managed ? ", managed" : "");
    text_add(&out, d->clock_wrong ? ", clock" : "");
    return str_dup(text_get(&out));
}

static void one(void **state)
{
    const struct sample *sample = *state;
    const struct situation *in = &sample->in;
    struct decide_leaf clients[] = {in->client, in->named};
    const struct decide_input input = {.ca = in->ca,
        .server = in->server,
        .clients = clients,
        .client_count = in->two_clients ? 2 : 1,
        .names = in->names,
        .algorithm_chosen = in->algorithm_chosen,
        .scope = in->scope,
        .keep_ca_key = in->keep_ca_key,
        .life = in->life,
        .renew_before = in->renew_before,
        .now = in->now};
    struct decision decision cleanup(decision_free) = {0};

    clients[0].shown = "client";
    clients[0].implied = true;
    clients[1].shown = "clients/named";
    clients[1].named = true;
    decide(&input, &decision);
    char *answer cleanup_free = render(&decision);
    if (strcmp(answer, sample->answer) != 0)
        fail_msg("%s:\n  answer %s\n  wanted %s", sample->name, answer, sample->answer);
}

static void the_first_refusal_counts(void **state)
{
    struct decide_answer clients[] = {{.verdict = DECIDE_KEEP}, {.verdict = DECIDE_REFUSE}};
    struct decision d = {.server.verdict = DECIDE_REFUSE, .clients = clients, .client_count = 2};
    (void)state;

    assert_ptr_equal(decide_refusal(&d), &d.server);
    d.ca.verdict = DECIDE_REFUSE;
    assert_ptr_equal(decide_refusal(&d), &d.ca);
    d.ca.verdict = d.server.verdict = DECIDE_KEEP;
    assert_ptr_equal(decide_refusal(&d), &clients[1]);
    d = (struct decision){.ca.verdict = DECIDE_REPLACE};
    assert_null(decide_refusal(&d));
}

static void only_a_decision_that_writes_nothing_is_idle(void **state)
{
    struct decide_answer clients[][2] = {
        {[1] = {.verdict = DECIDE_REPLACE}}, {[1] = {.ca_pem = true}}, {[1] = {.access = true}}};
    struct decide_answer kept[2] = {{.verdict = DECIDE_KEEP, .reason = "it lacked DNS:x"}};
    const struct decision busy[] = {
        {.ca.verdict = DECIDE_RENEW},
        {.server.verdict = DECIDE_RENEW},
        {.server.ca_pem = true},
        {.server.access = true},
        {.remove_ca_key = true},
        {.clients = clients[0], .client_count = 2},
        {.clients = clients[1], .client_count = 2},
        {.clients = clients[2], .client_count = 2},
    };
    const struct decision idle = {.clock_wrong = true, .clients = kept, .client_count = 2};
    (void)state;

    assert_true(decide_is_idle(&idle));
    for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
        assert_false(decide_is_idle(&busy[i]));
}

static void certificates_are_never_made_for_a_time_before_the_build(void **state)
{
    (void)state;
    assert_int_equal(decide_time(0), DECIDE_EARLIEST);
    assert_int_equal(decide_time(DECIDE_EARLIEST - 1), DECIDE_EARLIEST);
    assert_int_equal(decide_time(NOW), NOW);
}

static int fill_names(void **state)
{
    (void)state;
    strings_add(&wanted, "DNS:docker");
    strings_add(&wanted, "IP:10.0.0.1");
    strings_add_all(&all, &wanted);
    strings_add(&all, "DNS:localhost");
    strings_add_all(&more, &all);
    strings_add(&more, "IP:10.0.0.9");
    return 0;
}

static int free_names(void **state)
{
    (void)state;
    strings_free(&wanted);
    strings_free(&all);
    strings_free(&more);
    return 0;
}

int main(void)
{
    enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };
    static struct sample copies[SAMPLES];
    struct CMUnitTest table[SAMPLES];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_refusal_counts),
        cmocka_unit_test(only_a_decision_that_writes_nothing_is_idle),
        cmocka_unit_test(certificates_are_never_made_for_a_time_before_the_build),
    };

    for (size_t i = 0; i < SAMPLES; i++) {
        copies[i] = samples[i];
        table[i] =
            (struct CMUnitTest){.name = samples[i].name, .test_func = one, .initial_state = &copies[i]};
    }
    int failed = _cmocka_run_group_tests("table", table, SAMPLES, fill_names, free_names);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
