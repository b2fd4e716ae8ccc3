/* The process beside PID 1, for what takes more than four system calls: ready.file and shutdown.*. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct attendance {
    const char *socket;      /* of the engine */
    const char *ready_file;  /* NULL: none */
    const char *when_file;   /* NULL: none */
    long long timeout;       /* seconds; 0: none */
    long long wait_for_idle; /* seconds; 0: no waiting */
};

/* Whether there is anything to do for an attendant. */
bool attendance_wanted(const struct attendance *want);

/*
 * The attendant itself: a child of PID 1 with its signals blocked and no privilege. Writes the ready file
 * when the engine answers. SIGTERM, SIGINT or the file to wait for begin the shutdown: the ready file goes,
 * containers may finish, the engine gets the signal (SIGTERM for the file), and SIGKILL with its whole
 * process group when its time is over; each step is in the log. Another SIGTERM or SIGINT ends the waiting,
 * or goes to the engine, which gives up its own at the fourth. SIGUSR1: the engine has ended.
 */
_Noreturn void attendant_run(const struct attendance *want, pid_t engine);
