/* tls.clients: who gets a client certificate, and where it lies. */
#pragma once

#include "config/records.h"

extern const struct record_type clients_records;

/*
 * Two clients whose folders lie in each other, or one whose folder lies in or around ca/ or server/: what is
 * wrong, which the caller frees, with *client the name of the later one (borrowed). NULL if all is well.
 */
char *clients_conflict(const struct settings *settings, const char **client);
