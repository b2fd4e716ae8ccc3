#include "entrypoint.h"

#include "base/environment.h"
#include "base/log.h"
#include "entrypoint/boot_report.h"
#include "entrypoint/client.h"
#include "entrypoint/engine_version.h"
#include "entrypoint/init.h"
#include "entrypoint/instance.h"
#include "entrypoint/launch.h"
#include "entrypoint/prepare.h"
#include "entrypoint/process.h"
#include "entrypoint/rootless.h"
#include "entrypoint/rootless_child.h"
#include "entrypoint/sockets.h"
#include "entrypoint/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Our own choice of DOCKER_TLS_CERTDIR for a client must not depend on a configuration that may be broken: a
 * shell in this image is how one repairs it. */
static int run_client(const char *const *arguments, const char *const *environment, struct err *e)
{
    const struct config_input input = {.environment = environment};
    cleanup(settings_free) struct settings s = {0};
    struct err broken = {0};
    const char *tls_dir = environment_get(environment, "DOCKER_TLS_CERTDIR");

    if (config_load(&s, &input, &broken) == 0)
        tls_dir = s.tls.dir;
    else
        log_warn(broken.hint, "the configuration is left aside for this command: %s", broken.what);
    return client_run(arguments, tls_dir ? tls_dir : "/certs", environment, e);
}

static void warn_all(struct boot_report *report, const char *from, const struct strings *list)
{
    for (size_t i = 0; i < list->count; i++) {
        log_warn(NULL, "%s", list->items[i]);
        boot_report_warn(report, from, list->items[i], NULL);
    }
}

static void tell_before(const struct prepared *p, struct boot_report *report)
{
    warn_all(report, "settings", &p->settings.warnings);
    log_info("mode %s, init %s", mode_name(p->plan.mode), init_name(p->plan.init));
    if (p->slow_keys)
        log_info("certificates: making RSA keys, which takes from tenths of a second to minutes (tls.key: "
                 "ecdsa-p256 "
                 "takes none)");
    for (size_t i = 0; i < p->plan.limits.count; i++)
        log_info("%s", p->plan.limits.items[i]);
    warn_all(report, "plan", &p->plan.notes);
    report->settings = p->times.settings;
    report->facts = p->times.facts;
    report->plan = p->times.plan;
}

/* Nothing else depends on it. */
static void write_report(struct boot_report *report, const struct prepared *p, const char *command)
{
    size_t count = boot_report_warnings(report);
    struct err e = {0};

    if (boot_report_write(report, &p->host, &p->plan, command, &e) < 0)
        log_warn(e.hint, "dindctl report will not show this start: %s", e.what);
    else if (command && count > 0)
        log_info("%zu warning%s: dindctl report repeats %s", count, count == 1 ? "" : "s",
            count == 1 ? "it" : "them");
}

/*
 * What dockerd inherits is what it needs: standard descriptors and nothing else. Kernels before 5.11 and old
 * seccomp filters have no CLOSE_RANGE_CLOEXEC: then one by one, as /proc lists them.
 */
static int clean_descriptors(struct err *e)
{
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return 0;

    cleanup_closedir DIR *list = opendir("/proc/self/fd");
    if (!list)
        return err_errno(e, -errno, "/proc/self/fd");
    for (const struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
        long long fd = -1;
        if (parse_number(entry->d_name, 3, INT32_MAX, &fd))
            (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    }
    return 0;
}

static int start(struct prepared *p, struct boot_report *report, const char *const *environment,
    mode_t umask_before, struct err *e)
{
    cleanup(applied_free) struct applied applied = {0};
    cleanup(launch_free) struct launch launch = {0};
    struct work work = {&p->settings, &p->host, &p->plan, &p->command, &p->config, &applied};
    const struct system live = steps_system(&work);

    tell_before(p, report);
    boot_report_forget(&p->host);
    int r = sockets_try(&work, e);
    if (r < 0)
        return r;
    r = plan_apply(&p->plan, &live, report, e);
    if (r < 0) {
        write_report(report, p, NULL);
        return r;
    }
    launch_build(&launch, &p->plan, &p->settings, &p->host, &p->command, &applied, environment);
    char *line cleanup_free = launch_line(&launch);
    r = init_stopped("its start", e);
    write_report(report, p, r < 0 ? NULL : line);
    if (r < 0)
        return r;
    boot_report_free(report);
    log_info("starting %s", line);

    r = clean_descriptors(e);
    if (r < 0)
        return r;
    engine_version_watch(p, &launch);
    (void)umask(umask_before);
    if (launch.supervise) {
        char *socket cleanup_free = instance_socket(&work);
        const struct attendance attendance = {.socket = socket,
            .ready_file = p->settings.ready.file,
            .when_file = p->settings.shutdown.when_file,
            .timeout = p->settings.shutdown.timeout,
            .wait_for_idle = p->settings.shutdown.wait_for_idle};
        return init_run(&launch, &attendance, e);
    }
    init_reset_signals();
    r = process_hand_over(launch.sockets, launch.socket_count, &launch.environment, e);
    if (r < 0)
        return r;
    return process_become(&launch.arguments, &launch.environment, launch.path, e);
}

static int run_engine(
    const char *const *arguments, const char *const *environment, mode_t umask_before, struct err *e)
{
    cleanup(prepared_free) struct prepared p = {0};
    cleanup(boot_report_free) struct boot_report report;
    const struct config_input input = {.environment = environment};

    boot_report_begin(&report);
    int r = prepare(&p, &input, arguments, e);
    if (p.loaded)
        log_setup((enum log_level)p.settings.log.level, (enum log_format)p.settings.log.format);
    return r < 0 ? r : start(&p, &report, environment, umask_before, e);
}

int entrypoint_main(const char *const *arguments, const char *const *environment)
{
    struct err e = {0};
    mode_t umask_before;
    int r;

    log_terminal(environment);
    if (arguments[1] && str_equal(arguments[1], ROOTLESS_CHILD))
        return rootless_child_main(arguments, environment);
    umask_before = umask(022);
    if (command_kind_of(arguments + 1) == COMMAND_CLIENT) {
        (void)umask(umask_before);
        r = run_client(arguments + 1, environment, &e);
    } else {
        if (getpid() == 1)
            init_hold_signals();
        r = run_engine(arguments + 1, environment, umask_before, &e);
    }
    if (r >= 0)
        return r;
    if (e.code == -EINTR && e.status > 128) /* as asked for: no failure */
        log_info("%s", e.what);
    else
        log_failure(&e);
    return e.status ? e.status : EXIT_SYSTEM;
}
