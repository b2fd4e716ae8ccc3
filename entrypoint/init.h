/* Our PID 1: starts the engine, gives up all privilege, and becomes its supervisor (supervise.h). */
#pragma once

#include "base/err.h"
#include "entrypoint/attendant.h"
#include "entrypoint/launch.h"

/*
 * Starts launch->arguments as a child, and stays as its supervisor until it ends. The child gets the
 * environment, an empty signal mask, default dispositions and, on a terminal, the foreground. This process
 * gives up all capabilities meanwhile and can gain none (no_new_privs): it only ever signals a child of its
 * own uid. Where `attendance` asks for
 * anything, an attendant is started too. To have next to no memory of its own it executes itself again, as
 * the same process. Does not return unless the child could not be started at all: a negative errno with *e
 * then.
 */
int init_run(const struct launch *launch, const struct attendance *attendance, struct err *e);

/*
 * Blocks what is forwarded, so that it waits until then. For PID 1 while it prepares: the kernel drops
 * signals for which it has no handler (pid_namespaces(7)), and a stop would be lost.
 */
void init_hold_signals(void);

/*
 * Whether somebody asked to stop (SIGTERM, SIGINT or SIGQUIT) since init_hold_signals: then there is no use
 * in going on, and nobody to wait for the engine. 0, or -EINTR with *e, which says before what, and status
 * 128+N.
 */
int init_stopped(const char *next, struct err *e);

/* Empty signal mask and default dispositions, as a program expects to be started with. */
void init_reset_signals(void);
