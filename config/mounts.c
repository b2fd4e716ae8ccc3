#include "config/mounts.h"

#include "config/checks.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum field { FIELD_SOURCE, FIELD_TARGET, FIELD_TYPE, FIELD_OPTIONS, FIELD_COUNT };

static const char *check_type(const char *type, char **canonical)
{
    (void)canonical;
    return *type && type[strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789_.-")] == '\0'
               ? NULL
               : "is not a filesystem type";
}

static int complete(const struct record_reading *reading, void *entry)
{
    struct extra_mount *mount = entry;
    char *unused = NULL;

    if (check_is_root(mount->target))
        return record_refuse(reading, FIELD_TARGET, "use a folder below /", "is the root itself");
    if (!mount->type)
        mount->type = str_dup("bind");
    if (!mount->options)
        mount->options = str_dup("");
    if (strcmp(mount->type, "bind") == 0) {
        if (!mount->source)
            return record_refuse(
                reading, RECORD_WHOLE, "add source: and an absolute path", "is a bind mount without source");
        const char *wrong = check_path(mount->source, &unused);
        return wrong ? record_refuse(reading, FIELD_SOURCE, "use an absolute path", wrong) : 0;
    }
    /* mount(8) shows the type where a filesystem has no source. */
    if (!mount->source || !*mount->source) {
        free(mount->source);
        mount->source = str_dup(mount->type);
    }
    return 0;
}

static const struct record_field fields[FIELD_COUNT] = {
    [FIELD_SOURCE] = {.name = "source", .offset = offsetof(struct extra_mount, source)},
    [FIELD_TARGET] = {.name = "target",
        .offset = offsetof(struct extra_mount, target),
        .check = check_path,
        .hint = "use an absolute path",
        .missing = "add target: and an absolute path"},
    [FIELD_TYPE] = {.name = "type",
        .offset = offsetof(struct extra_mount, type),
        .check = check_type,
        .hint = "use bind, or a type such as tmpfs"},
    [FIELD_OPTIONS] = {.name = "options", .offset = offsetof(struct extra_mount, options)},
};

const struct record_type mounts_records = {
    .fields = fields,
    .field_count = FIELD_COUNT,
    .size = sizeof(struct extra_mount),
    .count_offset = offsetof(struct settings, mounts.extra_count),
    .example = "[{\"source\": \"/a\", \"target\": \"/b\"}]",
    .complete = complete,
};

bool mounts_bring(const struct settings *s, const char *path)
{
    for (size_t i = 0; i < s->mounts.extra_count; i++)
        if (path_within(path, s->mounts.extra[i].target))
            return true;
    return false;
}
