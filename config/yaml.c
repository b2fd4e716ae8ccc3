#include "config/yaml.h"

#include "base/utf8.h"
#include "config/config.h"
#include "config/quote.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    const char *name;
    struct err *e;
    struct node *open[CONFIG_MAX_DEPTH]; /* borrowed: the collections around the current event */
    json_t *seen[CONFIG_MAX_DEPTH];      /* owned: keys so far of each open map, NULL for lists */
    struct node *key[CONFIG_MAX_DEPTH];  /* borrowed: the key that waits for its value, if any */
    size_t depth;
    struct node *root; /* owned */
};

static int refuse(struct reader *reader, yaml_mark_t at, const char *what, const char *hint)
{
    cleanup_text struct text name = {0};

    quote_line(&name, reader->name);
    (void)err_set(reader->e, -EINVAL, "%s:%zu:%zu: %s", text_get(&name), at.line + 1, at.column + 1, what);
    (void)err_hint(reader->e, "%s", hint);
    (void)err_status(reader->e, EXIT_CONFIG);
    return -EINVAL;
}

/* c-printable (YAML 1.2.2, 5.1) without U+FEFF, which libyaml refuses too. */
static bool is_printable(unsigned code)
{
    if (code < 0x20)
        return code == '\t' || code == '\n' || code == '\r';
    if (code >= 0x7f && code < 0xa0)
        return code == 0x85;
    return code != 0xfeff && code != 0xfffe && code != 0xffff;
}

/* libyaml reports bytes that are no text without line and column. */
static int check_text(struct reader *reader, const char *data, size_t length)
{
    yaml_mark_t at = {0};
    unsigned code = 0;

    for (size_t i = 0; i < length;) {
        size_t step = utf8_length(data + i, length - i, &code);
        if (step == 0)
            return refuse(reader, at, "is not UTF-8", "save the file as UTF-8");
        if (!is_printable(code))
            return refuse(reader, at, "contains an unprintable character",
                "remove it, or write it as an escape in double quotes");
        i += step;
        at.column++;
        if (code == '\n' || (code == '\r' && !(i < length && data[i] == '\n'))) {
            at.line++;
            at.column = 0;
        }
    }
    return 0;
}

static struct node *placed(struct node *node, yaml_mark_t at)
{
    node->line = (unsigned)at.line + 1;
    node->column = (unsigned)at.column + 1;
    return node;
}

static int take_key(struct reader *reader, struct node *key, yaml_mark_t at)
{
    size_t top = reader->depth - 1;
    json_t *seen = reader->seen[top];
    json_t *before = json_object_get(seen, key->text);

    if (before) {
        char *shown cleanup_free = quote_short(key->text);
        char *what cleanup_free =
            str_format("%s: is there twice, first in line %lld", shown, json_integer_value(before));
        return refuse(reader, at, what, "keep one of the two");
    }
    json_object_set_new(seen, key->text, json_integer((json_int_t)at.line + 1));
    reader->key[top] = key;
    return 0;
}

/* Puts a node where it belongs. Takes it over, also when it is refused. */
static int place(struct reader *reader, struct node *node, yaml_mark_t at)
{
    if (reader->depth == 0) {
        reader->root = node;
        return 0;
    }

    struct node *parent = reader->open[reader->depth - 1];
    node_add(parent, node);
    if (parent->kind == NODE_LIST)
        return 0;
    if (reader->key[reader->depth - 1]) {
        reader->key[reader->depth - 1] = NULL;
        return 0;
    }
    if (node->kind != NODE_SCALAR)
        return refuse(reader, at, "a key is a list or a map", "use plain text as key");
    return take_key(reader, node, at);
}

static int take_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;

    if (length > CONFIG_MAX_VALUE)
        return refuse(reader, event->start_mark, "the text is too long", "shorten it to 65536 bytes");
    if (strlen(text) != length)
        return refuse(reader, event->start_mark, "the text contains a NUL byte", "remove the escape \\0");
    struct node *node = node_scalar(text, event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);
    return place(reader, placed(node, event->start_mark), event->start_mark);
}

static int open_collection(struct reader *reader, enum node_kind kind, yaml_mark_t at)
{
    if (reader->depth == CONFIG_MAX_DEPTH)
        return refuse(reader, at, "is nested too deeply", "use at most 16 levels of lists and maps");

    struct node *node = placed(node_collection(kind), at);
    int r = place(reader, node, at);
    if (r < 0)
        return r;
    reader->open[reader->depth] = node;
    reader->key[reader->depth] = NULL;
    reader->seen[reader->depth] = kind == NODE_MAP ? json_object() : NULL;
    reader->depth++;
    return 0;
}

static int check_plain_node(
    struct reader *reader, const yaml_event_t *event, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        return refuse(
            reader, event->start_mark, "anchors are not supported", "remove the & and write the value out");
    if (tag)
        return refuse(
            reader, event->start_mark, "tags are not supported", "remove the tag that begins with !");
    return 0;
}

static int take_event(struct reader *reader, const yaml_event_t *event)
{
    int r = 0;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        r = check_plain_node(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
        return r < 0 ? r : take_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        r = check_plain_node(
            reader, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return r < 0 ? r : open_collection(reader, NODE_LIST, event->start_mark);
    case YAML_MAPPING_START_EVENT:
        r = check_plain_node(reader, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return r < 0 ? r : open_collection(reader, NODE_MAP, event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        json_decref(reader->seen[reader->depth]);
        return 0;
    case YAML_ALIAS_EVENT:
        return refuse(
            reader, event->start_mark, "aliases are not supported", "remove the * and write the value out");
    case YAML_DOCUMENT_START_EVENT:
        if (reader->root)
            return refuse(reader, event->start_mark, "a second document begins",
                "keep one document, without a further ---");
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 0;
    }
    return 0;
}

static int parser_failed(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return refuse(reader, parser->mark, "out of memory", "give the container more memory");

    char *what cleanup_free = parser->context
                                  ? str_format("%s %s", parser->problem, parser->context)
                                  : str_format("%s", parser->problem ? parser->problem : "is not YAML");
    return refuse(reader, parser->problem_mark, what,
        "check the indentation around this place, and quote texts with special characters");
}

static int read_events(struct reader *reader)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event))
            return parser_failed(reader);
        more = event.type != YAML_STREAM_END_EVENT;
        int r = take_event(reader, &event);
        yaml_event_delete(&event);
        if (r < 0)
            return r;
    }
    return 0;
}

int yaml_read(const char *data, size_t length, const char *name, struct node **root, struct err *e)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct reader reader = {.name = name, .e = e};

    /* Editors on Windows put a byte order mark in front. libyaml would count it as a column. */
    if (length >= strlen(mark) && memcmp(data, mark, strlen(mark)) == 0) {
        data += strlen(mark);
        length -= strlen(mark);
    }
    int r = check_text(&reader, data, length);
    if (r < 0)
        return r;
    if (!yaml_parser_initialize(&reader.parser))
        return refuse(&reader, (yaml_mark_t){0}, "out of memory", "give the container more memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)data, length);

    r = read_events(&reader);
    yaml_parser_delete(&reader.parser);
    while (reader.depth > 0)
        json_decref(reader.seen[--reader.depth]);
    if (r < 0) {
        node_free(reader.root);
        return r;
    }
    *root = reader.root;
    return 0;
}
