/*
 * Files: stale pid files, certificates, the engine's configuration, our own record.
 * Should: write what the plan names, each file whole or not at all. Must not: follow links out of a folder
 * that others can write to, or remove what is not stale. Not earlier: extra mounts may hold these folders.
 * Not later: the disk rights of root may go with the identity.
 */
#include "base/file.h"
#include "entrypoint/certificates.h"
#include "entrypoint/instance.h"
#include "entrypoint/process.h"
#include "entrypoint/steps.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_DEPTH = 16,       /* of folders below /run */
    MAX_ENTRIES = 100000, /* looked at in all */
    QUESTION_SECONDS = 20
};

/* ---- stale pid files ---- */

struct sweep {
    unsigned entries;
    struct strings removed;
    struct strings alive; /* "PATH (pid N)" */
};

/* docker*.pid in any case, as `find -iname` has it. */
static bool is_pid_file(const char *name)
{
    size_t length = strlen(name);
    return length >= 10 && strncasecmp(name, "docker", 6) == 0 && strcasecmp(name + length - 4, ".pid") == 0;
}

/* Does the file name a process that runs and is an engine's? Pids are reused, above all after a container's
 * restart. */
static bool names_an_engine(int folder, const char *name)
{
    cleanup_text struct text content = {0};
    struct err ignored;
    long long pid;
    char path[64];

    if (file_read(folder, name, 64, FILE_NO_LINKS, &content, &ignored) < 0)
        return false;
    char *word cleanup_free = str_dup_n(text_get(&content), strcspn(text_get(&content), " \t\r\n"));
    if (!parse_number(word, 1, INT32_MAX, &pid) || pid == getpid())
        return false;
    (void)snprintf(path, sizeof(path), "/proc/%lld/comm", pid);
    char *comm cleanup_free = file_first_line(path);
    return comm && (strcmp(comm, "dockerd") == 0 || strcmp(comm, "containerd") == 0);
}

static void sweep_entry(struct sweep *sweep, int folder, const char *shown, const char *name)
{
    if (names_an_engine(folder, name))
        strings_addf(&sweep->alive, "%s/%s", shown, name);
    else if (unlinkat(folder, name, 0) == 0)
        strings_addf(&sweep->removed, "%s/%s", shown, name);
}

static void sweep_folder(struct sweep *sweep, int at, const char *shown, const char *name, unsigned depth)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    cleanup_closedir DIR *dir = fdopendir(fd);
    if (!dir) {
        (void)close(fd);
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry && sweep->entries < MAX_ENTRIES;
         entry = readdir(dir)) {
        struct stat st;
        sweep->entries++;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH) {
            char *below cleanup_free = str_format("%s/%s", shown, entry->d_name);
            sweep_folder(sweep, fd, below, entry->d_name, depth + 1);
        } else if (!S_ISDIR(st.st_mode) && is_pid_file(entry->d_name)) {
            sweep_entry(sweep, fd, shown, entry->d_name);
        }
    }
}

/* A pid file that the user has put elsewhere: --pidfile, or `pidfile` in the engine's configuration. */
static void sweep_named(struct sweep *sweep, const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    struct stat st;

    if (!slash || *path != '/' || lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    char *folder cleanup_free = path_folder(path);
    cleanup_close int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        sweep_entry(sweep, fd, slash == path ? "" : folder, slash + 1);
}

/* The engine's own containerd keeps one below the exec root, under a name of its own. After a kill the engine
 * does not start if that pid belongs to anything at all now (moby libcontainerd/supervisor). */
static void sweep_containerd(struct sweep *sweep, const struct host *host, const char *exec_root)
{
    char *own cleanup_free =
        host->user.uid == 0 ? str_dup("/var/run/docker") : str_format("%s/docker", host->runtime_dir);
    char *path cleanup_free = str_format("%s/containerd/containerd.pid", exec_root ? exec_root : own);

    sweep_named(sweep, path);
}

int step_pid_files(const struct host *host, const struct command *command, const struct engine_config *config,
    struct outcome *outcome, struct err *e)
{
    struct sweep sweep = {0};

    (void)e;
    sweep_folder(&sweep, AT_FDCWD, "/run", "/run", 0);
    sweep_folder(&sweep, AT_FDCWD, "/var/run", "/var/run", 0); /* does nothing where it is a link to /run */
    sweep_named(&sweep, engine_config_setting(config, command, "pidfile"));
    sweep_containerd(&sweep, host, engine_config_setting(config, command, "exec-root"));

    char *removed cleanup_free = strings_join(&sweep.removed, ", ");
    char *alive cleanup_free = strings_join(&sweep.alive, ", ");
    outcome->kind = sweep.removed.count ? OUTCOME_DONE : OUTCOME_ALREADY;
    if (sweep.removed.count)
        (void)snprintf(outcome->detail, sizeof(outcome->detail), "removed %s", removed);
    if (sweep.alive.count)
        (void)snprintf(outcome->warning, sizeof(outcome->warning),
            "left in place: %s names an engine that runs; a second one on the same folders will not start",
            alive);
    strings_free(&sweep.removed);
    strings_free(&sweep.alive);
    return 0;
}

/* ---- certificates ---- */

int step_certificates(
    const struct settings *s, const struct host *host, struct outcome *outcome, struct err *e)
{
    cleanup(certificates_free) struct certificates wanted = {0};
    cleanup(certs_result_free) struct certs_result result = {0};
    char until[32];
    struct tm utc;

    int r = certificates_read(&wanted, s, &host->names, host->user.uid, host->user.gid, e);
    if (r == 0)
        r = certs_ensure(&wanted.request, &result, e);
    if (r < 0)
        return r;
    outcome->kind = result.outcome == CERTS_ISSUED ? OUTCOME_DONE : OUTCOME_ALREADY;
    char *listed cleanup_free = strings_join(&result.names, " ");
    char *notes cleanup_free = strings_join(&result.notes, "; ");
    (void)strftime(until, sizeof(until), "%Y-%m-%d", gmtime_r(&result.until, &utc));
    (void)snprintf(outcome->detail, sizeof(outcome->detail), "%s; the server's is valid until %s for %s",
        result.summary, until, listed);
    (void)snprintf(outcome->warning, sizeof(outcome->warning), "%s", notes);
    return 0;
}

/* ---- what is written into the runtime folder ---- */

/*
 * dockerd refuses a key that it does not know, as it does a flag; asked for its version with the flag of that
 * key, it answers or fails.
 */
static bool knows_network_opts(const struct host *host)
{
    static const char *const question[] = {
        "dockerd", "--default-network-opt=bridge=com.docker.network.driver.mtu=1500", "--version", NULL};
    char *search cleanup_free = str_format("PATH=%s", host->path);
    const char *const environment[] = {search, NULL};

    return process_run_quietly(question, host->path, environment, QUESTION_SECONDS) == 0;
}

/* Takes out what the plan put there, and nothing of the user's. */
static void drop_network_opts(json_t *content)
{
    json_t *opts = json_object_get(content, "default-network-opts"),
           *bridge = json_object_get(opts, "bridge");

    (void)json_object_del(bridge, "com.docker.network.driver.mtu");
    if (json_object_size(bridge) == 0)
        (void)json_object_del(opts, "bridge");
    if (json_object_size(opts) == 0)
        (void)json_object_del(content, "default-network-opts");
}

int step_daemon_config(const struct work *work, char **path, struct outcome *outcome, struct err *e)
{
    const struct engine_config *config = work->config;
    json_t *content = json_deep_copy(config->merged);
    char *sources cleanup_free = strings_join(&config->sources, ", ");
    char *reasons cleanup_free = strings_join(&work->plan->engine_reasons, "; ");
    bool old = work->plan->trial_of_network_opts && !knows_network_opts(work->host);

    if (old)
        drop_network_opts(content);
    /* For the engine alone: passwords may stand in it. */
    char *folder cleanup_free = instance_user_folder(work->host);
    int r = instance_write(folder, "daemon.json", 0600, content, path, e);
    json_decref(content);
    if (r < 0)
        return r;
    (void)snprintf(outcome->detail, sizeof(outcome->detail), "%s, merged over %s%s, in %s%s%s", sources,
        config->path, config->base ? "" : " (which does not exist)", *path, *reasons ? "; " : "", reasons);
    if (old)
        (void)snprintf(outcome->warning, sizeof(outcome->warning),
            "this engine takes an MTU for its default bridge alone: networks that are made later need "
            "com.docker.network.driver.mtu as an option of their own, or an engine of 24.0 or newer");
    return 0;
}

int step_record(const struct work *work, struct outcome *outcome, struct err *e)
{
    outcome->kind = OUTCOME_DONE;
    return instance_tell_engine(work, e);
}
