/* What PID 1 does while the engine runs: four system calls, and memory of a few pages. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Set by the build where it also makes supervise_entry the program's entry point. */
#ifndef SUPERVISE_STARTS_AFRESH
#define SUPERVISE_STARTS_AFRESH 0
#endif

/* argv[0] by which this program, started again, becomes nothing but a supervisor. A blank is in it so that no
 * file is called so by accident. */
#define SUPERVISE_TITLE "dockerd-entrypoint: init"

/* The signals that it waits for, as the kernel's own form of a set: bit N-1 is signal N (sigset_t of the C
 * library leaves out what that keeps for itself, and musl keeps more). Not those that a fault of this process
 * raises, nor 32 and 33. */
uint64_t supervise_signals(void);

/*
 * Forwards every signal that can be to `engine`, reaps whatever ends, and ends itself as the engine did: with
 * its exit status, or 128+N for signal N. Expects signals to be blocked as init_hold_signals does it, and
 * no_new_privs. Installs a seccomp filter first: from then on this process can wait for signals and children,
 * send signals and exit; anything else kills it.
 *
 * `attendant` (attendant.h) is another child, or 0. While it lives, SIGTERM and SIGINT go to it instead: it
 * passes them on when it is time. One that dies with them is replaced: the engine gets the signal. When the
 * engine has ended, the attendant is told so by SIGUSR1, and gets two seconds to tidy up.
 */
_Noreturn void supervise(pid_t engine, pid_t attendant);
