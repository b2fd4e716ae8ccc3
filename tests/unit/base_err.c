#include "harness.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

enum { ROOM = sizeof(((struct err *)NULL)->what) };

/* COUNT times the same character. */
static char *repeated(char character, size_t count)
{
    char *s = mem_alloc(count + 1);
    (void)memset(s, character, count);
    s[count] = '\0';
    return s;
}

static void a_new_error_forgets_the_old_hint_and_status(void **state)
{
    struct err e = {.code = -1, .status = EXIT_USAGE, .what = "old", .hint = "old"};
    (void)state;

    assert_int_equal(err_set(&e, -EINVAL, "%s: %d", "new", 7), -EINVAL);
    assert_int_equal(e.code, -EINVAL);
    assert_int_equal(e.status, 0);
    assert_string_equal(e.what, "new: 7");
    assert_string_equal(e.hint, "");
}

static void an_errno_is_told_in_words(void **state)
{
    struct err e = {0};
    (void)state;

    assert_int_equal(err_errno(&e, -ENOENT, "/etc/%s", "hosts"), -ENOENT);
    assert_string_equal(e.what, "/etc/hosts: No such file or directory");
    assert_int_equal(err_errno(&e, -99999, "x"), -99999);
    assert_contains(e.what, "x: ");
    assert_contains(e.what, strerror(99999));
}

/* glibc's, whatever C library this is built with. */
static void the_words_are_those_that_people_search_for(void **state)
{
    static const struct {
        int code;
        const char *words;
    } samples[] = {
        {EACCES, "Permission denied"},
        {EADDRINUSE, "Address already in use"},
        {EADDRNOTAVAIL, "Cannot assign requested address"},
        {EBUSY, "Device or resource busy"},
        {ECHILD, "No child processes"},
        {ECONNREFUSED, "Connection refused"},
        {EDQUOT, "Disk quota exceeded"},
        {EHOSTUNREACH, "No route to host"},
        {EINVAL, "Invalid argument"},
        {EIO, "Input/output error"},
        {ELOOP, "Too many levels of symbolic links"},
        {EMFILE, "Too many open files"},
        {EMSGSIZE, "Message too long"},
        {ENAMETOOLONG, "File name too long"},
        {ENETUNREACH, "Network is unreachable"},
        {ENOENT, "No such file or directory"},
        {ENOMEM, "Cannot allocate memory"},
        {ENOSPC, "No space left on device"},
        {ENOTCONN, "Transport endpoint is not connected"},
        {ENOTDIR, "Not a directory"},
        {ENOTTY, "Inappropriate ioctl for device"},
        {EOPNOTSUPP, "Operation not supported"},
        {EOVERFLOW, "Value too large for defined data type"},
        {EPERM, "Operation not permitted"},
        {EROFS, "Read-only file system"},
        {ETIMEDOUT, "Connection timed out"},
        {EUCLEAN, "Structure needs cleaning"},
        {EXDEV, "Invalid cross-device link"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
        assert_string_equal(err_words(-samples[i].code), samples[i].words);
}

static void a_prefix_stands_before_the_text_and_changes_nothing_else(void **state)
{
    struct err e = {0};
    (void)state;

    (void)err_set(&e, -EPERM, "mount: /sys");
    (void)err_hint(&e, "use %s", "--privileged");
    assert_int_equal(err_status(&e, EXIT_PRIVILEGE), -EPERM);
    assert_int_equal(err_prefix(&e, "step %d", 3), -EPERM);
    assert_string_equal(e.what, "step 3: mount: /sys");
    assert_string_equal(e.hint, "use --privileged");
    assert_int_equal(e.status, EXIT_PRIVILEGE);
}

static void a_prefix_may_be_made_of_the_text_itself(void **state)
{
    struct err e = {0};
    (void)state;

    (void)err_set(&e, -EIO, "disk");
    (void)err_prefix(&e, "a %s", e.what);
    assert_string_equal(e.what, "a disk: disk");
}

/* The end falls on every place: behind all, within what is added, at its start, within the first text. */
static void what_does_not_fit_is_cut_at_the_end(void **state)
{
    (void)state;

    for (size_t length = ROOM - 8; length <= ROOM + 6; length++) {
        struct err e = {0};
        char *long_text cleanup_free = repeated('x', length);
        char *whole cleanup_free = str_format("%s: Input/output error", long_text);
        whole[ROOM - 1] = '\0';
        assert_int_equal(err_errno(&e, -EIO, "%s", long_text), -EIO);
        assert_string_equal(e.what, whole);

        char *prefixed cleanup_free = str_format("%s: text", long_text);
        if (strlen(prefixed) >= ROOM)
            prefixed[ROOM - 1] = '\0';
        (void)err_set(&e, -EIO, "text");
        assert_int_equal(err_prefix(&e, "%s", long_text), -EIO);
        assert_string_equal(e.what, prefixed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_error_forgets_the_old_hint_and_status),
        cmocka_unit_test(an_errno_is_told_in_words),
        cmocka_unit_test(the_words_are_those_that_people_search_for),
        cmocka_unit_test(a_prefix_stands_before_the_text_and_changes_nothing_else),
        cmocka_unit_test(a_prefix_may_be_made_of_the_text_itself),
        cmocka_unit_test(what_does_not_fit_is_cut_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
