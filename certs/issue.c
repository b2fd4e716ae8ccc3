#include "issue.h"

#include "key.h"
#include "names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string.h>

static int failed(struct err *e)
{
    return ossl_error(e, "certs: make a certificate");
}

/* 126 random bits, positive, not zero: RFC 5280 4.1.2.2 allows 20 octets, CAs must use 64 bits at least. */
static bool set_serial(X509 *certificate)
{
    unsigned char bytes[16];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    /* The first octet from 0x40 to 0x7f: never negative, and always 16 octets long. */
    bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40);
    BIGNUM *number cleanup_ossl(BIGNUM) = BN_bin2bn(bytes, sizeof(bytes), NULL);
    return number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
}

static bool set_subject(X509 *certificate, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(certificate);

    return X509_NAME_add_entry_by_NID(
               name, NID_commonName, MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1;
}

static bool add(X509 *certificate, int nid, bool critical, void *value)
{
    return X509_add1_ext_i2d(certificate, nid, value, critical, X509V3_ADD_REPLACE) == 1;
}

static bool add_basic_constraints(X509 *certificate, bool ca)
{
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    bool ok = constraints != NULL;

    if (ok && ca) {
        constraints->ca = 0xff;
        constraints->pathlen = ASN1_INTEGER_new();
        ok = constraints->pathlen && ASN1_INTEGER_set(constraints->pathlen, 0) == 1;
    }
    ok = ok && add(certificate, NID_basic_constraints, true, constraints);
    BASIC_CONSTRAINTS_free(constraints);
    return ok;
}

static bool add_key_usage(X509 *certificate, bool ca)
{
    /* Bits of RFC 5280 4.2.1.3. Every cipher suite that Docker speaks is ECDHE: no keyEncipherment. */
    enum { DIGITAL_SIGNATURE = 0, KEY_CERT_SIGN = 5, CRL_SIGN = 6 };
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool ok = bits && (ca ? ASN1_BIT_STRING_set_bit(bits, KEY_CERT_SIGN, 1) == 1 &&
                                  ASN1_BIT_STRING_set_bit(bits, CRL_SIGN, 1) == 1
                          : ASN1_BIT_STRING_set_bit(bits, DIGITAL_SIGNATURE, 1) == 1);

    ok = ok && add(certificate, NID_key_usage, true, bits);
    ASN1_BIT_STRING_free(bits);
    return ok;
}

static bool add_purpose(X509 *certificate, bool server)
{
    EXTENDED_KEY_USAGE *usage = EXTENDED_KEY_USAGE_new();
    ASN1_OBJECT *purpose = OBJ_nid2obj(server ? NID_server_auth : NID_client_auth);
    bool ok = usage && purpose && sk_ASN1_OBJECT_push(usage, purpose) > 0;

    ok = ok && add(certificate, NID_ext_key_usage, false, usage);
    EXTENDED_KEY_USAGE_free(usage);
    return ok;
}

/* RFC 5280 4.2.1.2, method 1: the SHA-1 of the public key. An identifier, not a signature. */
static ASN1_OCTET_STRING *key_identifier(const X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    ASN1_OCTET_STRING *id cleanup_ossl(ASN1_OCTET_STRING) = ASN1_OCTET_STRING_new();

    if (!id || X509_pubkey_digest(certificate, EVP_sha1(), digest, &length) != 1 ||
        ASN1_OCTET_STRING_set(id, digest, (int)length) != 1)
        return NULL;
    return take(id);
}

static bool add_subject_key_id(X509 *certificate)
{
    ASN1_OCTET_STRING *id cleanup_ossl(ASN1_OCTET_STRING) = key_identifier(certificate);

    return id && add(certificate, NID_subject_key_identifier, false, id);
}

/* The key identifier alone: issuer and serial would tie the leaf to one copy of a CA that is renewed with its
 * key. */
static bool add_authority_key_id(X509 *certificate, X509 *ca)
{
    AUTHORITY_KEYID *id cleanup_ossl(AUTHORITY_KEYID) = AUTHORITY_KEYID_new();
    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(ca);

    if (!id)
        return false;
    id->keyid = own ? ASN1_OCTET_STRING_dup(own) : key_identifier(ca);
    return id->keyid && add(certificate, NID_authority_key_identifier, false, id);
}

static GENERAL_NAME *general_name(const char *item)
{
    unsigned char address[16];
    int length = 0;
    const char *value = names_address(item, address, &length);
    GENERAL_NAME *name cleanup_ossl(GENERAL_NAME) = GENERAL_NAME_new();
    ASN1_OCTET_STRING *content = ASN1_STRING_type_new(length ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

    if (!name || !content ||
        ASN1_STRING_set(
            content, length ? (const void *)address : (const void *)value, length ? length : -1) != 1) {
        ASN1_STRING_free(content);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, length ? GEN_IPADD : GEN_DNS, content);
    return take(name);
}

static bool add_names(X509 *certificate, const struct strings *names)
{
    if (!names || names->count == 0)
        return true;

    GENERAL_NAMES *list cleanup_ossl(GENERAL_NAMES) = GENERAL_NAMES_new();
    if (!list)
        return false;
    for (size_t i = 0; i < names->count; i++) {
        GENERAL_NAME *name cleanup_ossl(GENERAL_NAME) = general_name(names->items[i]);
        if (!name || sk_GENERAL_NAME_push(list, name) <= 0)
            return false;
        name = NULL;
    }
    return add(certificate, NID_subject_alt_name, false, list);
}

static X509 *blank(const char *common_name, EVP_PKEY *key, time_t from, time_t until)
{
    X509 *certificate cleanup_ossl(X509) = X509_new();

    if (!certificate || X509_set_version(certificate, X509_VERSION_3) != 1 || !set_serial(certificate) ||
        !set_subject(certificate, common_name) || X509_set_pubkey(certificate, key) != 1 ||
        !ASN1_TIME_set(X509_getm_notBefore(certificate), from) ||
        !ASN1_TIME_set(X509_getm_notAfter(certificate), until))
        return NULL;
    return take(certificate);
}

int issue_ca(EVP_PKEY *key, long long days, time_t now, X509 **out, struct err *e)
{
    X509 *ca cleanup_ossl(X509) =
        blank(ISSUE_CA_NAME, key, now - ISSUE_BACKDATE, now + (time_t)days * ISSUE_DAY);

    if (!ca || X509_set_issuer_name(ca, X509_get_subject_name(ca)) != 1 || !add_basic_constraints(ca, true) ||
        !add_key_usage(ca, true) || !add_subject_key_id(ca) || X509_sign(ca, key, key_digest(key)) <= 0)
        return failed(e);
    *out = take(ca);
    return 0;
}

int issue_leaf(const struct issue_leaf *leaf, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, time_t now,
    X509 **out, struct err *e)
{
    X509 *certificate cleanup_ossl(X509) =
        blank(leaf->common_name, key, now - ISSUE_BACKDATE, issue_until(now, leaf->days));

    if (!certificate)
        return failed(e);
    if (ASN1_TIME_compare(X509_get0_notAfter(certificate), X509_get0_notAfter(ca)) > 0 &&
        X509_set1_notAfter(certificate, X509_get0_notAfter(ca)) != 1)
        return failed(e);
    if (X509_set_issuer_name(certificate, X509_get_subject_name(ca)) != 1 ||
        !add_basic_constraints(certificate, false) || !add_key_usage(certificate, false) ||
        !add_purpose(certificate, leaf->server) || !add_subject_key_id(certificate) ||
        !add_authority_key_id(certificate, ca) || !add_names(certificate, leaf->names) ||
        X509_sign(certificate, ca_key, key_digest(ca_key)) <= 0)
        return failed(e);
    *out = take(certificate);
    return 0;
}

int issue_to_pem(X509 *certificate, struct text *pem, struct err *e)
{
    BIO *bio cleanup_ossl(BIO) = BIO_new(BIO_s_mem());

    if (!bio || PEM_write_bio_X509(bio, certificate) != 1)
        return failed(e);
    ossl_drain(bio, pem);
    return 0;
}
