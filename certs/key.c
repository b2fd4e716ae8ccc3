#include "key.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <string.h>

enum {
    MAX_PARALLEL = 7,    /* threads beside this one */
    MIN_RSA_BITS = 2048, /* below that OpenSSL's security level 2 and every browser refuse */
};

struct kind {
    const char *name;  /* as the user writes it */
    const char *type;  /* OpenSSL's key type */
    const char *group; /* of EC keys */
    int bits;          /* of RSA keys */
};

static const struct kind *kind_of(enum certs_algorithm algorithm)
{
    static const struct kind kinds[] = {
        [CERTS_ECDSA_P256] = {.name = "ecdsa-p256", .type = "EC", .group = "P-256"},
        [CERTS_ECDSA_P384] = {.name = "ecdsa-p384", .type = "EC", .group = "P-384"},
        [CERTS_ED25519] = {.name = "ed25519", .type = "ED25519"},
        [CERTS_RSA_2048] = {.name = "rsa-2048", .type = "RSA", .bits = 2048},
        [CERTS_RSA_3072] = {.name = "rsa-3072", .type = "RSA", .bits = 3072},
        [CERTS_RSA_4096] = {.name = "rsa-4096", .type = "RSA", .bits = 4096},
    };
    return &kinds[algorithm];
}

const char *key_algorithm_name(enum certs_algorithm algorithm)
{
    return kind_of(algorithm)->name;
}

static EVP_PKEY *generate(enum certs_algorithm algorithm)
{
    const struct kind *kind = kind_of(algorithm);

    if (kind->bits)
        return EVP_PKEY_Q_keygen(NULL, NULL, kind->type, (size_t)kind->bits);
    if (kind->group)
        return EVP_PKEY_Q_keygen(NULL, NULL, kind->type, kind->group);
    return EVP_PKEY_Q_keygen(NULL, NULL, kind->type);
}

int key_make(enum certs_algorithm algorithm, EVP_PKEY **out, struct err *e)
{
    char action[64];
    EVP_PKEY *key = generate(algorithm);

    if (!key) {
        (void)snprintf(action, sizeof(action), "certs: make a key (%s)", key_algorithm_name(algorithm));
        return ossl_error(e, action);
    }
    *out = key;
    return 0;
}

/* Keys to make, which threads take one by one. */
struct jobs {
    enum certs_algorithm algorithm;
    const bool *wanted;
    EVP_PKEY **keys;
    size_t count;
    pthread_mutex_t lock;
    size_t next; /* under the lock, as the result */
    int result;  /* the first failure */
    struct err *e;
};

static bool take_job(struct jobs *jobs, size_t *index)
{
    (void)pthread_mutex_lock(&jobs->lock);
    while (jobs->next < jobs->count && (!jobs->wanted[jobs->next] || jobs->keys[jobs->next]))
        jobs->next++;
    *index = jobs->next;
    bool found = jobs->next < jobs->count && jobs->result == 0;
    jobs->next += found;
    (void)pthread_mutex_unlock(&jobs->lock);
    return found;
}

static void *run_jobs(void *argument)
{
    struct jobs *jobs = argument;
    size_t index;

    while (take_job(jobs, &index)) {
        struct err e = {0}; /* OpenSSL's error queue belongs to the thread */
        int r = key_make(jobs->algorithm, &jobs->keys[index], &e);
        if (r == 0)
            continue;
        (void)pthread_mutex_lock(&jobs->lock);
        if (jobs->result == 0)
            *jobs->e = e;
        jobs->result = jobs->result == 0 ? r : jobs->result;
        (void)pthread_mutex_unlock(&jobs->lock);
    }
    return NULL;
}

int key_make_all(
    enum certs_algorithm algorithm, const bool *wanted, EVP_PKEY **keys, size_t count, struct err *e)
{
    struct jobs jobs = {.algorithm = algorithm,
        .wanted = wanted,
        .keys = keys,
        .count = count,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .e = e};
    pthread_t threads[MAX_PARALLEL];
    size_t started = 0;

    /* Keys of other kinds take less time than threads. */
    while (kind_of(algorithm)->bits > 0 && started < MAX_PARALLEL && started + 1 < count &&
           pthread_create(&threads[started], NULL, run_jobs, &jobs) == 0)
        started++;
    (void)run_jobs(&jobs);
    while (started > 0)
        (void)pthread_join(threads[--started], NULL);
    return jobs.result;
}

static bool group_is(const EVP_PKEY *key, const char *group)
{
    char name[64];
    size_t length = 0;

    if (EVP_PKEY_get_group_name(key, name, sizeof(name), &length) != 1)
        return false;
    /* A key that was read says prime256v1 where a new one says P-256. */
    int id = OBJ_txt2nid(name);
    if (id == NID_undef)
        id = EC_curve_nist2nid(name);
    return id != NID_undef && id == EC_curve_nist2nid(group);
}

bool key_is(const EVP_PKEY *key, enum certs_algorithm algorithm)
{
    const struct kind *kind = kind_of(algorithm);

    if (EVP_PKEY_is_a(key, kind->type) != 1)
        return false;
    if (kind->group)
        return group_is(key, kind->group);
    return kind->bits == 0 || EVP_PKEY_get_bits(key) == kind->bits;
}

bool key_is_strong(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA") == 1)
        return EVP_PKEY_get_bits(key) >= MIN_RSA_BITS;
    if (EVP_PKEY_is_a(key, "EC") == 1)
        return group_is(key, "P-256") || group_is(key, "P-384") || group_is(key, "P-521");
    /* Not Ed448: Go, and so the engine itself, cannot read such a key. */
    return EVP_PKEY_is_a(key, "ED25519") == 1;
}

const EVP_MD *key_digest(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1)
        return NULL;
    if (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) > 384)
        return EVP_sha512();
    if (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) > 256)
        return EVP_sha384();
    return EVP_sha256();
}

int key_to_pem(const EVP_PKEY *key, struct text *pem, struct err *e)
{
    /* This kind of BIO cleanses its memory when it is freed. */
    BIO *bio cleanup_ossl(BIO) = BIO_new(BIO_s_secmem());

    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return ossl_error(e, "certs: encode a private key");
    ossl_drain(bio, pem);
    return 0;
}

/* OpenSSL's own callback would ask on the terminal and hang a container that has one. */
static int no_passphrase(char *buffer, int size, int writing, void *argument)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)argument;
    return -1;
}

static const char *key_problem(const struct text *pem)
{
    static const struct {
        const char *mark, *problem;
    } known[] = {
        {"BEGIN ENCRYPTED PRIVATE KEY", "is encrypted with a passphrase"},
        {"Proc-Type: 4,ENCRYPTED", "is encrypted with a passphrase"},
        {"BEGIN OPENSSH PRIVATE KEY", "is an OpenSSH key, not a PEM private key"},
        {"BEGIN TSS2 PRIVATE KEY", "refers to a key inside a TPM"},
        {"pkcs11:", "refers to a key inside a hardware token"},
        {"BEGIN CERTIFICATE", "is a certificate, not a private key"},
        {"BEGIN PUBLIC KEY", "is a public key, not a private key"},
        {"PRIVATE KEY-----", "is a damaged private key"},
    };

    if (pem->length > 2 && (unsigned char)pem->data[0] == 0x30 && (unsigned char)pem->data[1] >= 0x80)
        return "is in DER or PKCS#12 format, not PEM";
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (memmem(text_get(pem), pem->length, known[i].mark, strlen(known[i].mark)))
            return known[i].problem;
    return "is not a PEM private key";
}

EVP_PKEY *key_from_pem(const struct text *pem, const char **problem)
{
    BIO *bio cleanup_ossl(BIO) = BIO_new_mem_buf(text_get(pem), (int)pem->length);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

    ERR_clear_error();
    if (!key)
        *problem = key_problem(pem);
    return key;
}
