/* From the bytes of a store to the facts that the decision goes by. */
#include "harness.h"

#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/key.h"
#include "certs/names.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define DAY ((time_t)86400)
#define NOW ((time_t)1811808000) /* 2027-06-01T00:00:00Z */

/* A key and its certificate. */
struct pair {
    EVP_PKEY *key;
    X509 *certificate;
};

static struct pair ca, other_ca, server, client;
static struct strings names;
static struct certs_client default_client;
static struct certs_request request;

static void pair_free(struct pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->certificate);
}

#define cleanup_pair cleanup(pair_free)

static struct pair make_ca(void)
{
    struct pair made = {0};
    struct err e;

    assert_int_equal(key_make(CERTS_ECDSA_P256, &made.key, &e), 0);
    assert_int_equal(issue_ca(made.key, 3650, NOW, &made.certificate, &e), 0);
    return made;
}

static struct pair make_leaf(const char *common_name, bool for_server, const struct pair *issuer)
{
    const struct issue_leaf leaf = {
        .common_name = common_name, .server = for_server, .names = for_server ? &names : NULL, .days = 825};
    struct pair made = {0};
    struct err e;

    assert_int_equal(key_make(CERTS_ECDSA_P256, &made.key, &e), 0);
    assert_int_equal(
        issue_leaf(&leaf, made.key, issuer->certificate, issuer->key, NOW, &made.certificate, &e), 0);
    return made;
}

static void add_certificate(struct text *pem, X509 *certificate)
{
    struct err e;

    assert_int_equal(issue_to_pem(certificate, pem, &e), 0);
}

static void put(
    struct store_content *content, size_t folder, enum store_name name, EVP_PKEY *key, X509 *certificate)
{
    struct store_file *file = &content->places[folder].files[name];
    struct err e;

    text_free(&file->content);
    *file = (struct store_file){.state = STORE_PRESENT,
        .mode = name == STORE_KEY_PEM && folder != STORE_CLIENTS ? 0600 : 0644,
        .uid = request.uid,
        .gid = request.gid};
    if (key)
        assert_int_equal(key_to_pem(key, &file->content, &e), 0);
    if (certificate)
        add_certificate(&file->content, certificate);
}

static void put_pair(struct store_content *content, size_t folder, const struct pair *pair)
{
    put(content, folder, STORE_KEY_PEM, pair->key, NULL);
    put(content, folder, STORE_CERT_PEM, NULL, pair->certificate);
}

static struct store_content no_store(void)
{
    return (struct store_content){.places = mem_zero(3, sizeof(struct store_place)), .count = 3};
}

static struct store_content good_store(void)
{
    struct store_content content = no_store();

    put_pair(&content, STORE_CA, &ca);
    put_pair(&content, STORE_SERVER, &server);
    put_pair(&content, STORE_CLIENTS, &client);
    put(&content, STORE_SERVER, STORE_CA_PEM, NULL, ca.certificate);
    put(&content, STORE_CLIENTS, STORE_CA_PEM, NULL, ca.certificate);
    return content;
}

#define cleanup_content cleanup(store_content_free)
#define cleanup_inspected cleanup(inspected_free)

static void a_good_store_has_nothing_to_be_said_against_it(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    struct decision decision cleanup(decision_free) = {0};
    (void)state;

    inspect(&content, &request, &got);
    const struct decide_input *in = &got.input;
    const struct decide_pair *pairs[] = {&in->ca.pair, &in->server.pair, &in->clients[0].pair};
    for (size_t i = 0; i < 3; i++) {
        assert_true(pairs[i]->has_key && pairs[i]->has_cert && pairs[i]->kind_wanted && pairs[i]->strong);
        assert_true(pairs[i]->ours && pairs[i]->matches && pairs[i]->strict);
        assert_null(pairs[i]->key_problem);
        assert_null(pairs[i]->cert_problem);
        assert_int_equal(pairs[i]->from, NOW - 3600);
    }
    assert_int_equal(in->server.pair.until, issue_until(NOW, 825));
    assert_int_equal(in->server.ca_until, NOW + 3650 * DAY);
    assert_int_equal(in->server.ca_from, NOW - 3600);
    assert_true(in->server.ca_current && in->server.ca_trusted && in->server.access_ok);
    assert_null(in->server.chain_problem);
    assert_null(in->server.own_problem);
    assert_null(in->clients[0].chain_problem);
    assert_null(names_missing(in->server.names, &names));
    decide(in, &decision);
    assert_true(decide_is_idle(&decision));
    assert_int_equal(ERR_peek_error(), 0);
}

static void an_empty_store_has_nothing(void **state)
{
    struct store_content content cleanup_content = no_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    inspect(&content, &request, &got);
    assert_false(got.input.ca.pair.has_key || got.input.ca.pair.has_cert || got.input.server.has_ca);
    assert_true(got.input.server.access_ok && got.clients[0].access_ok);
    assert_int_equal(got.ca_pem.length, 0);
}

static void a_private_key_beside_the_ca_certificate_goes_nowhere(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    put(&content, STORE_CA, STORE_CERT_PEM, ca.key, ca.certificate);
    text_add(&content.places[STORE_CA].files[STORE_CERT_PEM].content, "and a remark\n");
    assert_contains(text_get(&content.places[STORE_CA].files[STORE_CERT_PEM].content), "PRIVATE KEY");
    inspect(&content, &request, &got);
    assert_null(strstr(text_get(&got.ca_pem), "PRIVATE KEY"));
    assert_true(str_starts(text_get(&got.ca_pem), "-----BEGIN CERTIFICATE-----"));
    /* The copies beside the leaves are still exactly that. */
    assert_true(got.input.server.ca_current && got.clients[0].ca_current);
}

static void a_bundle_that_holds_the_ca_is_trusted_but_not_current(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    put(&content, STORE_SERVER, STORE_CA_PEM, NULL, other_ca.certificate);
    add_certificate(&content.places[STORE_SERVER].files[STORE_CA_PEM].content, ca.certificate);
    put(&content, STORE_CLIENTS, STORE_CA_PEM, NULL, other_ca.certificate);
    inspect(&content, &request, &got);
    assert_true(got.input.server.ca_trusted && !got.input.server.ca_current);
    assert_null(got.input.server.own_problem);
    assert_false(got.clients[0].ca_trusted || got.clients[0].ca_current);
    assert_non_null(got.clients[0].own_problem);
    assert_null(got.clients[0].chain_problem);
}

static void a_renewed_ca_is_the_same_ca(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    struct pair renewed cleanup_pair = {0};
    struct err e;
    (void)state;

    assert_int_equal(issue_ca(ca.key, 3650, NOW + DAY, &renewed.certificate, &e), 0);
    put(&content, STORE_CA, STORE_CERT_PEM, NULL, renewed.certificate);
    inspect(&content, &request, &got);
    assert_true(got.input.server.ca_trusted && !got.input.server.ca_current);
    assert_null(got.input.server.chain_problem);
}

static void leaves_of_another_ca_do_not_chain(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    put_pair(&content, STORE_CA, &other_ca);
    inspect(&content, &request, &got);
    assert_non_null(got.input.server.chain_problem);
    assert_non_null(got.clients[0].chain_problem);
    assert_null(got.input.server.own_problem);
}

static void server_and_client_certificates_do_not_stand_in_for_each_other(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    put_pair(&content, STORE_SERVER, &client);
    put_pair(&content, STORE_CLIENTS, &server);
    inspect(&content, &request, &got);
    assert_string_equal(got.input.server.chain_problem, "unsuitable certificate purpose");
    assert_string_equal(got.clients[0].chain_problem, "unsuitable certificate purpose");
    assert_false(got.input.server.pair.ours || got.clients[0].pair.ours);
}

static void keys_and_certificates_of_different_pairs_do_not_match(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    put(&content, STORE_SERVER, STORE_KEY_PEM, client.key, NULL);
    put(&content, STORE_CA, STORE_KEY_PEM, other_ca.key, NULL);
    inspect(&content, &request, &got);
    assert_false(got.input.server.pair.matches || got.input.ca.pair.matches);
    assert_true(got.clients[0].pair.matches);
}

static void a_leaf_is_no_ca(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    put_pair(&content, STORE_CA, &server);
    inspect(&content, &request, &got);
    assert_false(got.input.ca.is_ca);
    assert_false(got.input.ca.pair.ours);
}

static void only_our_own_subjects_are_ours(void **state)
{
    static const char *const strangers[] = {
        "docker:dind serve", "docker:dind server2", "docker:dind ca", "my-ca", ISSUE_CLIENT_NAME};
    (void)state;

    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        struct pair leaf cleanup_pair = make_leaf(strangers[i], true, &ca);
        struct decide_pair got = {0};
        inspect_describe(leaf.certificate, leaf.key, ISSUE_SERVER_NAME, &got);
        assert_false(got.ours);
        assert_true(got.matches && got.strict);
    }
}

static void a_subject_with_more_than_our_name_is_not_ours(void **state)
{
    struct pair leaf cleanup_pair = make_leaf(ISSUE_SERVER_NAME, true, &ca);
    struct decide_pair got = {0};
    (void)state;

    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(leaf.certificate), "O", MBSTRING_ASC,
                         (const unsigned char *)"example", -1, -1, 0),
        1);
    inspect_describe(leaf.certificate, NULL, ISSUE_SERVER_NAME, &got);
    assert_false(got.ours);
}

static void without(X509 *certificate, int nid)
{
    X509_EXTENSION_free(X509_delete_ext(certificate, X509_get_ext_by_NID(certificate, nid, -1)));
}

static X509 *reparsed(X509 *certificate, EVP_PKEY *signer)
{
    unsigned char *der = NULL;

    assert_true(X509_sign(certificate, signer, key_digest(signer)) > 0);
    int length = i2d_X509(certificate, &der);
    const unsigned char *at = der;
    X509 *again = d2i_X509(NULL, &at, length);
    OPENSSL_free(der);
    return again;
}

static bool strict_without(const struct pair *pair, const char *name, int nid)
{
    X509 *changed cleanup_ossl(X509) = X509_dup(pair->certificate);
    struct decide_pair got = {0};

    if (nid)
        without(changed, nid);
    X509 *read cleanup_ossl(X509) = reparsed(changed, ca.key);
    inspect_describe(read, NULL, name, &got);
    return got.strict;
}

static void what_strict_verifiers_miss_is_missed(void **state)
{
    (void)state;
    assert_true(strict_without(&ca, ISSUE_CA_NAME, 0));
    assert_false(strict_without(&ca, ISSUE_CA_NAME, NID_basic_constraints));
    assert_false(strict_without(&ca, ISSUE_CA_NAME, NID_key_usage));
    assert_false(strict_without(&ca, ISSUE_CA_NAME, NID_subject_key_identifier));
    assert_true(strict_without(&server, ISSUE_SERVER_NAME, 0));
    assert_false(strict_without(&server, ISSUE_SERVER_NAME, NID_authority_key_identifier));
    assert_false(strict_without(&server, ISSUE_SERVER_NAME, NID_ext_key_usage));
    assert_true(strict_without(&server, ISSUE_SERVER_NAME, NID_subject_key_identifier));
}

static void basic_constraints_of_a_ca_must_be_critical(void **state)
{
    X509 *changed cleanup_ossl(X509) = X509_dup(ca.certificate);
    struct decide_pair got = {0};
    (void)state;

    X509_EXTENSION *constraints =
        X509_get_ext(changed, X509_get_ext_by_NID(changed, NID_basic_constraints, -1));
    assert_int_equal(X509_EXTENSION_set_critical(constraints, 0), 1);
    X509 *read cleanup_ossl(X509) = reparsed(changed, ca.key);
    inspect_describe(read, ca.key, ISSUE_CA_NAME, &got);
    assert_true(got.matches);
    assert_false(got.strict);
}

static void a_version_1_certificate_is_not_strict(void **state)
{
    X509 *changed cleanup_ossl(X509) = X509_dup(server.certificate);
    struct decide_pair got = {0};
    (void)state;

    assert_int_equal(X509_set_version(changed, X509_VERSION_1), 1);
    inspect_describe(changed, NULL, ISSUE_SERVER_NAME, &got);
    assert_false(got.strict);
}

static void an_intermediate_in_the_chain_or_as_anchor_is_enough(void **state)
{
    struct pair middle cleanup_pair = {0};
    cleanup_text struct text chain_pem = {0}, root_pem = {0}, middle_pem = {0};
    cleanup_chain struct chain chain = {0}, root = {0}, anchor = {0}, alone = {0};
    cleanup_text struct text alone_pem = {0};
    struct err e;
    (void)state;

    /* A CA below a CA: the root must allow it, so it is made by hand. */
    assert_int_equal(key_make(CERTS_ECDSA_P256, &middle.key, &e), 0);
    assert_int_equal(issue_ca(middle.key, 3650, NOW, &middle.certificate, &e), 0);
    X509 *top cleanup_ossl(X509) = X509_dup(other_ca.certificate);
    without(top, NID_basic_constraints);
    BASIC_CONSTRAINTS *any = BASIC_CONSTRAINTS_new();
    any->ca = 0xff;
    assert_int_equal(X509_add1_ext_i2d(top, NID_basic_constraints, any, 1, 0), 1);
    BASIC_CONSTRAINTS_free(any);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(top), "O", MBSTRING_ASC,
                         (const unsigned char *)"root", -1, -1, 0),
        1);
    assert_int_equal(X509_set_issuer_name(top, X509_get_subject_name(top)), 1);
    X509 *signed_top cleanup_ossl(X509) = reparsed(top, other_ca.key);
    assert_int_equal(X509_set_issuer_name(middle.certificate, X509_get_subject_name(signed_top)), 1);
    X509 *signed_middle = reparsed(middle.certificate, other_ca.key);
    X509_free(middle.certificate);
    middle.certificate = signed_middle;
    struct pair leaf cleanup_pair = make_leaf("srv", true, &middle);

    add_certificate(&chain_pem, leaf.certificate);
    add_certificate(&chain_pem, middle.certificate);
    add_certificate(&alone_pem, leaf.certificate);
    add_certificate(&root_pem, signed_top);
    add_certificate(&middle_pem, middle.certificate);
    assert_null(inspect_parse(&chain_pem, &chain));
    assert_null(inspect_parse(&alone_pem, &alone));
    assert_null(inspect_parse(&root_pem, &root));
    assert_null(inspect_parse(&middle_pem, &anchor));
    assert_null(inspect_verify(&chain, &root, true));
    assert_null(inspect_verify(&chain, &anchor, true));
    assert_null(inspect_verify(&alone, &anchor, true));
    assert_non_null(inspect_verify(&alone, &root, true));
    assert_int_equal(ERR_peek_error(), 0);
}

/* A certificate that stands for itself, as `openssl req -x509` makes it. */
static struct pair make_self_signed(void)
{
    struct pair made = make_ca();
    X509_NAME *name = X509_get_subject_name(made.certificate);
    EXTENDED_KEY_USAGE *usage = EXTENDED_KEY_USAGE_new();

    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"self", -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(made.certificate, name), 1);
    assert_true(sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(NID_server_auth)) > 0);
    assert_int_equal(X509_add1_ext_i2d(made.certificate, NID_ext_key_usage, usage, 0, 0), 1);
    EXTENDED_KEY_USAGE_free(usage);
    without(made.certificate, NID_key_usage);
    X509 *read = reparsed(made.certificate, made.key);
    X509_free(made.certificate);
    made.certificate = read;
    return made;
}

static void a_self_signed_trio_is_its_own_ca(void **state)
{
    struct store_content content cleanup_content = no_store();
    struct inspected got cleanup_inspected = {0};
    struct pair self cleanup_pair = make_self_signed();
    struct decision decision cleanup(decision_free) = {0};
    (void)state;

    put_pair(&content, STORE_SERVER, &self);
    put(&content, STORE_SERVER, STORE_CA_PEM, NULL, self.certificate);
    inspect(&content, &request, &got);
    assert_null(got.input.server.own_problem);
    assert_int_equal(got.input.server.ca_until, NOW + 3650 * DAY);
    decide(&got.input, &decision);
    assert_true(decision.managed);
    assert_null(decide_refusal(&decision));
}

static void the_dates_of_a_trio_are_those_of_its_whole_chain(void **state)
{
    struct store_content content cleanup_content = no_store();
    struct inspected got cleanup_inspected = {0};
    struct pair old cleanup_pair = make_ca();
    struct err e;
    (void)state;

    X509_free(take(old.certificate));
    assert_int_equal(issue_ca(old.key, 3650, NOW - 3650 * DAY, &old.certificate, &e), 0);
    struct pair leaf cleanup_pair = make_leaf("srv", true, &old);
    /* Nothing cut it short: as if the user had issued it himself. */
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(leaf.certificate), NOW + 30 * DAY));
    X509 *longer = reparsed(leaf.certificate, old.key);
    X509_free(leaf.certificate);
    leaf.certificate = longer;

    put_pair(&content, STORE_SERVER, &leaf);
    put(&content, STORE_SERVER, STORE_CA_PEM, NULL, old.certificate);
    inspect(&content, &request, &got);
    assert_null(got.input.server.own_problem);
    assert_int_equal(got.input.server.ca_until, NOW);
    assert_int_equal(got.input.server.pair.until, NOW + 30 * DAY);
}

static void sha_1_signatures_do_not_verify(void **state)
{
    struct pair weak cleanup_pair = make_leaf("srv", true, &ca);
    cleanup_text struct text leaf_pem = {0}, ca_pem = {0};
    cleanup_chain struct chain leaf = {0}, anchor = {0};
    (void)state;

    assert_true(X509_sign(weak.certificate, ca.key, EVP_sha1()) > 0);
    add_certificate(&leaf_pem, weak.certificate);
    add_certificate(&ca_pem, ca.certificate);
    assert_null(inspect_parse(&leaf_pem, &leaf));
    assert_null(inspect_parse(&ca_pem, &anchor));
    assert_string_equal(inspect_verify(&leaf, &anchor, true), "CA signature digest algorithm too weak");
}

static void verification_does_not_judge_dates(void **state)
{
    cleanup_text struct text leaf_pem = {0}, ca_pem = {0};
    cleanup_chain struct chain leaf = {0}, anchor = {0};
    const struct issue_leaf day = {.common_name = "old", .server = true, .days = 1};
    X509 *old cleanup_ossl(X509) = NULL;
    struct err e;
    (void)state;

    assert_int_equal(issue_leaf(&day, server.key, ca.certificate, ca.key, 86400, &old, &e), 0);
    add_certificate(&leaf_pem, old);
    add_certificate(&ca_pem, ca.certificate);
    assert_null(inspect_parse(&leaf_pem, &leaf));
    assert_null(inspect_parse(&ca_pem, &anchor));
    assert_null(inspect_verify(&leaf, &anchor, true));
}

static void assert_unparsable(const char *data, size_t length, const char *wanted)
{
    cleanup_text struct text pem = {0};
    cleanup_chain struct chain chain = {0};

    text_add_n(&pem, data, length);
    const char *problem = inspect_parse(&pem, &chain);
    if (!problem || (wanted && strcmp(problem, wanted) != 0))
        fail_msg("%zu bytes: %s", length, problem ? problem : "taken");
    assert_null(chain.stack);
    assert_int_equal(ERR_peek_error(), 0);
}

static void rubbish_is_no_certificate(void **state)
{
    cleanup_secret struct text key = {0};
    struct err e;
    (void)state;

    assert_unparsable("", 0, "is not a PEM certificate");
    assert_unparsable("garbage\n", 8, "is not a PEM certificate");
    assert_unparsable("\0\xff\0\xff", 4, "is not a PEM certificate");
    assert_int_equal(key_to_pem(server.key, &key, &e), 0);
    assert_unparsable(text_get(&key), key.length, "is not a PEM certificate");
}

static void a_certificate_cut_anywhere_is_damaged(void **state)
{
    cleanup_text struct text pem = {0};
    (void)state;

    add_certificate(&pem, server.certificate);
    for (size_t length = 28; length < pem.length - 6; length += 13)
        assert_unparsable(text_get(&pem), length, "is a damaged certificate");
}

static void a_chain_cut_in_its_second_certificate_is_damaged(void **state)
{
    cleanup_text struct text pem = {0};
    (void)state;

    add_certificate(&pem, server.certificate);
    size_t first = pem.length;
    add_certificate(&pem, ca.certificate);
    for (size_t length = first + 28; length < pem.length - 6; length += 13)
        assert_unparsable(text_get(&pem), length, "is a damaged certificate");
}

static void a_key_is_sealed_only_if_it_is_plainly_somebodys(void **state)
{
    static const struct {
        const char *pem;
        bool sealed;
    } cases[] = {
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", true},
        {"-----BEGIN TSS2 PRIVATE KEY-----\nAAAA\n-----END TSS2 PRIVATE KEY-----\n", true},
        {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", true},
        {"pkcs11:object=ca", true},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", false},
        {"garbage", false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct store_content content cleanup_content = good_store();
        struct inspected got cleanup_inspected = {0};
        struct store_file *file = &content.places[STORE_SERVER].files[STORE_KEY_PEM];
        text_wipe(&file->content);
        text_add(&file->content, cases[i].pem);
        inspect(&content, &request, &got);
        assert_non_null(got.input.server.pair.key_problem);
        assert_int_equal(got.input.server.pair.key_sealed, cases[i].sealed);
        assert_false(got.input.server.pair.matches);
    }
}

static void file_is(
    struct store_content *content, size_t folder, enum store_name name, enum store_state state)
{
    struct store_file *file = &content->places[folder].files[name];

    text_wipe(&file->content);
    *file = (struct store_file){.state = state, .problem = "is odd"};
}

static void hostile_files_count_in_client_only_if_they_are_folders(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0}, folder cleanup_inspected = {0};
    (void)state;

    file_is(&content, STORE_CA, STORE_CERT_PEM, STORE_HOSTILE);
    file_is(&content, STORE_SERVER, STORE_KEY_PEM, STORE_HOSTILE);
    file_is(&content, STORE_CLIENTS, STORE_KEY_PEM, STORE_HOSTILE);
    inspect(&content, &request, &got);
    assert_string_equal(got.input.ca.hostile, "ca/cert.pem: is odd");
    assert_string_equal(got.input.server.hostile, "server/key.pem: is odd");
    assert_null(got.clients[0].hostile);
    assert_string_equal(got.clients[0].pair.key_problem, "is odd");

    content.places[STORE_CLIENTS].files[STORE_KEY_PEM].folder = true;
    inspect(&content, &request, &folder);
    assert_string_equal(folder.clients[0].hostile, "client/key.pem: is odd");
}

static void files_that_failed_to_be_read_are_named(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    file_is(&content, STORE_CA, STORE_KEY_PEM, STORE_FAILED);
    file_is(&content, STORE_SERVER, STORE_CA_PEM, STORE_UNREADABLE);
    file_is(&content, STORE_CLIENTS, STORE_KEY_PEM, STORE_FAILED);
    inspect(&content, &request, &got);
    assert_string_equal(got.input.ca.failed, "ca/key.pem: is odd");
    assert_string_equal(got.input.server.failed, "server/ca.pem: is odd");
    assert_string_equal(got.clients[0].failed, "client/key.pem: is odd");
}

static void a_ca_key_that_is_not_for_us_to_read_is_no_failure(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    file_is(&content, STORE_CA, STORE_KEY_PEM, STORE_UNREADABLE);
    inspect(&content, &request, &got);
    assert_null(got.input.ca.failed);
    assert_true(got.input.ca.unreadable);
}

static void links_and_read_only_folders_are_passed_on(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    content.places[STORE_CA].files[STORE_CERT_PEM].linked = true;
    content.places[STORE_SERVER].files[STORE_CA_PEM].linked = true;
    content.places[STORE_CLIENTS].read_only = true;
    inspect(&content, &request, &got);
    assert_true(got.input.ca.linked && got.input.server.linked && !got.clients[0].linked);
    assert_true(!got.input.ca.read_only && !got.input.server.read_only && got.clients[0].read_only);
}

static void a_wrong_mode_is_seen(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    (void)state;

    content.places[STORE_SERVER].files[STORE_KEY_PEM].mode = 0644;
    content.places[STORE_CLIENTS].files[STORE_KEY_PEM].mode = 0600;
    inspect(&content, &request, &got);
    assert_false(got.input.server.access_ok || got.clients[0].access_ok);
}

static void the_facts_follow_the_algorithm_that_is_asked_for(void **state)
{
    struct store_content content cleanup_content = good_store();
    struct inspected got cleanup_inspected = {0};
    struct certs_request other = request;
    (void)state;

    other.algorithm = CERTS_ED25519;
    other.algorithm_chosen = true;
    inspect(&content, &other, &got);
    assert_true(got.input.algorithm_chosen);
    assert_false(got.input.ca.pair.kind_wanted || got.input.server.pair.kind_wanted);
}

static int start(void **state)
{
    struct err e;
    (void)state;

    if (ossl_start(&e) < 0)
        return -1;
    strings_add(&names, "DNS:docker");
    strings_add(&names, "IP:10.0.0.1");
    default_client = (struct certs_client){
        .name = CERTS_DEFAULT_CLIENT, .uid = geteuid(), .gid = getegid(), .mode = 0644, .implied = true};
    request = (struct certs_request){.days = 825,
        .ca_days = 3650,
        .keep_ca_key = true,
        .names = &names,
        .uid = geteuid(),
        .gid = getegid(),
        .clients = &default_client,
        .client_count = 1,
        .now = NOW};
    ca = make_ca();
    other_ca = make_ca();
    server = make_leaf(ISSUE_SERVER_NAME, true, &ca);
    client = make_leaf(ISSUE_CLIENT_NAME, false, &ca);
    return 0;
}

static int end(void **state)
{
    (void)state;
    pair_free(&ca);
    pair_free(&other_ca);
    pair_free(&server);
    pair_free(&client);
    strings_free(&names);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_store_has_nothing_to_be_said_against_it),
        cmocka_unit_test(an_empty_store_has_nothing),
        cmocka_unit_test(a_private_key_beside_the_ca_certificate_goes_nowhere),
        cmocka_unit_test(a_bundle_that_holds_the_ca_is_trusted_but_not_current),
        cmocka_unit_test(a_renewed_ca_is_the_same_ca),
        cmocka_unit_test(leaves_of_another_ca_do_not_chain),
        cmocka_unit_test(server_and_client_certificates_do_not_stand_in_for_each_other),
        cmocka_unit_test(keys_and_certificates_of_different_pairs_do_not_match),
        cmocka_unit_test(a_leaf_is_no_ca),
        cmocka_unit_test(only_our_own_subjects_are_ours),
        cmocka_unit_test(a_subject_with_more_than_our_name_is_not_ours),
        cmocka_unit_test(what_strict_verifiers_miss_is_missed),
        cmocka_unit_test(basic_constraints_of_a_ca_must_be_critical),
        cmocka_unit_test(a_version_1_certificate_is_not_strict),
        cmocka_unit_test(an_intermediate_in_the_chain_or_as_anchor_is_enough),
        cmocka_unit_test(a_self_signed_trio_is_its_own_ca),
        cmocka_unit_test(the_dates_of_a_trio_are_those_of_its_whole_chain),
        cmocka_unit_test(sha_1_signatures_do_not_verify),
        cmocka_unit_test(verification_does_not_judge_dates),
        cmocka_unit_test(rubbish_is_no_certificate),
        cmocka_unit_test(a_certificate_cut_anywhere_is_damaged),
        cmocka_unit_test(a_chain_cut_in_its_second_certificate_is_damaged),
        cmocka_unit_test(a_key_is_sealed_only_if_it_is_plainly_somebodys),
        cmocka_unit_test(hostile_files_count_in_client_only_if_they_are_folders),
        cmocka_unit_test(files_that_failed_to_be_read_are_named),
        cmocka_unit_test(a_ca_key_that_is_not_for_us_to_read_is_no_failure),
        cmocka_unit_test(links_and_read_only_folders_are_passed_on),
        cmocka_unit_test(a_wrong_mode_is_seen),
        cmocka_unit_test(the_facts_follow_the_algorithm_that_is_asked_for),
    };
    return cmocka_run_group_tests(tests, start, end);
}
