/* A connection to an engine's socket, within a deadline. */
#pragma once

#include "entrypoint/engine_api.h"

/* Waits until the socket is ready for `events` of poll(2). 0, -ETIMEDOUT or another negative errno. */
int engine_wait(int fd, short events, long long deadline);

/* Connects. A descriptor that the caller closes, or a negative errno with *stage and *e. */
int engine_connect(
    const struct engine_address *address, long long deadline, enum engine_stage *stage, struct err *e);
