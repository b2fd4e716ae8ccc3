#include "config/apply.h"

#include "config/config.h"
#include "config/quote.h"
#include "config/records.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One value on its way into one field. */
struct applying {
    const struct option *option;
    const struct source *source;
    struct err *e;
};

int source_refuse(const struct source *source, const struct node *at, const char *key, const char *hint,
    struct err *e, const char *format, ...)
{
    cleanup_text struct text where = {0};
    char what[1024];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(what, sizeof(what), format, ap);
    va_end(ap);

    quote_line(&where, source->name);
    if (at && at->line)
        text_addf(&where, ":%u:%u: %s", at->line, at->column, key);
    else if (source->kind == ORIGIN_ARGUMENT)
        text_addf(&where, " %s", key);
    (void)err_set(e, -EINVAL, "%s: %s", text_get(&where), what);
    (void)err_hint(e, "%s", hint);
    return err_status(e, EXIT_CONFIG);
}

static int refuse(const struct applying *a, const struct node *at, const char *what)
{
    return source_refuse(a->source, at, a->option->key, a->option->allow, a->e, "%s", what);
}

static int refuse_value(const struct applying *a, const struct node *at, const char *what)
{
    if (a->option->secret)
        return refuse(a, at, what);
    char *shown cleanup_free = quote_short(at->text);
    return source_refuse(a->source, at, a->option->key, a->option->allow, a->e, "%s %s", shown, what);
}

static int refuse_type(const struct applying *a, const struct node *at, const char *wanted)
{
    const char *got = node_words(at);
    if (at->kind == NODE_SCALAR && !*at->text)
        return refuse(a, at, "is empty");
    if (at->kind == NODE_SCALAR && !at->plain) {
        char *shown cleanup_free = quote_short(at->text);
        return source_refuse(a->source, at, a->option->key, a->option->allow, a->e,
            "%s is text in quotes, not %s", shown, wanted);
    }
    if (at->kind == NODE_SCALAR && node_scalar_kind(at) != SCALAR_NULL) {
        char *shown cleanup_free = quote_short(at->text);
        return source_refuse(
            a->source, at, a->option->key, a->option->allow, a->e, "%s is not %s", shown, wanted);
    }
    return source_refuse(a->source, at, a->option->key, a->option->allow, a->e, "is %s, not %s", got, wanted);
}

static int read_bool(const struct applying *a, const struct node *value, bool *out)
{
    return node_bool(value, out) ? 0 : refuse_type(a, value, "true or false");
}

static const char *wanted_number(const struct option *option)
{
    if (option->seconds)
        return option->automatic ? "auto or a time" : "a time";
    return option->automatic ? "auto or a whole number" : "a whole number";
}

static int read_int(const struct applying *a, const struct node *value, long long *out)
{
    const struct option *option = a->option;
    long long number = 0;

    if (option->automatic && value->kind == NODE_SCALAR && strcmp(value->text, "auto") == 0) {
        *out = 0;
        return 0;
    }
    if (option->seconds && value->kind == NODE_SCALAR &&
        parse_time(value->text, option->min, option->max, out))
        return 0;
    if (value->kind != NODE_SCALAR || node_scalar_kind(value) != SCALAR_INT)
        return refuse_type(a, value, wanted_number(option));
    bool fits = node_int(value, &number);
    if (fits && number == 0 && option->automatic) {
        *out = 0;
        return 0;
    }
    if (!fits || number < option->min || number > option->max)
        return refuse_value(a, value, "is out of range");
    *out = number;
    return 0;
}

static int refuse_word(const struct applying *a, const struct node *value)
{
    char *shown cleanup_free = quote_short(value->text);
    const char *near = nearest_word(value->text, a->option->words);
    char *hint cleanup_free =
        near ? str_format("did you mean %s? %s", near, a->option->allow) : str_dup(a->option->allow);
    return source_refuse(
        a->source, value, a->option->key, hint, a->e, "%s is not one of the words it may be", shown);
}

/* YAML 1.1 habits: on is true and off is false in any case, whichever of the two the option knows. */
static bool read_truth(const struct node *scalar, bool *out)
{
    if (node_bool(scalar, out))
        return true;
    *out = strcasecmp(scalar->text, "on") == 0;
    return *out || strcasecmp(scalar->text, "off") == 0;
}

static int find_word(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

static int read_word(const struct applying *a, const struct node *value, int *index)
{
    bool truth = false;

    if (value->kind != NODE_SCALAR || node_scalar_kind(value) == SCALAR_NULL)
        return refuse_type(a, value, "one word");

    int found = find_word(a->option->words, value->text);
    if (found < 0 && read_truth(value, &truth)) {
        found = find_word(a->option->words, truth ? "true" : "false");
        if (found < 0)
            found = find_word(a->option->words, truth ? "on" : "off");
    }
    if (found < 0)
        return refuse_word(a, value);
    *index = found;
    return 0;
}

/* What may stand for one string: a scalar of any type, as it is written, so that `group: 1000` and
 * `[--mtu, 1400]` need no quotes. */
static int read_text(const struct applying *a, const struct node *value, char **out)
{
    if (value->kind != NODE_SCALAR || node_scalar_kind(value) == SCALAR_NULL)
        return refuse_type(a, value, "text");

    char *canonical cleanup_free = NULL;
    const char *wrong = a->option->check ? a->option->check(value->text, &canonical) : NULL;
    if (wrong && !*value->text)
        return refuse(a, value, wrong);
    if (wrong)
        return refuse_value(a, value, wrong);
    *out = canonical ? take(canonical) : str_dup(value->text);
    return 0;
}

static int read_string(const struct applying *a, const struct node *value, char **out)
{
    int word = 0;

    if (!a->option->words)
        return read_text(a, value, out);
    int r = read_word(a, value, &word);
    if (r == 0)
        *out = str_dup(a->option->words[word]);
    return r;
}

static int read_strings(const struct applying *a, const struct node *value, struct strings *out)
{
    cleanup_strings struct strings list = {0};

    if (a->option->single && value->kind == NODE_SCALAR) {
        char *only cleanup_free = NULL;
        int r = read_text(a, value, &only);
        if (r == 0)
            strings_add(out, only);
        return r;
    }
    if (value->kind != NODE_LIST)
        return refuse_type(a, value, "a list");
    for (size_t i = 0; i < value->count; i++) {
        char *item cleanup_free = NULL;
        int r = read_text(a, value->items[i], &item);
        if (r < 0)
            return r;
        strings_add(&list, item);
    }
    *out = list;
    list = (struct strings){0};
    return 0;
}

static int read_map(const struct applying *a, const struct node *value, json_t **out)
{
    const struct node *bad = value;

    if (value->kind != NODE_MAP)
        return refuse_type(a, value, "a map");
    if (node_depth(value) >= CONFIG_MAX_DEPTH)
        return refuse(a, value, "is nested too deeply");
    json_t *map = node_to_json(value, &bad);
    if (!map)
        return refuse_value(a, bad, "is a number that JSON cannot express");
    if (json_object_size(map) == 0) {
        json_decref(map);
        map = NULL;
    }
    *out = map;
    return 0;
}

static int apply_string(const struct applying *a, const struct node *value, char **field)
{
    char *text = NULL;
    int r = read_string(a, value, &text);
    if (r == 0) {
        free(*field);
        *field = text;
    }
    return r;
}

static int apply_strings(const struct applying *a, const struct node *value, struct strings *field)
{
    struct strings list = {0};
    int r = read_strings(a, value, &list);
    if (r == 0) {
        strings_free(field);
        *field = list;
    }
    return r;
}

static int apply_map(const struct applying *a, const struct node *value, json_t **field)
{
    json_t *map = NULL;
    int r = read_map(a, value, &map);
    if (r == 0) {
        json_decref(*field);
        *field = map;
    }
    return r;
}

static int apply(const struct applying *a, const struct node *value, struct settings *settings)
{
    void *field = (char *)settings + a->option->offset;

    switch (a->option->type) {
    case OPTION_TYPE_BOOL:
        return read_bool(a, value, field);
    case OPTION_TYPE_INT:
        return read_int(a, value, field);
    case OPTION_TYPE_ENUM:
        return read_word(a, value, field);
    case OPTION_TYPE_STRING:
        return apply_string(a, value, field);
    case OPTION_TYPE_LIST:
    case OPTION_TYPE_WORDS:
        return apply_strings(a, value, field);
    case OPTION_TYPE_MAP:
        return apply_map(a, value, field);
    case OPTION_TYPE_RECORDS:
        return records_apply(value, a->option, a->source, settings, a->e);
    }
    return -EINVAL;
}

int option_apply(const struct option *option, const struct node *value, const struct source *source,
    struct settings *settings, struct err *e)
{
    const struct applying a = {option, source, e};
    int r = apply(&a, value, settings);
    if (r < 0)
        return r;

    struct origin *origin = &settings->origin[option_id(option)];
    free(origin->name);
    *origin = (struct origin){
        .kind = source->kind,
        .name = source->kind == ORIGIN_DEFAULT ? NULL : str_dup(source->name),
        .line = value->line,
        .column = value->column,
    };
    return 0;
}
