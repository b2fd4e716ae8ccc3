/*
 * What a scratch root has in place of dockerd, rootlesskit, docker-init, docker, iptables and the like. One
 * program: it goes by the name it was started under, writes what it was given to /out/NAME (/out/NAME.2 the
 * next time, and so on), and then plays its part. Files in /stub steer it:
 *
 *   look         shell that dockerd runs before it ends
 *   dockerd.sh   shell that dockerd becomes instead
 *   rootlesskit.sh shell that rootlesskit runs in its new namespaces, before it starts the command
 *   NAME.exit    exit statuses, one a line: the Nth for the Nth start, the last one from then on; 0 without
 *   NAME.words   what it writes to standard error before it ends
 *   NAME.version what it answers to --version
 *   old          is there: the engine is one before 24.0, which refuses flags that came later
 *   docker.help  the subcommands that `docker help` knows, one a line
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *what)
{
    (void)fprintf(stderr, "stub: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static int number_of(const char *digits)
{
    char *end = NULL;
    long value = strtol(digits, &end, 10);

    if (end == digits || value < 0 || value > INT_MAX) {
        errno = EINVAL;
        die(digits);
    }
    return (int)value;
}

/* The images keep a second set of iptables in a folder of its own; only the path tells them apart. */
static const char *own_name(const char *started_as)
{
    static char name[256];
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): getauxval(3) gives addresses as numbers. */
    const char *path = (const char *)getauxval(AT_EXECFN);
    const char *slash = strrchr(started_as, '/');

    (void)snprintf(name, sizeof(name), "%s%s", slash ? slash + 1 : started_as,
        path && strstr(path, "/.iptables-legacy/") ? "-legacy" : "");
    return name;
}

static void copy(int folder, const char *from, const char *to)
{
    char block[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        if (errno == ENOENT || errno == EACCES)
            return;
        die(from);
    }
    int out = openat(folder, to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0)
        die(to);
    for (ssize_t n; (n = read(in, block, sizeof(block))) > 0;)
        if (write(out, block, (size_t)n) != n)
            die(to);
    (void)close(in);
    (void)close(out);
}

/* Before anything else is open: "NUMBER TARGET", one a line. */
static void list_descriptors(char *text, size_t size)
{
    size_t used = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        die("/proc/self/fd");
    text[0] = '\0';
    for (struct dirent *entry; (entry = readdir(folder));) {
        char target[4096];
        if (entry->d_name[0] == '.' || number_of(entry->d_name) == dirfd(folder))
            continue;
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
        if (length < 0)
            die(entry->d_name);
        target[length] = '\0';
        used += (size_t)snprintf(text + used, size - used, "%s %s\n", entry->d_name, target);
        if (used >= size)
            die("too many descriptors");
    }
    (void)closedir(folder);
}

static void write_text(int folder, const char *name, const char *text)
{
    int out = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0 || write(out, text, strlen(text)) != (ssize_t)strlen(text))
        die(name);
    (void)close(out);
}

/* Which start of this name it is, from 1. */
static int record(const char *name)
{
    static const char *const kernel_files[][2] = {{"/proc/self/cmdline", "argv"},
        {"/proc/self/environ", "environ"}, {"/proc/self/status", "status"},
        {"/proc/self/mountinfo", "mountinfo"}, {"/proc/self/limits", "limits"},
        {"/proc/self/cgroup", "cgroup"}, {"/proc/self/oom_score_adj", "oom_score_adj"}};
    static char descriptors[65536];
    char path[512], cwd[4096];
    int number = 0;

    list_descriptors(descriptors, sizeof(descriptors));
    do {
        number++;
        (void)snprintf(path, sizeof(path), number == 1 ? "/out/%s" : "/out/%s.%d", name, number);
    } while (mkdir(path, 0755) < 0 && errno == EEXIST);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        die(path);
    for (size_t i = 0; i < sizeof(kernel_files) / sizeof(*kernel_files); i++)
        copy(folder, kernel_files[i][0], kernel_files[i][1]);
    write_text(folder, "descriptors", descriptors);
    write_text(folder, "cwd", getcwd(cwd, sizeof(cwd)) ? cwd : strerror(errno));
    (void)close(folder);
    return number;
}

static int chosen_status(const char *name, int number)
{
    char path[512], line[64];
    int status = 0;

    (void)snprintf(path, sizeof(path), "/stub/%s.exit", name);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    for (int i = 0; i < number && fgets(line, sizeof(line), file); i++)
        status = number_of(line);
    (void)fclose(file);
    return status;
}

static bool docker_knows(const char *subcommand)
{
    char line[128];
    bool known = false;
    FILE *file = fopen("/stub/docker.help", "re");

    while (file && !known && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        known = strcmp(line, subcommand) == 0;
    }
    if (file)
        (void)fclose(file);
    return known;
}

static void write_kernel(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        die(path);
    (void)close(fd);
}

static void map_to_root(const char *path, unsigned id)
{
    char map[64];

    (void)snprintf(map, sizeof(map), "0 %u 1", id);
    write_kernel(path, map);
}

/* Root of namespaces of its own, with one user in them. */
static void enter_namespaces(void)
{
    unsigned uid = getuid(), gid = getgid();

    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0)
        die("unshare");
    write_kernel("/proc/self/setgroups", "deny");
    map_to_root("/proc/self/uid_map", uid);
    map_to_root("/proc/self/gid_map", gid);
}

/* The first line of /stub/NAME.KIND, or false. */
static bool read_line(const char *name, const char *kind, char *line, size_t size)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "/stub/%s.%s", name, kind);
    FILE *file = fopen(path, "re");
    bool found = file && fgets(line, (int)size, file);
    if (file)
        (void)fclose(file);
    return found;
}

static void print_version(const char *name)
{
    char line[128];

    if (read_line(name, "version", line, sizeof(line)))
        (void)puts(line);
    else
        (void)printf("%s version 0 (stub)\n", name);
}

/* Whatever follows the flags, as rootlesskit does in its new namespaces. */
static void become_rootlesskits_command(char **argv)
{
    char **at = argv + 1;

    for (; *at && (*at)[0] == '-'; at++) {
        if (strncmp(*at, "--state-dir=", sizeof("--state-dir=") - 1) == 0 &&
            setenv("ROOTLESSKIT_STATE_DIR", *at + sizeof("--state-dir=") - 1, 1) < 0)
            die("setenv");
        if ((strcmp(*at, "-p") == 0 || strcmp(*at, "--publish") == 0) && at[1])
            at++;
    }
    if (!*at) {
        (void)fputs("stub rootlesskit: no command\n", stderr);
        _exit(99);
    }
    enter_namespaces();
    if (access("/stub/rootlesskit.sh", R_OK) == 0 && system("/bin/sh /stub/rootlesskit.sh") != 0)
        die("/stub/rootlesskit.sh");
    (void)execvp(*at, at);
    die(*at);
}

static void become_inits_command(char **argv)
{
    char **at = argv + 1;

    while (*at && strcmp(*at, "--") != 0)
        at++;
    if (!*at || !at[1]) {
        (void)fputs("stub docker-init: no command behind --\n", stderr);
        _exit(99);
    }
    (void)execvp(at[1], at + 1);
    die(at[1]);
}

static void look_around(void)
{
    if (access("/stub/dockerd.sh", R_OK) == 0) {
        (void)execl("/bin/sh", "dockerd", "/stub/dockerd.sh", (char *)NULL);
        die("/bin/sh");
    }
    if (access("/stub/look", R_OK) == 0 && system("/bin/sh /stub/look") < 0)
        die("/stub/look");
}

int main(int argc, char **argv)
{
    const char *name = own_name(argv[0]);

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        print_version(name);
        return 0;
    }
    /* Flags and --version behind them: an engine that knows the flags answers (moby's use of cobra). */
    if (argc == 3 && strcmp(argv[2], "--version") == 0)
        return access("/stub/old", F_OK) == 0 ? 1 : 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)puts(strcmp(name, "slirp4netns") == 0 ? "--netns-type" : "stub");
        return 0;
    }
    if (argc >= 2 && strcmp(name, "docker") == 0 && strcmp(argv[1], "help") == 0)
        return argc == 3 && docker_knows(argv[2]) ? 0 : 1;

    int number = record(name);
    if (strcmp(name, "rootlesskit") == 0)
        become_rootlesskits_command(argv);
    if (strcmp(name, "docker-init") == 0)
        become_inits_command(argv);
    if (strcmp(name, "dockerd") == 0)
        look_around();
    char words[256];
    if (read_line(name, "words", words, sizeof(words)))
        (void)fputs(words, stderr);
    return chosen_status(name, number);
}
