#include "engine_config.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>

enum { LIMIT = 1024 * 1024 };

/* json_loadb reports offsets of its own; what people need is the line. */
static json_t *parse(const char *path, const struct text *text, struct err *e)
{
    json_error_t where;
    json_t *parsed = json_loadb(text_get(text), text->length, JSON_REJECT_DUPLICATES, &where);

    if (json_is_object(parsed))
        return parsed;
    if (parsed)
        (void)err_set(e, -EINVAL, "%s: is not a JSON object", path);
    else
        (void)err_set(e, -EINVAL, "%s:%d:%d: %s", path, where.line, where.column, where.text);
    (void)err_status(e, EXIT_CONFIG);
    (void)err_hint(e, "correct the file: settings of yours are merged over it");
    json_decref(parsed);
    return NULL;
}

/* 0, or a negative errno with *e when there is something that cannot be used. */
static int read_base(struct engine_config *config, bool named, struct err *e)
{
    cleanup_text struct text text = {0};

    int r = file_read(AT_FDCWD, config->path, LIMIT, FILE_FOLLOW_LINKS, &text, e);
    if (r == -ENOENT && !named)
        return 0;
    if (r < 0) {
        (void)err_status(e, EXIT_CONFIG);
        return err_hint(e,
            "settings of yours are merged over the engine's configuration file: make it readable, or leave "
            "out --config-file");
    }
    if (text.length == 0)
        return 0;
    config->base = parse(config->path, &text, e);
    return config->base ? 0 : e->code;
}

int engine_config_look(struct engine_config *config, const struct settings *s, const struct host *host,
    const struct command *command, struct err *e)
{
    const char *named = dockerd_flags_get(&command->flags, "config-file");
    cleanup(engine_config_free) struct engine_config found = {0};
    struct err problem = {0};

    if (named)
        found.path = str_dup(named);
    else if (host->user.uid == 0)
        found.path = str_dup("/etc/docker/daemon.json");
    else
        found.path = str_format("%s/docker/daemon.json", host->config_home);
    found.problem = read_base(&found, named != NULL, &problem);
    int r = engine_config_merge(&found, s, e);
    if (r < 0)
        return r;
    /* Otherwise it is for dockerd to complain. */
    if (found.merged && found.problem < 0) {
        *e = problem;
        return e->code;
    }
    *config = found;
    found = (struct engine_config){0};
    return 0;
}
