/*
 * The part of a container runtime that busybox lacks. Runs a command in namespaces and a cgroup of its own,
 * and ends with the command's exit status (128 and the number for a signal).
 *
 *   box [-n LETTERS] [-g CGROUP] [-p FILE] [-r] [-z] COMMAND [ARGUMENT...]
 *   box -k ID NUMBER
 *
 *   -n  namespaces to make: m(ount) p(id) u(ts) i(pc) n(et) c(group)
 *   -g  the cgroup that the command enters, and the root of its cgroup namespace
 *   -p  file for the command's process id, as the caller sees it; there before the command starts
 *   -r  realtime scheduling, of the lowest priority
 *   -z  not a command: a process whose first thread ends while a second one sleeps
 *   -k  not a command: has process ID make the system call NUMBER in place of the next one of its own
 */
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAILED = 120 };

struct options {
    const char *cgroup, *pid_file;
    pid_t asked;
    int namespaces;
    bool realtime, leaderless;
};

static int namespaces(const char *letters)
{
    static const struct {
        char letter;
        int flag;
    } known[] = {{'m', CLONE_NEWNS}, {'p', CLONE_NEWPID}, {'u', CLONE_NEWUTS}, {'i', CLONE_NEWIPC},
        {'n', CLONE_NEWNET}, {'c', CLONE_NEWCGROUP}};
    int flags = 0;

    for (; *letters; letters++) {
        size_t i = 0;
        while (i < sizeof(known) / sizeof(*known) && known[i].letter != *letters)
            i++;
        if (i == sizeof(known) / sizeof(*known))
            errx(FAILED, "-n %c: no such namespace", *letters);
        flags |= known[i].flag;
    }
    return flags;
}

static void enter_cgroup(const char *folder)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        err(FAILED, "%s", path);
    (void)close(fd);
}

/* Complete under its name: whoever waits for the file may read it at once. */
static void write_number(const char *path, pid_t pid)
{
    char fresh[4096];

    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    FILE *file = fopen(fresh, "we");
    if (!file || fprintf(file, "%d\n", (int)pid) < 0 || fclose(file) != 0 || rename(fresh, path) < 0)
        err(FAILED, "%s", path);
}

static void *sleep_for_ever(void *unused)
{
    for (;;)
        (void)pause();
    return unused;
}

_Noreturn static void end_first_thread(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, sleep_for_ever, NULL) != 0)
        errx(FAILED, "cannot make a thread");
    pthread_exit(NULL);
}

static void trace(int request, pid_t pid, void *address, void *data)
{
    if (ptrace(request, pid, address, data) < 0)
        err(FAILED, "ptrace %d of %d", request, (int)pid);
}

/* ptrace(2): a stop on the way into a system call, at which its number can be changed. */
static void ask(pid_t pid, int number)
{
    trace(PTRACE_ATTACH, pid, NULL, NULL);
    (void)waitpid(pid, NULL, 0);
    trace(PTRACE_SYSCALL, pid, NULL, NULL);
    (void)waitpid(pid, NULL, 0);
#if defined(__aarch64__)
    struct iovec call = {.iov_base = &number, .iov_len = sizeof(number)};
    trace(PTRACE_SETREGSET, pid, (void *)NT_ARM_SYSTEM_CALL, &call); /* NOLINT(performance-no-int-to-ptr) */
#elif defined(__x86_64__)
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    trace(PTRACE_POKEUSER, pid, (void *)(15 * sizeof(long)), (void *)(long)number); /* ORIG_RAX */
#endif
    trace(PTRACE_DETACH, pid, NULL, NULL);
}

/* The cgroup last, and by the command's own process: this one stays outside, as a runtime does. */
_Noreturn static void become(const struct options *o, char **command, int go)
{
    char byte;

    if (read(go, &byte, 1) != 1)
        _exit(FAILED);
    if (o->cgroup)
        enter_cgroup(o->cgroup);
    if (unshare(o->namespaces & CLONE_NEWCGROUP) < 0)
        err(FAILED, "cgroup namespace");
    if (o->realtime && sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}) < 0)
        err(FAILED, "realtime scheduling");
    if (o->leaderless)
        end_first_thread();
    (void)execvp(command[0], command);
    err(errno == ENOENT ? 127 : 126, "%s", command[0]);
}

static void read_options(struct options *o, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "+g:k:n:p:rz")) != -1;) {
        switch (option) {
        case 'g':
            o->cgroup = optarg;
            break;
        case 'k':
            o->asked = atoi(optarg); /* NOLINT(cert-err34-c): of a test's own */
            break;
        case 'n':
            o->namespaces = namespaces(optarg);
            break;
        case 'p':
            o->pid_file = optarg;
            break;
        case 'r':
            o->realtime = true;
            break;
        case 'z':
            o->leaderless = true;
            break;
        default:
            exit(FAILED);
        }
    }
    if (optind == argc && !o->leaderless)
        errx(FAILED, "no command");
}

int main(int argc, char **argv)
{
    struct options o = {0};
    int status, go[2];

    read_options(&o, argc, argv);
    if (o.asked) {
        ask(o.asked, atoi(argv[optind])); /* NOLINT(cert-err34-c) */
        return 0;
    }
    if (unshare(o.namespaces & ~CLONE_NEWCGROUP) < 0)
        err(FAILED, "namespaces");
    if (pipe2(go, O_CLOEXEC) < 0)
        err(FAILED, "pipe");
    pid_t child = fork();
    if (child < 0)
        err(FAILED, "fork");
    if (child == 0) {
        (void)close(go[1]);
        become(&o, argv + optind, go[0]);
    }
    if (o.pid_file)
        write_number(o.pid_file, child);
    if (write(go[1], "", 1) != 1 || waitpid(child, &status, 0) < 0)
        err(FAILED, "process %d", (int)child);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
