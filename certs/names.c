#include "names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

enum {
    NAME_LENGTH = 253, /* RFC 1035 3.1, without the root's dot */
    LABEL_LENGTH = 63,
    SHOWN_LENGTH = 80, /* of a bad item in an error */
};

/* Separators of OpenSSL's own syntax and of lists in the environment. */
static const char separators[] = ", \t\r\n\v\f";
static const char blanks[] = " \t\r\n\v\f";

static const char *canonical_address(const char *text, char out[static INET6_ADDRSTRLEN])
{
    struct in_addr four;
    struct in6_addr six;

    if (inet_pton(AF_INET, text, &four) == 1)
        return inet_ntop(AF_INET, &four, out, INET6_ADDRSTRLEN);
    if (inet_pton(AF_INET6, text, &six) != 1)
        return NULL;
    /* An IPv4 address in IPv6's clothes: clients connect to, and look for, the four bytes. */
    return IN6_IS_ADDR_V4MAPPED(&six) ? inet_ntop(AF_INET, &six.s6_addr[12], out, INET6_ADDRSTRLEN)
                                      : inet_ntop(AF_INET6, &six, out, INET6_ADDRSTRLEN);
}

/* Letters, digits and inner hyphens (RFC 1123 2.1), and the underscore that service names in Compose have. */
static bool label_ok(const char *label, size_t length)
{
    if (length == 0 || length > LABEL_LENGTH || label[0] == '-' || label[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!((label[i] >= 'a' && label[i] <= 'z') || (label[i] >= '0' && label[i] <= '9') ||
                label[i] == '-' || label[i] == '_'))
            return false;
    return true;
}

static bool digits_only(const char *s)
{
    return s[strspn(s, "0123456789")] == '\0';
}

static bool host_ok(const char *name)
{
    const char *dot = strrchr(name, '.');

    /* 10.0.0.256 is a mistyped address: no top-level domain is a number (RFC 3696 2). */
    if (strlen(name) > NAME_LENGTH || (dot && digits_only(dot + 1)))
        return false;
    /* RFC 6125 6.4.3: a wildcard is the whole leftmost label. */
    if (str_starts(name, "*."))
        name += 2;
    for (;;) {
        size_t length = strcspn(name, ".");
        if (!label_ok(name, length))
            return false;
        if (name[length] == '\0')
            return true;
        name += length + 1;
    }
}

static void lower(char *s)
{
    for (; *s; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
}

enum item_kind { ITEM_BARE, ITEM_DNS, ITEM_IP };

static const char *strip_prefix(const char *item, enum item_kind *kind)
{
    *kind = ITEM_BARE;
    if (strncasecmp(item, "DNS:", 4) == 0) {
        *kind = ITEM_DNS;
        return item + 4;
    }
    if (strncasecmp(item, "IP:", 3) == 0) {
        *kind = ITEM_IP;
        return item + 3;
    }
    return item;
}

/* The remedy for an item that is neither. */
static const char *advice(const char *item, enum item_kind kind)
{
    for (const char *s = item; *s; s++)
        if ((unsigned char)*s >= 0x80)
            return "write an international name in its ASCII form (xn--...)";
    if (kind == ITEM_IP && strchr(item, '/'))
        return "name each address, a certificate cannot hold a network";
    if (strchr(item, '%'))
        return "leave out the zone (%...) of the address";
    if (*item && item[strspn(item, "0123456789.")] == '\0')
        return "write an IPv4 address as four numbers from 0 to 255, without leading zeros";
    const char *colon = strrchr(item, ':');
    if (colon && colon[1] && digits_only(colon + 1) && (colon == strchr(item, ':') || colon[-1] == ']'))
        return "leave out the port";
    if (strchr(item, '*'))
        return "use a wildcard only as the whole first label, like *.example.org";
    if (colon)
        return "use DNS:name or IP:address; other kinds of names are of no use to Docker clients";
    return "use a host name (DNS:name) or an address (IP:address)";
}

static char *canonical(const char *item)
{
    char address[INET6_ADDRSTRLEN];
    enum item_kind kind;
    char *value cleanup_free = str_dup(strip_prefix(item, &kind));
    size_t length = strlen(value);

    lower(value);
    if (kind != ITEM_DNS && length > 2 && value[0] == '[' && value[length - 1] == ']') {
        value[length - 1] = '\0';
        (void)memmove(value, value + 1, length - 1);
    }
    /* An address behind DNS: becomes one: no verifier looks for addresses among the names. */
    if (canonical_address(value, address))
        return str_format("IP:%s", address);
    if (kind == ITEM_IP)
        return NULL;
    /* Go takes a name with the root's dot for malformed. */
    if (length > 1 && value[length - 1] == '.')
        value[length - 1] = '\0';
    return host_ok(value) ? str_format("DNS:%s", value) : NULL;
}

/* True for a byte of a control character: of ASCII, or U+0080 to U+009F in UTF-8, which terminals obey too.
 */
static bool is_control(const char *text, size_t at)
{
    const unsigned char *s = (const unsigned char *)text + at;

    return iscntrl(*s) || (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0) ||
           (at > 0 && s[-1] == 0xc2 && s[0] >= 0x80 && s[0] < 0xa0);
}

/* Words from outside, safe to print. */
static void printable(const char *item, char out[static SHOWN_LENGTH + 4])
{
    size_t i = 0;

    for (; i < SHOWN_LENGTH && item[i]; i++)
        out[i] = is_control(item, i) ? '?' : item[i];
    /* Not in the middle of a UTF-8 character. */
    while (item[i] && i > SHOWN_LENGTH - 4 && ((unsigned char)item[i] & 0xc0) == 0x80)
        i--;
    (void)memcpy(out + i, item[i] ? "..." : "", item[i] ? 4 : 1);
}

static int bad_item(const char *item, size_t position, const char *source, struct err *e)
{
    char shown[SHOWN_LENGTH + 4];
    enum item_kind kind;
    const char *value = strip_prefix(item, &kind);

    printable(item, shown);
    if (*value == '\0')
        err_set(e, -EINVAL, "%s: '%s' (item %zu) has no name after its prefix", source, shown, position);
    else
        err_set(
            e, -EINVAL, "%s: '%s' (item %zu) is not a DNS name or an IP address", source, shown, position);
    return err_hint(e, "%s", advice(value, kind));
}

/* One item and what follows it. "DNS: name", which OpenSSL takes too, is one item. */
static const char *next_item(const char *text, char **item)
{
    size_t length = strcspn(text, separators);
    *item = str_dup_n(text, length);
    text += length;

    enum item_kind kind;
    const char *rest = text + strspn(text, blanks);
    if (*strip_prefix(*item, &kind) == '\0' && kind != ITEM_BARE && *rest && *rest != ',') {
        length = strcspn(rest, separators);
        char *joined = str_format("%s%.*s", *item, (int)length, rest);
        free(*item);
        *item = joined;
        text = rest + length;
    }
    return text + strspn(text, separators);
}

int certs_names_add(struct strings *names, const char *text, const char *source, struct err *e)
{
    cleanup_strings struct strings found = {0};
    size_t position = 0;

    for (text += strspn(text, separators); *text;) {
        char *item cleanup_free = NULL;
        text = next_item(text, &item);
        position++;
        char *name cleanup_free = canonical(item);
        if (!name)
            return bad_item(item, position, source, e);
        strings_add(&found, name);
    }
    for (size_t i = 0; i < found.count; i++)
        if (!strings_have(names, found.items[i]))
            strings_add(names, found.items[i]);
    return 0;
}

const char *names_address(const char *item, unsigned char address[16], int *length)
{
    enum item_kind kind;
    const char *value = strip_prefix(item, &kind);

    *length = 0;
    if (kind == ITEM_IP && inet_pton(AF_INET, value, address) == 1)
        *length = 4;
    else if (kind == ITEM_IP && inet_pton(AF_INET6, value, address) == 1)
        *length = 16;
    return value;
}

static void add_general_name(struct strings *names, const GENERAL_NAME *name)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    char address[INET6_ADDRSTRLEN];

    if (type == GEN_DNS) {
        size_t length = (size_t)ASN1_STRING_length(value);
        /* A NUL inside is an old trick to look like another name. */
        if (memchr(ASN1_STRING_get0_data(value), '\0', length))
            return;
        char *text cleanup_free = str_dup_n((const char *)ASN1_STRING_get0_data(value), length);
        lower(text);
        strings_addf(names, "DNS:%s", text);
    } else if (type == GEN_IPADD) {
        int length = ASN1_STRING_length(value);
        if ((length == 4 || length == 16) && inet_ntop(length == 4 ? AF_INET : AF_INET6,
                                                 ASN1_STRING_get0_data(value), address, sizeof(address)))
            strings_addf(names, "IP:%s", address);
    }
}

void names_of(const X509 *certificate, struct strings *names)
{
    GENERAL_NAMES *list cleanup_ossl(GENERAL_NAMES) =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(list); i++)
        add_general_name(names, sk_GENERAL_NAME_value(list, i));
}

const char *names_missing(const struct strings *have, const struct strings *wanted)
{
    for (size_t i = 0; wanted && i < wanted->count; i++)
        if (!strings_have(have, wanted->items[i]))
            return wanted->items[i];
    return NULL;
}
