/* What was decided is made in memory, staged on the disk, and then given its names, in this order. */
#pragma once

#include "certs.h"
#include "look.h"

/*
 * Makes the keys and certificates that the decision asks for and writes them into the prepared and, where
 * possible, locked store. Until all are made and staged nothing changes; then every instant between two
 * renames is one that readers may see: a certificate is missing or its key's own, and a client's ca.pem comes
 * last. Only then the CA's key goes, if it is to. *until is set to the notAfter of a new server certificate.
 * 0, or a negative errno with *e.
 */
int write_changes(struct store *store, const struct look *look, const struct certs_request *request,
    time_t *until, struct err *e);
