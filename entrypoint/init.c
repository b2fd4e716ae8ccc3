#include "init.h"

#include "base/log.h"
#include "entrypoint/process.h"

#include <cap-ng.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void init_reset_signals(void)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL); /* KILL, STOP and the C library's own refuse; so be it */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What this process's own faults raise must kill it; everything else waits for sigwaitinfo(2). */
static void forwarded_signals(sigset_t *set)
{
    static const int own[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU};

    (void)sigfillset(set);
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        (void)sigdelset(set, own[i]);
}

void init_hold_signals(void)
{
    sigset_t forwarded;

    forwarded_signals(&forwarded);
    (void)sigprocmask(SIG_SETMASK, &forwarded, NULL);
}

/* In the child. A group of its own, in the foreground of our terminal if there is one: Ctrl-C then reaches it
 * once. */
static _Noreturn void become_engine(const struct launch *launch)
{
    struct err e = {0};

    (void)setpgid(0, 0);
    if (isatty(STDIN_FILENO)) {
        /* We are a background group until it is done, and SIGTTOU would stop us. */
        (void)signal(SIGTTOU, SIG_IGN);
        (void)tcsetpgrp(STDIN_FILENO, getpgrp());
    }
    init_reset_signals();
    (void)process_become(&launch->arguments, &launch->environment, launch->path, &e);
    log_failure(&e);
    _exit(e.status);
}

static void give_up_privileges(void)
{
    capng_clear(CAPNG_SELECT_BOTH);
    /* Bounds and sets one by one: without CAP_SETPCAP (a rootless start) the bounds stay, and no_new_privs
     * covers that. */
    bool bounds = capng_apply(CAPNG_SELECT_BOUNDS) == 0;
    bool sets = capng_apply(CAPNG_SELECT_CAPS) == 0;
    bool no_gain = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    if (!sets || !(bounds || no_gain))
        log_warn(
            NULL, "init: this process could not give up its own capabilities; the engine is not concerned");
}

/* Reaps everything that has ended. True when the engine was among it; its status is in *status then. */
static bool reap(pid_t engine, int *status)
{
    bool ended = false;

    for (;;) {
        int one = 0;
        pid_t pid = waitpid(-1, &one, WNOHANG);
        if (pid <= 0)
            return ended;
        if (pid == engine) {
            *status = one;
            ended = true;
        }
    }
}

int init_run(const struct launch *launch, struct err *e)
{
    sigset_t forwarded;
    int status = 0;

    forwarded_signals(&forwarded);
    init_hold_signals();
    /* Orphans come to PID 1 by themselves; anybody else has to ask for them. */
    if (getpid() != 1)
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

    pid_t engine = fork();
    if (engine < 0)
        return err_errno(e, -errno, "init: fork");
    if (engine == 0)
        become_engine(launch);
    /* What we inherited beyond the standard descriptors would only keep it open. Kernels before 5.9 do. */
    (void)syscall(SYS_close_range, 3U, ~0U, 0);
    give_up_privileges();

    for (;;) {
        siginfo_t info;
        int number = sigwaitinfo(&forwarded, &info);
        if (number < 0)
            continue; /* EINTR: stopped and continued */
        if (number != SIGCHLD)
            (void)kill(engine, number);
        else if (reap(engine, &status))
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}
