#include "launch.h"

#include "base/environment.h"
#include "base/redact.h"
#include "config/words.h"
#include "entrypoint/rootless.h"

#include <stdlib.h>
#include <string.h>

void applied_free(struct applied *applied)
{
    free(applied->config_file);
    free(applied->storage_driver);
    free(applied->sockets);
    *applied = (struct applied){0};
}

char *applied_path(const struct applied *applied, const struct host *host)
{
    return applied->iptables_legacy ? str_format(LEGACY_FOLDER ":%s", host->path) : str_dup(host->path);
}

void launch_free(struct launch *launch)
{
    strings_free(&launch->arguments);
    strings_free(&launch->environment);
    free(launch->path);
    *launch = (struct launch){0};
}

void launch_words(const struct launch *launch, struct strings *words)
{
    const char *before = NULL;

    for (size_t i = 0; i < launch->arguments.count; i++) {
        const char *word = launch->arguments.items[i];
        char *shown cleanup_free = redact_value(before, word);
        strings_add(words, shown);
        before = *word == '-' && !strchr(word, '=') ? word : NULL;
    }
}

char *launch_line(const struct launch *launch)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./:,@%";
    cleanup_strings struct strings words = {0};
    struct text line = {0};

    launch_words(launch, &words);
    for (size_t i = 0; i < words.count; i++) {
        const char *word = words.items[i];
        text_add(&line, i ? " " : "");
        if (*word && word[strspn(word, plain)] == '\0')
            text_add(&line, word);
        else
            words_quote(&line, word);
    }
    return line.data;
}

/* Inside rootlesskit's network namespace the engine listens on one address; which ones are reachable from
 * outside is for the publishing port driver to say. */
static void add_hosts(struct strings *arguments, const struct plan *plan, const struct settings *s)
{
    if (plan->activation) {
        strings_add(arguments, "--host=fd://");
        return;
    }
    strings_addf(arguments, "--host=unix://%s", plan->socket);
    for (size_t i = 0; i < s->api.unix_more.count; i++)
        strings_addf(arguments, "--host=unix://%s", s->api.unix_more.items[i]);
    for (size_t i = 0; plan->tcp && i < (plan->inside ? 1 : s->api.tcp_addresses.count); i++) {
        char *host cleanup_free =
            plan_host(plan->inside ? plan->inside : s->api.tcp_addresses.items[i], plan->port);
        strings_addf(arguments, "--host=tcp://%s", host);
    }
}

static void add_tls(struct strings *arguments, const struct plan *plan, const struct settings *s,
    const struct command *command)
{
    if (plan->tls) {
        strings_add(arguments, "--tlsverify");
        strings_add(arguments, "--tlscacert");
        strings_addf(arguments, "%s/server/ca.pem", s->tls.dir);
        strings_add(arguments, "--tlscert");
        strings_addf(arguments, "%s/server/cert.pem", s->tls.dir);
        strings_add(arguments, "--tlskey");
        strings_addf(arguments, "%s/server/key.pem", s->tls.dir);
    }
    /* Without it dockerd waits for 15 seconds before it opens a plain port (moby daemon/command/daemon.go,
     * loadListeners). */
    if (!plan->tls && plan->tcp && !dockerd_flags_any(&command->flags, "tls"))
        strings_add(arguments, "--tls=false");
}

void launch_engine_arguments(struct strings *arguments, const struct plan *plan, const struct settings *s,
    const struct command *command, const struct applied *applied)
{
    const char *config_file = applied->config_file;
    const char *driver = applied->storage_driver ? applied->storage_driver : plan->storage_choice;
    /* pflag takes the last value: ours must come after the user's own file, which it was merged over. */
    bool config_last = dockerd_flags_get(&command->flags, "config-file") != NULL;

    if (command->kind == COMMAND_ENGINE) {
        add_hosts(arguments, plan, s);
        add_tls(arguments, plan, s, command);
        if (s->api.unix_group && !plan->activation)
            strings_addf(arguments, "--group=%s", s->api.unix_group);
    }
    if (config_file && !config_last)
        strings_addf(arguments, "--config-file=%s", config_file);
    if (driver)
        strings_addf(arguments, "--storage-driver=%s", driver);
    strings_add_all(arguments, &s->args);
    strings_add_all(arguments, &command->arguments);
    if (config_file && config_last)
        strings_addf(arguments, "--config-file=%s", config_file);
}

/* For rootlesskit, "192.0.2.7:2376:2376/tcp". Where the address inside is not the one that every driver means
 * anyway, it is said: rootlesskit 3 would take the outer one. */
static void list_published(struct strings *publish, const struct plan *plan, const struct settings *s)
{
    char *inside cleanup_free = str_equal(plan->inside, "127.0.0.1") ? plan_host(plan->inside, plan->port)
                                                                     : str_format("%lld", plan->port);

    for (size_t i = 0; i < s->api.tcp_addresses.count; i++) {
        char *outside cleanup_free = plan_host(s->api.tcp_addresses.items[i], plan->port);
        strings_addf(publish, "%s:%s/tcp", outside, inside);
    }
}

static void build_arguments(struct launch *launch, const struct plan *plan, const struct settings *s,
    const struct host *host, const struct command *command, const struct applied *applied)
{
    if (plan->init == INIT_DOCKER_INIT) {
        strings_add(&launch->arguments, "docker-init");
        strings_add(&launch->arguments, "--");
    }
    if (plan->mode == MODE_ROOTLESS) {
        cleanup_strings struct strings publish = {0};
        if (command->kind == COMMAND_ENGINE && plan->tcp)
            list_published(&publish, plan, s);
        strings_add(&launch->arguments, strrchr(host->programs.rootlesskit, '/') + 1);
        rootless_arguments(&launch->arguments, s, host, &publish);
        const struct rootless_child child = plan_child(plan, host);
        rootless_child_arguments(&launch->arguments, s, host, &child);
    }
    strings_add(&launch->arguments, "dockerd");
    launch_engine_arguments(&launch->arguments, plan, s, command, applied);
}

/* As dockerd does it with its own settings, in both spellings (moby daemon/command, configureProxyEnv);
 * engines before 23.0 have no such settings. */
static void set_proxy(struct strings *environment, const char *upper, const char *lower, const char *value)
{
    if (!value)
        return;
    environment_set(environment, upper, value);
    environment_set(environment, lower, value);
}

static void set_choices(struct strings *environment, const struct settings *s)
{
    set_proxy(environment, "HTTP_PROXY", "http_proxy", s->network.proxy.http);
    set_proxy(environment, "HTTPS_PROXY", "https_proxy", s->network.proxy.https);
    set_proxy(environment, "NO_PROXY", "no_proxy", s->network.proxy.no);
    /* dockerd reads it by itself, and it would beat the name that beats it here. */
    if (settings_chosen(s, OPTION_STORAGE_DRIVER) &&
        !str_equal(s->origin[OPTION_STORAGE_DRIVER].name, "DOCKER_DRIVER"))
        environment_set(environment, "DOCKER_DRIVER", NULL);
}

void launch_build(struct launch *launch, const struct plan *plan, const struct settings *s,
    const struct host *host, const struct command *command, const struct applied *applied,
    const char *const *environment)
{
    *launch = (struct launch){.supervise = plan->init == INIT_BUILTIN};
    build_arguments(launch, plan, s, host, command, applied);

    strings_add_array(&launch->environment, environment);
    launch->path = applied_path(applied, host);
    environment_set(&launch->environment, "PATH", launch->path);
    set_choices(&launch->environment, s);
    if (plan->mode == MODE_ROOTFUL) {
        /* dockerd and containerd take it as "in a container", and leave AppArmor alone (containerd
         * pkg/apparmor, hostSupports). */
        environment_set(&launch->environment, "container", s->apparmor == APPARMOR_ON ? NULL : "docker");
    } else {
        environment_set(&launch->environment, "XDG_RUNTIME_DIR", host->runtime_dir);
        environment_set(&launch->environment, "HOME", host->home);
        if (plan->becomes)
            environment_set(&launch->environment, "USER", host->user.name);
    }
    if (plan->activation) {
        /* sd_listen_fds(3). The process id is added by who becomes the engine. */
        size_t count = 1 + s->api.unix_more.count + (plan->tcp ? s->api.tcp_addresses.count : 0);
        char *number cleanup_free = str_format("%zu", count);
        environment_set(&launch->environment, "LISTEN_FDS", number);
        environment_set(&launch->environment, "LISTEN_FDNAMES", NULL);
        launch->sockets = applied->sockets;
        launch->socket_count = applied->socket_count;
    }
    /* dockerd reads it by itself, and would ask for certificates that are not there. */
    if (!plan->tls && (command->kind == COMMAND_ENGINE || s->tls.dir[0] == '\0'))
        environment_set(&launch->environment, "DOCKER_TLS_VERIFY", NULL);
}
