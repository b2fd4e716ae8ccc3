/* Private key files. What is accepted is written out as a key that is read as the same one; else words tell
 * why. */
#include "fuzz.h"

#include "certs/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_text struct text pem = {0}, written = {0};
    const char *problem = NULL;
    struct err e = {0};

    CHECK(ossl_start(&e) == 0);
    text_add_n(&pem, (const char *)data, size);
    EVP_PKEY *key cleanup_ossl(EVP_PKEY) = key_from_pem(&pem, &problem);
    if (!key) {
        CHECK(problem);
        check_message(problem);
        return 0;
    }
    (void)key_is_strong(key);
    (void)key_digest(key);
    for (int algorithm = CERTS_ECDSA_P256; algorithm <= CERTS_RSA_4096; algorithm++)
        (void)key_is(key, (enum certs_algorithm)algorithm);
    if (key_to_pem(key, &written, &e) < 0) {
        check_message(e.what);
        return 0;
    }
    EVP_PKEY *again cleanup_ossl(EVP_PKEY) = key_from_pem(&written, &problem);
    CHECK(again && EVP_PKEY_eq(key, again) == 1);
    return 0;
}
