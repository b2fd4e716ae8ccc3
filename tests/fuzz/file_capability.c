/* security.capability: only a whole value of revision 2 or 3 with the effective bit grants anything, and
 * never a capability that has no bit in it. */
#include "fuzz.h"

#include "entrypoint/host_idmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { REVISION = 3, EFFECTIVE = 1, PERMITTED = 4 };

    for (unsigned capability = 0; capability < 70; capability++) {
        if (!host_file_capability(data, size, capability))
            continue;
        CHECK(size == 20 || size == 24);
        CHECK(data[REVISION] == (size == 20 ? 2 : 3) && (data[0] & EFFECTIVE));
        CHECK(capability < 64);
        size_t byte = (size_t)PERMITTED + (capability < 32 ? 0U : 8U) + capability % 32 / 8;
        CHECK(data[byte] & (1U << capability % 8));
    }
    return 0;
}
