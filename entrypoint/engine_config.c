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
    (void)err_hint(e, "correct the file: daemon: is merged over it");
    json_decref(parsed);
    return NULL;
}

int engine_config_look(struct engine_config *config, const struct settings *s, const struct host *host,
    const struct command *command, struct err *e)
{
    const char *named = dockerd_flags_get(&command->flags, "config-file");
    cleanup(engine_config_free) struct engine_config found = {0};
    cleanup_text struct text text = {0};

    if (named)
        found.path = str_dup(named);
    else if (host->user.uid == 0)
        found.path = str_dup("/etc/docker/daemon.json");
    else
        found.path = str_format("%s/docker/daemon.json", host->config_home);

    int r = file_read(AT_FDCWD, found.path, LIMIT, FILE_FOLLOW_LINKS, &text, e);
    if (r == 0 && text.length > 0)
        found.base = parse(found.path, &text, e);
    if (s->daemon) {
        if (r < 0 && (r != -ENOENT || named)) {
            (void)err_status(e, EXIT_CONFIG);
            return err_hint(e,
                "daemon: is merged over the engine's configuration file: make it readable, or leave out "
                "--config-file");
        }
        if (r == 0 && text.length > 0 && !found.base)
            return e->code;
        found.merged = dockerd_config_merge(found.base, s->daemon);
    }
    config->path = take(found.path);
    config->base = take(found.base);
    config->merged = take(found.merged);
    return 0;
}

void engine_config_free(struct engine_config *config)
{
    free(config->path);
    json_decref(config->merged);
    json_decref(config->base);
    *config = (struct engine_config){0};
}
