#include "harness.h"

#include "certs/key.h"

#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

enum { ALGORITHMS = CERTS_RSA_4096 + 1 };

static EVP_PKEY *made[ALGORITHMS];

static int make_keys(void **state)
{
    struct err e;
    int r = ossl_start(&e);
    (void)state;

    for (int i = 0; i < ALGORITHMS && r == 0; i++)
        r = key_make((enum certs_algorithm)i, &made[i], &e);
    return r;
}

static int free_keys(void **state)
{
    (void)state;
    for (int i = 0; i < ALGORITHMS; i++)
        EVP_PKEY_free(made[i]);
    return 0;
}

static void a_key_is_of_the_kind_asked_for_and_of_no_other(void **state)
{
    (void)state;
    for (int made_as = 0; made_as < ALGORITHMS; made_as++)
        for (int asked = 0; asked < ALGORITHMS; asked++)
            if (key_is(made[made_as], (enum certs_algorithm)asked) != (made_as == asked))
                fail_msg("%s is taken for %s, or not for itself",
                    key_algorithm_name((enum certs_algorithm)made_as),
                    key_algorithm_name((enum certs_algorithm)asked));
}

static void every_algorithm_has_the_name_that_users_write(void **state)
{
    static const char *const names[ALGORITHMS] = {
        "ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096"};
    (void)state;

    for (int i = 0; i < ALGORITHMS; i++)
        assert_string_equal(key_algorithm_name((enum certs_algorithm)i), names[i]);
}

static void every_key_that_is_made_is_strong_and_signs(void **state)
{
    static const unsigned char message[] = "to be signed";
    (void)state;

    for (int i = 0; i < ALGORITHMS; i++) {
        unsigned char signature[1024];
        size_t length = sizeof(signature);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        assert_true(key_is_strong(made[i]));
        assert_int_equal(EVP_DigestSignInit(context, NULL, key_digest(made[i]), NULL, made[i]), 1);
        assert_int_equal(EVP_DigestSign(context, signature, &length, message, sizeof(message)), 1);
        EVP_MD_CTX_free(context);
    }
}

static void the_digest_is_as_strong_as_the_curve(void **state)
{
    EVP_PKEY *p521 cleanup_ossl(EVP_PKEY) = EVP_EC_gen("P-521");
    (void)state;

    assert_ptr_equal(key_digest(made[CERTS_ECDSA_P256]), EVP_sha256());
    assert_ptr_equal(key_digest(made[CERTS_ECDSA_P384]), EVP_sha384());
    assert_ptr_equal(key_digest(p521), EVP_sha512());
    assert_ptr_equal(key_digest(made[CERTS_RSA_4096]), EVP_sha256());
    assert_null(key_digest(made[CERTS_ED25519]));
}

static EVP_PKEY *read_back(const struct text *pem)
{
    const char *problem = NULL;
    EVP_PKEY *key = key_from_pem(pem, &problem);

    if (!key)
        fail_msg("refused: it %s\n%s", problem, text_get(pem));
    return key;
}

static void a_key_is_written_as_pkcs8_and_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < ALGORITHMS; i++) {
        cleanup_secret struct text pem = {0};
        struct err e = {0};
        assert_int_equal(key_to_pem(made[i], &pem, &e), 0);
        assert_true(str_starts(text_get(&pem), "-----BEGIN PRIVATE KEY-----\n"));
        assert_true(str_ends(text_get(&pem), "-----END PRIVATE KEY-----\n"));
        EVP_PKEY *key cleanup_ossl(EVP_PKEY) = read_back(&pem);
        assert_int_equal(EVP_PKEY_eq(key, made[i]), 1);
        assert_true(key_is(key, (enum certs_algorithm)i));
    }
}

/* What other programs write. */
static void written(struct text *pem, EVP_PKEY *key, const char *structure, const char *cipher)
{
    OSSL_ENCODER_CTX *context = OSSL_ENCODER_CTX_new_for_pkey(key, EVP_PKEY_KEYPAIR, "PEM", structure, NULL);
    BIO *bio cleanup_ossl(BIO) = BIO_new(BIO_s_mem());

    if (cipher) {
        assert_int_equal(OSSL_ENCODER_CTX_set_cipher(context, cipher, NULL), 1);
        assert_int_equal(OSSL_ENCODER_CTX_set_passphrase(context, (const unsigned char *)"secret", 6), 1);
    }
    assert_int_equal(OSSL_ENCODER_to_bio(context, bio), 1);
    OSSL_ENCODER_CTX_free(context);
    ossl_drain(bio, pem);
}

static void the_older_forms_of_rsa_and_ec_keys_are_read(void **state)
{
    cleanup_secret struct text rsa = {0}, ec = {0}, parameters = {0};
    (void)state;

    written(&rsa, made[CERTS_RSA_2048], "type-specific", NULL);
    assert_true(str_starts(text_get(&rsa), "-----BEGIN RSA PRIVATE KEY-----\n"));
    EVP_PKEY *one cleanup_ossl(EVP_PKEY) = read_back(&rsa);
    assert_int_equal(EVP_PKEY_eq(one, made[CERTS_RSA_2048]), 1);

    written(&ec, made[CERTS_ECDSA_P256], "type-specific", NULL);
    assert_true(str_starts(text_get(&ec), "-----BEGIN EC PRIVATE KEY-----\n"));
    EVP_PKEY *two cleanup_ossl(EVP_PKEY) = read_back(&ec);
    assert_true(key_is(two, CERTS_ECDSA_P256));

    /* `openssl ecparam -genkey` writes the curve first. */
    text_add(&parameters, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n");
    text_add(&parameters, text_get(&ec));
    EVP_PKEY *three cleanup_ossl(EVP_PKEY) = read_back(&parameters);
    assert_int_equal(EVP_PKEY_eq(three, made[CERTS_ECDSA_P256]), 1);
}

static void a_certificate_and_text_before_the_key_do_no_harm(void **state)
{
    cleanup_secret struct text pem = {0};
    struct err e = {0};
    (void)state;

    text_add(&pem, "Bag Attributes\n    friendlyName: x\n");
    assert_int_equal(key_to_pem(made[CERTS_ED25519], &pem, &e), 0);
    EVP_PKEY *key cleanup_ossl(EVP_PKEY) = read_back(&pem);
    assert_true(key_is(key, CERTS_ED25519));
}

static void assert_problem(const char *data, size_t length, const char *wanted)
{
    cleanup_text struct text pem = {0};
    const char *problem = NULL;

    text_add_n(&pem, data, length);
    EVP_PKEY *key cleanup_ossl(EVP_PKEY) = key_from_pem(&pem, &problem);
    assert_null(key);
    assert_non_null(problem);
    assert_string_equal(problem, wanted);
    assert_int_equal(ERR_peek_error(), 0);
}

static void a_key_with_a_passphrase_is_refused_without_asking_for_it(void **state)
{
    cleanup_text struct text pkcs8 = {0};
    (void)state;

    written(&pkcs8, made[CERTS_ECDSA_P256], "PrivateKeyInfo", "AES-256-CBC");
    assert_true(str_starts(text_get(&pkcs8), "-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_problem(text_get(&pkcs8), pkcs8.length, "is encrypted with a passphrase");

    cleanup_text struct text old = {0};
    written(&old, made[CERTS_RSA_2048], "type-specific", "AES-128-CBC");
    assert_contains(text_get(&old), "Proc-Type: 4,ENCRYPTED");
    assert_problem(text_get(&old), old.length, "is encrypted with a passphrase");
}

static void assert_problem_of(const char *text, const char *wanted)
{
    assert_problem(text, strlen(text), wanted);
}

static void what_is_no_pem_private_key_is_named(void **state)
{
    (void)state;
    assert_problem_of("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        "is an OpenSSH key, not a PEM private key");
    assert_problem_of("-----BEGIN TSS2 PRIVATE KEY-----\nAAAA\n-----END TSS2 PRIVATE KEY-----\n",
        "refers to a key inside a TPM");
    assert_problem_of("pkcs11:token=x;object=y\n", "refers to a key inside a hardware token");
    assert_problem_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "is a certificate, not a private key");
    assert_problem_of("garbage\n", "is not a PEM private key");
    assert_problem("\0\0\0\0", 4, "is not a PEM private key");
    assert_problem("", 0, "is not a PEM private key");
}

static void a_public_key_is_no_private_key(void **state)
{
    BIO *bio cleanup_ossl(BIO) = BIO_new(BIO_s_mem());
    cleanup_text struct text pem = {0};
    (void)state;

    assert_int_equal(PEM_write_bio_PUBKEY(bio, made[CERTS_ECDSA_P256]), 1);
    ossl_drain(bio, &pem);
    assert_problem(text_get(&pem), pem.length, "is a public key, not a private key");
}

static void der_is_named(void **state)
{
    unsigned char *der = NULL;
    int length = i2d_PrivateKey(made[CERTS_RSA_2048], &der);
    (void)state;

    assert_true(length > 128);
    assert_problem((const char *)der, (size_t)length, "is in DER or PKCS#12 format, not PEM");
    OPENSSL_free(der);
}

static void a_key_cut_anywhere_is_damaged(void **state)
{
    cleanup_secret struct text pem = {0};
    struct err e = {0};
    (void)state;

    assert_int_equal(key_to_pem(made[CERTS_ECDSA_P256], &pem, &e), 0);
    size_t body = strlen("-----BEGIN PRIVATE KEY-----\n");
    size_t end = pem.length - strlen("-----\n");
    for (size_t length = body; length < end; length += 7)
        assert_problem(text_get(&pem), length, "is a damaged private key");
}

static void a_key_with_a_flipped_character_is_damaged_or_another(void **state)
{
    cleanup_secret struct text pem = {0};
    struct err e = {0};
    (void)state;

    assert_int_equal(key_to_pem(made[CERTS_ECDSA_P256], &pem, &e), 0);
    for (size_t i = 30; i < pem.length - 30; i++) {
        cleanup_secret struct text changed = {0};
        const char *problem = NULL;
        text_add(&changed, text_get(&pem));
        changed.data[i] = changed.data[i] == 'A' ? 'B' : 'A';
        EVP_PKEY *key cleanup_ossl(EVP_PKEY) = key_from_pem(&changed, &problem);
        assert_true(key || problem);
    }
}

static void keys_that_clients_refuse_are_weak(void **state)
{
    EVP_PKEY *rsa cleanup_ossl(EVP_PKEY) = EVP_RSA_gen(1024);
    EVP_PKEY *p224 cleanup_ossl(EVP_PKEY) = EVP_EC_gen("P-224");
    EVP_PKEY *bitcoin cleanup_ossl(EVP_PKEY) = EVP_EC_gen("secp256k1");
    EVP_PKEY *brainpool cleanup_ossl(EVP_PKEY) = EVP_EC_gen("brainpoolP256r1");
    EVP_PKEY *ed448 cleanup_ossl(EVP_PKEY) = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    EVP_PKEY *x25519 cleanup_ossl(EVP_PKEY) = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    EVP_PKEY *p521 cleanup_ossl(EVP_PKEY) = EVP_EC_gen("P-521");
    (void)state;

    assert_false(key_is_strong(rsa));
    assert_false(key_is_strong(p224));
    assert_false(key_is_strong(bitcoin));
    assert_false(key_is_strong(brainpool));
    assert_false(key_is_strong(ed448));
    assert_false(key_is_strong(x25519));
    assert_true(key_is_strong(p521));
    assert_false(key_is(p521, CERTS_ECDSA_P384));
}

static void only_wanted_and_missing_keys_are_made(void **state)
{
    const bool wanted[] = {true, false, true, true};
    EVP_PKEY *keys[4] = {NULL, NULL, NULL, made[CERTS_ED25519]};
    struct err e = {0};
    (void)state;

    assert_int_equal(key_make_all(CERTS_RSA_2048, wanted, keys, 4, &e), 0);
    assert_true(key_is(keys[0], CERTS_RSA_2048));
    assert_null(keys[1]);
    assert_true(key_is(keys[2], CERTS_RSA_2048));
    assert_ptr_equal(keys[3], made[CERTS_ED25519]);
    assert_int_equal(EVP_PKEY_eq(keys[0], keys[2]), 0);
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[2]);
}

static void more_keys_than_threads_are_made_all(void **state)
{
    enum { KEYS = 20 };
    bool wanted[KEYS];
    EVP_PKEY *keys[KEYS] = {NULL};
    struct err e = {0};
    (void)state;

    for (size_t i = 0; i < KEYS; i++)
        wanted[i] = i != 7;
    assert_int_equal(key_make_all(CERTS_RSA_2048, wanted, keys, KEYS, &e), 0);
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(keys[i] != NULL, wanted[i]);
        for (size_t j = 0; j < i && keys[i]; j++)
            assert_true(!keys[j] || EVP_PKEY_eq(keys[i], keys[j]) == 0);
    }
    for (size_t i = 0; i < KEYS; i++)
        EVP_PKEY_free(keys[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_of_the_kind_asked_for_and_of_no_other),
        cmocka_unit_test(every_algorithm_has_the_name_that_users_write),
        cmocka_unit_test(every_key_that_is_made_is_strong_and_signs),
        cmocka_unit_test(the_digest_is_as_strong_as_the_curve),
        cmocka_unit_test(a_key_is_written_as_pkcs8_and_read_back),
        cmocka_unit_test(the_older_forms_of_rsa_and_ec_keys_are_read),
        cmocka_unit_test(a_certificate_and_text_before_the_key_do_no_harm),
        cmocka_unit_test(a_key_with_a_passphrase_is_refused_without_asking_for_it),
        cmocka_unit_test(what_is_no_pem_private_key_is_named),
        cmocka_unit_test(a_public_key_is_no_private_key),
        cmocka_unit_test(der_is_named),
        cmocka_unit_test(a_key_cut_anywhere_is_damaged),
        cmocka_unit_test(a_key_with_a_flipped_character_is_damaged_or_another),
        cmocka_unit_test(keys_that_clients_refuse_are_weak),
        cmocka_unit_test(only_wanted_and_missing_keys_are_made),
        cmocka_unit_test(more_keys_than_threads_are_made_all),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
