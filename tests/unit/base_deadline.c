#include "harness.h"

#include "base/cleanup.h"
#include "base/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

static void what_is_ready_is_not_waited_for(void **state)
{
    int ends[2];
    (void)state;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    cleanup_close int input = ends[0], output = ends[1];
    assert_int_equal(deadline_wait(output, POLLOUT, deadline_in(60000)), 0);
    assert_int_equal(write(output, "x", 1), 1);
    assert_int_equal(deadline_wait(input, POLLIN, deadline_in(60000)), 0);
}

static void what_never_becomes_ready_is_waited_for_until_the_deadline(void **state)
{
    cleanup_close int silent = eventfd(0, EFD_CLOEXEC);
    (void)state;

    assert_true(silent >= 0);
    assert_int_equal(deadline_wait(silent, POLLIN, deadline_in(20)), -ETIMEDOUT);
    assert_int_equal(deadline_wait(-1, POLLIN, deadline_in(20)), -ETIMEDOUT);
}

static void what_always_is_ready_does_not_outlast_the_deadline(void **state)
{
    cleanup_close int zeroes = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    long long deadline = deadline_in(20);
    int r;
    (void)state;

    assert_true(zeroes >= 0);
    assert_int_equal(deadline_wait(zeroes, POLLIN, deadline), 0);
    while ((r = deadline_wait(zeroes, POLLIN, deadline)) == 0)
        continue;
    assert_int_equal(r, -ETIMEDOUT);
}

static void interrupt(int number)
{
    (void)number;
}

static void a_signal_neither_ends_the_wait_nor_makes_it_longer(void **state)
{
    const struct sigaction action = {.sa_handler = interrupt};
    const struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    (void)state;

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    int r = deadline_wait(-1, POLLIN, deadline_in(50));
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(r, -ETIMEDOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_ready_is_not_waited_for),
        cmocka_unit_test(what_never_becomes_ready_is_waited_for_until_the_deadline),
        cmocka_unit_test(what_always_is_ready_does_not_outlast_the_deadline),
        cmocka_unit_test(a_signal_neither_ends_the_wait_nor_makes_it_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
