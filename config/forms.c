/* The environment's forms of values, which --set and the table's defaults share. */
#include "config/apply.h"
#include "config/config.h"
#include "config/records.h"
#include "config/words.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const char separators[] = ", \t\r\n";

static bool is_utf8(const char *text)
{
    json_t *probe = json_string(text);
    json_decref(probe);
    return probe != NULL;
}

static struct node *list_node(const struct strings *items)
{
    struct node *list = node_collection(NODE_LIST);
    for (size_t i = 0; i < items->count; i++)
        node_add(list, node_scalar(items->items[i], false));
    return list;
}

/* Behind "near" comes the user's text, which may hold anything; behind "without" a constant of jansson's. */
static void drop_tail(char *message)
{
    static const char *const tails[] = {" near ", " without "};

    for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
        char *tail = strstr(message, tails[i]);
        if (tail)
            *tail = '\0';
    }
}

static int read_json(const struct option *option, const char *text, const struct source *source,
    struct node **out, struct err *e)
{
    if (str_blank(text)) {
        *out = node_collection(option->type == OPTION_TYPE_MAP ? NODE_MAP : NODE_LIST);
        return 0;
    }

    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!json) {
        drop_tail(error.text);
        char *hint cleanup_free =
            option->type == OPTION_TYPE_MAP
                ? str_dup("write a JSON object, for example {\"log-driver\": \"local\"}")
                : str_format("write a JSON list, for example %s", option->records->example);
        return source_refuse(source, NULL, option->key, hint, e, "is not JSON: %s (line %d, column %d)",
            error.text, error.line, error.column);
    }
    *out = node_from_json(json);
    json_decref(json);
    return 0;
}

static int read_form(const struct option *option, const char *text, const struct source *source,
    struct node **out, struct err *e)
{
    cleanup_strings struct strings items = {0};

    switch (option->type) {
    case OPTION_TYPE_BOOL:
    case OPTION_TYPE_INT:
    case OPTION_TYPE_ENUM:
        *out = node_scalar(text, true);
        return 0;
    case OPTION_TYPE_STRING:
        *out = node_scalar(text, option->words != NULL);
        return 0;
    case OPTION_TYPE_LIST:
        strings_split(&items, text, separators);
        break;
    case OPTION_TYPE_WORDS:
        if (!words_split(&items, text))
            return source_refuse(source, NULL, option->key, "close every quote, and end with no backslash", e,
                "has a quote that is not closed");
        break;
    case OPTION_TYPE_MAP:
    case OPTION_TYPE_RECORDS:
        return read_json(option, text, source, out, e);
    }
    *out = list_node(&items);
    return 0;
}

int option_apply_text(const struct option *option, const char *text, const struct source *source,
    struct settings *settings, struct err *e)
{
    cleanup_node struct node *value = NULL;

    if (strnlen(text, CONFIG_MAX_VALUE + 1) > CONFIG_MAX_VALUE)
        return source_refuse(source, NULL, option->key, "use the configuration file for long values", e,
            "is longer than %d bytes", CONFIG_MAX_VALUE);
    if (!is_utf8(text))
        return source_refuse(source, NULL, option->key, "write it as UTF-8", e, "is not UTF-8");
    int r = read_form(option, text, source, &value, e);
    return r < 0 ? r : option_apply(option, value, source, settings, e);
}

int option_apply_defaults(struct settings *settings, struct err *e)
{
    const struct source source = {ORIGIN_DEFAULT, "default"};

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        int r = options[i].fallback
                    ? option_apply_text(&options[i], options[i].fallback, &source, settings, e)
                    : 0;
        if (r < 0)
            return r;
    }
    return 0;
}
