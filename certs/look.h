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

/* The answer for the certificate of a folder. */
static inline const struct decide_answer *look_answer(const struct decision *d, enum store_folder folder)
{
    return folder == STORE_CA ? &d->ca : folder == STORE_SERVER ? &d->server : &d->client;
}
