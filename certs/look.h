/* One look at the store and what follows from it: read, parsed, decided. */
#pragma once

#include "decide.h"
#include "inspect.h"
#include "store.h"

struct look {
    struct store_content content;
    struct inspected inspected;
    struct decision decision;
};

/* Opens the store with the folders of the request. End it with store_close in any case. */
int look_open(struct store *store, const struct certs_request *request, struct err *e);

/* Reads, parses and decides. End it with look_free. */
void look_take(const struct store *store, const struct certs_request *request, struct look *look);
void look_free(struct look *look);

/* The answer for the certificate of a folder. */
static inline const struct decide_answer *look_answer(const struct decision *d, size_t folder)
{
    return folder == STORE_CA       ? &d->ca
           : folder == STORE_SERVER ? &d->server
                                    : &d->clients[folder - STORE_CLIENTS];
}

/* How many folders there are answers for. */
static inline size_t look_count(const struct decision *d)
{
    return STORE_CLIENTS + d->client_count;
}
