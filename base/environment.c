#include "environment.h"

#include <stdlib.h>
#include <string.h>

/* The value if the item is NAME=..., else NULL. */
static const char *value_of(const char *item, const char *name)
{
    const char *rest = str_after(item, name);
    return rest && *rest == '=' ? rest + 1 : NULL;
}

const char *environment_get(const char *const *environment, const char *name)
{
    for (; environment && *environment; environment++) {
        const char *value = value_of(*environment, name);
        if (value)
            return value;
    }
    return NULL;
}

void environment_set(struct strings *environment, const char *name, const char *value)
{
    size_t kept = 0;

    for (size_t i = 0; i < environment->count; i++) {
        char *item = environment->items[i];
        if (value_of(item, name))
            free(item);
        else
            environment->items[kept++] = item;
    }
    environment->count = kept;
    if (environment->items)
        environment->items[kept] = NULL;
    if (value)
        strings_addf(environment, "%s=%s", name, value);
}
