/* mounts.extra: the one option that is a list of maps. */
#pragma once

#include "config/apply.h"

/* option_apply for OPTION_TYPE_MOUNTS: replaces settings->mounts.extra on success. */
int mounts_apply(const struct node *value, const struct option *option, const struct source *source,
    struct settings *settings, struct err *e);

/* Ends settings->mounts.extra and leaves it empty. */
void mounts_free(struct settings *settings);
