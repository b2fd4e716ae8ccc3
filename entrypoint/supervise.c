/*
 * Nothing here may use the C library, or memory that has to be relocated: this code runs from the program's
 * real entry point, before either is there. A static PIE that has not come so far has written to no page but
 * its stack's; relocation alone would make hundreds of kilobytes private (OpenSSL's tables are full of
 * pointers). cmake gives this file flags of its own, and a test sees to it that the object refers to nothing.
 */
#include "supervise.h"

#include "base/err.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <unistd.h>
#endif

/* -ERRNO, as the kernel gives it. */
static long kernel(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#else
    long result = syscall(number, a, b, c, d);
    return result < 0 ? -errno : result;
#endif
}

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/*
 * What is not on the list kills the process (and with PID 1 the container) instead of failing with EPERM: the
 * code below asks for nothing else, so whatever does is not this code any more. Kernels before 4.14 take the
 * action for the older one, which kills the only thread. x32 has the same architecture and numbers beyond all
 * of the list.
 */
static void confine(void)
{
#ifdef OWN_ARCHITECTURE
#define ALLOW(number, left) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), (left), 0)
    static const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_rt_sigtimedwait, 4),
        ALLOW(SYS_wait4, 3),
        ALLOW(SYS_kill, 2),
        ALLOW(SYS_exit_group, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
#undef ALLOW
    /* By way of a number, since the field is not const. NOLINTNEXTLINE(performance-no-int-to-ptr) */
    struct sock_filter *borrowed = (struct sock_filter *)(uintptr_t)filter;
    struct sock_fprog program = {.len = sizeof(filter) / sizeof(*filter), .filter = borrowed};

    (void)kernel(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)(uintptr_t)&program, 0);
#endif
}

/* What a fault of this process raises must kill it, and 32 and 33 are the C library's, in whatever program
 * they are meant for. */
uint64_t supervise_signals(void)
{
#define BIT(number) (UINT64_C(1) << ((number)-1))
    return ~(BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGABRT) | BIT(SIGTRAP) |
             BIT(SIGSYS) | BIT(SIGTTIN) | BIT(SIGTTOU) | BIT(32) | BIT(33));
#undef BIT
}

struct supervised {
    pid_t engine, attendant; /* 0: none, or not any more */
    int entrusted;           /* the last signal that the attendant was given to pass on */
    bool ended;              /* the engine has; its wait status: */
    int status;
};

static void tell(pid_t to, int number)
{
    (void)kernel(SYS_kill, to, number, 0, 0);
}

static _Noreturn void leave(int status)
{
    for (;;)
        (void)kernel(SYS_exit_group, status, 0, 0, 0);
}

static void forward(struct supervised *s, int number)
{
    if (s->ended)
        return;
    if (s->attendant && (number == SIGTERM || number == SIGINT)) {
        s->entrusted = number;
        tell(s->attendant, number);
        return;
    }
    tell(s->engine, number);
}

/* Signals of one kind do not queue: whatever has ended, not just one. */
static void reap(struct supervised *s)
{
    for (;;) {
        int status = 0;
        long pid = kernel(SYS_wait4, -1, (long)(uintptr_t)&status, WNOHANG, 0);
        if (pid == -ECHILD && !s->ended)
            leave(EXIT_SYSTEM); /* there never was an engine */
        if (pid <= 0)
            return;
        if (pid == s->engine) {
            s->ended = true;
            s->status = status;
            if (s->attendant)
                tell(s->attendant, SIGUSR1);
        } else if (pid == s->attendant) {
            s->attendant = 0;
            if (s->entrusted && !s->ended)
                tell(s->engine, s->entrusted);
        }
    }
}

_Noreturn void supervise(pid_t engine, pid_t attendant)
{
    struct supervised s = {.engine = engine, .attendant = attendant};
    const uint64_t signals = supervise_signals();
    const long tidying[] = {2, 0}; /* struct timespec: seconds, nanoseconds */

    confine();
    reap(&s);
    while (!s.ended || s.attendant) {
        long number = kernel(SYS_rt_sigtimedwait, (long)(uintptr_t)&signals, 0,
            s.ended ? (long)(uintptr_t)tidying : 0, sizeof(signals));
        if (number == -EAGAIN)
            break;
        if (number == SIGCHLD)
            reap(&s);
        else if (number > 0) /* else EINTR: stopped and continued, or traced */
            forward(&s, (int)number);
    }
    leave(WIFEXITED(s.status) ? WEXITSTATUS(s.status) : 128 + WTERMSIG(s.status));
}

#if SUPERVISE_STARTS_AFRESH

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* A process id as init.c writes it, or 0. */
static pid_t number_of(const char *digits)
{
    enum { PID_LIMIT = 4194304 }; /* PID_MAX_LIMIT of 64 bit kernels */
    pid_t value = 0;

    for (; *digits >= '0' && *digits <= '9' && value <= PID_LIMIT; digits++)
        value = value * 10 + (*digits - '0');
    return *digits ? 0 : value;
}

/* The program's first C function, with the stack as the kernel made it: the number of arguments, then they
 * themselves. Returns for every start but the supervisor's. */
__attribute__((used)) void supervise_look(const long *stack);
void supervise_look(const long *stack)
{
    const char *const *arguments = (const char *const *)(stack + 1);
    static const char name[] = "dockerd-entrypoint"; /* the kernel takes the first fifteen */

    if (stack[0] != 3 || !same(arguments[0], SUPERVISE_TITLE))
        return;
    pid_t engine = number_of(arguments[1]);
    (void)kernel(SYS_prctl, PR_SET_NAME, (long)(uintptr_t)name, 0, 0);
    if (engine == 0)
        leave(EXIT_USAGE);
    supervise(engine, number_of(arguments[2]));
}

/* The entry point of the program: a look, then on to the C library's _start as if nothing had been. Where a
 * dynamic loader ran before, it left a function for _start in the register that is kept. */
__asm__(".pushsection .text\n"
        ".globl supervise_entry\n"
        ".hidden supervise_entry\n"
        ".type supervise_entry, %function\n"
        "supervise_entry:\n"
#if defined(__x86_64__)
        "    endbr64\n"
        "    mov %rsp, %rdi\n"
        "    push %rdx\n"
        "    push %rdx\n"
        "    call supervise_look\n"
        "    pop %rdx\n"
        "    pop %rdx\n"
        "    jmp _start\n"
#else
        "    hint 34\n" /* bti c */
        "    stp x0, x30, [sp, -16]!\n"
        "    add x0, sp, 16\n"
        "    bl supervise_look\n"
        "    ldp x0, x30, [sp], 16\n"
        "    b _start\n"
#endif
        ".size supervise_entry, . - supervise_entry\n"
        ".popsection\n");

#endif
