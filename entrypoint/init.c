#include "init.h"

#include "base/log.h"
#include "entrypoint/process.h"
#include "entrypoint/supervise.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not by the C library, which leaves out signals of its own. */
static void set_mask(uint64_t blocked)
{
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, sizeof(blocked));
}

void init_reset_signals(void)
{
    enum { LAST = 64 };                           /* _NSIG of the kernel on our architectures */
    static const unsigned long standard[8] = {0}; /* struct sigaction of the kernel: SIG_DFL, no flags */

    for (int number = 1; number <= LAST; number++)
        (void)syscall(SYS_rt_sigaction, number, standard, NULL, sizeof(uint64_t)); /* KILL and STOP refuse */
    set_mask(0);
}

void init_hold_signals(void)
{
    set_mask(supervise_signals());
}

int init_stopped(const char *next, struct err *e)
{
    static const struct {
        int number;
        const char *name;
    } stops[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGQUIT, "SIGQUIT"}};
    sigset_t pending;

    (void)sigpending(&pending);
    for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++)
        if (sigismember(&pending, stops[i].number) == 1) {
            (void)err_set(
                e, -EINTR, "stopped by %s before %s; the engine was not started", stops[i].name, next);
            return err_status(e, 128 + stops[i].number);
        }
    return 0;
}

/* The rest was meant for an engine that was not there: a SIGHUP would end one that has only just begun. */
static void forget_signals(void)
{
    static const int meant[] = {SIGTERM, SIGINT, SIGQUIT};
    static const long at_once[] = {0, 0}; /* struct timespec */
    uint64_t others = supervise_signals();

    for (size_t i = 0; i < sizeof(meant) / sizeof(*meant); i++)
        others &= ~(UINT64_C(1) << (meant[i] - 1));
    while (syscall(SYS_rt_sigtimedwait, &others, NULL, at_once, sizeof(others)) > 0)
        continue;
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
    cleanup_strings struct strings environment = {0};
    strings_add_all(&environment, &launch->environment);
    if (process_hand_over(launch->sockets, launch->socket_count, &environment, &e) == 0)
        (void)process_become(&launch->arguments, &environment, launch->path, &e);
    log_failure(&e);
    _exit(e.status ? e.status : EXIT_SYSTEM);
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

/* What the supervisor cannot tell any more. */
static void warn_without_seccomp(void)
{
    const uint32_t action = SECCOMP_RET_KILL_PROCESS;

    /* EOPNOTSUPP and EINVAL come from older kernels, whose filters kill all the same. */
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 && (errno == ENOSYS || errno == EPERM))
        log_warn("let the container call seccomp(2): the runtime's usual profile does",
            "init: no seccomp filter for this process: %s", err_words(-errno));
}

/* The same process, the same program, but nothing of what was done so far in its memory. */
static void start_afresh(pid_t engine, pid_t attendant, const struct launch *launch)
{
    cleanup_strings struct strings arguments = {0};

    if (!SUPERVISE_STARTS_AFRESH)
        return;
    strings_add(&arguments, SUPERVISE_TITLE);
    strings_addf(&arguments, "%d", (int)engine);
    strings_addf(&arguments, "%d", (int)attendant);
    (void)execve("/proc/self/exe", arguments.items, launch->environment.items);
    log_debug("init: /proc/self/exe: %s: the supervisor keeps this program's memory", err_words(-errno));
}

/* 0 when nothing is asked of it. In the child it does not return. */
static int start_attendant(const struct attendance *attendance, pid_t engine, pid_t *attendant, struct err *e)
{
    pid_t parent = getpid();

    *attendant = 0;
    if (!attendance_wanted(attendance))
        return 0;
    *attendant = fork();
    if (*attendant < 0)
        return err_errno(e, -errno, "init: fork");
    if (*attendant > 0)
        return 0;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(EXIT_SYSTEM);
    give_up_privileges();
    attendant_run(attendance, engine);
}

int init_run(const struct launch *launch, const struct attendance *attendance, struct err *e)
{
    init_hold_signals();
    forget_signals();
    /* Orphans come to PID 1 by themselves; anybody else has to ask for them. */
    if (getpid() != 1)
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

    pid_t engine = fork();
    if (engine < 0)
        return err_errno(e, -errno, "init: fork");
    if (engine == 0)
        become_engine(launch);
    /* With nobody left to accept, clients must be refused instead of waiting. */
    for (size_t i = 0; i < launch->socket_count; i++)
        (void)close(launch->sockets[i]);
    /* The terminal is the engine's now: asking for it must not stop us. */
    (void)signal(SIGTTIN, SIG_IGN);
    (void)signal(SIGTTOU, SIG_IGN);
    pid_t attendant = 0;
    int r = start_attendant(attendance, engine, &attendant, e);
    if (r < 0) {
        (void)kill(engine, SIGKILL);
        return r;
    }
    warn_without_seccomp();
    give_up_privileges();
    start_afresh(engine, attendant, launch);
    /* What we inherited beyond the standard descriptors would only keep it open. */
    (void)syscall(SYS_close_range, 3U, ~0U, 0);
    supervise(engine, attendant);
}
