#include "rootless_child.h"

#include "base/environment.h"
#include "base/file.h"
#include "base/log.h"
#include "config/options.h"
#include "entrypoint/boot_report.h"
#include "entrypoint/init.h"
#include "entrypoint/kernel_text.h"
#include "entrypoint/process.h"
#include "entrypoint/rootless.h"
#include "entrypoint/steps.h"

#include <errno.h>
#include <unistd.h>

enum {
    LEVEL = 2,
    FORMAT = 3,
    DATA = 4,
    PORT = 5,
    COMMAND = 6
}; /* of the arguments, as rootless_child_arguments has them */

/* Position of a word of an option, or -1. */
static int word_index(enum option_id id, const char *word)
{
    for (int i = 0; options[id].words[i]; i++)
        if (str_equal(options[id].words[i], word))
            return i;
    return -1;
}

/* "-" is none, 0. */
static bool read_port(const char *word, long long *port)
{
    enum { MOST = 65535 };

    *port = 0;
    return str_equal(word, "-") || parse_number(word, 1, MOST, port);
}

/* Only root of a namespace of its own may do what follows: in a container's own mounts it would do harm. */
static int read_place(
    struct inside *inside, const char *const *arguments, const char *const *environment, struct err *e)
{
    cleanup_text struct text map = {0};
    struct err ignored;
    int level = -1, format = -1;

    bool whole = arguments[LEVEL] && arguments[FORMAT] && arguments[DATA] && arguments[PORT] &&
                 arguments[COMMAND] && read_port(arguments[PORT], &inside->child.guarded_port);
    if (whole) {
        level = word_index(OPTION_LOG_LEVEL, arguments[LEVEL]);
        format = word_index(OPTION_LOG_FORMAT, arguments[FORMAT]);
    }
    inside->state = environment_get(environment, "ROOTLESSKIT_STATE_DIR");
    bool there = geteuid() == 0 && inside->state &&
                 file_read_kernel("/proc/self/uid_map", &map, &ignored) == 0 &&
                 !uid_map_is_initial(text_get(&map));
    if (level < 0 || format < 0 || !there) {
        (void)err_set(
            e, -EINVAL, ROOTLESS_CHILD " is the second stage of a rootless start, inside rootlesskit");
        (void)err_status(e, EXIT_USAGE);
        return err_hint(e, "start the container without it: dockerd-entrypoint [FLAG...]");
    }
    inside->child.data_root = *arguments[DATA] == '/' ? arguments[DATA] : NULL;
    inside->path = environment_get(environment, "PATH");
    if (!inside->path || !*inside->path)
        inside->path = FILE_DEFAULT_SEARCH;
    log_setup((enum log_level)level, (enum log_format)format);
    return 0;
}

/* Nothing else depends on it. */
static void continue_report(struct boot_report *report, const char *const *environment, bool started)
{
    const char *runtime_dir = environment_get(environment, "XDG_RUNTIME_DIR");
    size_t count = boot_report_warnings(report);
    struct err e = {0};
    int r = runtime_dir ? boot_report_continue(report, runtime_dir, started, &e) : 0;

    if (r < 0)
        log_warn(e.hint, "dindctl report will not show what was done inside rootlesskit: %s", e.what);
    else if (r > 0 && started && count > 0)
        log_info("%zu warning%s inside rootlesskit: dindctl report repeats %s", count, count == 1 ? "" : "s",
            count == 1 ? "it" : "them");
}

static int prepare_inside(struct inside *inside, const char *const *environment, struct err *e)
{
    cleanup(plan_free) struct plan plan = {0};
    cleanup(boot_report_free) struct boot_report report;
    const struct system live = steps_system_inside(inside);

    boot_report_begin(&report);
    int r = plan_inside(&plan, &inside->child, e);
    if (r == 0)
        r = plan_apply(&plan, &live, &report, e);
    continue_report(&report, environment, r == 0);
    return r;
}

static int run(const char *const *arguments, const char *const *environment, struct err *e)
{
    cleanup_strings struct strings command = {0}, copy = {0};
    struct inside inside = {0};
    int r = read_place(&inside, arguments, environment, e);

    if (r == 0)
        r = prepare_inside(&inside, environment, e);
    if (r < 0)
        return r;
    strings_add_array(&command, arguments + COMMAND);
    strings_add_array(&copy, environment);
    init_reset_signals();
    return process_become(&command, &copy, inside.path, e);
}

int rootless_child_main(const char *const *arguments, const char *const *environment)
{
    struct err e = {0};

    (void)run(arguments, environment, &e);
    log_failure(&e);
    return e.status ? e.status : EXIT_SYSTEM;
}
