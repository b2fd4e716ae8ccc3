/* dindctl certs: looks at a certificate store, and makes one, without starting anything. */
#pragma once

#include "base/err.h"

/* `words` behind "certs". Returns the exit status (0, or 1 where `check` found something), or a negative
 * errno with *e. */
int certs_command(const char *const *words, const char *const *environment, struct err *e);
