#include "config/records.h"

#include "config/checks.h"
#include "config/quote.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const struct record_reading *reading, const struct node *at, const char *field,
    const char *hint, const char *what)
{
    char *key cleanup_free =
        str_format("%s[%zu]%s%s", reading->option->key, reading->index, *field ? "." : "", field);
    if (at->line)
        return source_refuse(reading->source, at, key, hint, reading->e, "%s", what);
    return source_refuse(reading->source, at, reading->option->key, hint, reading->e, "[%zu]%s%s: %s",
        reading->index, *field ? "." : "", field, what);
}

int record_refuse(const struct record_reading *reading, int field, const char *hint, const char *what)
{
    const struct node *at = field == RECORD_WHOLE ? NULL : reading->fields[field];

    return refuse(reading, at ? at : reading->entry,
        field == RECORD_WHOLE ? "" : reading->option->records->fields[field].name, hint, what);
}

/* "did you mean target? use source, target, type and options" */
static int refuse_key(const struct record_reading *reading, const struct node *key)
{
    const struct record_type *type = reading->option->records;
    const char *names[RECORD_FIELDS + 1] = {NULL};
    cleanup_text struct text hint = {0};
    char *shown cleanup_free = quote_short(key->text);

    for (size_t i = 0; i < type->field_count; i++)
        names[i] = type->fields[i].name;
    const char *near = nearest_word(key->text, names);
    if (near)
        text_addf(&hint, "did you mean %s? ", near);
    for (size_t i = 0; i < type->field_count; i++)
        text_addf(&hint, "%s%s", i == 0 ? "use " : i + 1 == type->field_count ? " and " : ", ", names[i]);
    return refuse(reading, key, shown, text_get(&hint), "is not known here");
}

/* What every field has in common. */
static int check_scalar(
    const struct record_reading *reading, const struct node *value, const struct record_field *field)
{
    if (value->kind != NODE_SCALAR || node_scalar_kind(value) == SCALAR_NULL)
        return refuse(reading, value, field->name, "use text", "is not text");
    if (field->quoted && node_scalar_kind(value) != SCALAR_TEXT)
        return refuse(reading, value, field->name, field->hint, "is not in quotes");
    if (has_control(value->text))
        return refuse(reading, value, field->name, "remove them", "contains control characters");
    return 0;
}

static int find_fields(struct record_reading *reading)
{
    const struct record_type *type = reading->option->records;

    for (size_t i = 0; i < reading->entry->count; i += 2) {
        const struct node *key = reading->entry->items[i], *value = reading->entry->items[i + 1];
        size_t field = 0;
        while (field < type->field_count && strcmp(type->fields[field].name, key->text) != 0)
            field++;
        if (field == type->field_count)
            return refuse_key(reading, key);
        int r = check_scalar(reading, value, &type->fields[field]);
        if (r < 0)
            return r;
        reading->fields[field] = value;
    }
    return 0;
}

static int check_missing(const struct record_reading *reading)
{
    const struct record_type *type = reading->option->records;

    for (size_t i = 0; i < type->field_count; i++) {
        char *what cleanup_free = str_format("has no %s", type->fields[i].name);
        if (type->fields[i].missing && !reading->fields[i])
            return record_refuse(reading, RECORD_WHOLE, type->fields[i].missing, what);
    }
    return 0;
}

static char **member(const struct record_field *field, void *entry)
{
    return (char **)(void *)((char *)entry + field->offset);
}

static const char *member_of(const struct record_field *field, const void *entry)
{
    return *(char *const *)(const void *)((const char *)entry + field->offset);
}

static int read_fields(const struct record_reading *reading, void *entry)
{
    const struct record_type *type = reading->option->records;

    for (size_t i = 0; i < type->field_count; i++) {
        const struct record_field *field = &type->fields[i];
        char *canonical cleanup_free = NULL;
        if (!reading->fields[i])
            continue;
        const char *text = reading->fields[i]->text;
        const char *wrong = field->check ? field->check(text, &canonical) : NULL;
        if (wrong)
            return record_refuse(reading, (int)i, field->hint, wrong);
        *member(field, entry) = canonical ? take(canonical) : str_dup(text);
    }
    return 0;
}

static int read_entry(struct record_reading *reading, void *entry)
{
    if (reading->entry->kind != NODE_MAP)
        return record_refuse(reading, RECORD_WHOLE, reading->option->allow, "is not a map");
    int r = find_fields(reading);
    if (r == 0)
        r = check_missing(reading);
    if (r == 0)
        r = read_fields(reading, entry);
    return r == 0 ? reading->option->records->complete(reading, entry) : r;
}

static void free_entries(const struct record_type *type, void *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t f = 0; f < type->field_count; f++)
            free(*member(&type->fields[f], (char *)entries + i * type->size));
    free(entries);
}

/* The array in the settings: a pointer to some struct, and so not an object of type void *. */
static void *entries_of(const struct option *option, const struct settings *settings)
{
    void *entries = NULL;

    (void)memcpy(&entries, (const char *)settings + option->offset, sizeof(entries));
    return entries;
}

static size_t count_of(const struct option *option, const struct settings *settings)
{
    return *(const size_t *)(const void *)((const char *)settings + option->records->count_offset);
}

static void set_entries(const struct option *option, struct settings *settings, void *entries, size_t count)
{
    (void)memcpy((char *)settings + option->offset, &entries, sizeof(entries));
    *(size_t *)(void *)((char *)settings + option->records->count_offset) = count;
}

int records_apply(const struct node *value, const struct option *option, const struct source *source,
    struct settings *settings, struct err *e)
{
    const struct record_type *type = option->records;

    if (value->kind != NODE_LIST)
        return source_refuse(
            source, value, option->key, option->allow, e, "is %s, not a list of maps", node_words(value));

    char *entries = value->count ? mem_zero(value->count, type->size) : NULL;
    for (size_t i = 0; i < value->count; i++) {
        struct record_reading reading = {.option = option,
            .source = source,
            .e = e,
            .index = i,
            .entry = value->items[i],
            .before = entries};
        int r = read_entry(&reading, entries + i * type->size);
        if (r < 0) {
            free_entries(type, entries, i + 1);
            return r;
        }
    }
    records_free(option, settings);
    set_entries(option, settings, entries, value->count);
    return 0;
}

void records_free(const struct option *option, struct settings *settings)
{
    free_entries(option->records, entries_of(option, settings), count_of(option, settings));
    set_entries(option, settings, NULL, 0);
}

json_t *records_value(const struct option *option, const struct settings *settings)
{
    const struct record_type *type = option->records;
    const char *entries = entries_of(option, settings);
    json_t *array = json_array();

    for (size_t i = 0; i < count_of(option, settings); i++) {
        json_t *object = json_object();
        for (size_t f = 0; f < type->field_count; f++) {
            const char *text = member_of(&type->fields[f], entries + i * type->size);
            if (text)
                (void)json_object_set_new(object, type->fields[f].name, json_string(text));
        }
        (void)json_array_append_new(array, object);
    }
    return array;
}
