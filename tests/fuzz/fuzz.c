#include "fuzz.h"

#include "base/utf8.h"
#include "config/config.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Of input_file. */
static char path[] = "/tmp/fuzz-XXXXXX";
static int opened = -1;

static void remove_file(void)
{
    if (opened >= 0)
        (void)unlink(path);
}

static void __attribute__((noreturn)) fail(void)
{
    remove_file();
    abort();
}

void check_failed(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    fail();
}

static void show(const char *what, const char *text)
{
    (void)fprintf(stderr, "%s: ", what);
    for (; text && *text; text++)
        (void)fprintf(stderr, *text >= 0x20 && *text < 0x7f ? "%c" : "\\x%02x", (unsigned char)*text);
    (void)fputs(text ? "\n" : "(none)\n", stderr);
}

void check_equal(const char *a, const char *b)
{
    if (str_equal(a, b))
        return;
    show("this", a);
    show("is not", b);
    fail();
}

void check_same(const struct strings *a, const struct strings *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        check_equal(a->items[i], b->items[i]);
    CHECK(a->count == b->count);
}

bool is_utf8(const char *text)
{
    unsigned code = 0;
    size_t left = strlen(text), step = 1;

    for (; left > 0 && step > 0; text += step, left -= step)
        step = utf8_length(text, left, &code);
    return step > 0;
}

static bool is_message(const char *text)
{
    unsigned code = 0;

    if (str_blank(text) || !is_utf8(text))
        return false;
    for (size_t left = strlen(text), step; left > 0; text += step, left -= step) {
        step = utf8_length(text, left, &code);
        if (code < 0x20 || (code >= 0x7f && code <= 0x9f))
            return false;
    }
    return true;
}

void check_message(const char *text)
{
    if (is_message(text))
        return;
    show("not a text for people", text);
    fail();
}

void check_refusal(int r, const struct err *e)
{
    CHECK(r < 0);
    CHECK(e->code == r);
    CHECK(e->status == EXIT_CONFIG);
    check_message(e->what);
    check_message(e->hint);
}

char *input_string(const uint8_t *data, size_t size)
{
    return size ? str_dup_n((const char *)data, size) : str_dup("");
}

void input_strings(struct strings *list, const uint8_t *data, size_t size)
{
    for (size_t length; size > 0; data += length, size -= length) {
        char *item cleanup_free = input_string(data, size);
        strings_add(list, item);
        length = strlen(item) < size ? strlen(item) + 1 : size;
    }
}

const char *input_file(const void *data, size_t size)
{
    if (opened < 0) {
        opened = mkostemp(path, O_CLOEXEC);
        CHECK(opened >= 0);
        CHECK(atexit(remove_file) == 0);
    }
    /* Not cut to nothing first: ext4 would then write it out to the disk each time. */
    CHECK(size == 0 || pwrite(opened, data, size, 0) == (ssize_t)size);
    CHECK(ftruncate(opened, (off_t)size) == 0);
    return path;
}

/* The values by key. The origins stay out: after printing, all of them are places in the file. */
static json_t *values(const struct settings *s)
{
    cleanup_text struct text text = {0};
    const char *key;
    json_t *entry;

    config_print_json(s, &text);
    json_t *all = json_loads(text_get(&text), 0, NULL);
    CHECK(all);
    json_object_foreach(all, key, entry)
    {
        (void)json_object_del(entry, "origin");
    }
    return all;
}

void check_prints_back(const struct settings *s)
{
    cleanup_text struct text printed = {0};
    cleanup(settings_free) struct settings again = {0};
    struct err e = {0};

    config_print(s, &printed);
    const struct config_input input = {.file = input_file(text_get(&printed), printed.length)};
    if (config_load(&again, &input, &e) < 0)
        (void)fprintf(stderr, "%s\n%s\n", text_get(&printed), e.what);
    CHECK(e.code == 0);

    json_t *before = values(s), *after = values(&again);
    if (!json_equal(before, after))
        (void)fprintf(stderr, "%s\n", text_get(&printed));
    CHECK(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}
