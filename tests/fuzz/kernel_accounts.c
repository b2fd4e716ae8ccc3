/*
 * /etc/passwd, /etc/group and /etc/subuid. Names and homes are single fields; nothing is said of a uid that
 * is not there; a line that is added at the end is found unless an earlier one has that uid.
 */
#include "fuzz.h"

#include "entrypoint/kernel_text.h"

#include <string.h>

static void check_passwd(const char *text, uid_t uid)
{
    char *name cleanup_free = NULL, *home cleanup_free = NULL;
    char *more cleanup_free = str_format("%s\nlast:x:%u:0::/home/last:/bin/sh", text, uid);
    char *name_more cleanup_free = NULL, *home_more cleanup_free = NULL;
    gid_t gid = 77, gid_more;

    bool found = passwd_find(text, uid, &name, &gid, &home);
    CHECK(found == (name != NULL) && found == (home != NULL) && (found || gid == 77));
    CHECK(passwd_find(more, uid, &name_more, &gid_more, &home_more));
    check_equal(name_more, found ? name : "last");
    check_equal(home_more, found ? home : "/home/last");
    CHECK(!strpbrk(name_more, ":\n") && !strpbrk(home_more, ":\n"));
}

static void check_account(const char *text, const char *name)
{
    char *more cleanup_free = str_format("%s\n%s:x:4321:", text, name);
    unsigned id = 77, id_more = 77;

    bool found = account_find(text, name, &id);
    CHECK(found || id == 77);
    CHECK(account_find(more, name, &id_more) && id_more == (found ? id : 4321));
}

static void check_subid(const char *text, const char *name, uid_t uid)
{
    char *by_name cleanup_free = str_format("%s\n%s:100000:65536", text, name);
    char *by_uid cleanup_free = str_format("%s\n%u:100000:65536", text, uid);

    CHECK(subid_has(by_name, name, uid) && subid_has(by_uid, name, uid) && subid_has(by_uid, NULL, uid));
    CHECK(subid_has(text, name, uid) || !subid_has(text, NULL, uid));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uid_t uids[] = {0, 1000, 65534, UINT32_MAX};
    char *text cleanup_free = input_string(data, size);

    check_account(text, "root");
    check_account(text, "rootless");
    for (size_t i = 0; i < sizeof(uids) / sizeof(*uids); i++) {
        check_passwd(text, uids[i]);
        check_subid(text, "rootless", uids[i]);
    }
    return 0;
}
