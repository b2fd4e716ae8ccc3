#include "engine_version.h"

#include "base/log.h"
#include "entrypoint/check.h"
#include "entrypoint/process.h"

#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

char *engine_version_ask(const char *path, const char *const *environment)
{
    enum { SECONDS = 5, LIMIT = 4096 };
    static const char *const arguments[] = {"dockerd", "--version", NULL};
    struct text text = {0};

    if (process_capture(arguments, path, environment, SECONDS, LIMIT, &text) != 0)
        text_free(&text);
    return text.data;
}

static void ask_and_warn(const struct prepared *p, const struct launch *launch)
{
    cleanup(checks_free) struct checks checks;
    char *version cleanup_free =
        engine_version_ask(launch->path, (const char *const *)launch->environment.items);
    const struct check_input judged = {&p->settings, &p->host, &p->command, &p->config, version};

    checks_run(&checks, p->plan.mode, &judged);
    char *warning cleanup_free = checks_warning(&checks, "engine-version");
    if (warning)
        log_warn(NULL, "%s", warning);
}

void engine_version_watch(const struct prepared *p, const struct launch *launch)
{
    const struct sched_param none = {0};
    bool reaped = p->plan.init != INIT_NONE || !p->host.is_pid_1;

    if (p->plan.mode != MODE_ROOTFUL || p->settings.capabilities.profile == PROFILE_COMPAT || !reaped)
        return;
    /* Twice, so that it is a child of the namespace's first process, and never one that dockerd has to wait
     * for. */
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            (void)sched_setscheduler(0, SCHED_IDLE, &none);
            ask_and_warn(p, launch);
        }
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
