/* Subject alternative names in their canonical spelling: "DNS:name" lower-case, "IP:address" as inet_ntop(3)
 * writes it. */
#pragma once

#include "certs.h"
#include "ossl.h"

/*
 * For a canonical item: the name behind its prefix; for an address also its bytes in network order and their
 * number (4 or 16), which is 0 for a DNS name.
 */
const char *names_address(const char *item, unsigned char address[16], int *length);

/* Appends the DNS names and addresses of the certificate's subjectAltName in canonical spelling. */
void names_of(const X509 *certificate, struct strings *names);

/* The first wanted item that `have` lacks, or NULL. Borrowed from `wanted`. */
const char *names_missing(const struct strings *have, const struct strings *wanted);
