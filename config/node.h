/* A value as it was written, with its place: what YAML and the environment become before the option table
 * reads it. */
#pragma once

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct json_t json_t;

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    bool plain;            /* of a scalar: not quoted, so the core schema decides its type */
    char *text;            /* of a scalar, owned; no NUL inside */
    struct node **items;   /* owned: items of a list; key, value, key, value... of a map */
    size_t count;          /* of `items` */
    unsigned line, column; /* from 1; 0 when it does not come from a file */
};

/* What YAML 1.2's core schema makes of a scalar (YAML 1.2.2, 10.3.2). */
enum scalar_kind { SCALAR_NULL, SCALAR_BOOL, SCALAR_INT, SCALAR_REAL, SCALAR_TEXT };

/* A new scalar with a copy of the text, or a new empty list or map, without a place. Ended by node_free. */
struct node *node_scalar(const char *text, bool plain);
struct node *node_collection(enum node_kind kind);

/* Takes over `item`. In a map, a key and its value are added one after the other. */
void node_add(struct node *collection, struct node *item);

/* Frees the node and all below it; NULL is fine. */
void node_free(struct node *node);

static inline void cleanup_node_(struct node **node)
{
    node_free(*node);
}
#define cleanup_node cleanup(cleanup_node_)

/* "text", "a whole number", "a list"...: for messages. */
const char *node_words(const struct node *node);

/* The type of a scalar; one in quotes is always SCALAR_TEXT. */
enum scalar_kind node_scalar_kind(const struct node *scalar);

/* The value of a plain boolean, decimal, 0o or 0x integer. False when it is none, or does not fit. */
bool node_bool(const struct node *scalar, bool *out);
bool node_int(const struct node *scalar, long long *out);

/* The same as JSON: a new reference, or NULL with *bad the node that JSON cannot express (.inf, .nan, too big
 * a number). */
json_t *node_to_json(const struct node *node, const struct node **bad);

/* A new tree without places, the other way round: numbers and constants are plain, strings and keys quoted.
 */
struct node *node_from_json(json_t *json);

/* Nesting: 0 for a scalar, 1 for a collection of scalars. */
size_t node_depth(const struct node *node);
