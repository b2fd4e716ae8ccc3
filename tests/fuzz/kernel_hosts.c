/* /etc/hosts, behind one line with the name to look up: a canonical name is a word that is itself in the
 * file.
 */
#include "fuzz.h"

#include "entrypoint/kernel_text.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name cleanup_free = input_string(data, size);
    char *line = strchr(name, '\n');
    char *hosts cleanup_free = str_dup(line ? line + 1 : "");

    if (line)
        *line = '\0';
    char *canonical cleanup_free = hosts_canonical(hosts, name);
    if (!canonical)
        return 0;
    CHECK(*canonical && !strpbrk(canonical, " \t\r\n#"));
    CHECK(strstr(hosts, canonical) && strstr(hosts, name));
    char *again cleanup_free = hosts_canonical(hosts, canonical);
    CHECK(again);
    return 0;
}
