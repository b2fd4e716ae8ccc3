#include "client.h"

#include "base/environment.h"
#include "base/file.h"
#include "entrypoint/init.h"
#include "entrypoint/process.h"

#include <sys/stat.h>
#include <unistd.h>

enum { HELP_SECONDS = 30 };

static bool is_socket(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool has_certificates(const char *tls_dir)
{
    static const char *const names[] = {"ca", "cert", "key"};

    if (!*tls_dir)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *path cleanup_free = str_format("%s/client/%s.pem", tls_dir, names[i]);
        struct stat st;
        if (stat(path, &st) < 0 || st.st_size == 0)
            return false;
    }
    return true;
}

static const char *get(const struct strings *environment, const char *name)
{
    const char *value = environment_get((const char *const *)environment->items, name);
    return value && *value ? value : NULL;
}

static char *find_engine(const struct strings *environment, const char *tls_dir, uid_t uid)
{
    const char *runtime = get(environment, "XDG_RUNTIME_DIR");
    char *users cleanup_free =
        runtime ? str_format("%s/docker.sock", runtime) : str_format("/run/user/%u/docker.sock", uid);

    if (is_socket("/var/run/docker.sock"))
        return str_dup("unix:///var/run/docker.sock");
    if (is_socket(users))
        return str_format("unix://%s", users);
    return str_dup(has_certificates(tls_dir) || get(environment, "DOCKER_TLS_VERIFY") ? "tcp://docker:2376"
                                                                                      : "tcp://docker:2375");
}

void client_environment(struct strings *environment, const char *tls_dir, uid_t uid)
{
    if (!get(environment, "DOCKER_HOST")) {
        char *engine cleanup_free = find_engine(environment, tls_dir, uid);
        environment_set(environment, "DOCKER_HOST", engine);
    }
    if (str_starts(get(environment, "DOCKER_HOST"), "tcp:") && !get(environment, "DOCKER_TLS_VERIFY") &&
        !get(environment, "DOCKER_CERT_PATH") && has_certificates(tls_dir)) {
        char *folder cleanup_free = str_format("%s/client", tls_dir);
        environment_set(environment, "DOCKER_TLS_VERIFY", "1");
        environment_set(environment, "DOCKER_CERT_PATH", folder);
    }
}

int client_run(
    const char *const *arguments, const char *tls_dir, const char *const *environment, struct err *e)
{
    cleanup_strings struct strings command = {0}, variables = {0};
    const char *const help[] = {"docker", "help", arguments[0], NULL};
    const char *path = environment_get(environment, "PATH");
    char *search cleanup_free = str_dup(path && *path ? path : FILE_DEFAULT_SEARCH);

    if (process_run_quietly(help, search, environment, HELP_SECONDS) == 0)
        strings_add(&command, "docker");
    strings_add_array(&command, arguments);
    strings_add_array(&variables, environment);
    client_environment(&variables, tls_dir, geteuid());
    init_reset_signals();
    return process_become(&command, &variables, search, e);
}
