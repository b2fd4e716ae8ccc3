#include "config/clients.h"

#include "config/checks.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum field { FIELD_NAME, FIELD_DIR, FIELD_OWNER, FIELD_GROUP, FIELD_MODE, FIELD_COUNT };

static const struct record_field fields[FIELD_COUNT] = {
    [FIELD_NAME] = {.name = "name",
        .offset = offsetof(struct tls_client, name),
        .check = check_client_name,
        .hint =
            "use at most 64 letters, digits, dots, underscores and hyphens, the first of them a letter, a "
            "digit or an underscore",
        .missing = "add name: and who the client is"},
    [FIELD_DIR] = {.name = "dir",
        .offset = offsetof(struct tls_client, dir),
        .check = check_folder,
        .hint = "use an absolute path below /, without .."},
    [FIELD_OWNER] = {.name = "owner",
        .offset = offsetof(struct tls_client, owner),
        .check = check_user,
        .hint = "use the name or the number of a user"},
    [FIELD_GROUP] = {.name = "group",
        .offset = offsetof(struct tls_client, group),
        .check = check_group,
        .hint = "use the name or the number of a group"},
    [FIELD_MODE] = {.name = "mode",
        .offset = offsetof(struct tls_client, mode),
        .check = check_key_mode,
        .hint = "use octal digits in quotes, \"0400\" to \"0644\": reading for all that need the key, and "
                "writing for its owner at most",
        .quoted = true},
};

static int complete(const struct record_reading *reading, void *entry)
{
    const struct tls_client *client = entry, *before = reading->before;

    for (size_t i = 0; i < reading->index; i++)
        if (strcmp(before[i].name, client->name) == 0)
            return record_refuse(
                reading, FIELD_NAME, "keep one of the two", "is the name of another client too");
    return 0;
}

const struct record_type clients_records = {
    .fields = fields,
    .field_count = FIELD_COUNT,
    .size = sizeof(struct tls_client),
    .count_offset = offsetof(struct settings, tls.client_count),
    .example = "[{\"name\": \"ci\"}]",
    .complete = complete,
};

char *tls_client_dir(const struct settings *settings, const struct tls_client *client)
{
    if (client->dir)
        return str_dup(client->dir);
    if (strcmp(client->name, TLS_CLIENT_DEFAULT) == 0)
        return str_format("%s/client", settings->tls.dir);
    return str_format("%s/clients/%s", settings->tls.dir, client->name);
}

/* A folder that has its place, by what it is called. */
struct place {
    char *path; /* owned, plain */
    const char *of;
};

static bool overlaps(const struct place *places, size_t count, const char *path, const char **of)
{
    for (size_t i = 0; i < count; i++) {
        *of = places[i].of;
        if (path_within(path, places[i].path) || path_within(places[i].path, path))
            return true;
    }
    return false;
}

static void take_place(struct place *places, size_t *count, char *path, const char *of)
{
    places[*count] = (struct place){.path = path_plain(path), .of = of};
    (*count)++;
    free(path);
}

char *clients_conflict(const struct settings *s, const char **client)
{
    struct place *places cleanup_free = mem_zero(s->tls.client_count + 3, sizeof(*places));
    const struct tls_client implied = {.name = (char[]){TLS_CLIENT_DEFAULT}};
    bool refined = false;
    char *conflict = NULL;
    size_t count = 0;

    if (!*s->tls.dir)
        return NULL;
    for (size_t i = 0; i < s->tls.client_count; i++)
        refined = refined || strcmp(s->tls.clients[i].name, TLS_CLIENT_DEFAULT) == 0;
    take_place(places, &count, str_format("%s/ca", s->tls.dir), "ca/");
    take_place(places, &count, str_format("%s/server", s->tls.dir), "server/");
    if (!refined)
        take_place(places, &count, tls_client_dir(s, &implied), "client/");
    for (size_t i = 0; i < s->tls.client_count && !conflict; i++) {
        char *dir cleanup_free = tls_client_dir(s, &s->tls.clients[i]);
        char *path cleanup_free = path_plain(dir);
        const char *of = NULL;
        *client = s->tls.clients[i].name;
        if (overlaps(places, count, path, &of))
            conflict = str_format("has its folder, %s, in or around that of %s", path, of);
        take_place(places, &count, take(dir), *client);
    }
    while (count > 0)
        free(places[--count].path);
    return conflict;
}
