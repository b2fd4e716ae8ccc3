/* The profiles of RFC 5280 that strict verifiers ask for, read back by OpenSSL's own parser. */
#include "harness.h"

#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/key.h"

#include <string.h>

#define DAY ((time_t)86400)
#define NOW ((time_t)1811808000) /* 2027-06-01T00:00:00Z */

static EVP_PKEY *ca_key, *leaf_key;
static X509 *ca;

static X509 *new_ca(EVP_PKEY *key, time_t now)
{
    X509 *made = NULL;
    struct err e = {0};

    assert_int_equal(issue_ca(key, 3650, now, &made, &e), 0);
    return made;
}

static X509 *new_leaf(const struct issue_leaf *leaf, X509 *issuer, EVP_PKEY *issuer_key, time_t now)
{
    X509 *made = NULL;
    struct err e = {0};

    assert_int_equal(issue_leaf(leaf, leaf_key, issuer, issuer_key, now, &made, &e), 0);
    return made;
}

static X509 *server(const struct strings *names)
{
    const struct issue_leaf leaf = {
        .common_name = ISSUE_SERVER_NAME, .server = true, .names = names, .days = 825};

    return new_leaf(&leaf, ca, ca_key, NOW);
}

static X509 *client(void)
{
    const struct issue_leaf leaf = {.common_name = ISSUE_CLIENT_NAME, .days = 825};

    return new_leaf(&leaf, ca, ca_key, NOW);
}

/* What a certificate has, as openssl(1) prints it. */
static char *extension(X509 *certificate, int nid)
{
    BIO *bio cleanup_ossl(BIO) = BIO_new(BIO_s_mem());
    cleanup_text struct text out = {0};
    int at = X509_get_ext_by_NID(certificate, nid, -1);

    if (at < 0)
        return NULL;
    assert_int_equal(X509_get_ext_by_NID(certificate, nid, at), -1);
    X509_EXTENSION *found = X509_get_ext(certificate, at);
    text_add(&out, X509_EXTENSION_get_critical(found) ? "critical " : "");
    assert_int_equal(X509V3_EXT_print(bio, found, 0, 0), 1);
    ossl_drain(bio, &out);
    return str_dup(text_get(&out));
}

static void assert_extension(X509 *certificate, int nid, const char *wanted)
{
    char *got cleanup_free = extension(certificate, nid);

    if (!got || strcmp(got, wanted) != 0)
        fail_msg("%s is '%s' instead of '%s'", OBJ_nid2sn(nid), got ? got : "missing", wanted);
}

static void a_ca_has_what_strict_verifiers_ask_for_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(X509_get_version(ca), X509_VERSION_3);
    assert_int_equal(X509_get_ext_count(ca), 3);
    assert_extension(ca, NID_basic_constraints, "critical CA:TRUE, pathlen:0");
    assert_extension(ca, NID_key_usage, "critical Certificate Sign, CRL Sign");
    char *id cleanup_free = extension(ca, NID_subject_key_identifier);
    assert_non_null(id);
    assert_int_equal(strlen(id), 59);
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_self_signed(ca, 1), 1);
}

static void a_server_certificate_has_what_strict_verifiers_ask_for_and_nothing_else(void **state)
{
    cleanup_strings struct strings names = {0};
    (void)state;

    strings_add(&names, "DNS:docker");
    X509 *leaf cleanup_ossl(X509) = server(&names);
    assert_int_equal(X509_get_version(leaf), X509_VERSION_3);
    assert_int_equal(X509_get_ext_count(leaf), 6);
    assert_extension(leaf, NID_basic_constraints, "critical CA:FALSE");
    assert_extension(leaf, NID_key_usage, "critical Digital Signature");
    assert_extension(leaf, NID_ext_key_usage, "TLS Web Server Authentication");
    assert_extension(leaf, NID_subject_alt_name, "DNS:docker");
    assert_int_equal(X509_verify(leaf, ca_key), 1);
}

static void a_client_certificate_is_for_clients_and_has_no_names(void **state)
{
    (void)state;
    X509 *leaf cleanup_ossl(X509) = client();
    assert_int_equal(X509_get_ext_count(leaf), 5);
    assert_extension(leaf, NID_basic_constraints, "critical CA:FALSE");
    assert_extension(leaf, NID_key_usage, "critical Digital Signature");
    assert_extension(leaf, NID_ext_key_usage, "TLS Web Client Authentication");
}

static void a_leaf_points_to_the_key_of_its_ca_alone(void **state)
{
    (void)state;
    X509 *leaf cleanup_ossl(X509) = client();
    AUTHORITY_KEYID *id cleanup_ossl(AUTHORITY_KEYID) =
        X509_get_ext_d2i(leaf, NID_authority_key_identifier, NULL, NULL);
    assert_non_null(id);
    assert_int_equal(ASN1_OCTET_STRING_cmp(id->keyid, X509_get0_subject_key_id(ca)), 0);
    assert_null(id->issuer);
    assert_null(id->serial);
    assert_int_not_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_subject_key_id(leaf), X509_get0_subject_key_id(ca)), 0);
}

static void subjects_and_issuers_are_those_of_the_old_entrypoint(void **state)
{
    char *name;
    (void)state;

    X509 *leaf cleanup_ossl(X509) = server(NULL);
    name = X509_NAME_oneline(X509_get_subject_name(leaf), NULL, 0);
    assert_string_equal(name, "/CN=docker:dind server");
    OPENSSL_free(name);
    name = X509_NAME_oneline(X509_get_issuer_name(leaf), NULL, 0);
    assert_string_equal(name, "/CN=docker:dind CA");
    OPENSSL_free(name);
}

static void names_have_their_type_and_their_bytes(void **state)
{
    cleanup_strings struct strings names = {0};
    (void)state;

    strings_add(&names, "DNS:*.example.org");
    strings_add(&names, "IP:10.0.0.1");
    strings_add(&names, "IP:2001:db8::1");
    X509 *leaf cleanup_ossl(X509) = server(&names);
    assert_extension(leaf, NID_subject_alt_name,
        "DNS:*.example.org, IP Address:10.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1");
    assert_int_equal(X509_check_host(leaf, "a.example.org", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(leaf, "a.b.example.org", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(leaf, "10.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "2001:db8:0::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "10.0.0.2", 0), 0);
}

enum { SERIALS = 200 };

static void a_serial_number_has_sixteen_octets_of_chance(void **state)
{
    unsigned char serials[SERIALS][16];
    unsigned char ones[16] = {0}, zeros[16] = {0};
    (void)state;

    for (int i = 0; i < SERIALS; i++) {
        X509 *leaf cleanup_ossl(X509) = client();
        BIGNUM *number cleanup_ossl(BIGNUM) = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
        assert_false(BN_is_negative(number));
        assert_int_equal(BN_num_bytes(number), 16);
        assert_int_equal(BN_bn2bin(number, serials[i]), 16);
        /* The topmost bit would cost a seventeenth octet. */
        assert_false(serials[i][0] & 0x80);
        for (int j = 0; j < 16; j++) {
            ones[j] |= serials[i][j];
            zeros[j] |= (unsigned char)~serials[i][j];
        }
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(serials[i], serials[j], 16);
    }
    /* Every bit but the two topmost has been both: 2 * 126 / 2^200 is the chance that it has not. */
    for (int j = 0; j < 16; j++) {
        assert_int_equal(ones[j] & zeros[j], j ? 0xff : 0x3f);
    }
}

static time_t seconds(const ASN1_TIME *time)
{
    struct tm tm;

    assert_int_equal(ASN1_TIME_to_tm(time, &tm), 1);
    return timegm(&tm);
}

static void certificates_begin_an_hour_ago(void **state)
{
    (void)state;
    X509 *leaf cleanup_ossl(X509) = client();
    assert_int_equal(seconds(X509_get0_notBefore(leaf)), NOW - 3600);
    assert_int_equal(seconds(X509_get0_notBefore(ca)), NOW - 3600);
}

static void a_ca_lives_ten_years_and_a_leaf_as_long_as_asked(void **state)
{
    const struct issue_leaf week = {.common_name = ISSUE_CLIENT_NAME, .days = 7};
    (void)state;

    X509 *leaf cleanup_ossl(X509) = client();
    X509 *short_lived cleanup_ossl(X509) = new_leaf(&week, ca, ca_key, NOW);
    assert_int_equal(seconds(X509_get0_notAfter(ca)), NOW + 3650 * DAY);
    /* From the hour back, and both ends count: not a second more than so many days. */
    assert_int_equal(seconds(X509_get0_notAfter(leaf)), NOW - 3600 + 825 * DAY - 1);
    assert_int_equal(seconds(X509_get0_notAfter(short_lived)), NOW - 3600 + 7 * DAY - 1);
}

static void a_leaf_never_outlives_its_ca(void **state)
{
    const struct issue_leaf leaf = {.common_name = ISSUE_CLIENT_NAME, .days = 825};
    const time_t end = NOW + 3650 * DAY;
    (void)state;

    X509 *cut cleanup_ossl(X509) = new_leaf(&leaf, ca, ca_key, end - 10 * DAY);
    assert_int_equal(seconds(X509_get0_notAfter(cut)), end);
    const time_t last = end - issue_until(0, 825);
    X509 *exact cleanup_ossl(X509) = new_leaf(&leaf, ca, ca_key, last);
    assert_int_equal(seconds(X509_get0_notAfter(exact)), end);
    X509 *before cleanup_ossl(X509) = new_leaf(&leaf, ca, ca_key, last - 1);
    assert_int_equal(seconds(X509_get0_notAfter(before)), end - 1);
}

static void dates_after_2049_are_written_as_rfc_5280_wants_them(void **state)
{
    (void)state;
    /* 2045-01-01: the CA ends in 2054. */
    X509 *late cleanup_ossl(X509) = new_ca(ca_key, 2366841600);
    assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(late)), V_ASN1_UTCTIME);
    assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(late)), V_ASN1_GENERALIZEDTIME);
    assert_int_equal(seconds(X509_get0_notAfter(late)), 2366841600 + 3650 * DAY);
}

static int strict_error(X509 *leaf, X509 *anchor, int purpose)
{
    X509_STORE *store cleanup_ossl(X509_STORE) = X509_STORE_new();
    X509_STORE_CTX *context cleanup_ossl(X509_STORE_CTX) = X509_STORE_CTX_new();

    assert_int_equal(X509_STORE_add_cert(store, anchor), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    assert_int_equal(X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT), 1);
    assert_int_equal(X509_VERIFY_PARAM_set_purpose(parameters, purpose), 1);
    X509_VERIFY_PARAM_set_time(parameters, NOW + DAY);
    X509_VERIFY_PARAM_set_auth_level(parameters, 2);
    return X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
}

static void strict_verification_passes_for_every_kind_of_ca_key(void **state)
{
    const struct issue_leaf leaf = {.common_name = ISSUE_SERVER_NAME, .server = true, .days = 825};
    (void)state;

    for (int i = CERTS_ECDSA_P256; i <= CERTS_RSA_2048; i++) {
        EVP_PKEY *key cleanup_ossl(EVP_PKEY) = NULL;
        struct err e = {0};
        assert_int_equal(key_make((enum certs_algorithm)i, &key, &e), 0);
        X509 *anchor cleanup_ossl(X509) = new_ca(key, NOW);
        X509 *issued cleanup_ossl(X509) = new_leaf(&leaf, anchor, key, NOW);
        assert_int_equal(strict_error(issued, anchor, X509_PURPOSE_SSL_SERVER), X509_V_OK);
        assert_int_equal(strict_error(issued, anchor, X509_PURPOSE_SSL_CLIENT), X509_V_ERR_INVALID_PURPOSE);
    }
}

static void a_ca_renewed_with_its_key_still_vouches_for_its_leaves(void **state)
{
    (void)state;
    X509 *leaf cleanup_ossl(X509) = server(NULL);
    X509 *renewed cleanup_ossl(X509) = new_ca(ca_key, NOW + 1);
    assert_int_not_equal(X509_cmp(ca, renewed), 0);
    assert_int_equal(strict_error(leaf, renewed, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    /* And the old copy at a client vouches for what the renewed one issues. */
    const struct issue_leaf later = {.common_name = ISSUE_SERVER_NAME, .server = true, .days = 825};
    X509 *issued cleanup_ossl(X509) = new_leaf(&later, renewed, ca_key, NOW);
    assert_int_equal(strict_error(issued, ca, X509_PURPOSE_SSL_SERVER), X509_V_OK);
}

static void a_certificate_is_written_as_pem_and_read_back(void **state)
{
    cleanup_text struct text pem = {0};
    cleanup_chain struct chain chain = {0};
    struct err e = {0};
    (void)state;

    X509 *leaf cleanup_ossl(X509) = client();
    assert_int_equal(issue_to_pem(leaf, &pem, &e), 0);
    assert_int_equal(issue_to_pem(ca, &pem, &e), 0);
    assert_null(inspect_parse(&pem, &chain));
    assert_int_equal(sk_X509_num(chain.stack), 2);
    assert_int_equal(X509_cmp(sk_X509_value(chain.stack, 0), leaf), 0);
    assert_int_equal(X509_cmp(sk_X509_value(chain.stack, 1), ca), 0);
}

static int start(void **state)
{
    struct err e;
    (void)state;

    if (ossl_start(&e) < 0 || key_make(CERTS_ECDSA_P256, &ca_key, &e) < 0 ||
        key_make(CERTS_ECDSA_P256, &leaf_key, &e) < 0)
        return -1;
    ca = new_ca(ca_key, NOW);
    return 0;
}

static int end(void **state)
{
    (void)state;
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(leaf_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ca_has_what_strict_verifiers_ask_for_and_nothing_else),
        cmocka_unit_test(a_server_certificate_has_what_strict_verifiers_ask_for_and_nothing_else),
        cmocka_unit_test(a_client_certificate_is_for_clients_and_has_no_names),
        cmocka_unit_test(a_leaf_points_to_the_key_of_its_ca_alone),
        cmocka_unit_test(subjects_and_issuers_are_those_of_the_old_entrypoint),
        cmocka_unit_test(names_have_their_type_and_their_bytes),
        cmocka_unit_test(a_serial_number_has_sixteen_octets_of_chance),
        cmocka_unit_test(certificates_begin_an_hour_ago),
        cmocka_unit_test(a_ca_lives_ten_years_and_a_leaf_as_long_as_asked),
        cmocka_unit_test(a_leaf_never_outlives_its_ca),
        cmocka_unit_test(dates_after_2049_are_written_as_rfc_5280_wants_them),
        cmocka_unit_test(strict_verification_passes_for_every_kind_of_ca_key),
        cmocka_unit_test(a_ca_renewed_with_its_key_still_vouches_for_its_leaves),
        cmocka_unit_test(a_certificate_is_written_as_pem_and_read_back),
    };
    return cmocka_run_group_tests(tests, start, end);
}
