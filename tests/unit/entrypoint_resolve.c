/* Names, with an /etc of the test's own. The C library reads resolv.conf before it asks for a name that is
 * not in hosts: a FIFO in its place is what never answers, or never comes to an end. */
#include "harness.h"

#include "entrypoint/access_sources.h"
#include "entrypoint/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG = 60000, SHORT = 150 };

static bool may_mount;

static void put(const char *path, const char *text)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void put_hosts(unsigned addresses)
{
    cleanup_text struct text hosts = {0};

    text_add(&hosts, "192.0.2.31 runner\n2001:db8::31 runner\n192.0.2.31 runner\n");
    for (unsigned i = 0; i < addresses; i++)
        text_addf(&hosts, "198.51.100.%u crowd\n", i);
    put("/etc/hosts", text_get(&hosts));
}

static void put_resolv_conf(void)
{
    (void)unlink("/etc/resolv.conf");
    put("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
}

/* Nobody else sees it. */
static int have_own_etc(void **state)
{
    (void)state;
    may_mount = (unshare(CLONE_NEWNS | CLONE_NEWNET) == 0 ||
                    unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == 0) &&
                mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                mount("tmpfs", "/etc", "tmpfs", 0, NULL) == 0;
    if (!may_mount)
        return 0;
    put("/etc/nsswitch.conf", "hosts: files dns\n");
    put("/etc/host.conf", "multi on\n");
    put_hosts(0);
    put_resolv_conf();
    return 0;
}

#define NEEDS_OWN_ETC()                                                                                      \
    do {                                                                                                     \
        if (!may_mount)                                                                                      \
            SKIP("needs the right to make namespaces");                                                      \
    } while (0)

/* A resolv.conf that has no end: there comes nothing, or line by line without end. The descriptor keeps it
 * open; *writer is the process that writes, or 0. */
static int put_endless_resolv_conf(bool trickles, pid_t *writer)
{
    (void)unlink("/etc/resolv.conf");
    assert_int_equal(mkfifo("/etc/resolv.conf", 0644), 0);
    int fd = open("/etc/resolv.conf", O_RDWR | O_CLOEXEC);
    *writer = trickles ? fork() : 0;
    if (trickles && *writer == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (write(fd, "# \n", 3) == 3)
            (void)usleep(10000);
        _exit(1);
    }
    assert_true(*writer >= 0);
    return fd;
}

static void assert_no_child_is_left(pid_t known)
{
    if (known) {
        (void)kill(known, SIGKILL);
        assert_int_equal(waitpid(known, NULL, 0), known);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void an_address_is_taken_as_it_is(void **state)
{
    struct resolved found;
    (void)state;

    assert_int_equal(resolve_host("192.0.2.7", "2376", deadline_in(0), &found), 0);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.items[0].any.sa_family, AF_INET);
    assert_int_equal(ntohs(found.items[0].ipv4.sin_port), 2376);
    assert_int_equal(ntohl(found.items[0].ipv4.sin_addr.s_addr), 0xc0000207);
    assert_int_equal(resolve_host("2001:db8::7", NULL, deadline_in(0), &found), 0);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.items[0].any.sa_family, AF_INET6);
}

static void a_name_that_is_not_known_is_told_with_why(void **state)
{
    struct resolved found;
    (void)state;

    NEEDS_OWN_ETC();
    assert_int_equal(resolve_host("nobody.invalid", "2376", deadline_in(LONG), &found), -ENOENT);
    assert_int_not_equal(found.failure, 0);
    assert_no_child_is_left(0);
}

static void check_late(bool trickles)
{
    struct resolved found;
    pid_t writer;
    cleanup_close int fd = put_endless_resolv_conf(trickles, &writer);

    assert_true(fd >= 0);
    assert_int_equal(resolve_host("late", "2376", deadline_in(SHORT), &found), -ETIMEDOUT);
    assert_no_child_is_left(writer);
    put_resolv_conf();
}

static void a_name_server_that_never_answers_is_waited_for_until_the_deadline(void **state)
{
    (void)state;

    NEEDS_OWN_ETC();
    check_late(false);
}

static void an_answer_that_comes_bit_by_bit_does_not_outlast_the_deadline(void **state)
{
    (void)state;

    NEEDS_OWN_ETC();
    check_late(true);
}

/* ---- api.allow ---- */

static int sources_of(const char *allow_text, long long milliseconds, char **list, struct err *e)
{
    cleanup_strings struct strings allow = {0}, sources = {0};

    strings_split(&allow, allow_text, " ");
    int r = access_sources(&allow, milliseconds, &sources, e);
    *list = strings_join(&sources, " ");
    return r;
}

static void names_among_those_who_are_allowed_become_their_addresses(void **state)
{
    char *list cleanup_free = NULL;
    struct err e = {0};
    (void)state;

    NEEDS_OWN_ETC();
    assert_int_equal(sources_of("10.0.0.0/8 runner 2001:db8::/48 192.0.2.7", LONG, &list, &e), 0);
    assert_true(str_equal(list, "10.0.0.0/8 192.0.2.31 2001:db8::31 2001:db8::/48 192.0.2.7") ||
                str_equal(list, "10.0.0.0/8 2001:db8::31 192.0.2.31 2001:db8::/48 192.0.2.7"));
}

static void a_name_that_no_server_tells_is_refused(void **state)
{
    char *list cleanup_free = NULL;
    struct err e = {0};
    (void)state;

    NEEDS_OWN_ETC();
    assert_int_equal(sources_of("nobody", LONG, &list, &e), -ENOENT);
    assert_string_equal(
        e.what, "api.allow: nobody cannot be resolved here: Temporary failure in name resolution");
    assert_int_equal(e.status, EXIT_CONFIG);
    assert_contains(e.hint, "look at the name servers");
}

static void a_name_that_takes_too_long_is_refused(void **state)
{
    (void)state;

    NEEDS_OWN_ETC();
    for (int trickles = 0; trickles <= 1; trickles++) {
        char *list cleanup_free = NULL;
        struct err e = {0};
        pid_t writer;
        cleanup_close int fd = put_endless_resolv_conf(trickles, &writer);
        assert_true(fd >= 0);
        assert_int_equal(sources_of("10.0.0.0/8 late", SHORT, &list, &e), -ETIMEDOUT);
        assert_string_equal(e.what, "api.allow: late could not be resolved in time");
        assert_int_equal(e.status, EXIT_CONFIG);
        assert_contains(e.hint, "look at the name servers in /etc/resolv.conf, or write its address");
        assert_no_child_is_left(writer);
    }
    put_resolv_conf();
}

static void a_name_with_more_addresses_than_there_is_room_for_is_refused_not_cut(void **state)
{
    char *whole cleanup_free = NULL, *cut cleanup_free = NULL;
    struct err e = {0};
    (void)state;

    NEEDS_OWN_ETC();
    put_hosts(RESOLVED_MAX);
    assert_int_equal(sources_of("crowd", LONG, &whole, &e), 0);
    assert_contains(whole, "198.51.100.46");
    put_hosts(RESOLVED_MAX + 1);
    assert_int_equal(sources_of("crowd", LONG, &cut, &e), -E2BIG);
    assert_contains(e.what, "crowd has more than 47 addresses");
    put_hosts(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_taken_as_it_is),
        cmocka_unit_test(a_name_that_is_not_known_is_told_with_why),
        cmocka_unit_test(a_name_server_that_never_answers_is_waited_for_until_the_deadline),
        cmocka_unit_test(an_answer_that_comes_bit_by_bit_does_not_outlast_the_deadline),
        cmocka_unit_test(names_among_those_who_are_allowed_become_their_addresses),
        cmocka_unit_test(a_name_that_no_server_tells_is_refused),
        cmocka_unit_test(a_name_that_takes_too_long_is_refused),
        cmocka_unit_test(a_name_with_more_addresses_than_there_is_room_for_is_refused_not_cut),
    };
    return cmocka_run_group_tests(tests, have_own_etc, NULL);
}
