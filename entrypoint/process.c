#include "process.h"

#include "base/deadline.h"
#include "base/environment.h"
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

/* Which of a program's streams is heard, and by what; the rest is /dev/null. */
struct heard {
    int stream; /* STDOUT_FILENO, STDERR_FILENO, or -1 for none */
    int by;
};

/* In the child, after fork: only calls that are safe there. */
static _Noreturn void become_quiet(
    const char *program, char *const *arguments, char *const *environment, struct heard heard)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (null < 0 || dup2(stream == heard.stream ? heard.by : null, stream) < 0)
            _exit(EXIT_CANNOT_EXECUTE);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(program, arguments, environment);
    _exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

/* Waits until the process has ended or the time is over; true in the latter case. A pidfd becomes readable
 * when its process ends (pidfd_open(2)); kernels before 5.3 have none, and are asked again and again. */
static bool wait_for_end(pid_t pid, long long deadline)
{
    enum { PAUSE_MS = 10 };
    cleanup_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    siginfo_t info = {0};

    if (fd >= 0)
        return deadline_wait(fd, POLLIN, deadline) == -ETIMEDOUT;
    while (deadline_left(deadline) > 0) {
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == pid)
            return false;
        (void)poll(NULL, 0, PAUSE_MS);
    }
    return true;
}

static int wait_bounded(pid_t pid, long long deadline)
{
    int status = 0;
    bool late = wait_for_end(pid, deadline);

    if (late)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (late)
        return -ETIMEDOUT;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The process id, or a negative errno. */
static pid_t start_quietly(
    const char *const *arguments, const char *path, const char *const *environment, struct heard heard)
{
    cleanup_strings struct strings copy = {0};
    char *program cleanup_free = file_find_program(arguments[0], path);
    cleanup_strings struct strings environment_copy = {0};

    if (!program)
        return -ENOENT;
    strings_add_array(&copy, arguments);
    strings_add_array(&environment_copy, environment);
    pid_t pid = fork();
    if (pid == 0)
        become_quiet(program, copy.items, environment_copy.items, heard);
    return pid < 0 ? -errno : pid;
}

int process_run_quietly(
    const char *const *arguments, const char *path, const char *const *environment, unsigned seconds)
{
    pid_t pid = start_quietly(arguments, path, environment, (struct heard){-1, -1});
    return pid < 0 ? pid : wait_bounded(pid, deadline_in(seconds * 1000LL));
}

/* Reads to the end, or until it is too much or too late. 0 or a negative errno. */
static int read_bounded(int fd, long long deadline, size_t limit, struct text *out)
{
    char block[4096];

    for (;;) {
        int r = deadline_wait(fd, POLLIN, deadline);
        if (r < 0)
            return r;
        ssize_t length = read(fd, block, sizeof(block));
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            return length < 0 ? -errno : 0;
        if ((size_t)length > limit)
            return -EFBIG;
        limit -= (size_t)length;
        text_add_n(out, block, (size_t)length);
    }
}

static int hear(const char *const *arguments, const char *path, const char *const *environment,
    unsigned seconds, int stream, size_t limit, struct text *out)
{
    const long long deadline = deadline_in(seconds * 1000LL);
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    cleanup_close int input = ends[0];
    pid_t pid = start_quietly(arguments, path, environment, (struct heard){stream, ends[1]});
    (void)close(ends[1]);
    if (pid < 0)
        return pid;
    int r = read_bounded(input, deadline, limit, out);
    if (r < 0)
        (void)kill(pid, SIGKILL);
    int status = wait_bounded(pid, deadline);
    return r < 0 ? r : status;
}

int process_capture(const char *const *arguments, const char *path, const char *const *environment,
    unsigned seconds, size_t limit, struct text *out)
{
    return hear(arguments, path, environment, seconds, STDOUT_FILENO, limit, out);
}

int process_capture_errors(const char *const *arguments, const char *path, const char *const *environment,
    unsigned seconds, size_t limit, struct text *out)
{
    return hear(arguments, path, environment, seconds, STDERR_FILENO, limit, out);
}

/* Why file_find_program found nothing, in the statuses that a shell gives. */
static int refuse_program(const char *name, const char *path, struct err *e)
{
    bool in_path = strchr(name, '/') == NULL;

    if (!in_path && access(name, F_OK) == 0) {
        (void)err_errno(e, file_is_folder(name) ? -EISDIR : -EACCES, "%s: cannot be executed", name);
        (void)err_status(e, EXIT_CANNOT_EXECUTE);
        return err_hint(e, "name a program, and set its execute permission in the image");
    }
    if (in_path)
        (void)err_set(e, -ENOENT, "%s: not found in PATH (%s)", name, path);
    else
        (void)err_set(e, -ENOENT, "%s: not found", name);
    (void)err_status(e, EXIT_NOT_FOUND);
    return err_hint(e, "install it in the image, or correct %s", in_path ? "PATH" : "its path");
}

/* A text without a first line that names an interpreter is the shell's, as execvp(3) has it. A program for
 * another machine ends in ENOEXEC too, and is no text. */
static void become_script(const char *program, const struct strings *arguments, char *const *environment)
{
    static const char elf[] = {0x7f, 'E', 'L', 'F'};
    char start[sizeof(elf)] = "";
    cleanup_strings struct strings shell = {0};
    cleanup_close int fd = open(program, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 || read(fd, start, sizeof(start)) < 0 || memcmp(start, elf, sizeof(elf)) == 0)
        return;
    strings_add(&shell, "/bin/sh");
    strings_add(&shell, program);
    for (size_t i = 1; i < arguments->count; i++)
        strings_add(&shell, arguments->items[i]);
    (void)execve(shell.items[0], shell.items, environment);
}

int process_become(
    const struct strings *arguments, const struct strings *environment, const char *path, struct err *e)
{
    char *program cleanup_free = file_find_program(arguments->items[0], path);

    if (!program)
        return refuse_program(arguments->items[0], path, e);
    (void)execve(program, arguments->items, environment->items);
    int cause = -errno;
    if (cause == -ENOEXEC)
        become_script(program, arguments, environment->items);
    (void)err_errno(e, cause, "%s: cannot be executed", program);
    (void)err_status(e, EXIT_CANNOT_EXECUTE);
    return err_hint(
        e, "check that it is a program for this machine's architecture and that its mount is not noexec");
}

/* Above all of their later numbers first, so that none of them is in the way of another. */
static int move_descriptors(int *copies, const int *sockets, size_t count)
{
    enum { FIRST = 3 };

    for (size_t i = 0; i < count; i++) {
        copies[i] = fcntl(sockets[i], F_DUPFD_CLOEXEC, FIRST + (int)count);
        if (copies[i] < 0)
            return -errno;
    }
    for (size_t i = 0; i < count; i++)
        if (dup2(copies[i], FIRST + (int)i) < 0)
            return -errno;
    return 0;
}

int process_hand_over(const int *sockets, size_t count, struct strings *environment, struct err *e)
{
    if (count == 0)
        return 0;
    int *copies cleanup_free = mem_zero(count, sizeof(*copies));
    int r = move_descriptors(copies, sockets, count);
    if (r < 0)
        return err_errno(e, r, "the engine's sockets");
    char *pid cleanup_free = str_format("%d", (int)getpid());
    environment_set(environment, "LISTEN_PID", pid);
    return 0;
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
