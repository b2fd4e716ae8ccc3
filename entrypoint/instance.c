#include "instance.h"

#include "base/environment.h"
#include "base/file.h"
#include "entrypoint/identity.h"
#include "entrypoint/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD "instance.json"

enum { RECORD_LIMIT = 64 * 1024 };

/* ---- writing ---- */

char *instance_folder(const struct host *host)
{
    return host->uid == 0 ? str_dup("/run/dind") : str_format("%s/dind", host->runtime_dir);
}

char *instance_user_folder(const struct host *host)
{
    return host->user.uid == 0 ? str_dup("/run/dind") : str_format("%s/dind", host->runtime_dir);
}

static int write_hint(const char *folder, struct err *e)
{
    if (e->code == -EROFS)
        return err_hint(e,
            "make %s writable: docker run --tmpfs, Compose tmpfs:, Kubernetes an emptyDir on a folder above "
            "it",
            folder);
    if (e->code == -ENOSPC || e->code == -EDQUOT)
        return err_hint(e, "free space on the file system of %s", folder);
    if (e->code == -ENOTDIR || e->code == -ELOOP)
        return err_hint(e, "remove what is in the way of the folder %s", folder);
    return e->code;
}

/* In a folder of our own: nobody else may put names there. */
static int write_in(const char *folder, const char *name, mode_t mode, const json_t *content,
    const char *shown, struct err *e)
{
    char *data cleanup_free = json_dumps(content, JSON_INDENT(2));
    struct stat st;

    cleanup_close int fd = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        (void)err_errno(e, -errno, "%s", folder);
        return write_hint(folder, e);
    }
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) {
        (void)err_set(e, -EPERM, "%s: belongs to uid %u or others may write to it", folder, st.st_uid);
        return err_hint(e, "remove it");
    }
    char *line cleanup_free = str_format("%s\n", data ? data : "{}");
    int r =
        file_publish(fd, name, line, strlen(line), (struct file_owner){mode, (uid_t)-1, (gid_t)-1}, shown, e);
    return r < 0 ? write_hint(folder, e) : 0;
}

int instance_write(
    const char *folder, const char *name, mode_t mode, const json_t *content, char **path, struct err *e)
{
    char *shown cleanup_free = str_format("%s/%s", folder, name);

    int r = file_make_folders(folder, 0755);
    if (r < 0) {
        (void)err_errno(e, r, "%s: cannot be made", folder);
        return write_hint(folder, e);
    }
    r = write_in(folder, name, mode, content, shown, e);
    if (r == 0 && path)
        *path = take(shown);
    return r;
}

/* ---- what is recorded ---- */

/* One -H of the engine's: "unix://PATH", "tcp://HOST:PORT", or the latter without its scheme (moby
 * opts/hosts.go). */
static void add_host(const char *host, char **unix_path, char **tcp)
{
    const char *path = str_after(host, "unix://");
    const char *address = str_after(host, "tcp://");

    if (!address && !strstr(host, "://"))
        address = host;
    if (path && !*unix_path)
        *unix_path = str_dup(*path ? path : "/var/run/docker.sock");
    if (!address || *tcp)
        return;
    /* Every address means the loopback one, too. */
    const char *port = strrchr(address, ':');
    if (!*address || port == address || str_starts(address, "0.0.0.0"))
        *tcp = str_format("tcp://127.0.0.1%s", port ? port : "");
    else
        *tcp =
            str_starts(address, "[::]") ? str_format("tcp://[::1]%s", port) : str_format("tcp://%s", address);
}

/* Where `dockerd` as first argument listens: on what its flags and its configuration file say. True with TLS.
 */
static bool own_hosts(const struct work *work, char **unix_path, char **tcp)
{
    const json_t *file = work->config->merged ? work->config->merged : work->config->base;
    const json_t *host;
    size_t i;

    for (size_t f = 0; f < work->command->flags.count; f++) {
        const struct dockerd_flag *flag = &work->command->flags.items[f];
        if (str_equal(flag->name, "host") && flag->value)
            add_host(flag->value, unix_path, tcp);
    }
    json_array_foreach(json_object_get(file, "hosts"), i, host)
    {
        if (json_is_string(host))
            add_host(json_string_value(host), unix_path, tcp);
    }
    return dockerd_flags_get(&work->command->flags, "tlsverify") ||
           json_is_true(json_object_get(file, "tlsverify"));
}

/* Where the engine will listen; the one or the other. */
static void find_sockets(const struct work *work, char **unix_path, char **tcp, bool *tls)
{
    *tls = work->plan->tls;
    if (work->command->kind == COMMAND_EXPLICIT)
        *tls = own_hosts(work, unix_path, tcp);
    if (!*unix_path && !*tcp)
        *unix_path = str_dup(work->plan->socket);
}

char *instance_socket(const struct work *work)
{
    char *unix_path = NULL;
    char *tcp cleanup_free = NULL;
    bool tls;

    find_sockets(work, &unix_path, &tcp, &tls);
    return unix_path;
}

static json_t *describe(const struct work *work, const struct step *step)
{
    char *unix_path cleanup_free = NULL;
    char *tcp cleanup_free = NULL;
    bool tls;

    find_sockets(work, &unix_path, &tcp, &tls);
    char *user_folder cleanup_free = work->plan->becomes ? instance_user_folder(work->host) : NULL;
    return json_pack("{s:i, s:I, s:I, s:I, s:s*, s:s, s:s, s:s*, s:s?, s:s?, s:b}", "pid", (int)getpid(),
        "started", (json_int_t)process_start_time(getpid()), "uid", (json_int_t)work->host->user.uid, "gid",
        (json_int_t)work->host->user.gid, "user_folder", user_folder, "mode", mode_name(work->plan->mode),
        "phase", step ? phase_name(step->phase) : "engine", "step", step ? step_name(step->kind) : NULL,
        "socket", unix_path, "tcp", unix_path ? NULL : tcp, "tls", tls);
}

void instance_tell_step(const struct work *work, const struct step *step)
{
    char *folder cleanup_free = instance_folder(work->host);
    json_t *record = describe(work, step);
    struct err ignored;

    /* Not the folders above it: they have owners and modes that a step gives them. */
    if (mkdir(folder, 0755) == 0 || errno == EEXIST)
        (void)write_in(folder, RECORD, 0644, record, RECORD, &ignored);
    json_decref(record);
}

int instance_tell_engine(const struct work *work, struct err *e)
{
    json_t *record = describe(work, NULL);

    if (!record)
        return err_set(e, -ENOMEM, RECORD ": cannot be made");
    char *folder cleanup_free = instance_folder(work->host);
    int r = instance_write(folder, RECORD, 0644, record, NULL, e);
    json_decref(record);
    return r;
}

/* ---- reading ---- */

void instance_records(struct strings *paths, const char *const *environment)
{
    const char *runtime = environment_get(environment, "XDG_RUNTIME_DIR");

    if (geteuid() != 0) {
        if (runtime && *runtime)
            strings_addf(paths, "%s/dind/" RECORD, runtime);
        strings_addf(paths, "/run/user/%u/dind/" RECORD, geteuid());
    }
    strings_add(paths, "/run/dind/" RECORD);
}

/* A word for messages. The caller frees it; NULL when there is none. */
static char *word_of(const json_t *record, const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz- ";
    const char *word = json_string_value(json_object_get(record, name));

    return word && *word && word[strspn(word, letters)] == '\0' ? str_dup(word) : NULL;
}

static char *string_of(const json_t *record, const char *name)
{
    const char *value = json_string_value(json_object_get(record, name));

    return value ? str_dup(value) : NULL;
}

static int take_record(struct instance *instance, const json_t *record, struct err *e)
{
    json_int_t pid = json_integer_value(json_object_get(record, "pid"));
    json_int_t started = json_integer_value(json_object_get(record, "started"));

    instance->socket = string_of(record, "socket");
    instance->user_folder = string_of(record, "user_folder");
    instance->uid = (uid_t)json_integer_value(json_object_get(record, "uid"));
    instance->gid = (gid_t)json_integer_value(json_object_get(record, "gid"));
    instance->tcp = string_of(record, "tcp");
    instance->tls = json_is_true(json_object_get(record, "tls"));
    if ((!instance->socket && !instance->tcp) || pid < 1 || pid > INT32_MAX)
        return err_set(e, -EINVAL, "%s is not a record of an instance", instance->record);
    if (process_start_time((pid_t)pid) != started)
        return err_set(
            e, -ESRCH, "the instance of %s (pid %lld) has ended", instance->record, (long long)pid);
    if (!str_equal(json_string_value(json_object_get(record, "phase")), "engine")) {
        instance->phase = word_of(record, "phase");
        instance->step = word_of(record, "step");
    }
    return 0;
}

static int read_record(struct instance *instance, const char *path, struct err *e)
{
    cleanup_text struct text text = {0};

    *instance = (struct instance){.record = str_dup(path)};
    int r = file_read(AT_FDCWD, path, RECORD_LIMIT, FILE_NO_LINKS, &text, e);
    if (r < 0)
        return r;
    json_t *record = json_loadb(text_get(&text), text.length, 0, NULL);
    r = take_record(instance, record, e);
    json_decref(record);
    return r;
}

/* Root beside an engine that root did not start (docker exec -u 0): the record is in the folder of the user
 * of PID 1, which root without capabilities may not enter. */
static int find_of_user(struct instance *instance, const char *const *environment)
{
    const char *runtime = environment_get(environment, "XDG_RUNTIME_DIR");
    struct stat first;
    struct err ignored;

    *instance = (struct instance){0};
    if (geteuid() != 0 || stat("/proc/1", &first) < 0 || first.st_uid == 0)
        return -ENOENT;
    const struct host_user user = {.uid = first.st_uid, .gid = first.st_gid};
    char *folder cleanup_free =
        runtime && *runtime ? str_format("%s/dind", runtime) : str_format("/run/user/%u/dind", user.uid);
    char *path cleanup_free = str_format("%s/" RECORD, folder);
    if (identity_borrow(&user, &ignored) < 0)
        return -EPERM;
    int r = read_record(instance, path, &ignored);
    identity_return();
    if (r == 0 && !instance->user_folder)
        instance->user_folder = take(folder);
    return r;
}

int instance_find(struct instance *instance, const char *const *environment, struct err *e)
{
    cleanup_strings struct strings paths = {0};
    int found = -ENOENT;

    *instance = (struct instance){0};
    instance_records(&paths, environment);
    for (size_t i = 0; i < paths.count; i++) {
        struct instance one;
        struct err failed = {0};
        int r = read_record(&one, paths.items[i], &failed);
        if (r == 0) {
            *instance = one;
            return 0;
        }
        instance_free(&one);
        /* What is told is the first record that is there, or that there is none. */
        if (i == 0 || found == -ENOENT) {
            found = r;
            *e = failed;
        }
    }
    if (found != -ENOENT)
        return found;
    struct instance users;
    if (find_of_user(&users, environment) == 0) {
        *instance = users;
        return 0;
    }
    instance_free(&users);
    return found;
}

bool instance_borrow_user(const struct instance *instance)
{
    const struct host_user user = {.uid = instance->uid, .gid = instance->gid};
    struct err ignored;

    return instance->user_folder && user.uid != 0 && geteuid() == 0 && identity_borrow(&user, &ignored) == 0;
}

void instance_free(struct instance *instance)
{
    free(instance->record);
    free(instance->phase);
    free(instance->step);
    free(instance->socket);
    free(instance->user_folder);
    free(instance->tcp);
    *instance = (struct instance){0};
}
