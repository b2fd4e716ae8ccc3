/* Lists of modules: a name that is found stands in the list, whichever way it is spelt there. */
#include "fuzz.h"

#include "entrypoint/host_netfilter.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *list cleanup_free = input_string(data, size);
    static const char *const names[] = {"nf_tables", "ip_tables", "nft_chain_nat", "ip6table_nat"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (!module_listed(list, names[i]))
            continue;
        char *plain cleanup_free = str_dup(list);
        for (char *at = plain; *at; at++)
            if (*at == '-')
                *at = '_';
        CHECK(strstr(plain, names[i]));
    }
    return 0;
}
