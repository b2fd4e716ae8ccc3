#include "config/checks.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

/* linux/capability.h, by number. */
static const char *const capabilities[] = {"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID",
    "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST",
    "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE",
    "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
    "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE"};

enum { CAPABILITY_COUNT = sizeof(capabilities) / sizeof(*capabilities) };

bool has_control(const char *text)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text))
            return true;
    return false;
}

const char *check_plain_text(const char *text, char **canonical)
{
    (void)canonical;
    if (!*text)
        return "is empty";
    return has_control(text) ? "contains control characters" : NULL;
}

const char *check_path(const char *text, char **canonical)
{
    const char *wrong = check_plain_text(text, canonical);
    if (wrong)
        return wrong;
    if (*text != '/')
        return "is not an absolute path";
    return strlen(text) >= PATH_MAX ? "is too long for a path" : NULL;
}

const char *check_path_or_empty(const char *text, char **canonical)
{
    return *text ? check_path(text, canonical) : NULL;
}

const char *check_socket_path(const char *text, char **canonical)
{
    const char *wrong = check_path(text, canonical);
    if (wrong)
        return wrong;
    if (strlen(text) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return "is too long for the path of a socket";
    return str_ends(text, "/") ? "is a folder, not the path of a socket" : NULL;
}

const char *check_socket_mode(const char *text, char **canonical)
{
    size_t length = strlen(text);

    if (length < 3 || length > 4 || text[strspn(text, "01234567")] || (length == 4 && *text != '0'))
        return *text ? "is not a file mode in octal" : "is empty";
    *canonical = str_format("%04lo", (unsigned long)strtol(text, NULL, 8));
    return NULL;
}

const char *check_interface(const char *text, char **canonical)
{
    const char *wrong = check_plain_text(text, canonical);

    if (wrong)
        return wrong;
    return strlen(text) >= IFNAMSIZ || strpbrk(text, "/: ") || strcmp(text, ".") == 0 ||
                   strcmp(text, "..") == 0
               ? "is not the name of an interface"
               : NULL;
}

bool check_is_root(const char *path)
{
    cleanup_strings struct strings parts = {0};

    strings_split(&parts, path, "/");
    for (size_t i = 0; i < parts.count; i++)
        if (strcmp(parts.items[i], ".") != 0 && strcmp(parts.items[i], "..") != 0)
            return false;
    return true;
}

const char *check_folder(const char *text, char **canonical)
{
    cleanup_strings struct strings parts = {0};
    const char *wrong = check_path(text, canonical);

    if (wrong)
        return wrong;
    strings_split(&parts, text, "/");
    if (strings_have(&parts, ".."))
        return "has .. in it";
    return check_is_root(text) ? "is the root itself" : NULL;
}

static const char *check_account(const char *text, char **canonical, const char *words)
{
    const char *wrong = check_plain_text(text, canonical);
    if (wrong)
        return wrong;
    /* passwd(5), group(5): the colon separates fields, the comma members. */
    return strpbrk(text, ":, \t") || *text == '-' || strlen(text) > 256 ? words : NULL;
}

const char *check_group(const char *text, char **canonical)
{
    return check_account(text, canonical, "is not the name or number of a group");
}

const char *check_user(const char *text, char **canonical)
{
    return check_account(text, canonical, "is not the name or number of a user");
}

const char *check_client_name(const char *text, char **canonical)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    (void)canonical;
    if (!*text)
        return "is empty";
    if (strlen(text) > 64)
        return "is longer than 64 characters";
    if (*text == '.' || *text == '-')
        return "begins with a dot or a hyphen";
    return text[strspn(text, allowed)] ? "has characters that a name of a client cannot have" : NULL;
}

const char *check_key_mode(const char *text, char **canonical)
{
    enum { OWNER_READS = 0400, AT_MOST = 0644 };
    size_t length = strlen(text);

    if (length < 3 || length > 4 || text[strspn(text, "01234567")])
        return *text ? "is not a file mode in octal" : "is empty";
    long mode = strtol(text, NULL, 8);
    if (mode & ~(long)AT_MOST)
        return "lets others write to the key, or anybody execute it";
    if (!(mode & OWNER_READS))
        return "keeps the owner from reading the key";
    *canonical = str_format("%04lo", (unsigned long)mode);
    return NULL;
}

/* AF_INET, AF_INET6 with *number, or 0 for what is no address. */
static int family_of(const char *text, struct in6_addr *number)
{
    return inet_pton(AF_INET, text, number) == 1    ? AF_INET
           : inet_pton(AF_INET6, text, number) == 1 ? AF_INET6
                                                    : 0;
}

const char *check_address(const char *text, char **canonical)
{
    struct in6_addr number;
    char plain[INET6_ADDRSTRLEN];
    int family = family_of(text, &number);

    if (family == AF_INET6)
        *canonical = str_dup(inet_ntop(AF_INET6, &number, plain, sizeof(plain)));
    return family ? NULL : *text ? "is not an IP address" : "is empty";
}

static const char *check_host_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

    if (!*text)
        return "is empty";
    /* Digits and dots alone are an address that is none. */
    if (strlen(text) > 253 || *text == '-' || *text == '.' || text[strspn(text, allowed)] ||
        !text[strspn(text, "0123456789.")])
        return "is not an address, a network or a name";
    return NULL;
}

const char *check_source(const char *text, char **canonical)
{
    const char *slash = strchr(text, '/');
    char *address cleanup_free = slash ? str_dup_n(text, (size_t)(slash - text)) : str_dup(text);
    struct in6_addr number;
    long long prefix;
    int family = family_of(address, &number);

    (void)canonical;
    /* No packet of IPv6 has it, so that a rule for it would let nobody in. */
    if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&number))
        return "is an IPv4 address in the form of IPv6: write its last four numbers alone";
    if (!slash)
        return family ? NULL : check_host_name(text);
    return family && parse_number(slash + 1, 0, family == AF_INET6 ? 128 : 32, &prefix) ? NULL
                                                                                        : "is not a network";
}

const char *check_storage_driver(const char *text, char **canonical)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

    (void)canonical;
    if (!*text)
        return "is empty";
    return text[strspn(text, allowed)] || strlen(text) > 64 || *text == '-' ? "is not the name of a driver"
                                                                            : NULL;
}

const char *check_capability(const char *text, char **canonical)
{
    const char *name = strncasecmp(text, "CAP_", 4) == 0 ? text + 4 : text;

    for (size_t i = 0; i < CAPABILITY_COUNT; i++)
        if (strcasecmp(name, capabilities[i]) == 0) {
            *canonical = str_dup(capabilities[i]);
            return NULL;
        }
    return *text ? "is not a capability" : "is empty";
}

const char *capability_name(unsigned number)
{
    return number < CAPABILITY_COUNT ? capabilities[number] : NULL;
}
