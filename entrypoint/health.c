#include "health.h"

#include "base/environment.h"
#include "base/file.h"
#include "entrypoint/engine_api.h"
#include "entrypoint/identity.h"
#include "entrypoint/instance.h"
#include "entrypoint/watch.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

enum { SHORTEST_PAUSE_MS = 20, LONGEST_PAUSE_MS = 1000, HTTP_OK = 200 };

enum stage {
    STAGE_READY,
    STAGE_LAUNCHER, /* has not been started, has ended, or prepares */
    STAGE_NAME_UNKNOWN,
    STAGE_CERTIFICATES,
    STAGE_NOT_LISTENING,
    STAGE_TLS_REFUSED,
    STAGE_NOT_ANSWERING,
    STAGE_ERROR, /* the engine answers, but not that it is ready */
};

/* A stable identifier for machines, and words for people. */
static const struct {
    const char *name, *words;
} stages[] = {
    [STAGE_READY] = {"ready", "ready"},
    [STAGE_LAUNCHER] = {"launcher", "launcher"},
    [STAGE_NAME_UNKNOWN] = {"name-unknown", "name unknown"},
    [STAGE_CERTIFICATES] = {"certificates", "certificates"},
    [STAGE_NOT_LISTENING] = {"engine-not-listening", "engine not listening"},
    [STAGE_TLS_REFUSED] = {"tls-refused", "TLS refused"},
    [STAGE_NOT_ANSWERING] = {"engine-not-answering", "engine does not answer"},
    [STAGE_ERROR] = {"engine-error", "engine answers an error"},
};

/* What came of one question. */
struct health {
    enum stage stage;
    bool late;                     /* the time was over */
    struct engine_address address; /* who was asked, if that is known */
    struct instance instance;      /* what is recorded here, if that counted */
    struct err why;
};

static void health_free(struct health *health)
{
    engine_address_free(&health->address);
    instance_free(&health->instance);
}

/* ---- who is asked ---- */

static const char *get(const char *const *environment, const char *name)
{
    const char *value = environment_get(environment, name);

    return value && *value ? value : NULL;
}

/*
 * The folder of client certificates, as docker's client and the shell entrypoint choose it: what is given,
 * DOCKER_CERT_PATH, or that of the engine's own store, if it is there. The caller frees it; NULL: none.
 */
static char *certificates(const char *given, const char *const *environment)
{
    const char *path = given ? given : get(environment, "DOCKER_CERT_PATH");
    const char *store = environment_get(environment, "DOCKER_TLS_CERTDIR"); /* empty: TLS is off */
    bool wanted = get(environment, "DOCKER_TLS_VERIFY") != NULL;

    if (path)
        return str_dup(path);
    if (store && !*store && !wanted)
        return NULL;
    char *client cleanup_free = str_format("%s/client", store && *store ? store : "/certs");
    char *ca cleanup_free = str_format("%s/ca.pem", client);
    return wanted || file_is_regular(ca) ? take(client) : NULL;
}

static int named_address(struct health *health, const char *source, const char *host, const char *certs,
    const char *const *environment, struct err *e)
{
    char *folder cleanup_free = str_starts(host, "tcp://") ? certificates(certs, environment) : NULL;

    int r = engine_address_parse(&health->address, host, folder, e);
    if (r < 0) {
        (void)err_prefix(e, "%s", source);
        (void)err_status(e, EXIT_USAGE);
    }
    return r;
}

/* 0 with the address, 1 with health->why when it is too early to ask, or a negative errno with *e. */
static int find_engine(
    struct health *health, const struct dindctl_options *o, const char *const *environment, struct err *e)
{
    const struct instance *instance = &health->instance;
    const char *docker_host = get(environment, "DOCKER_HOST");

    if (o->host)
        return named_address(health, "--host", o->host, o->certs, environment, e);
    health->stage = STAGE_LAUNCHER;
    int r = instance_find(&health->instance, environment, &health->why);
    if (r == -ENOENT && docker_host)
        return named_address(health, "DOCKER_HOST", docker_host, o->certs, environment, e);
    if (r == -ENOENT)
        (void)err_prefix(&health->why, "no engine was started yet");
    if (r < 0)
        return 1;
    if (instance->phase) {
        (void)err_set(&health->why, -EAGAIN, "it prepares the start: %s%s%s", instance->phase,
            instance->step ? ": " : "", instance->step ? instance->step : "");
        return 1;
    }
    char *text cleanup_free =
        instance->socket ? str_format("unix://%s", instance->socket) : str_dup(instance->tcp);
    char *folder cleanup_free = instance->tls ? certificates(o->certs, environment) : NULL;
    return engine_address_parse(&health->address, text, folder, &health->why) < 0 ? 1 : 0;
}

/* ---- one question ---- */

static enum stage stage_of(enum engine_stage stage)
{
    switch (stage) {
    case ENGINE_ANSWERED:
        return STAGE_READY;
    case ENGINE_NAME_UNKNOWN:
        return STAGE_NAME_UNKNOWN;
    case ENGINE_CERTIFICATES:
        return STAGE_CERTIFICATES;
    case ENGINE_NOT_LISTENING:
        return STAGE_NOT_LISTENING;
    case ENGINE_TLS_REFUSED:
        return STAGE_TLS_REFUSED;
    case ENGINE_SILENT:
        return STAGE_NOT_ANSWERING;
    case ENGINE_NO_HTTP:
        return STAGE_ERROR;
    }
    return STAGE_ERROR;
}

/* An engine says "OK" (moby api, GET /_ping); any web server says 200. */
static bool is_ready(const struct engine_answer *answer)
{
    return answer->status == HTTP_OK && answer->body.length >= 2 &&
           str_starts(text_get(&answer->body), "OK") && str_blank(text_get(&answer->body) + 2);
}

static void judge(struct health *health, const struct engine_answer *answer)
{
    char *line cleanup_free = text_first_line(&answer->body);

    health->stage = stage_of(answer->stage);
    if (health->stage != STAGE_READY || is_ready(answer))
        return;
    health->stage = STAGE_ERROR;
    (void)err_set(&health->why, -EPROTO, "%s: status %d%s%s", health->address.shown, answer->status,
        *line ? ": " : "", line);
    if (answer->status == HTTP_OK)
        (void)err_hint(&health->why, "no engine answers so: correct the address");
    else if (health->address.host && !health->address.certs)
        (void)err_hint(&health->why, "if the engine wants TLS, name its client certificates: --certs DIR");
}

/* 0 with *health, or a negative errno with *e when asking makes no sense. */
static int ask(struct health *health, const struct dindctl_options *o, const char *const *environment,
    long long deadline, struct err *e)
{
    cleanup(engine_answer_free) struct engine_answer answer = {0};

    *health = (struct health){0};
    int r = find_engine(health, o, environment, e);
    if (r != 0)
        return r < 0 ? r : 0;
    bool as_user = health->address.path && instance_borrow_user(&health->instance);
    r = engine_get(&health->address, "/_ping", deadline, &answer, &health->why);
    if (as_user)
        identity_return();
    health->late = r == -ETIMEDOUT;
    if (r == -EACCES && health->address.path)
        (void)err_hint(&health->why, "ask as root, or as a member of the socket's group (api.unix.group)");
    judge(health, &answer);
    return 0;
}

/* ---- again and again ---- */

/* What a change of may mean that asking again is worth it. */
static void watch_for(struct watch *watch, const struct dindctl_options *o, const struct health *last,
    const char *const *environment)
{
    cleanup_strings struct strings paths = {0};

    if (!o->host)
        instance_records(&paths, environment);
    if (last->address.path)
        strings_add(&paths, last->address.path);
    if (last->address.certs)
        strings_addf(&paths, "%s/cert.pem", last->address.certs);
    watch_paths(watch, &paths);
}

/* `cut`: the end of all waiting was nearer than the time that a question has. It may then have had no time to
 * come through, and the one before tells more. */
static void take_over(struct health *health, struct health *next, bool cut)
{
    bool worse = cut && next->late && health->why.code;

    health_free(worse ? next : health);
    if (!worse)
        *health = *next;
}

static int ask_until(struct health *health, const struct dindctl_options *o, const char *const *environment,
    struct watch *watch, struct err *e)
{
    long long end = deadline_in(o->wait * 1000);
    int pause = SHORTEST_PAUSE_MS;

    for (;;) {
        struct health next;
        int left = deadline_left(end);
        bool cut = left < o->timeout * 1000;
        enum stage before = health->stage;
        watch_for(watch, o, health, environment); /* before asking: nothing is missed in between */
        int r = ask(&next, o, environment, deadline_in(cut ? left : o->timeout * 1000), e);
        take_over(health, &next, cut);
        left = deadline_left(end);
        if (r < 0 || health->stage == STAGE_READY || left == 0)
            return r;
        if (health->stage != before)
            pause = SHORTEST_PAUSE_MS;
        bool changed = watch_wait(watch, pause < left ? pause : left);
        pause = changed ? SHORTEST_PAUSE_MS : pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
    }
}

static int ask_patiently(
    struct health *health, const struct dindctl_options *o, const char *const *environment, struct err *e)
{
    cleanup(watch_end) struct watch watch;

    watch_begin(&watch);
    return ask_until(health, o, environment, &watch, e);
}

/* ---- the command ---- */

static int print_json(const struct health *health, struct err *e)
{
    bool ready = health->stage == STAGE_READY;
    json_t *root = json_pack("{s:b, s:s, s:s?, s:s?, s:s?, s:s?, s:s?}", "ready", ready, "stage",
        stages[health->stage].name, "host", health->address.shown, "phase", health->instance.phase, "step",
        health->instance.step, "detail", ready ? NULL : health->why.what, "hint",
        health->why.hint[0] ? health->why.hint : NULL);
    char *text cleanup_free = json_dumps(root, JSON_COMPACT);
    char *line cleanup_free = str_format("%s\n", text ? text : "{}");

    json_decref(root);
    return dindctl_print(line, e);
}

static int tell(const struct health *health, bool json, struct err *e)
{
    int status = health->stage == STAGE_READY ? 0 : 1;
    int r = json ? print_json(health, e) : status == 0 ? dindctl_print("ready\n", e) : 0;

    if (r < 0 || json || status == 0)
        return r < 0 ? r : status;
    *e = health->why;
    (void)err_prefix(e, "not ready: %s", stages[health->stage].words);
    return err_status(e, status);
}

int health_command(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(dindctl_options_free) struct dindctl_options o = {0};
    cleanup(health_free) struct health health = {0};

    int r =
        dindctl_options_read(&o, words, "--host --certs --wait --timeout --json", DINDCTL_NOTHING, NULL, e);
    if (r == 0)
        r = o.wait ? ask_patiently(&health, &o, environment, e)
                   : ask(&health, &o, environment, deadline_in(o.timeout * 1000), e);
    return r < 0 ? r : tell(&health, o.json, e);
}
