/* Running another program: no shell, a bounded time, and nothing of ours inherited but the environment. */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <sys/types.h>

/*
 * Runs `arguments` ([0] is looked up in `path`) with `environment`, standard input, output and error on
 * /dev/null, and waits for at most `seconds`; then it is killed. Returns its exit status, 128+N for a signal,
 * or a negative errno: -ENOENT not in `path`, -ETIMEDOUT.
 */
int process_run_quietly(
    const char *const *arguments, const char *path, const char *const *environment, unsigned seconds);

/*
 * The same, and appends what it writes to standard output to *out. -EFBIG if that is more than `limit` bytes:
 * then it is killed.
 */
int process_capture(const char *const *arguments, const char *path, const char *const *environment,
    unsigned seconds, size_t limit, struct text *out);

/* The same with standard error instead: a program's own words for its failure. */
int process_capture_errors(const char *const *arguments, const char *path, const char *const *environment,
    unsigned seconds, size_t limit, struct text *out);

/*
 * Becomes `arguments` with that environment, [0] looked up in `path`; a text without an interpreter line is
 * given to /bin/sh, as execvp(3) does. Returns only on failure: a negative
 * errno with *e, status EXIT_NOT_FOUND or EXIT_CANNOT_EXECUTE as a shell has them.
 */
int process_become(
    const struct strings *arguments, const struct strings *environment, const char *path, struct err *e);

/*
 * Makes these descriptors 3, 4, ... of the program that this process becomes, and names it in LISTEN_PID, as
 * sd_listen_fds(3) has it. Nothing without any. Returns 0 or a negative errno with *e.
 */
int process_hand_over(const int *sockets, size_t count, struct strings *environment, struct err *e);

/* When a process began, in clock ticks since boot (proc_pid_stat(5), field 22), or -1: tells it from a later
 * one with the same pid. */
long long process_start_time(pid_t pid);
