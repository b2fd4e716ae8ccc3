#include "certs_command.h"

#include "config/checks.h"
#include "config/clients.h"
#include "entrypoint/certificates.h"
#include "entrypoint/certs_show.h"
#include "entrypoint/dindctl_options.h"
#include "entrypoint/host.h"
#include "entrypoint/identity.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One run of a verb. */
struct task {
    struct dindctl_options options;
    struct settings settings;
    struct host host;
    struct certificates wanted;
    struct certs_list list; /* after look */
};

static void task_free(struct task *t)
{
    certs_list_free(&t->list);
    dindctl_options_free(&t->options);
    settings_free(&t->settings);
    host_free(&t->host);
    certificates_free(&t->wanted);
}

/* Whom the engine runs as: where root looks into the store of an engine without it, not root. */
static void owner_of(const struct settings *s, const struct host_user *user, uid_t *uid, gid_t *gid)
{
    char *server cleanup_free = str_format("%s/server", s->tls.dir);
    struct stat st;

    *uid = user->uid;
    *gid = user->gid;
    if (geteuid() == 0 && lstat(server, &st) == 0 && S_ISDIR(st.st_mode)) {
        *uid = st.st_uid;
        *gid = st.st_gid;
    }
}

static int load(struct task *t, const char *const *environment, struct err *e)
{
    const struct config_input input = dindctl_input(&t->options, environment);

    int r = config_load(&t->settings, &input, e);
    if (r < 0)
        return r;
    dindctl_warn(&t->settings.warnings);
    return 0;
}

/* Root without capabilities may not go where the engine's user has its store; a start acts as that user,
 * too. */
static int act_as_owner(const struct host *host, uid_t uid, gid_t gid, struct err *e)
{
    const struct host_user owner = {.uid = uid, .gid = gid};

    if (geteuid() != 0 || uid == 0 || (host->effective & CAPSET_FILES) == CAPSET_FILES)
        return 0;
    return identity_borrow(&owner, e);
}

/* What a start here would ask of the store. From then on this acts as whoever would do it. */
static int read_wanted(struct task *t, const char *const *environment, struct err *e)
{
    uid_t uid;
    gid_t gid;

    if (!*t->settings.tls.dir) {
        char *origin cleanup_free = settings_origin(&t->settings, OPTION_TLS_DIR);
        (void)err_set(e, -EINVAL, "tls.dir is empty (%s): there are no certificates", origin);
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e, "name the folder: dindctl certs ... --set tls.dir=/certs");
    }
    int r = host_look(&t->host, &t->settings, environment, e);
    if (r < 0)
        return r;
    owner_of(&t->settings, &t->host.user, &uid, &gid);
    r = certificates_read(&t->wanted, &t->settings, &t->host.names, uid, gid, e);
    return r < 0 ? r : act_as_owner(&t->host, uid, gid, e);
}

/* "FOLDER: issued client (missing)" and the notes as warnings. */
static int print_result(const char *folder, const struct certs_result *result, struct err *e)
{
    cleanup_text struct text out = {0};

    dindctl_warn(&result->notes);
    text_addf(&out, "%s: %s\n", folder, result->summary);
    return dindctl_print(text_get(&out), e);
}

static int ensure(const struct certs_request *request, const char *folder, struct err *e)
{
    cleanup(certs_result_free) struct certs_result result = {0};

    int r = certs_ensure(request, &result, e);
    return r < 0 ? r : print_result(folder, &result, e);
}

/* Of a verb without an operand. */
static int begin(struct task *t, const char *const *words, const char *allowed,
    const char *const *environment, struct err *e)
{
    int r = dindctl_options_read(&t->options, words, allowed, DINDCTL_NOTHING, NULL, e);

    if (r == 0)
        r = load(t, environment, e);
    return r < 0 ? r : read_wanted(t, environment, e);
}

static int look(struct task *t, const char *const *words, const char *allowed, const char *const *environment,
    struct err *e)
{
    int r = begin(t, words, allowed, environment, e);
    return r < 0 ? r : certs_look(&t->wanted.request, &t->list, e);
}

static int run_show(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(task_free) struct task t = {0};
    cleanup_text struct text out = {0};

    int r = look(&t, words, "--json --config --set", environment, e);
    if (r < 0)
        return r;
    if (t.options.json)
        certs_show_json(&t.list, t.settings.tls.dir, &out);
    else
        certs_show(&t.list, &out);
    return dindctl_print(text_get(&out), e);
}

static int run_check(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(task_free) struct task t = {0};
    cleanup_text struct text out = {0};

    int r = look(&t, words, "--config --set", environment, e);
    if (r < 0)
        return r;
    dindctl_warn(&t.list.notes);
    bool bad = certs_show_bad(&t.list, &out);
    if (!bad)
        text_add(&out, "good\n");
    r = dindctl_print(text_get(&out), e);
    return r < 0 ? r : bad;
}

static int run_renew(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(task_free) struct task t = {0};

    int r = begin(&t, words, "--config --set", environment, e);
    if (r < 0)
        return r;
    t.wanted.request.scope = CERTS_RENEWAL;
    r = ensure(&t.wanted.request, t.settings.tls.dir, e);
    return r < 0 ? r
                 : dindctl_print("dockerd reads its certificate when it starts: restart the container\n", e);
}

/* From / on: messages name the place, and clients' folders are opened by their whole path. */
static char *whole_path(const char *path)
{
    char here[PATH_MAX];

    if (*path == '/' || !getcwd(here, sizeof(here)))
        return str_dup(path);
    return str_format("%s/%s", here, path);
}

/* The entry of tls.clients with that name, which is added if it is not there. */
static struct tls_client *client_entry(struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->tls.client_count; i++)
        if (strcmp(s->tls.clients[i].name, name) == 0)
            return &s->tls.clients[i];
    s->tls.clients = mem_grow(s->tls.clients, s->tls.client_count + 1, sizeof(*s->tls.clients));
    struct tls_client *added = &s->tls.clients[s->tls.client_count++];
    *added = (struct tls_client){.name = str_dup(name)};
    return added;
}

static int add_client(struct settings *s, const char *name, const char *dir, struct err *e)
{
    char *path cleanup_free = dir ? whole_path(dir) : NULL;
    char *unused = NULL;
    const char *client = NULL;

    const char *wrong = check_client_name(name, &unused);
    if (wrong)
        return dindctl_usage_error(e, wrong, name);
    wrong = path ? check_folder(path, &unused) : NULL;
    if (wrong)
        return dindctl_usage_error(e, wrong, dir);
    struct tls_client *entry = client_entry(s, name);
    if (path) {
        free(entry->dir);
        entry->dir = take(path);
    }
    char *conflict cleanup_free = clients_conflict(s, &client);
    return conflict ? dindctl_usage_error(e, conflict, client) : 0;
}

static int run_issue(const char *const *words, const char *const *environment, struct err *e)
{
    cleanup(task_free) struct task t = {0};

    int r = dindctl_options_read(
        &t.options, words, "--dir --config --set", DINDCTL_OPERAND, "the NAME of a client", e);
    if (r == 0)
        r = load(&t, environment, e);
    if (r == 0)
        r = add_client(&t.settings, t.options.operand, t.options.dir, e);
    if (r == 0)
        r = read_wanted(&t, environment, e);
    if (r < 0)
        return r;

    struct certs_request *request = &t.wanted.request;
    char *folder cleanup_free = tls_client_dir(&t.settings, client_entry(&t.settings, t.options.operand));
    while (strcmp(request->clients->name, t.options.operand) != 0)
        request->clients++;
    request->client_count = 1;
    request->scope = CERTS_CLIENTS;
    return ensure(request, folder, e);
}

/* Not what this machine is called: the store is for another one. */
static int run_init(const char *const *words, const char *const *environment, struct err *e)
{
    static const char *const everywhere[] = {"DNS:docker", "DNS:localhost", "IP:127.0.0.1", "IP:::1", NULL};
    cleanup(task_free) struct task t = {0};
    cleanup_strings struct strings names = {0};

    int r =
        dindctl_options_read(&t.options, words, "--config --set", DINDCTL_OPERAND, "the DIR of the store", e);
    if (r == 0)
        r = load(&t, environment, e);
    if (r < 0)
        return r;
    strings_add_array(&names, everywhere);
    free(t.settings.tls.dir);
    t.settings.tls.dir = whole_path(t.options.operand);
    /* All of it in DIR: the folders of clients are places in the container. */
    for (size_t i = 0; i < t.settings.tls.client_count; i++)
        free(take(t.settings.tls.clients[i].dir));
    r = certificates_read(&t.wanted, &t.settings, &names, geteuid(), getegid(), e);
    return r < 0 ? r : ensure(&t.wanted.request, t.settings.tls.dir, e);
}

int certs_command(const char *const *words, const char *const *environment, struct err *e)
{
    static const struct {
        const char *name;
        int (*run)(const char *const *words, const char *const *environment, struct err *e);
    } verbs[] = {{"show", run_show}, {"check", run_check}, {"renew", run_renew}, {"issue", run_issue},
        {"init", run_init}};

    if (!words[0])
        return dindctl_usage_error(e, "needs one of show, check, renew, issue and init", "certs");
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
        if (strcmp(words[0], verbs[i].name) == 0)
            return verbs[i].run(words + 1, environment, e);
    return dindctl_usage_error(e, "is not a verb of certs: show, check, renew, issue or init", words[0]);
}
