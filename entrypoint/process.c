#include "process.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child, after fork: only calls that are safe there. */
static _Noreturn void become_quiet(const char *program, char *const *arguments, char *const *environment)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0)
        _exit(EXIT_CANNOT_EXECUTE);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(program, arguments, environment);
    _exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

/* A pidfd becomes readable when its process ends (pidfd_open(2)). */
static int wait_bounded(pid_t pid, unsigned seconds)
{
    int status = 0;
    cleanup_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    bool late = false;

    if (fd >= 0) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        late = poll(&wait, 1, (int)seconds * 1000) == 0;
        if (late)
            (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (late)
        return -ETIMEDOUT;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_run_quietly(
    const char *const *arguments, const char *path, const char *const *environment, unsigned seconds)
{
    cleanup_strings struct strings copy = {0};
    char *program cleanup_free = file_find_program(arguments[0], path);
    cleanup_strings struct strings environment_copy = {0};

    if (!program)
        return -ENOENT;
    strings_add_array(&copy, arguments);
    strings_add_array(&environment_copy, environment);
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        become_quiet(program, copy.items, environment_copy.items);
    return wait_bounded(pid, seconds);
}

int process_become(
    const struct strings *arguments, const struct strings *environment, const char *path, struct err *e)
{
    char *program cleanup_free = file_find_program(arguments->items[0], path);

    if (!program) {
        (void)err_set(e, -ENOENT, "%s: not found in PATH (%s)", arguments->items[0], path);
        (void)err_status(e, EXIT_NOT_FOUND);
        return err_hint(e, "install it in the image, or correct PATH");
    }
    (void)execve(program, arguments->items, environment->items);
    (void)err_errno(e, -errno, "%s: cannot be executed", program);
    (void)err_status(e, EXIT_CANNOT_EXECUTE);
    return err_hint(
        e, "check that it is a program for this machine's architecture and that its mount is not noexec");
}

long long process_start_time(pid_t pid)
{
    enum { AFTER_NAME = 19 }; /* field 22, counted from the field behind the name, which is the third */
    char path[64];
    long long ticks = -1;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    char *line cleanup_free = file_first_line(path);
    /* The name is in parentheses and may hold anything, parentheses too: the last one ends it. */
    const char *behind = line ? strrchr(line, ')') : NULL;
    cleanup_strings struct strings fields = {0};
    if (behind)
        strings_split(&fields, behind + 1, " ");
    if (fields.count > AFTER_NAME)
        (void)parse_number(fields.items[AFTER_NAME], 0, INT64_MAX, &ticks);
    return ticks;
}
