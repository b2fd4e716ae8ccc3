/* An environment as execve(2) takes it: an array of "NAME=VALUE" that ends with NULL. */
#pragma once

#include "text.h"

/* The first value of NAME, or NULL; borrowed. `environment` may be NULL. */
const char *environment_get(const char *const *environment, const char *name);

/* Sets NAME=VALUE in place of every older one; VALUE NULL removes the name. */
void environment_set(struct strings *environment, const char *name, const char *value);
