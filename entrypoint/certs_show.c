#include "certs_show.h"

#include "config/quote.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column { FILE_NAME, SUBJECT, KEY, FROM, UNTIL, VERDICT, NAMES, COLUMNS };

enum { DAY_LENGTH = 10 }; /* of "2027-06-01T00:00:00Z" */

static char *date_of(time_t when)
{
    char text[32] = "";
    struct tm utc;

    if (gmtime_r(&when, &utc))
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return str_dup(text);
}

static char *day_of(time_t when)
{
    char *date = date_of(when);

    date[strnlen(date, DAY_LENGTH)] = '\0';
    return date;
}

/* Certificates are whatever clients put into their folders. */
static char *safe(const char *text)
{
    struct text quoted = {0};

    quote_line(&quoted, text);
    return quoted.data ? quoted.data : str_dup("");
}

static char *joined_names(const struct certs_entry *entry)
{
    char *names cleanup_free = strings_join(&entry->names, " ");

    return safe(*names ? names : "-");
}

static void cells_of(const struct certs_entry *entry, char *cells[static COLUMNS])
{
    bool there = entry->subject;

    cells[FILE_NAME] = safe(entry->file);
    cells[SUBJECT] = there ? safe(entry->subject) : str_dup("-");
    cells[KEY] = str_dup(there ? entry->key : "-");
    cells[FROM] = there ? day_of(entry->from) : str_dup("-");
    cells[UNTIL] = there ? day_of(entry->until) : str_dup("-");
    cells[VERDICT] = safe(entry->words);
    cells[NAMES] = joined_names(entry);
}

static void add_row(struct text *out, char *const cells[static COLUMNS], const size_t widths[static COLUMNS])
{
    for (size_t i = 0; i < NAMES; i++)
        text_addf(out, "%-*s  ", (int)widths[i], cells[i]);
    text_addf(out, "%s\n", cells[NAMES]);
}

void certs_show(const struct certs_list *list, struct text *out)
{
    char *head[COLUMNS] = {(char[]){"FILE"}, (char[]){"SUBJECT"}, (char[]){"KEY"}, (char[]){"FROM"},
        (char[]){"UNTIL"}, (char[]){"VERDICT"}, (char[]){"NAMES"}};
    char *(*rows)[COLUMNS] = mem_zero(list->count, sizeof(*rows));
    size_t widths[COLUMNS] = {0};

    for (size_t c = 0; c < COLUMNS; c++)
        widths[c] = strlen(head[c]);
    for (size_t i = 0; i < list->count; i++) {
        cells_of(&list->entries[i], rows[i]);
        for (size_t c = 0; c < COLUMNS; c++)
            widths[c] = strlen(rows[i][c]) > widths[c] ? strlen(rows[i][c]) : widths[c];
    }
    add_row(out, head, widths);
    for (size_t i = 0; i < list->count; i++) {
        add_row(out, rows[i], widths);
        for (size_t c = 0; c < COLUMNS; c++)
            free(rows[i][c]);
    }
    free(rows);
    for (size_t i = 0; i < list->notes.count; i++)
        text_addf(out, "%snote: %s\n", i == 0 ? "\n" : "", list->notes.items[i]);
    if (!list->works)
        text_addf(out, "\na start is refused: %s\n  hint: %s\n", list->refusal, list->hint);
}

bool certs_show_bad(const struct certs_list *list, struct text *out)
{
    bool bad = !list->works;

    if (bad)
        text_addf(out, "%s\n  hint: %s\n", list->refusal, list->hint);
    for (size_t i = 0; i < list->count; i++) {
        const struct certs_entry *entry = &list->entries[i];
        if (entry->state != CERTS_DUE && entry->state != CERTS_LEFT)
            continue;
        text_addf(out, "%s: %s\n", entry->file, entry->words);
        bad = true;
    }
    return bad;
}

static const char *state_name(enum certs_state state)
{
    static const char *const names[] = {[CERTS_GOOD] = "good",
        [CERTS_DUE] = "due",
        [CERTS_LEFT] = "left",
        [CERTS_BAD] = "bad",
        [CERTS_UNJUDGED] = "unjudged"};
    return names[state];
}

static void set_text(json_t *object, const char *key, const char *text)
{
    char *plain cleanup_free = safe(text);

    (void)json_object_set_new(object, key, json_string(plain));
}

static json_t *json_strings(const struct strings *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        char *plain cleanup_free = safe(list->items[i]);
        (void)json_array_append_new(array, json_string(plain));
    }
    return array;
}

static json_t *json_entry(const struct certs_entry *entry)
{
    json_t *object = json_object();

    set_text(object, "file", entry->file);
    if (entry->subject) {
        char *from cleanup_free = date_of(entry->from);
        char *until cleanup_free = date_of(entry->until);
        set_text(object, "subject", entry->subject);
        (void)json_object_set_new(object, "names", json_strings(&entry->names));
        set_text(object, "key", entry->key);
        set_text(object, "from", from);
        set_text(object, "until", until);
    }
    set_text(object, "state", state_name(entry->state));
    set_text(object, "verdict", entry->words);
    return object;
}

void certs_show_json(const struct certs_list *list, const char *dir, struct text *out)
{
    json_t *root = json_object(), *entries = json_array();

    for (size_t i = 0; i < list->count; i++)
        (void)json_array_append_new(entries, json_entry(&list->entries[i]));
    set_text(root, "dir", dir);
    (void)json_object_set_new(root, "certificates", entries);
    (void)json_object_set_new(root, "notes", json_strings(&list->notes));
    if (!list->works) {
        set_text(root, "refusal", list->refusal);
        set_text(root, "hint", list->hint);
    }
    char *text cleanup_free = json_dumps(root, JSON_INDENT(2));
    text_addf(out, "%s\n", text ? text : "null");
    json_decref(root);
}
