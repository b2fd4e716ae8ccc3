/* Drives the certs layer from test scripts: certs_tool [OPTION…] DIR [NAME…] */
#include "certs/certs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char *const algorithms[] = {
    [CERTS_ECDSA_P256] = "ecdsa-p256",
    [CERTS_ECDSA_P384] = "ecdsa-p384",
    [CERTS_ED25519] = "ed25519",
    [CERTS_RSA_2048] = "rsa-2048",
    [CERTS_RSA_3072] = "rsa-3072",
    [CERTS_RSA_4096] = "rsa-4096",
};

static int usage(void)
{
    (void)fputs(
        "usage: certs_tool [--preview] [--key KIND] [--days N] [--now SECONDS] [--owner UID] DIR [NAME...]\n",
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

static bool parse(int argc, char **argv, struct certs_request *request, bool *preview)
{
    static const struct option options[] = {
        {"preview", no_argument, NULL, 'p'},
        {"key", required_argument, NULL, 'k'},
        {"days", required_argument, NULL, 'd'},
        {"now", required_argument, NULL, 'n'},
        {"owner", required_argument, NULL, 'o'},
        {0},
    };
    long long number = 0;

    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
         c = getopt_long(argc, argv, "", options, NULL)) {
        if (c == 'p')
            *preview = true;
        else if (c == 'k' && algorithm_by_name(optarg, request))
            continue;
        else if (c == 'd' && parse_number(optarg, 1, 825, &number))
            request->days = number;
        else if (c == 'n' && parse_number(optarg, 0, 1LL << 40, &number))
            request->now = (time_t)number;
        else if (c == 'o' && parse_number(optarg, 0, 1LL << 30, &number)) {
            request->uid = (uid_t)number;
            request->gid = (gid_t)number;
        } else
            return false;
    }
    return optind < argc;
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
    struct certs_request request = {.names = &names, .days = 825, .uid = geteuid(), .gid = getegid()};
    struct err e = {0};
    bool preview = false;

    request.now = time(NULL);
    if (!parse(argc, argv, &request, &preview))
        return usage();
    request.dir = argv[optind];
    for (int i = optind + 1; i < argc; i++) {
        if (certs_names_add(&names, argv[i], "argument", &e) == 0)
            continue;
        (void)fprintf(stderr, "error: %s\nhint: %s\n", e.what, e.hint);
        return 1;
    }
    return run(&request, preview);
}
