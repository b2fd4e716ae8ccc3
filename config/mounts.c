#include "config/mounts.h"

#include "config/checks.h"
#include "config/quote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum field { FIELD_SOURCE, FIELD_TARGET, FIELD_TYPE, FIELD_OPTIONS, FIELD_COUNT };

static const char *const field_names[] = {"source", "target", "type", "options", NULL};

struct reading {
    const struct option *option;
    const struct source *source;
    struct err *e;
    size_t index; /* of the entry */
};

static int refuse(const struct reading *reading, const struct node *at, const char *field, const char *hint,
    const char *what)
{
    char *key cleanup_free =
        str_format("%s[%zu]%s%s", reading->option->key, reading->index, *field ? "." : "", field);
    if (at->line)
        return source_refuse(reading->source, at, key, hint, reading->e, "%s", what);
    return source_refuse(reading->source, at, reading->option->key, hint, reading->e, "[%zu]%s%s: %s",
        reading->index, *field ? "." : "", field, what);
}

static int refuse_field(const struct reading *reading, const struct node *key)
{
    char *shown cleanup_free = quote_short(key->text);
    const char *near = nearest_word(key->text, field_names);
    char *hint cleanup_free = str_format("%s%s%suse source, target, type and options",
        near ? "did you mean " : "", near ? near : "", near ? "? " : "");
    return refuse(reading, key, shown, hint, "is not known here");
}

static int read_fields(
    const struct reading *reading, const struct node *entry, const struct node *fields[FIELD_COUNT])
{
    for (size_t i = 0; i < entry->count; i += 2) {
        const struct node *key = entry->items[i], *value = entry->items[i + 1];
        size_t field = 0;
        while (field < FIELD_COUNT && strcmp(field_names[field], key->text) != 0)
            field++;
        if (field == FIELD_COUNT)
            return refuse_field(reading, key);
        if (value->kind != NODE_SCALAR || node_scalar_kind(value) == SCALAR_NULL)
            return refuse(reading, value, field_names[field], "use text", "is not text");
        if (has_control(value->text))
            return refuse(reading, value, field_names[field], "remove them", "contains control characters");
        fields[field] = value;
    }
    return 0;
}

static bool is_filesystem_type(const char *type)
{
    return *type && type[strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789_.-")] == '\0';
}

/* "/", and what leads nowhere else: "/./..". */
static bool is_root(const char *path)
{
    cleanup_strings struct strings parts = {0};

    strings_split(&parts, path, "/");
    for (size_t i = 0; i < parts.count; i++)
        if (strcmp(parts.items[i], ".") != 0 && strcmp(parts.items[i], "..") != 0)
            return false;
    return true;
}

static int check_fields(
    const struct reading *reading, const struct node *entry, const struct node *const fields[FIELD_COUNT])
{
    const struct node *source = fields[FIELD_SOURCE], *target = fields[FIELD_TARGET],
                      *type = fields[FIELD_TYPE];
    char *unused = NULL;

    if (!target)
        return refuse(reading, entry, "", "add target: and an absolute path", "has no target");
    const char *wrong = check_path(target->text, &unused);
    if (wrong)
        return refuse(reading, target, "target", "use an absolute path", wrong);
    if (is_root(target->text))
        return refuse(reading, target, "target", "use a folder below /", "is the root itself");
    if (type && !is_filesystem_type(type->text))
        return refuse(reading, type, "type", "use bind, or a type such as tmpfs", "is not a filesystem type");
    if (type && strcmp(type->text, "bind") != 0)
        return 0;
    if (!source)
        return refuse(
            reading, entry, "", "add source: and an absolute path", "is a bind mount without source");
    wrong = check_path(source->text, &unused);
    return wrong ? refuse(reading, source, "source", "use an absolute path", wrong) : 0;
}

static void free_mounts(struct extra_mount *mounts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(mounts[i].source);
        free(mounts[i].target);
        free(mounts[i].type);
        free(mounts[i].options);
    }
    free(mounts);
}

static int read_entry(const struct reading *reading, const struct node *entry, struct extra_mount *mount)
{
    const struct node *fields[FIELD_COUNT] = {NULL};

    if (entry->kind != NODE_MAP)
        return refuse(reading, entry, "", reading->option->allow, "is not a map");
    int r = read_fields(reading, entry, fields);
    if (r == 0)
        r = check_fields(reading, entry, fields);
    if (r < 0)
        return r;

    const char *type = fields[FIELD_TYPE] ? fields[FIELD_TYPE]->text : "bind";
    *mount = (struct extra_mount){
        /* mount(8) shows the type where a filesystem has no source. */
        .source =
            str_dup(fields[FIELD_SOURCE] && *fields[FIELD_SOURCE]->text ? fields[FIELD_SOURCE]->text : type),
        .target = str_dup(fields[FIELD_TARGET]->text),
        .type = str_dup(type),
        .options = str_dup(fields[FIELD_OPTIONS] ? fields[FIELD_OPTIONS]->text : ""),
    };
    return 0;
}

int mounts_apply(const struct node *value, const struct option *option, const struct source *source,
    struct settings *settings, struct err *e)
{
    struct reading reading = {option, source, e, 0};

    if (value->kind != NODE_LIST)
        return source_refuse(
            source, value, option->key, option->allow, e, "is %s, not a list of maps", node_words(value));

    struct extra_mount *mounts = mem_zero(value->count, sizeof(*mounts));
    for (; reading.index < value->count; reading.index++) {
        int r = read_entry(&reading, value->items[reading.index], &mounts[reading.index]);
        if (r < 0) {
            free_mounts(mounts, reading.index);
            return r;
        }
    }
    mounts_free(settings);
    settings->mounts.extra = mounts;
    settings->mounts.extra_count = value->count;
    return 0;
}

void mounts_free(struct settings *settings)
{
    free_mounts(settings->mounts.extra, settings->mounts.extra_count);
    settings->mounts.extra = NULL;
    settings->mounts.extra_count = 0;
}
