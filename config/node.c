#include "config/node.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct node *node_scalar(const char *text, bool plain)
{
    struct node *node = mem_zero(1, sizeof(*node));
    node->kind = NODE_SCALAR;
    node->plain = plain;
    node->text = str_dup(text);
    return node;
}

struct node *node_collection(enum node_kind kind)
{
    struct node *node = mem_zero(1, sizeof(*node));
    node->kind = kind;
    return node;
}

void node_add(struct node *collection, struct node *item)
{
    /* Grows at the powers of two, so that `count` is enough to know the room. */
    if ((collection->count & (collection->count - 1)) == 0)
        collection->items = mem_grow(
            collection->items, collection->count ? collection->count * 2 : 1, sizeof(*collection->items));
    collection->items[collection->count++] = item;
}

void node_free(struct node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->count; i++)
        node_free(node->items[i]);
    free(node->items);
    free(node->text);
    free(node);
}

size_t node_depth(const struct node *node)
{
    size_t deepest = 0;
    for (size_t i = 0; i < node->count; i++) {
        size_t depth = node_depth(node->items[i]);
        if (depth > deepest)
            deepest = depth;
    }
    return node->kind == NODE_SCALAR ? 0 : deepest + 1;
}

static bool is_word(const char *text, const char *lower, const char *capital, const char *upper)
{
    return strcmp(text, lower) == 0 || strcmp(text, capital) == 0 || strcmp(text, upper) == 0;
}

static bool all_of(const char *text, const char *characters)
{
    return *text && text[strspn(text, characters)] == '\0';
}

/* [-+]? [0-9]+ | 0o [0-7]+ | 0x [0-9a-fA-F]+ */
static bool looks_int(const char *text)
{
    if (str_starts(text, "0o"))
        return all_of(text + 2, "01234567");
    if (str_starts(text, "0x"))
        return all_of(text + 2, "0123456789abcdefABCDEF");
    return all_of(text + (*text == '-' || *text == '+'), "0123456789");
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool looks_real(const char *text)
{
    const char *digits = "0123456789";

    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, digits), part = 0;
    text += whole;
    if (*text == '.') {
        part = strspn(++text, digits);
        text += part;
    }
    if (whole == 0 && part == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        return all_of(text, digits);
    }
    return *text == '\0';
}

static bool looks_special(const char *text)
{
    if (is_word(text, ".nan", ".NaN", ".NAN"))
        return true;
    text += *text == '-' || *text == '+';
    return is_word(text, ".inf", ".Inf", ".INF");
}

enum scalar_kind node_scalar_kind(const struct node *scalar)
{
    const char *text = scalar->text;

    if (!scalar->plain)
        return SCALAR_TEXT;
    if (!*text || strcmp(text, "~") == 0 || is_word(text, "null", "Null", "NULL"))
        return SCALAR_NULL;
    if (is_word(text, "true", "True", "TRUE") || is_word(text, "false", "False", "FALSE"))
        return SCALAR_BOOL;
    if (looks_int(text))
        return SCALAR_INT;
    return looks_real(text) || looks_special(text) ? SCALAR_REAL : SCALAR_TEXT;
}

const char *node_words(const struct node *node)
{
    switch (node->kind) {
    case NODE_LIST:
        return "a list";
    case NODE_MAP:
        return "a map";
    case NODE_SCALAR:
        break;
    }
    switch (node_scalar_kind(node)) {
    case SCALAR_NULL:
        return "nothing";
    case SCALAR_BOOL:
        return "true or false";
    case SCALAR_INT:
        return "a whole number";
    case SCALAR_REAL:
        return "a number with a fraction";
    case SCALAR_TEXT:
        break;
    }
    return "text";
}

bool node_bool(const struct node *scalar, bool *out)
{
    if (scalar->kind != NODE_SCALAR || node_scalar_kind(scalar) != SCALAR_BOOL)
        return false;
    *out = *scalar->text == 't' || *scalar->text == 'T';
    return true;
}

bool node_int(const struct node *scalar, long long *out)
{
    if (scalar->kind != NODE_SCALAR || node_scalar_kind(scalar) != SCALAR_INT)
        return false;

    const char *text = scalar->text;
    int base = str_starts(text, "0o") ? 8 : str_starts(text, "0x") ? 16 : 10;
    errno = 0;
    long long value = strtoll(base == 10 ? text : text + 2, NULL, base);
    if (errno)
        return false;
    *out = value;
    return true;
}

static json_t *scalar_to_json(const struct node *scalar)
{
    bool truth = false;
    long long number = 0;
    double real = 0;

    switch (node_scalar_kind(scalar)) {
    case SCALAR_NULL:
        return json_null();
    case SCALAR_BOOL:
        return node_bool(scalar, &truth) ? json_boolean(truth) : NULL;
    case SCALAR_INT:
        return node_int(scalar, &number) ? json_integer(number) : NULL;
    case SCALAR_REAL:
        if (looks_special(scalar->text))
            return NULL;
        real = strtod(scalar->text, NULL);
        return isfinite(real) ? json_real(real) : NULL;
    case SCALAR_TEXT:
        break;
    }
    return json_string(scalar->text);
}

json_t *node_to_json(const struct node *node, const struct node **bad)
{
    json_t *json = NULL;

    switch (node->kind) {
    case NODE_SCALAR:
        json = scalar_to_json(node);
        if (!json)
            *bad = node;
        return json;
    case NODE_LIST:
        json = json_array();
        break;
    case NODE_MAP:
        json = json_object();
        break;
    }
    size_t step = node->kind == NODE_MAP ? 2 : 1;
    for (size_t i = 0; i < node->count; i += step) {
        json_t *value = node_to_json(node->items[i + step - 1], bad);
        if (!value) {
            json_decref(json);
            return NULL;
        }
        if (node->kind == NODE_MAP)
            json_object_set_new(json, node->items[i]->text, value);
        else
            json_array_append_new(json, value);
    }
    return json;
}

static struct node *number_node(const json_t *json)
{
    char *text cleanup_free = json_dumps(json, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    return node_scalar(text ? text : "", true);
}

struct node *node_from_json(json_t *json)
{
    struct node *node = NULL;
    json_t *value;
    const char *key;
    size_t i;

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        node = node_collection(NODE_MAP);
        json_object_foreach(json, key, value)
        {
            node_add(node, node_scalar(key, false));
            node_add(node, node_from_json(value));
        }
        return node;
    case JSON_ARRAY:
        node = node_collection(NODE_LIST);
        json_array_foreach(json, i, value) node_add(node, node_from_json(value));
        return node;
    case JSON_STRING:
        return node_scalar(json_string_value(json), false);
    case JSON_INTEGER:
    case JSON_REAL:
        return number_node(json);
    case JSON_TRUE:
        return node_scalar("true", true);
    case JSON_FALSE:
        return node_scalar("false", true);
    case JSON_NULL:
        break;
    }
    return node_scalar("null", true);
}
