/* boot.json: what is taken for a report can be shown in any width, on lines of UTF-8 without control
 * characters; what is not is refused with a text. */
#include "fuzz.h"

#include "entrypoint/boot_report.h"

#include <errno.h>
#include <string.h>

static void check_table(const json_t *json, unsigned width)
{
    cleanup_text struct text out = {0};
    cleanup_strings struct strings lines = {0};

    boot_report_show(json, width % 2, (struct boot_view){.width = width, .wrap = width % 2}, &out);
    strings_split(&lines, text_get(&out), "\n");
    CHECK(lines.count > 4);
    for (size_t i = 0; i < lines.count; i++)
        check_message(lines.items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct err e = {0};

    if (!json)
        return 0;
    int r = boot_report_check(json, &e);
    if (r == 0) {
        check_table(json, 60);
        check_table(json, 81);
    } else {
        CHECK(r == -EINVAL);
        check_message(e.what);
    }
    json_decref(json);
    return 0;
}
