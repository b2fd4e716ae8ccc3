/*
 * Certificate files. What is accepted can be described, named and verified, and written out it reads back as
 * the same certificates; what is not leaves words.
 */
#include "fuzz.h"

#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/names.h"

static void check_reads_back(const struct chain *chain)
{
    cleanup_text struct text pem = {0};
    cleanup_chain struct chain again = {0};
    struct err e = {0};

    for (int i = 0; i < sk_X509_num(chain->stack); i++)
        CHECK(issue_to_pem(sk_X509_value(chain->stack, i), &pem, &e) == 0);
    CHECK(!inspect_parse(&pem, &again));
    CHECK(sk_X509_num(again.stack) == sk_X509_num(chain->stack));
    for (int i = 0; i < sk_X509_num(chain->stack); i++)
        CHECK(X509_cmp(sk_X509_value(chain->stack, i), sk_X509_value(again.stack, i)) == 0);
}

static void look(const struct chain *chain)
{
    for (int i = 0; i < sk_X509_num(chain->stack); i++) {
        X509 *certificate = sk_X509_value(chain->stack, i);
        cleanup_strings struct strings names = {0};
        struct decide_pair pair = {0};
        names_of(certificate, &names);
        for (size_t n = 0; n < names.count; n++)
            CHECK(str_starts(names.items[n], "DNS:") || str_starts(names.items[n], "IP:"));
        inspect_describe(certificate, NULL, i ? ISSUE_CA_NAME : ISSUE_SERVER_NAME, &pair);
        CHECK(!pair.matches);
    }
    for (int server = 0; server < 2; server++) {
        const char *problem = inspect_verify(chain, chain, server);
        CHECK(!problem || *problem);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_text struct text pem = {0};
    cleanup_chain struct chain chain = {0};
    struct err e = {0};

    CHECK(ossl_start(&e) == 0);
    text_add_n(&pem, (const char *)data, size);
    const char *problem = inspect_parse(&pem, &chain);
    if (problem) {
        check_message(problem);
        CHECK(!chain.stack);
        return 0;
    }
    CHECK(sk_X509_num(chain.stack) > 0);
    check_reads_back(&chain);
    look(&chain);
    return 0;
}
