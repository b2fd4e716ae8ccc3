/* TLS on top of a connection to an engine: both sides show a certificate, and the server's must be for its
 * address. */
#pragma once

#include "entrypoint/engine_api.h"

#include <sys/types.h>

struct engine_tls;

/*
 * Shakes hands over `fd`, which is borrowed, with what is in address->certs. Returns 0 with *out, which the
 * caller ends with engine_tls_free; or a negative errno with *stage and *e.
 */
int engine_tls_start(struct engine_tls **out, int fd, const struct engine_address *address,
    long long deadline, enum engine_stage *stage, struct err *e);
void engine_tls_free(struct engine_tls *tls);

/* As engine_send and engine_receive. */
int engine_tls_send(struct engine_tls *tls, const char *data, size_t length, long long deadline);
ssize_t engine_tls_receive(struct engine_tls *tls, char *data, size_t room, long long deadline);

/*
 * After a failure: words for what the engine has against our certificate, or NULL. With TLS 1.3 it says so
 * only when the handshake is through for us (RFC 8446, section 4.4.2.4).
 */
const char *engine_tls_refusal(const struct engine_tls *tls);
