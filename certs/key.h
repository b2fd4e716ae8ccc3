/* Private keys: the kinds that a user can choose, making them, and PEM in and out. */
#pragma once

#include "certs.h"
#include "ossl.h"

/* "ecdsa-p256", as tls.key has it. */
const char *key_algorithm_name(enum certs_algorithm algorithm);

/* Makes a key. RSA takes from tenths of a second to minutes. The caller owns *out. */
int key_make(enum certs_algorithm algorithm, EVP_PKEY **out, struct err *e);

/*
 * Fills keys[i] for each i below `count` whose keys[i] is NULL and wanted[i] is true. RSA keys are made in
 * parallel threads, all of which have ended on return. On failure keys made so far stay with the caller.
 */
int key_make_all(
    enum certs_algorithm algorithm, const bool *wanted, EVP_PKEY **keys, size_t count, struct err *e);

/* True if the key is of exactly that kind. */
bool key_is(const EVP_PKEY *key, enum certs_algorithm algorithm);

/* True if current TLS clients accept it: RSA of 2048 bits and up, NIST curves of 256 bits and up, Ed25519. */
bool key_is_strong(const EVP_PKEY *key);

/* The digest to sign with: NULL for keys that bring their own (Ed25519). RFC 5758, RFC 8410. */
const EVP_MD *key_digest(const EVP_PKEY *key);

/* Appends unencrypted PKCS#8 PEM (RFC 5958), which Go, Java, .NET and Node all read. */
int key_to_pem(const EVP_PKEY *key, struct text *pem, struct err *e);

/*
 * Reads an unencrypted PEM private key (PKCS#8, PKCS#1 or SEC1); never asks for a passphrase. Returns NULL
 * and *problem, words that follow a file name ("is encrypted"), when that fails. The caller owns the key.
 */
EVP_PKEY *key_from_pem(const struct text *pem, const char **problem);
