/* What the settings ask of the certificate store, with the names and accounts of this host. */
#pragma once

#include "certs/certs.h"
#include "config/settings.h"

/* Zero-initialised is empty. */
struct certificates {
    struct strings names;         /* owned: of the server's certificate */
    struct certs_client *clients; /* owned; its words are the settings' */
    struct certs_request request; /* borrows from both, and from the settings */
};

/*
 * Fills *c from tls.*: `host_names` are the names that this host has by itself, uid and gid whom the engine
 * runs as. Owners and groups of clients are looked up in /etc/passwd and /etc/group. Changes nothing. Returns
 * 0, or -EINVAL with *e (EXIT_CONFIG). `settings` must outlive *c; end it with certificates_free, after a
 * failure too.
 */
int certificates_read(struct certificates *c, const struct settings *settings,
    const struct strings *host_names, uid_t uid, gid_t gid, struct err *e);
void certificates_free(struct certificates *c);
