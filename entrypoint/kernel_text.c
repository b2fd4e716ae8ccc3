#include "kernel_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* proc_pid_mountinfo(5): blank, tab, newline and backslash are written as \ooo. */
static char *unescape(const char *s)
{
    char *plain = mem_alloc(strlen(s) + 1), *to = plain;

    while (*s) {
        bool octal = s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
                     s[3] >= '0' && s[3] <= '7';
        if (octal) {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 4;
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
    return plain;
}

static void mount_entry_free(struct mount_entry *m)
{
    free(m->root);
    free(m->point);
    free(m->options);
    free(m->tags);
    free(m->type);
    free(m->source);
    free(m->super);
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS TAG* - TYPE SOURCE SUPER */
static bool parse_mount(const char *line, struct mount_entry *m)
{
    enum { ROOT = 3, POINT = 4, OPTIONS = 5, TAGS = 6 };
    cleanup_strings struct strings fields = {0};
    cleanup_text struct text tags = {0};

    strings_split(&fields, line, " ");
    size_t dash = TAGS;
    while (dash < fields.count && strcmp(fields.items[dash], "-") != 0)
        dash++;
    if (dash + 2 >= fields.count)
        return false;
    for (size_t i = TAGS; i < dash; i++)
        text_addf(&tags, "%s%s", tags.length ? " " : "", fields.items[i]);

    *m = (struct mount_entry){
        .root = unescape(fields.items[ROOT]),
        .point = unescape(fields.items[POINT]),
        .options = str_dup(fields.items[OPTIONS]),
        .tags = str_dup(text_get(&tags)),
        .type = str_dup(fields.items[dash + 1]),
        .source = unescape(fields.items[dash + 2]),
        .super = str_dup(dash + 3 < fields.count ? fields.items[dash + 3] : ""),
    };
    return true;
}

void mount_table_parse(struct mount_table *table, const char *mountinfo)
{
    cleanup_strings struct strings lines = {0};

    *table = (struct mount_table){0};
    strings_split(&lines, mountinfo, "\n");
    table->items = mem_zero(lines.count, sizeof(*table->items));
    for (size_t i = 0; i < lines.count; i++)
        if (parse_mount(lines.items[i], &table->items[table->count]))
            table->count++;
}

void mount_table_free(struct mount_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        mount_entry_free(&table->items[i]);
    free(table->items);
    *table = (struct mount_table){0};
}

const struct mount_entry *mount_table_at(const struct mount_table *table, const char *point)
{
    for (size_t i = table->count; i-- > 0;)
        if (strcmp(table->items[i].point, point) == 0)
            return &table->items[i];
    return NULL;
}

static bool is_mask(const struct mount_entry *m)
{
    bool in_proc = str_starts(m->point, "/proc/"), in_sys = str_starts(m->point, "/sys/");

    if ((!in_proc && !in_sys) || str_starts(m->point, "/sys/fs/cgroup"))
        return false;
    if (str_equal(m->root, "/null") && (str_equal(m->type, "tmpfs") || str_equal(m->type, "devtmpfs")))
        return true;
    if (!options_have(m->options, "ro"))
        return false;
    return str_equal(m->type, "tmpfs") || (in_proc && str_equal(m->type, "proc"));
}

void mount_table_masks(const struct mount_table *table, struct strings *masks)
{
    for (size_t i = table->count; i-- > 0;)
        if (is_mask(&table->items[i]))
            strings_add(masks, table->items[i].point);
}

bool apparmor_profile_listed(const char *profiles, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = profiles; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (strncmp(line, name, length) == 0 && strncmp(line + length, " (", 2) == 0)
            return true;
    return false;
}

bool options_have(const char *options, const char *word)
{
    cleanup_strings struct strings words = {0};

    strings_split(&words, options, ",");
    return strings_have(&words, word);
}

/* The text behind "NAME:" up to the end of its line, or NULL. */
static const char *status_field(const char *status, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = status; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " \t");
    return NULL;
}

bool status_capset(const char *status, const char *name, capset *out)
{
    const char *field = status_field(status, name);
    char *end = NULL;

    /* strtoull(3) alone would skip white space, line ends included, and take a sign. */
    if (!field || !isxdigit((unsigned char)*field))
        return false;
    errno = 0;
    unsigned long long value = strtoull(field, &end, 16);
    if (errno || (*end != '\n' && *end != '\0'))
        return false;
    *out = value;
    return true;
}

long long status_number(const char *status, const char *name)
{
    const char *field = status_field(status, name);
    long long number = -1;

    if (!field)
        return -1;
    char *word cleanup_free = str_dup_n(field, strcspn(field, " \t\n"));
    return parse_number(word, 0, INT64_MAX, &number) ? number : -1;
}

char *cgroup_v2_path(const char *cgroup)
{
    for (const char *line = cgroup; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        const char *path = str_after(line, "0::");
        if (path)
            return str_dup_n(path, strcspn(path, "\n"));
    }
    return NULL;
}

bool cgroup_is_nested(const char *path)
{
    return str_equal(path, "/init") || str_equal(path, "/dind/init");
}

bool uid_map_is_initial(const char *uid_map)
{
    cleanup_strings struct strings words = {0};

    strings_split(&words, uid_map, " \t\n");
    return words.count == 3 && strcmp(words.items[0], "0") == 0 && strcmp(words.items[1], "0") == 0 &&
           strcmp(words.items[2], "4294967295") == 0;
}

/* The fields of a colon-separated line; empty ones are kept, which strings_split does not. */
static void colon_fields(struct strings *fields, const char *line)
{
    for (const char *at = line;; at++) {
        size_t length = strcspn(at, ":");
        char *field cleanup_free = str_dup_n(at, length);
        strings_add(fields, field);
        at += length;
        if (*at == '\0')
            break;
    }
}

bool passwd_find(const char *passwd, uid_t uid, char **name, gid_t *gid, char **home)
{
    enum { NAME = 0, UID = 2, GID = 3, HOME = 5 };
    cleanup_strings struct strings lines = {0};

    strings_split(&lines, passwd, "\n");
    for (size_t i = 0; i < lines.count; i++) {
        cleanup_strings struct strings fields = {0};
        long long number, group;
        colon_fields(&fields, lines.items[i]);
        if (fields.count > HOME && parse_number(fields.items[UID], 0, UINT32_MAX, &number) &&
            (uid_t)number == uid && parse_number(fields.items[GID], 0, UINT32_MAX - 1, &group)) {
            *name = str_dup(fields.items[NAME]);
            *gid = (gid_t)group;
            *home = str_dup(fields.items[HOME]);
            return true;
        }
    }
    return false;
}

/* 4294967295 is -1, which is nobody's number and means "unchanged" to chown(2). */
static bool account_number(const char *text, unsigned *id)
{
    long long number;

    if (!parse_number(text, 0, UINT32_MAX - 1, &number))
        return false;
    *id = (unsigned)number;
    return true;
}

bool account_find(const char *accounts, const char *name, unsigned *id)
{
    enum { NAME = 0, NUMBER = 2 };
    cleanup_strings struct strings lines = {0};

    strings_split(&lines, accounts, "\n");
    for (size_t i = 0; i < lines.count; i++) {
        cleanup_strings struct strings fields = {0};
        colon_fields(&fields, lines.items[i]);
        if (fields.count > NUMBER && *name && strcmp(fields.items[NAME], name) == 0 &&
            account_number(fields.items[NUMBER], id))
            return true;
    }
    return false;
}

int account_id(const char *accounts, const char *name_or_number, unsigned *id)
{
    if (*name_or_number && name_or_number[strspn(name_or_number, "0123456789")] == '\0')
        return account_number(name_or_number, id) ? 0 : -ERANGE;
    return account_find(accounts, name_or_number, id) ? 0 : -ENOENT;
}

bool subid_has(const char *subid, const char *name, uid_t uid)
{
    cleanup_strings struct strings lines = {0};
    char number[32];

    (void)snprintf(number, sizeof(number), "%u", uid);
    strings_split(&lines, subid, "\n");
    for (size_t i = 0; i < lines.count; i++) {
        char *owner cleanup_free = str_dup_n(lines.items[i], strcspn(lines.items[i], ":"));
        if (strchr(lines.items[i], ':') && (strcmp(owner, number) == 0 || (name && strcmp(owner, name) == 0)))
            return true;
    }
    return false;
}

char *hosts_canonical(const char *hosts, const char *name)
{
    cleanup_strings struct strings lines = {0};

    strings_split(&lines, hosts, "\n");
    for (size_t i = 0; i < lines.count; i++) {
        cleanup_strings struct strings words = {0};
        lines.items[i][strcspn(lines.items[i], "#")] = '\0';
        strings_split(&words, lines.items[i], " \t\r");
        for (size_t w = 1; w < words.count; w++)
            if (strcmp(words.items[w], name) == 0)
                return str_dup(words.items[1]);
    }
    return NULL;
}

void resolv_nameservers(const char *resolv, struct strings *servers)
{
    cleanup_strings struct strings lines = {0};

    strings_split(&lines, resolv, "\n");
    for (size_t i = 0; i < lines.count; i++) {
        cleanup_strings struct strings words = {0};
        strings_split(&words, lines.items[i], " \t\r");
        if (words.count >= 2 && strcmp(words.items[0], "nameserver") == 0)
            strings_add(servers, words.items[1]);
    }
}
