#include "ossl.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

int ossl_start(struct err *e)
{
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return ossl_error(e, "certs: start OpenSSL");
    return 0;
}

int ossl_error(struct err *e, const char *action)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    err_set(e, -EIO, "%s: %s", action, reason ? reason : "OpenSSL failed without a reason");
    ERR_clear_error();
    return -EIO;
}

void ossl_drain(BIO *bio, struct text *out)
{
    char *data = NULL;
    long length = BIO_get_mem_data(bio, &data);

    if (length > 0)
        text_add_n(out, data, (size_t)length);
}
