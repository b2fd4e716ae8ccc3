#include "boot_report.h"

#include "base/environment.h"
#include "base/file.h"
#include "base/redact.h"
#include "base/utf8.h"
#include "entrypoint/identity.h"
#include "entrypoint/instance.h"
#include "entrypoint/process.h"
#include "entrypoint/steps.h"
#include "entrypoint/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "boot.json"

enum { FORM = 1, MAX_BYTES = 1024 * 1024, MAX_STEPS = 10000 };

static const char *const outcome_names[] = {
    [OUTCOME_DONE] = "done",
    [OUTCOME_ALREADY] = "already",
    [OUTCOME_CHOSE] = "chose",
    [OUTCOME_NOT_POSSIBLE] = "not possible",
    [OUTCOME_FAILED] = "failed",
    [OUTCOME_NOT_RUN] = "not run",
};

const char *outcome_name(enum outcome_kind kind)
{
    return outcome_names[kind];
}

long long boot_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

void boot_report_begin(struct boot_report *report)
{
    *report =
        (struct boot_report){.began = boot_clock(), .pid = getpid(), .started = process_start_time(getpid())};
    (void)clock_gettime(CLOCK_REALTIME, &report->time);
}

void boot_report_free(struct boot_report *report)
{
    json_decref(report->step_list);
    json_decref(report->warnings);
    *report = (struct boot_report){0};
}

/* Without secrets, and with U+FFFD for what is not UTF-8, which no JSON string can hold. */
static json_t *json_text(const char *s)
{
    char *masked cleanup_free = redact(s);
    cleanup_text struct text clean = {0};
    size_t left = strlen(masked), length;

    for (const char *at = masked; left > 0; at += length, left -= length) {
        unsigned code;
        length = utf8_length(at, left, &code);
        if (length)
            text_add_n(&clean, at, length);
        else
            text_add(&clean, "\xef\xbf\xbd");
        length = length ? length : 1;
    }
    return json_string(text_get(&clean));
}

static void set_text(json_t *object, const char *key, const char *s)
{
    if (s && *s)
        (void)json_object_set_new(object, key, json_text(s));
}

static void append(json_t **list, json_t *item)
{
    if (!*list)
        *list = json_array();
    (void)json_array_append_new(*list, item);
}

void boot_report_warn(struct boot_report *report, const char *from, const char *text, const char *hint)
{
    json_t *warning = json_pack("{s:s, s:o}", "from", from, "text", json_text(text));

    set_text(warning, "hint", hint);
    append(&report->warnings, warning);
}

size_t boot_report_warnings(const struct boot_report *report)
{
    return json_array_size(report->warnings);
}

void boot_report_step(struct boot_report *report, const struct step *step, const struct outcome *outcome,
    const struct err *failed, long long microseconds)
{
    const char *name = step_name(step->kind), *problem = failed ? failed->what : outcome->warning;
    json_t *entry = json_pack("{s:s, s:s, s:o, s:s, s:I}", "phase", phase_name(step->phase), "step", name,
        "what", json_text(step->what), "outcome", outcome_names[outcome->kind], "microseconds",
        (json_int_t)microseconds);

    set_text(entry, "detail", failed ? NULL : outcome->detail);
    set_text(entry, "problem", problem);
    set_text(entry, "hint", failed ? failed->hint : NULL);
    append(&report->step_list, entry);
    if (*problem)
        boot_report_warn(report, name, problem, failed ? failed->hint : NULL);
}

static json_t *list_or_empty(json_t *list)
{
    return list ? json_incref(list) : json_array();
}

json_t *boot_report_json(const struct boot_report *report, const struct plan *plan, const char *command)
{
    char date[32], stamp[64];
    struct tm utc;

    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", gmtime_r(&report->time.tv_sec, &utc));
    (void)snprintf(stamp, sizeof(stamp), "%s.%09ldZ", date, report->time.tv_nsec);
    json_t *times = json_pack("{s:I, s:I, s:I, s:I, s:I}", "settings", (json_int_t)report->settings, "facts",
        (json_int_t)report->facts, "plan", (json_int_t)report->plan, "steps", (json_int_t)report->steps,
        "total", (json_int_t)report->total);
    json_t *root = json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:o, s:o, s:o}", "version", FORM,
        "program", DIND_VERSION, "time", stamp, "pid", (json_int_t)report->pid, "started",
        (json_int_t)report->started, "clock", (json_int_t)report->began, "mode", mode_name(plan->mode),
        "init", init_name(plan->init), "result", command ? "started" : "failed", "microseconds", times,
        "steps", list_or_empty(report->step_list), "warnings", list_or_empty(report->warnings));
    set_text(root, "command", command);
    return root;
}

static void forget_in(const char *folder)
{
    cleanup_close int fd = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0)
        (void)unlinkat(fd, NAME, 0);
}

void boot_report_forget(const struct host *host)
{
    char *folder cleanup_free = instance_folder(host), *users cleanup_free = instance_user_folder(host);

    forget_in(folder);
    if (!identity_borrow_if_root(host))
        return;
    forget_in(users);
    identity_return();
}

int boot_report_write(struct boot_report *report, const struct host *host, const struct plan *plan,
    const char *command, struct err *e)
{
    report->total = boot_clock() - report->began;
    json_t *json = boot_report_json(report, plan, command);
    char *folder cleanup_free = geteuid() == 0 ? instance_folder(host) : instance_user_folder(host);
    int r = instance_write(folder, NAME, 0644, json, NULL, e);

    json_decref(json);
    return r;
}

/* ---- reading ---- */

/* Short words of ours: they are laid out in columns. */
static bool is_word(const char *s)
{
    return *s && strlen(s) <= 20 && s[strspn(s, "abcdefghijklmnopqrstuvwxyz -")] == '\0';
}

static int check_step(const json_t *step, size_t i, struct err *e)
{
    const char *phase, *name, *what, *outcome, *text = NULL;
    json_int_t microseconds;
    json_error_t error;
    json_t *object = json_array_get(step, i);

    if (json_unpack_ex(object, &error, 0, "{s:s, s:s, s:s, s:s, s:I, s?s, s?s, s?s}", "phase", &phase, "step",
            &name, "what", &what, "outcome", &outcome, "microseconds", &microseconds, "detail", &text,
            "problem", &text, "hint", &text) < 0)
        return err_set(e, -EINVAL, "step %zu: %s", i + 1, error.text);
    if (!is_word(phase) || !is_word(name) || !is_word(outcome) || microseconds < 0)
        return err_set(e, -EINVAL, "step %zu: a name or a time is not possible", i + 1);
    return 0;
}

static int check_lists(const json_t *steps, const json_t *warnings, struct err *e)
{
    int r = 0;

    if (json_array_size(steps) > MAX_STEPS || json_array_size(warnings) > MAX_STEPS)
        return err_set(e, -EINVAL, "too many steps or warnings");
    for (size_t i = 0; r == 0 && i < json_array_size(steps); i++)
        r = check_step(steps, i, e);
    for (size_t i = 0; r == 0 && i < json_array_size(warnings); i++) {
        const char *from, *text, *hint = NULL;
        json_error_t error;
        if (json_unpack_ex(json_array_get(warnings, i), &error, 0, "{s:s, s:s, s?s}", "from", &from, "text",
                &text, "hint", &hint) < 0)
            r = err_set(e, -EINVAL, "warning %zu: %s", i + 1, error.text);
        else if (!is_word(from))
            r = err_set(e, -EINVAL, "warning %zu: a name is not possible", i + 1);
    }
    return r;
}

int boot_report_check(json_t *json, struct err *e)
{
    const char *program, *time, *mode, *init, *result, *command = NULL;
    json_int_t pid, started, clock = 0, times[7] = {0};
    json_t *steps, *warnings;
    json_error_t error;
    int version, r = 0;

    if (json_unpack_ex(json, &error, 0,
            "{s:i, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:{s:I, s:I, s:I, s:I, s:I, s?I, s?I}, s:o, s:o, s?s, "
            "s?I}",
            "version", &version, "program", &program, "time", &time, "pid", &pid, "started", &started, "mode",
            &mode, "init", &init, "result", &result, "microseconds", "settings", &times[0], "facts",
            &times[1], "plan", &times[2], "steps", &times[3], "total", &times[4], "rootlesskit", &times[5],
            "inside", &times[6], "steps", &steps, "warnings", &warnings, "command", &command, "clock",
            &clock) < 0)
        r = err_set(e, -EINVAL, "%s", error.text);
    else if (version != FORM)
        r = err_set(e, -EINVAL, "its version is %d, and this program knows %d", version, FORM);
    else if (!is_word(mode) || !is_word(init) || !is_word(result))
        r = err_set(e, -EINVAL, "mode, init or result is not possible");
    else if (!json_is_array(steps) || !json_is_array(warnings))
        r = err_set(e, -EINVAL, "steps and warnings are lists");
    for (size_t i = 0; r == 0 && i < sizeof(times) / sizeof(*times); i++)
        if (times[i] < 0 || clock < 0)
            r = err_set(e, -EINVAL, "a time is not possible");
    if (r == 0)
        r = check_lists(steps, warnings, e);
    return r;
}

/* The first report that is there beside a record of an instance, in the order in which these are looked for.
 */
static int read_beside_record(
    struct boot_record *record, const struct strings *records, char **path, struct err *e)
{
    for (size_t i = 0; i < records->count; i++) {
        const char *at = records->items[i];
        free(*path);
        char *folder cleanup_free = path_folder(at);
        *path = str_format("%s%s" NAME, folder, str_ends(folder, "/") ? "" : "/");
        int r = file_read(AT_FDCWD, *path, MAX_BYTES, FILE_NO_LINKS, &record->content, e);
        if (r != -ENOENT)
            return r;
    }
    return -ENOENT;
}

/* Where the user writes whom root has become. */
static int read_of_user(
    struct boot_record *record, const char *const *environment, char **path, struct err *e)
{
    cleanup(instance_free) struct instance instance;
    struct err ended;

    (void)instance_find(&instance, environment, &ended);
    if (!instance.user_folder)
        return -ENOENT;
    free(*path);
    *path = str_format("%s/" NAME, instance.user_folder);
    bool as_user = instance_borrow_user(&instance);
    int r = file_read(AT_FDCWD, *path, MAX_BYTES, FILE_NO_LINKS, &record->content, e);
    if (as_user)
        identity_return();
    return r;
}

static int read_first(struct boot_record *record, const char *const *environment, char **path, struct err *e)
{
    cleanup_strings struct strings records = {0};

    instance_records(&records, environment);
    int r = read_beside_record(record, &records, path, e);
    if (r == -ENOENT)
        r = read_of_user(record, environment, path, e);
    if (r != -ENOENT)
        return r;
    (void)err_set(e, -ENOENT, "no start was reported here: %s does not exist", *path);
    (void)err_status(e, 1);
    return err_hint(e,
        "run it in the container of the engine; the report is written once the steps of a start are done, or "
        "one has failed");
}

/* The content of `path`, which has been read. */
static int parse(struct boot_record *record, const char *path, struct err *e)
{
    json_error_t error;

    record->json =
        json_loadb(text_get(&record->content), record->content.length, JSON_REJECT_DUPLICATES, &error);
    int r = record->json ? boot_report_check(record->json, e) : err_set(e, -EINVAL, "%s", error.text);
    if (r == 0)
        return 0;
    (void)err_prefix(e, "%s: is not a boot report", path);
    return err_hint(e, "remove it; the next start writes a new one");
}

int boot_record_read(struct boot_record *record, const char *const *environment, struct err *e)
{
    char *path cleanup_free = NULL;

    *record = (struct boot_record){0};
    int r = read_first(record, environment, &path, e);
    if (r == 0)
        r = parse(record, path, e);
    if (r < 0)
        return r;
    json_int_t pid = json_integer_value(json_object_get(record->json, "pid"));
    record->former =
        pid < 1 || pid > INT32_MAX ||
        process_start_time((pid_t)pid) != json_integer_value(json_object_get(record->json, "started"));
    return 0;
}

void boot_record_free(struct boot_record *record)
{
    text_free(&record->content);
    json_decref(record->json);
    *record = (struct boot_record){0};
}

/* ---- the second stage ---- */

static bool is_inside(const json_t *step)
{
    return str_equal(json_string_value(json_object_get(step, "phase")), phase_name(PHASE_INSIDE));
}

static void replace_steps(json_t *steps, json_t *inside)
{
    for (size_t i = json_array_size(steps); i-- > 0;)
        if (is_inside(json_array_get(steps, i)))
            (void)json_array_remove(steps, i);
    if (inside)
        (void)json_array_extend(steps, inside);
}

void boot_report_extend(json_t *json, const struct boot_report *report, long long now, bool started)
{
    json_t *times = json_object_get(json, "microseconds"), *clock = json_object_get(json, "clock");
    long long began = report->began, first = json_integer_value(json_object_get(times, "total"));

    if (json_is_integer(clock) && json_integer_value(clock) < began)
        began = json_integer_value(clock);
    long long between = report->began - began;
    (void)json_object_set_new(times, "rootlesskit", json_integer(between > first ? between - first : 0));
    (void)json_object_set_new(times, "inside", json_integer(now - report->began));
    (void)json_object_set_new(times, "total", json_integer(now - began));
    replace_steps(json_object_get(json, "steps"), report->step_list);
    if (report->warnings)
        (void)json_array_extend(json_object_get(json, "warnings"), report->warnings);
    if (started)
        return;
    (void)json_object_set_new(json, "result", json_string("failed"));
    (void)json_object_del(json, "command");
}

int boot_report_continue(struct boot_report *report, const char *runtime_dir, bool started, struct err *e)
{
    char *path cleanup_free = str_format("%s/dind/" NAME, runtime_dir);
    /* rootlesskit's copy of /run leads out of itself by links. */
    char *real cleanup_free = realpath(path, NULL);
    cleanup(boot_record_free) struct boot_record record = {0};

    if (!real && errno == ENOENT)
        return 0;
    int r = real ? file_read(AT_FDCWD, real, MAX_BYTES, FILE_NO_LINKS, &record.content, e)
                 : err_errno(e, -errno, "%s", path);
    if (r < 0)
        return err_hint(e, "remove it; the next start writes a new one");
    r = parse(&record, real, e);
    if (r < 0)
        return r;
    boot_report_extend(record.json, report, boot_clock(), started);
    char *folder cleanup_free = path_folder(real);
    r = instance_write(folder, NAME, 0644, record.json, NULL, e);
    return r < 0 ? r : 1;
}
