#include "config/settings.h"

#include "config/options.h"
#include "config/quote.h"
#include "config/records.h"

#include <jansson.h>
#include <stdlib.h>

void settings_free(struct settings *s)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        void *field = (char *)s + options[i].offset;
        switch (options[i].type) {
        case OPTION_TYPE_BOOL:
        case OPTION_TYPE_INT:
        case OPTION_TYPE_ENUM:
            break;
        case OPTION_TYPE_STRING:
            free(*(char **)field);
            break;
        case OPTION_TYPE_LIST:
        case OPTION_TYPE_WORDS:
            strings_free(field);
            break;
        case OPTION_TYPE_MAP:
            json_decref(*(json_t **)field);
            break;
        case OPTION_TYPE_RECORDS:
            records_free(&options[i], s);
            break;
        }
        free(s->origin[i].name);
    }
    strings_free(&s->warnings);
    *s = (struct settings){0};
}

char *settings_origin(const struct settings *s, enum option_id id)
{
    const struct origin *origin = &s->origin[id];
    cleanup_text struct text file = {0};

    switch (origin->kind) {
    case ORIGIN_DEFAULT:
        return str_dup("default");
    case ORIGIN_IMAGE:
        return str_format("environment variable %s, the image's own default", origin->name);
    case ORIGIN_FILE:
        quote_line(&file, origin->name);
        return str_format("%s:%u:%u", text_get(&file), origin->line, origin->column);
    case ORIGIN_ENVIRONMENT:
        return str_format("environment variable %s", origin->name);
    case ORIGIN_ARGUMENT:
        return str_format("argument %s", origin->name);
    }
    return str_dup("");
}

bool settings_chosen(const struct settings *s, enum option_id id)
{
    switch (s->origin[id].kind) {
    case ORIGIN_DEFAULT:
    case ORIGIN_IMAGE:
        return false;
    case ORIGIN_FILE:
    case ORIGIN_ENVIRONMENT:
    case ORIGIN_ARGUMENT:
        break;
    }
    return true;
}
