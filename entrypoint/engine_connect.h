/* A connection to an engine's socket, within a deadline. */
#pragma once

#include "entrypoint/engine_api.h"

#include <sys/types.h>

/* Sends all of it. 0 or a negative errno. */
int engine_send(int fd, const char *data, size_t length, long long deadline);

/* What has come, at least one byte: how many bytes, 0 at the end of the connection, or a negative errno. */
ssize_t engine_receive(int fd, char *data, size_t room, long long deadline);

/* Connects. A descriptor that the caller closes, or a negative errno with *stage and *e. */
int engine_connect(
    const struct engine_address *address, long long deadline, enum engine_stage *stage, struct err *e);
