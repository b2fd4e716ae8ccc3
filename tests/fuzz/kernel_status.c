/*
 * /proc/PID/status, /proc/PID/cgroup and /proc/PID/uid_map. A value comes from its own line alone, the first
 * one of that name; a cgroup's path is one line of the text.
 */
#include "fuzz.h"

#include "entrypoint/kernel_text.h"

#include <string.h>

static void check_status(const char *text, const char *name)
{
    char *first cleanup_free = str_format("%s:\t00000000a80425fb\n%s", name, text);
    char *number cleanup_free = str_format("%s:\t12\n%s", name, text);
    capset set = 7;

    if (!status_capset(text, name, &set))
        CHECK(set == 7);
    CHECK(status_capset(first, name, &set) && set == 0xa80425fb);
    CHECK(status_number(text, name) >= -1);
    CHECK(status_number(number, name) == 12);
}

/* The text up to the end of the line that begins with NAME: gives the same value as the whole. */
static void check_own_line(const char *text, const char *name)
{
    char *start cleanup_free = str_format("\n%s:", name);
    char *whole cleanup_free = str_format("\n%s", text);
    char *line = strstr(whole, start);
    capset set = 7, own = 7;

    if (!line)
        return;
    line[1 + strcspn(line + 1, "\n")] = '\0';
    CHECK(status_capset(text, name, &set) == status_capset(line + 1, name, &own));
    CHECK(set == own);
    CHECK(status_number(text, name) == status_number(line + 1, name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"CapEff", "CapBnd", "NoNewPrivs", "Seccomp"};
    char *text cleanup_free = input_string(data, size);
    char *path cleanup_free = cgroup_v2_path(text);

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        check_status(text, names[i]);
        check_own_line(text, names[i]);
    }
    if (path) {
        char *line cleanup_free = str_format("0::%s", path);
        char *again cleanup_free = cgroup_v2_path(line);
        CHECK(!strchr(path, '\n') && strstr(text, line));
        check_equal(again, path);
    }
    (void)uid_map_is_initial(text);
    return 0;
}
