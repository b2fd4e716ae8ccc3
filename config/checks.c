#include "config/checks.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
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

const char *check_group(const char *text, char **canonical)
{
    const char *wrong = check_plain_text(text, canonical);
    if (wrong)
        return wrong;
    /* group(5): the colon separates fields, the comma members. */
    if (strpbrk(text, ":, \t") || *text == '-' || strlen(text) > 256)
        return "is not the name or number of a group";
    return NULL;
}

const char *check_address(const char *text, char **canonical)
{
    struct in6_addr address;
    (void)canonical;
    if (inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1)
        return NULL;
    return *text ? "is not an IP address" : "is empty";
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
