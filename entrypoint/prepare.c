#include "prepare.h"

#include "config/mounts.h"
#include "entrypoint/boot_report.h"
#include "entrypoint/certificates.h"
#include "entrypoint/identity.h"
#include "entrypoint/launch.h"
#include "entrypoint/rootless_versions.h"
#include "entrypoint/sockets.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

/* What the file in question is called in messages. */
static char *config_source(const struct prepared *p)
{
    char *sources cleanup_free = strings_join(&p->config.sources, ", ");

    if (!p->config.merged)
        return str_dup(p->config.path);
    return p->config.base ? str_format("%s, merged over %s", sources, p->config.path) : take(sources);
}

/* The flags as dockerd will get them, the user's own first, against the file as it will read it. */
static int check_conflicts(const struct prepared *p, struct err *e)
{
    const json_t *file = engine_config_file(&p->config);
    const struct applied nothing = {0};
    cleanup_strings struct strings arguments = {0};
    cleanup(dockerd_flags_free) struct dockerd_flags flags = {0};
    char *source cleanup_free = config_source(p);

    if (!file)
        return 0;
    int r = dockerd_config_conflicts(file, &p->command.flags, source, e);
    if (r < 0)
        return r;
    launch_engine_arguments(&arguments, &p->plan, &p->settings, &p->command, &nothing);
    dockerd_flags_parse(&flags, &arguments);
    r = dockerd_config_conflicts(file, &flags, source, e);
    if (r < 0)
        (void)err_hint(e,
            "remove it there: this flag comes from api.* and tls.*, which say the same; or start the "
            "container with dockerd as first argument and all flags of your own");
    return r;
}

static bool store_comes_by_mount(const struct settings *s)
{
    for (size_t i = 0; i < s->tls.client_count; i++)
        if (s->tls.clients[i].dir && mounts_bring(s, s->tls.clients[i].dir))
            return true;
    return mounts_bring(s, s->tls.dir);
}

/* What the mounts or a later step bring is not there yet. */
static int check_sockets(const struct prepared *p, struct err *e)
{
    const struct settings *s = &p->settings;
    cleanup_strings struct strings chosen = {0};

    if (p->command.kind != COMMAND_ENGINE)
        return 0;
    if (s->api.unix_path)
        strings_add(&chosen, s->api.unix_path);
    strings_add_all(&chosen, &s->api.unix_more);
    int r = sockets_check_path(p->plan.socket, false, e);
    for (size_t i = 0; r == 0 && i < chosen.count; i++) {
        const char *path = chosen.items[i];
        bool later = mounts_bring(s, path) ||
                     (p->plan.mode == MODE_ROOTLESS && path_within(path, p->host.runtime_dir));
        r = sockets_check_path(path, !later, e);
        if (r == -EACCES && identity_borrow_if_root(&p->host)) {
            r = sockets_check_path(path, !later, e);
            identity_return();
        }
    }
    gid_t ignored;
    return r < 0 ? r : sockets_group(s, &ignored, e);
}

static int check_certificates(struct prepared *p, struct err *e)
{
    cleanup(certificates_free) struct certificates wanted = {0};
    cleanup(certs_result_free) struct certs_result result = {0};

    if (!p->plan.tls || p->command.kind != COMMAND_ENGINE)
        return 0;
    int r = certificates_read(&wanted, &p->settings, &p->host.names, p->host.user.uid, p->host.user.gid, e);
    if (r < 0 || store_comes_by_mount(&p->settings))
        return r;
    /* As whoever will do it. */
    bool as_user = plan_files_as_user(&p->plan, &p->host);
    if (as_user)
        r = identity_borrow(&p->host.user, e);
    if (r < 0)
        return r;
    r = certs_preview(&wanted.request, &result, e);
    if (as_user)
        identity_return();
    if (r < 0)
        return r;
    p->certificates = take(result.summary);
    p->slow_keys = result.new_keys && p->settings.tls.key >= TLS_KEY_RSA_2048;
    return 0;
}

/* Microseconds since *last, which becomes now. */
static long long lap(long long *last)
{
    long long before = *last;

    *last = boot_clock();
    return *last - before;
}

static int plan_and_check(struct prepared *p, struct err *e)
{
    int r = plan_build(&p->plan, &p->settings, &p->host, &p->command, &p->config, e);

    if (r < 0)
        return r;
    engine_config_add(&p->config, p->plan.engine_settings, &p->plan.engine_sources);
    r = check_conflicts(p, e);
    if (r == 0)
        r = check_sockets(p, e);
    if (r == 0)
        r = check_certificates(p, e);
    return r;
}

/* Root without capabilities may not enter the home of the user whom it becomes; that user may. */
static int look_at_config(struct prepared *p, struct err *e)
{
    int r = engine_config_look(&p->config, &p->settings, &p->host, &p->command, e);

    if ((r == -EACCES || (r == 0 && p->config.problem == -EACCES)) && identity_borrow_if_root(&p->host)) {
        engine_config_free(&p->config);
        r = engine_config_look(&p->config, &p->settings, &p->host, &p->command, e);
        identity_return();
    }
    return r;
}

static void look_at_places(struct prepared *p)
{
    const char *chosen = engine_config_data_root(&p->config, &p->command);
    char *data_root cleanup_free = str_dup(chosen ? chosen : p->host.data_root);

    if (chosen)
        host_look_at_places(&p->host, data_root);
    if ((p->host.data_closed || p->host.runtime_closed) && identity_borrow_if_root(&p->host)) {
        host_look_at_places(&p->host, data_root);
        identity_return();
    }
}

int prepare_look(
    struct prepared *p, const struct config_input *input, const char *const *arguments, struct err *e)
{
    long long last = boot_clock();

    *p = (struct prepared){0};
    int r = config_load(&p->settings, input, e);
    if (r < 0)
        return r;
    p->loaded = true;
    p->times.settings = lap(&last);
    command_read(&p->command, arguments, &p->settings.args);
    r = host_look(&p->host, &p->settings, input->environment, e);
    if (r == 0)
        r = look_at_config(p, e);
    if (r == 0)
        look_at_places(p);
    if (r == 0 && plan_mode(&p->settings, &p->host) == MODE_ROOTLESS)
        rootless_versions_ask(&p->host, &p->settings, input->environment);
    p->times.facts = lap(&last);
    return r;
}

int prepare(struct prepared *p, const struct config_input *input, const char *const *arguments, struct err *e)
{
    int r = prepare_look(p, input, arguments, e);
    long long last = boot_clock();

    if (r == 0)
        r = plan_and_check(p, e);
    p->times.plan = lap(&last);
    return r;
}

void prepared_free(struct prepared *p)
{
    settings_free(&p->settings);
    host_free(&p->host);
    command_free(&p->command);
    engine_config_free(&p->config);
    plan_free(&p->plan);
    free(p->certificates);
    *p = (struct prepared){0};
}
