/* A moment that a whole operation must not outlast: milliseconds of the monotonic clock. */
#pragma once

#include <limits.h>
#include <time.h>

/* The moment that lies so many milliseconds ahead. */
static inline long long deadline_in(long long milliseconds)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000 + milliseconds;
}

/* Milliseconds until then as poll(2) takes them, 0 when it is past. */
static inline int deadline_left(long long deadline)
{
    long long left = deadline - deadline_in(0);

    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/*
 * Waits until the descriptor is ready for `events` of poll(2); -1 never is. Returns 0, -ETIMEDOUT or another
 * negative errno. Past the deadline it is -ETIMEDOUT even for a descriptor that is ready: one that always is
 * outlasts none.
 */
int deadline_wait(int fd, short events, long long deadline);
