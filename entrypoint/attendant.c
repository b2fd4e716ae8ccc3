#include "attendant.h"

#include "base/deadline.h"
#include "base/log.h"
#include "base/text.h"
#include "entrypoint/engine_api.h"
#include "entrypoint/ready_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ASK_MS = 2000,   /* for one answer of the engine */
    SOON_MS = 100,   /* until the next question, while the engine is expected any moment */
    LATER_MS = 1000, /* when it takes long, and between two looks at what runs */
    LOOK_MS = 5000,  /* for the file: inotify is silent about what other nodes do on a network file system */
    SOON_QUESTIONS = 600,
    NAMES_SHOWN = 5,
};

struct attendant {
    const struct attendance *want;
    pid_t engine;
    struct engine_address address;
    int signals; /* signalfd(2) */
    int events;  /* inotify(7) on the folder of want->when_file, or -1 */
    bool watches;
    bool ready;     /* the ready file is written, or not asked for */
    long long told; /* when the engine was told to stop; 0: not yet */
};

bool attendance_wanted(const struct attendance *want)
{
    return want->ready_file || want->when_file || want->timeout || want->wait_for_idle;
}

static double seconds_since(long long moment)
{
    return (double)(deadline_in(0) - moment) / 1000;
}

static void remove_ready_file(const struct attendant *a)
{
    struct err e = {0};

    if (a->want->ready_file && ready_file_remove(a->want->ready_file, NULL, &e) < 0)
        log_warn(e.hint, "%s", e.what);
}

/* The engine has ended. */
static _Noreturn void finish(const struct attendant *a)
{
    remove_ready_file(a);
    if (a->told)
        log_info("shutdown: the engine ended after %.1f s", seconds_since(a->told));
    _exit(0);
}

static const char *signal_word(int number)
{
    return number == SIGINT ? "SIGINT" : "SIGTERM";
}

/* Waits for a signal, or for something in the folder. The signal, or 0. */
static int next_signal(struct attendant *a, int milliseconds)
{
    struct pollfd waited[] = {{.fd = a->signals, .events = POLLIN}, {.fd = a->events, .events = POLLIN}};
    struct signalfd_siginfo info;
    char events[4096]; /* what they say does not matter: the file is looked at anyway */

    if (poll(waited, sizeof(waited) / sizeof(*waited), milliseconds) <= 0)
        return 0;
    if (waited[1].revents && read(a->events, events, sizeof(events)) < 0 && errno != EAGAIN) {
        (void)close(a->events);
        a->events = -1;
    }
    if (read(a->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 0;
    if (info.ssi_signo == SIGUSR1)
        finish(a);
    return (int)info.ssi_signo;
}

/* The folder may come later, with the first thing that is put into it. */
static void watch_folder(struct attendant *a)
{
    char *folder cleanup_free = path_folder(a->want->when_file);

    if (!a->watches && a->events >= 0)
        a->watches = inotify_add_watch(a->events, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0;
}

static bool file_is_there(struct attendant *a)
{
    struct stat status;

    if (!a->want->when_file)
        return false;
    watch_folder(a); /* first: what comes after the look makes an event */
    return fstatat(AT_FDCWD, a->want->when_file, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool engine_answers(const struct attendant *a)
{
    cleanup(engine_answer_free) struct engine_answer answer = {0};
    struct err e = {0};

    return engine_get(&a->address, "/_ping", deadline_in(ASK_MS), &answer, &e) == 0 && answer.status == 200;
}

static void see_to_ready_file(struct attendant *a)
{
    struct err e = {0};

    if (a->ready || !engine_answers(a))
        return;
    a->ready = true;
    if (ready_file_write(a->want->ready_file, &e) < 0)
        log_warn(e.hint, "%s", e.what);
    else
        log_info("ready: the engine answers; %s is written", a->want->ready_file);
}

/* Until the shutdown begins: the signal for the engine. */
static int attend(struct attendant *a)
{
    for (unsigned questions = 0;; questions++) {
        if (file_is_there(a)) {
            log_info("shutdown: %s is there", a->want->when_file);
            return SIGTERM;
        }
        see_to_ready_file(a);
        int pause = -1;
        if (!a->ready)
            pause = questions < SOON_QUESTIONS ? SOON_MS : LATER_MS;
        else if (a->want->when_file)
            pause = a->watches ? LOOK_MS : LATER_MS;
        int number = next_signal(a, pause);
        if (number)
            return number;
    }
}

/* "web, db and 3 more", of GET /containers/json: names begin with a slash. */
static char *names_of(const json_t *containers)
{
    struct text text = {0};
    size_t count = json_array_size(containers);
    size_t i;
    const json_t *container;

    json_array_foreach(containers, i, container)
    {
        const char *name = json_string_value(json_array_get(json_object_get(container, "Names"), 0));
        if (i == NAMES_SHOWN)
            break;
        text_addf(&text, "%s%.64s", i ? ", " : "", name ? name + (*name == '/') : "?");
    }
    if (count > NAMES_SHOWN)
        text_addf(&text, " and %zu more", count - NAMES_SHOWN);
    return text.data ? text.data : str_dup("");
}

/* What runs: a new reference to an array, or NULL with *e. */
static json_t *running(const struct attendant *a, struct err *e)
{
    cleanup(engine_answer_free) struct engine_answer answer = {0};

    if (engine_get(&a->address, "/containers/json", deadline_in(ASK_MS), &answer, e) < 0)
        return NULL;
    if (answer.status != 200) {
        (void)err_set(e, -EPROTO, "%s: status %d", a->address.shown, answer.status);
        return NULL;
    }
    json_t *containers = json_loadb(text_get(&answer.body), answer.body.length, 0, NULL);
    if (json_is_array(containers))
        return containers;
    json_decref(containers);
    (void)err_set(e, -EPROTO, "%s: no list of containers", a->address.shown);
    return NULL;
}

/* True when there is something to wait for. What is new about it is told. */
static bool still_busy(const struct attendant *a, size_t *last, long long until)
{
    struct err e = {0};
    json_t *containers = running(a, &e);
    size_t count = json_array_size(containers);
    char *names cleanup_free = names_of(containers);

    if (!containers)
        log_warn(NULL, "shutdown: no waiting for containers: %s", e.what);
    else if (count == 0)
        log_info("shutdown: no container runs%s", *last ? " any more" : "");
    else if (count != *last)
        log_info("shutdown: waiting up to %d s for %zu container%s to finish: %s",
            (deadline_left(until) + 999) / 1000, count, count == 1 ? "" : "s", names);
    *last = count;
    json_decref(containers);
    return count > 0;
}

static void wait_for_idle(struct attendant *a)
{
    long long until = deadline_in(a->want->wait_for_idle * 1000);
    size_t last = 0;

    while (a->want->wait_for_idle && still_busy(a, &last, until)) {
        int left = deadline_left(until);
        if (left == 0) {
            log_warn("raise shutdown.wait_for_idle, and the outer runtime's own limit with it",
                "shutdown: %zu container%s still running after %lld s: the engine stops what runs", last,
                last == 1 ? " is" : "s are", a->want->wait_for_idle);
            return;
        }
        int number = next_signal(a, left < LATER_MS ? left : LATER_MS);
        if (number) {
            log_info("shutdown: %s once more: no more waiting", signal_word(number));
            return;
        }
    }
}

static _Noreturn void stop_engine(struct attendant *a, int number)
{
    long long until = deadline_in(a->want->timeout * 1000);
    bool bounded = a->want->timeout > 0;

    a->told = deadline_in(0);
    if (bounded)
        log_info("shutdown: %s to the engine, SIGKILL after %lld s", signal_word(number), a->want->timeout);
    else
        log_info("shutdown: %s to the engine", signal_word(number));
    (void)kill(a->engine, number);
    for (;;) {
        int again = next_signal(a, bounded ? deadline_left(until) : -1);
        if (again) {
            log_info("shutdown: %s once more, to the engine", signal_word(again));
            (void)kill(a->engine, again);
        } else if (bounded && deadline_left(until) == 0) {
            log_warn(
                "raise shutdown.timeout, or lower the engine's own shutdown-timeout, which containers have",
                "shutdown: the engine has not ended within %lld s: SIGKILL to it and its process group",
                a->want->timeout);
            (void)kill(-a->engine, SIGKILL);
            bounded = false;
        }
    }
}

_Noreturn void attendant_run(const struct attendance *want, pid_t engine)
{
    struct attendant a = {.want = want, .engine = engine, .ready = !want->ready_file, .events = -1};
    char *url cleanup_free = str_format("unix://%s", want->socket);
    sigset_t set;
    struct err e = {0};

    (void)prctl(PR_SET_NAME, "dind-attendant", 0, 0, 0);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGUSR1);
    a.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (want->when_file)
        a.events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (a.signals < 0 || engine_address_parse(&a.address, url, NULL, &e) < 0) {
        log_warn(NULL, "init: ready.file and shutdown.* are without effect: %s",
            a.signals < 0 ? err_words(-errno) : e.what);
        _exit(EXIT_SYSTEM);
    }
    int number = attend(&a);
    remove_ready_file(&a);
    wait_for_idle(&a);
    stop_engine(&a, number);
}
