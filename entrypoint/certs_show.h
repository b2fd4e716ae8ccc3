/* A list of certificates for people and for machines. Pure. */
#pragma once

#include "certs/certs.h"

/* A table, and below it what is to be said. */
void certs_show(const struct certs_list *list, struct text *out);

/* The same as JSON. `dir` is the store. */
void certs_show_json(const struct certs_list *list, const char *dir, struct text *out);

/* One line for each that is not good. False if there is none, or only what a start would leave as it is for
 * the sake of a name. */
bool certs_show_bad(const struct certs_list *list, struct text *out);
