/* Secrets in what people and logs get to see. One rule for log lines, plans, settings and reports. */
#pragma once

#include "text.h"

/*
 * A copy of `s` without its secrets; the caller frees it. Masked are, with the words that dockerd uses for
 * its proxies, user and password of every URL ("http://xxxxx:xxxxx@proxy:3128") and of a value whose name
 * ends with "proxy", and the whole value whose name ends with token, password, passwd or secret (NAME=VALUE,
 * or "NAME": "VALUE"). In doubt more is masked, not less.
 */
char *redact(const char *s);

/* The same for a value that stands alone; `name` is what it belongs to, or NULL. The caller frees it. */
char *redact_value(const char *name, const char *value);
