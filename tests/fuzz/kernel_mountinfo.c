/* /proc/PID/mountinfo: every entry can be found by its point, and written out again it is the same entry. */
#include "fuzz.h"

#include "entrypoint/kernel_text.h"

static void add_escaped(struct text *line, const char *s)
{
    text_add(line, *s ? " " : " \\000");
    for (; *s; s++)
        text_addf(line, "\\%03o", (unsigned)(unsigned char)*s);
}

static void check_entry(const struct mount_entry *m)
{
    cleanup(mount_table_free) struct mount_table table = {0};
    cleanup_text struct text line = {0};

    text_add(&line, "22 28 0:20");
    add_escaped(&line, m->root);
    add_escaped(&line, m->point);
    text_addf(&line, " %s %s - %s", m->options, m->tags, m->type);
    add_escaped(&line, m->source);
    text_addf(&line, " %s\n", m->super);
    mount_table_parse(&table, text_get(&line));
    CHECK(table.count == 1);
    check_equal(table.items[0].root, m->root);
    check_equal(table.items[0].point, m->point);
    check_equal(table.items[0].options, m->options);
    check_equal(table.items[0].tags, m->tags);
    check_equal(table.items[0].type, m->type);
    check_equal(table.items[0].source, m->source);
    check_equal(table.items[0].super, m->super);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text cleanup_free = input_string(data, size);
    cleanup(mount_table_free) struct mount_table table = {0};

    mount_table_parse(&table, text);
    for (size_t i = 0; i < table.count; i++) {
        const struct mount_entry *m = &table.items[i], *top = mount_table_at(&table, m->point);
        CHECK(top >= m);
        check_equal(top->point, m->point);
        check_entry(m);
        (void)options_have(m->options, "ro");
        (void)options_have(m->super, "nsdelegate");
    }
    return 0;
}
