/* YAML text to a tree of nodes, with strict limits and a position for every complaint. */
#pragma once

#include "base/err.h"
#include "config/node.h"

/*
 * Reads one YAML document (RFC 3629 UTF-8 with or without a byte order mark in front, no NUL, no anchors,
 * aliases or tags, no key twice, at most CONFIG_MAX_DEPTH deep, scalars of at most CONFIG_MAX_VALUE bytes).
 * `name` is the file's, for messages.
 * Returns 0 with *root a tree that the caller frees, NULL for an empty document; or -EINVAL with *e
 * "NAME:LINE:COLUMN: ...", status EXIT_CONFIG and a hint.
 */
int yaml_read(const char *data, size_t length, const char *name, struct node **root, struct err *e);
