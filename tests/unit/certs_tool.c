/* Drives the certs layer from test scripts: certs_tool [OPTION…] DIR [NAME…] */
#include "certs/certs.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const algorithms[] = {
    [CERTS_ECDSA_P256] = "ecdsa-p256",
    [CERTS_ECDSA_P384] = "ecdsa-p384",
    [CERTS_ED25519] = "ed25519",
    [CERTS_RSA_2048] = "rsa-2048",
    [CERTS_RSA_3072] = "rsa-3072",
    [CERTS_RSA_4096] = "rsa-4096",
};

enum { MAX_CLIENTS = 1000 };

/* The first one is the default client. */
static struct certs_client clients[MAX_CLIENTS];

static int usage(void)
{
    (void)fputs(
        "usage: certs_tool [--preview | --look] [--key KIND] [--days N] [--ca-days N] [--renew-before N]\n"
        "       [--now SECONDS] [--owner UID] [--client NAME[,DIR[,UID[,MODE]]]]... [--asked] [--no-ca-key]\n"
        "       [--renew | --clients] DIR [NAME...]\n",
        stderr);
    return 64;
}

static bool algorithm_by_name(const char *name, struct certs_request *request)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (strcmp(algorithms[i], name) != 0)
            continue;
        request->algorithm = (enum certs_algorithm)i;
        request->algorithm_chosen = true;
        return true;
    }
    return false;
}

/* "NAME", "NAME,DIR", "NAME,DIR,UID" or "NAME,DIR,UID,MODE"; an empty DIR is none. */
static bool add_client(struct certs_request *request, char *words)
{
    struct certs_client *client = &clients[request->client_count];
    char *dir = strchr(words, ','), *uid = dir ? strchr(dir + 1, ',') : NULL;
    char *mode = uid ? strchr(uid + 1, ',') : NULL;
    long long number = geteuid();

    for (char **at = (char *[]){dir, uid, mode, NULL}; *at; at++)
        **at = '\0';
    if (request->client_count == MAX_CLIENTS || (uid && !parse_number(uid + 1, 0, 1LL << 30, &number)))
        return false;
    if (strcmp(words, CERTS_DEFAULT_CLIENT) == 0)
        client = &clients[0];
    else
        request->client_count++;
    *client = (struct certs_client){
        .name = words,
        .dir = dir && dir[1] ? dir + 1 : NULL,
        .uid = (uid_t)number,
        .gid = uid ? (gid_t)number : getegid(),
        .mode = mode ? (mode_t)strtoul(mode + 1, NULL, 8) : 0600,
    };
    return true;
}

struct what {
    bool preview, look;
};

static bool parse_one(int c, struct certs_request *request, struct what *what)
{
    long long number = 0;

    switch (c) {
    case 'p':
        return what->preview = true;
    case 'l':
        return what->look = true;
    case 'k':
        return algorithm_by_name(optarg, request);
    case 'd':
        return parse_number(optarg, 1, 825, &request->days);
    case 'D':
        return parse_number(optarg, 1, 36500, &request->ca_days);
    case 'b':
        return parse_number(optarg, 1, 824, &request->renew_before);
    case 'x':
        request->keep_ca_key = false;
        return true;
    case 'r':
        request->scope = CERTS_RENEWAL;
        return true;
    case 's':
        request->scope = CERTS_CLIENTS;
        return true;
    case 'c':
        return add_client(request, optarg);
    case 'a':
        clients[0].implied = false;
        return true;
    case 'n':
        if (!parse_number(optarg, 0, 1LL << 40, &number))
            return false;
        request->now = (time_t)number;
        return true;
    case 'o':
        if (!parse_number(optarg, 0, 1LL << 30, &number))
            return false;
        request->uid = clients[0].uid = (uid_t)number;
        request->gid = clients[0].gid = (gid_t)number;
        return true;
    default:
        return false;
    }
}

static bool parse(int argc, char **argv, struct certs_request *request, struct what *what)
{
    static const struct option options[] = {
        {"preview", no_argument, NULL, 'p'},
        {"look", no_argument, NULL, 'l'},
        {"key", required_argument, NULL, 'k'},
        {"days", required_argument, NULL, 'd'},
        {"ca-days", required_argument, NULL, 'D'},
        {"renew-before", required_argument, NULL, 'b'},
        {"no-ca-key", no_argument, NULL, 'x'},
        {"renew", no_argument, NULL, 'r'},
        {"clients", no_argument, NULL, 's'},
        {"client", required_argument, NULL, 'c'},
        {"asked", no_argument, NULL, 'a'},
        {"now", required_argument, NULL, 'n'},
        {"owner", required_argument, NULL, 'o'},
        {0},
    };

    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
         c = getopt_long(argc, argv, "", options, NULL))
        if (!parse_one(c, request, what))
            return false;
    return optind < argc;
}

static int look(const struct certs_request *request)
{
    static const char *const states[] = {[CERTS_GOOD] = "good",
        [CERTS_DUE] = "due",
        [CERTS_LEFT] = "left",
        [CERTS_BAD] = "bad",
        [CERTS_UNJUDGED] = "unjudged"};
    struct certs_list list = {0};
    struct err e = {0};

    if (certs_look(request, &list, &e) < 0) {
        (void)fprintf(stderr, "error: %s\nhint: %s\n", e.what, e.hint);
        return 1;
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct certs_entry *entry = &list.entries[i];
        (void)printf("%s|%s|%s|%s|%s\n", entry->file, states[entry->state], entry->words,
            entry->subject ? entry->subject : "", entry->key ? entry->key : "");
    }
    if (!list.works)
        (void)printf("refusal: %s\n", list.refusal);
    certs_list_free(&list);
    return 0;
}

static int run(const struct certs_request *request, bool preview)
{
    static const char *const outcomes[] = {
        [CERTS_VERIFIED] = "verified", [CERTS_KEPT] = "kept", [CERTS_ISSUED] = "issued"};
    struct certs_result result = {0};
    struct err e = {0};

    if ((preview ? certs_preview(request, &result, &e) : certs_ensure(request, &result, &e)) < 0) {
        (void)fprintf(stderr, "error: %s\nhint: %s\n", e.what, e.hint);
        return 1;
    }
    (void)printf("%s: %s\n", outcomes[result.outcome], result.summary);
    (void)printf("until: %lld\n", (long long)result.until);
    for (size_t i = 0; i < result.notes.count; i++)
        (void)printf("note: %s\n", result.notes.items[i]);
    certs_result_free(&result);
    return 0;
}

int main(int argc, char **argv)
{
    cleanup_strings struct strings names = {0};
    struct certs_request request = {.names = &names,
        .days = 825,
        .ca_days = 3650,
        .keep_ca_key = true,
        .uid = geteuid(),
        .gid = getegid(),
        .clients = clients,
        .client_count = 1};
    struct what what = {0};
    struct err e = {0};

    clients[0] = (struct certs_client){
        .name = CERTS_DEFAULT_CLIENT, .uid = geteuid(), .gid = getegid(), .mode = 0644, .implied = true};
    request.now = time(NULL);
    if (!parse(argc, argv, &request, &what))
        return usage();
    if (request.scope == CERTS_CLIENTS) {
        request.clients++;
        request.client_count--;
    }
    request.dir = argv[optind];
    for (int i = optind + 1; i < argc; i++) {
        if (certs_names_add(&names, argv[i], "argument", &e) == 0)
            continue;
        (void)fprintf(stderr, "error: %s\nhint: %s\n", e.what, e.hint);
        return 1;
    }
    return what.look ? look(&request) : run(&request, what.preview);
}
