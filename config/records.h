/* Options that are lists of maps (mounts.extra, tls.clients). An entry is a struct whose members are strings.
 */
#pragma once

#include "config/apply.h"

enum { RECORD_FIELDS = 8 }; /* at most, of one type */

/* One key of an entry. */
struct record_field {
    const char *name;
    size_t offset;       /* of a char * in the entry's struct: owned; NULL where the key is left out */
    option_check *check; /* NULL: all that has no control characters */
    const char *hint;    /* for what the check refuses */
    const char *missing; /* of a key that must be there: the hint if it is not; else NULL */
    bool quoted;         /* a plain number is refused: YAML 1.1 reads 0640 as 416 */
};

/* One entry on its way into its struct. */
struct record_reading {
    const struct option *option;
    const struct source *source;
    struct err *e;
    size_t index;                             /* of the entry */
    const struct node *entry;                 /* as it was written */
    const struct node *fields[RECORD_FIELDS]; /* the values by field; NULL where the key is left out */
    const void *before;                       /* the `index` entries that have been read */
};

struct record_type {
    const struct record_field *fields;
    size_t field_count;
    size_t size;         /* of an entry's struct */
    size_t count_offset; /* of the number of entries, in struct settings */
    const char *example; /* as JSON */
    /* Looks at a whole entry whose fields are good, and fills in what was left out. 0, or what record_refuse
     * returns. */
    int (*complete)(const struct record_reading *reading, void *entry);
};

/* option_apply for OPTION_TYPE_RECORDS: replaces all entries on success. */
int records_apply(const struct node *value, const struct option *option, const struct source *source,
    struct settings *settings, struct err *e);

/* Ends the entries and leaves none. */
void records_free(const struct option *option, struct settings *settings);

/* The entries as a new JSON array of objects; keys without a value are left out. */
json_t *records_value(const struct option *option, const struct settings *settings);

/* Refuses the entry, or the value of the field with this index in it, at its place. -EINVAL. */
enum { RECORD_WHOLE = -1 };
int record_refuse(const struct record_reading *reading, int field, const char *hint, const char *what);
