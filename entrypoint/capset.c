#include "capset.h"

#include <cap-ng.h>
#include <ctype.h>
#include <linux/capability.h>
#include <stdbool.h>

#define BIT(name) CAPSET_ONE(CAP_##name)

const capset CAPSET_CONTAINER = BIT(CHOWN) | BIT(DAC_OVERRIDE) | BIT(FOWNER) | BIT(FSETID) | BIT(KILL) |
                                BIT(SETGID) | BIT(SETUID) | BIT(SETPCAP) | BIT(NET_BIND_SERVICE) |
                                BIT(NET_RAW) | BIT(SYS_CHROOT) | BIT(MKNOD) | BIT(AUDIT_WRITE) | BIT(SETFCAP);

const capset CAPSET_ENGINE = BIT(CHOWN) | BIT(DAC_OVERRIDE) | BIT(FOWNER) | BIT(FSETID) | BIT(KILL) |
                             BIT(SETGID) | BIT(SETUID) | BIT(SETPCAP) | BIT(NET_BIND_SERVICE) | BIT(NET_RAW) |
                             BIT(SYS_CHROOT) | BIT(MKNOD) | BIT(AUDIT_WRITE) | BIT(SETFCAP) | BIT(SYS_ADMIN) |
                             BIT(NET_ADMIN);

/* Unnamed containers of bits that no ordinary use of a nested engine needs: kernel code and raw hardware, the
 * clock, MAC policy, wake-ups, the audit log, and open_by_handle_at(2), the classic way out of a container.
 */
static const capset DROPPED_BY_DEFAULT = BIT(SYS_MODULE) | BIT(SYS_RAWIO) | BIT(SYS_BOOT) | BIT(SYS_TIME) |
                                         BIT(MAC_OVERRIDE) | BIT(MAC_ADMIN) | BIT(WAKE_ALARM) |
                                         BIT(BLOCK_SUSPEND) | BIT(AUDIT_READ) | BIT(DAC_READ_SEARCH);

static const capset KEPT_BY_STRICT = BIT(CHOWN) | BIT(DAC_OVERRIDE) | BIT(FOWNER) | BIT(FSETID) | BIT(KILL) |
                                     BIT(SETGID) | BIT(SETUID) | BIT(SETPCAP) | BIT(NET_BIND_SERVICE) |
                                     BIT(NET_RAW) | BIT(SYS_CHROOT) | BIT(MKNOD) | BIT(AUDIT_WRITE) |
                                     BIT(SETFCAP) | BIT(SYS_ADMIN) | BIT(NET_ADMIN) | BIT(SYS_PTRACE);

int capset_number(const char *name)
{
    return capng_name_to_capability(name);
}

static capset named(const struct strings *names)
{
    capset set = 0;

    for (size_t i = 0; i < names->count; i++) {
        int number = capset_number(names->items[i]);
        if (number >= 0)
            set |= CAPSET_ONE(number);
    }
    return set;
}

capset capset_profile(
    enum profile profile, capset available, const struct strings *keep, const struct strings *drop)
{
    capset wanted = 0;

    switch (profile) {
    case PROFILE_COMPAT:
        wanted = available;
        break;
    case PROFILE_DEFAULT:
        wanted = available & ~DROPPED_BY_DEFAULT;
        break;
    case PROFILE_STRICT:
        wanted = KEPT_BY_STRICT;
        break;
    }
    return ((wanted | named(keep)) & ~named(drop)) & available;
}

char *capset_names(capset set)
{
    struct text names = {0};

    for (unsigned number = 0; number < 64; number++) {
        if (!(set & CAPSET_ONE(number)))
            continue;
        if (names.length)
            text_add(&names, " ");
        const char *name = capng_capability_to_name(number);
        if (!name) {
            text_addf(&names, "%u", number);
            continue;
        }
        for (; *name; name++) {
            char upper = (char)toupper((unsigned char)*name);
            text_add_n(&names, &upper, 1);
        }
    }
    return names.data ? names.data : str_dup("");
}

unsigned capset_count(capset set)
{
    return (unsigned)__builtin_popcountll(set);
}
