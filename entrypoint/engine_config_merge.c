/* What is in the engine's configuration file, and what comes over it. Pure. */
#include "engine_config.h"

#include <jansson.h>
#include <stdlib.h>

int engine_config_merge(struct engine_config *config, const struct settings *s, struct err *e)
{
    json_t *wanted = NULL;

    int r = dockerd_config_wanted(s, &wanted, &config->sources, e);
    if (r == 0 && wanted)
        config->merged = dockerd_config_merge(config->base, wanted);
    json_decref(wanted);
    return r;
}

void engine_config_add(struct engine_config *config, const json_t *more, const struct strings *sources)
{
    if (!more)
        return;
    json_t *merged = dockerd_config_merge(engine_config_file(config), more);
    json_decref(config->merged);
    config->merged = merged;
    strings_add_all(&config->sources, sources);
}

const json_t *engine_config_file(const struct engine_config *config)
{
    return config->merged ? config->merged : config->base;
}

const char *engine_config_setting(
    const struct engine_config *config, const struct command *command, const char *name)
{
    const char *flag = dockerd_flags_get(&command->flags, name);

    return flag ? flag : json_string_value(json_object_get(engine_config_file(config), name));
}

const char *engine_config_data_root(const struct engine_config *config, const struct command *command)
{
    const char *named = engine_config_setting(config, command, "data-root");

    /* Its name before 17.05, which engines took until 23.0. */
    if (!named)
        named = engine_config_setting(config, command, "graph");
    return named && *named == '/' ? named : NULL;
}

void engine_config_free(struct engine_config *config)
{
    free(config->path);
    json_decref(config->merged);
    json_decref(config->base);
    strings_free(&config->sources);
    *config = (struct engine_config){0};
}
