/* The words of a start that lacks something: the same as those of `dindctl check`. */
#include "check_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool refuses(const struct check *check)
{
    return check->required && !check->passed;
}

/* Whether its remedies for the container's start, and what is said of these, are left out: nobody starts as
 * two users. */
static bool is_superseded(const struct checks *checks, const struct check *check)
{
    bool by_root = false;

    for (size_t i = 0; i < checks->count; i++)
        by_root = by_root || (refuses(&checks->items[i]) && checks->items[i].by_root);
    return by_root && check->by_user;
}

/* The first that the shell entrypoint looked for itself, or NULL. */
static const struct check *first_with_words(const struct checks *checks)
{
    for (size_t i = 0; i < checks->count; i++)
        if (refuses(&checks->items[i]) && checks->items[i].start)
            return &checks->items[i];
    return NULL;
}

/* docker run's flags one by one, so that each stands there once, whichever requirement it comes from. */
static void add_flags(struct strings *list, const char *flags)
{
    for (const char *at = flags; at && *at;) {
        const char *next = strstr(at + 1, " --");
        char *flag cleanup_free = next ? str_dup_n(at, (size_t)(next - at)) : str_dup(at);
        if (!strings_have(list, flag))
            strings_add(list, flag);
        at = next ? next + 1 : NULL;
    }
}

static void add_once(struct strings *list, const char *text)
{
    if (text && !strings_have(list, text))
        strings_add(list, text);
}

/* "KEY: [A]" and "KEY: [B]" are one key: "KEY: [A, B]". */
static void add_key(struct strings *list, const char *text)
{
    const char *bracket = text ? strstr(text, ": [") : NULL;
    size_t length = bracket ? (size_t)(bracket - text) + strlen(": [") : 0;

    for (size_t i = 0; bracket && str_ends(text, "]") && i < list->count; i++) {
        char *old = list->items[i];
        if (strncmp(old, text, length) != 0 || !str_ends(old, "]") || strcmp(old, text) == 0)
            continue;
        list->items[i] = str_format("%.*s, %s", (int)strlen(old) - 1, old, text + length);
        free(old);
        return;
    }
    add_once(list, text);
}

static const char *privileged_word(enum check_place place)
{
    switch (place) {
    case CHECK_DOCKER:
        return "--privileged";
    case CHECK_COMPOSE:
        return "privileged: true";
    case CHECK_KUBERNETES:
        return "securityContext.privileged: true";
    case CHECK_NODE:
    case CHECK_IMAGE:
    case CHECK_SETTINGS:
    case CHECK_PLACES:
        break;
    }
    return NULL;
}

/* One line: everything to be done at that place. */
static void add_place(const struct checks *checks, enum check_place place, bool privileged, struct text *out)
{
    cleanup_strings struct strings list = {0};
    const char *instead = privileged ? privileged_word(place) : NULL;

    for (size_t i = 0; i < checks->count; i++) {
        if (!refuses(&checks->items[i]) || (place != CHECK_IMAGE && is_superseded(checks, &checks->items[i])))
            continue;
        if (place == CHECK_DOCKER)
            add_flags(&list, checks->items[i].remedy[place]);
        else
            add_key(&list, checks->items[i].remedy[place]);
    }
    if (!list.count)
        return;
    char *all cleanup_free = strings_join(&list, place == CHECK_DOCKER ? " " : "; ");
    text_addf(out, "%s%s: %s", out->length ? "\n" : "", check_place_shown(place), all);
    if (instead)
        text_addf(out, "%s or %s", place == CHECK_DOCKER ? "," : ";", instead);
}

static void add_where(const struct checks *checks, struct text *out)
{
    cleanup_strings struct strings list = {0};

    for (size_t i = 0; i < checks->count; i++)
        if (refuses(&checks->items[i]) && !is_superseded(checks, &checks->items[i]))
            add_once(&list, checks->items[i].where);
    for (size_t i = 0; i < list.count; i++)
        text_addf(out, "\n(%s)", list.items[i]);
}

static void add_hint(const struct checks *checks, struct text *out)
{
    bool privileged = true;

    for (size_t i = 0; i < checks->count; i++)
        if (refuses(&checks->items[i]))
            privileged = privileged && checks->items[i].privileged;
    for (int place = 0; place < CHECK_PLACES; place++)
        add_place(checks, (enum check_place)place, privileged, out);
    add_where(checks, out);
    if (checks->mode == MODE_ROOTFUL && privileged)
        text_add(out, "\nWhat is not needed is given up before the engine starts (capabilities.profile). "
                      "Without any privilege over the\n"
                      "host, use the rootless image as its own user instead.");
}

int checks_refuse(const struct checks *checks, struct err *e)
{
    const struct check *first = first_with_words(checks);
    cleanup_text struct text missing = {0}, hint = {0};

    if (checks_passed(checks))
        return 0;
    if (first)
        text_add(&missing, first->start);
    else
        text_addf(&missing, "this container lacks what a %s Docker engine needs:",
            checks->mode == MODE_ROOTFUL ? "rootful" : "rootless");
    for (size_t i = 0; i < checks->count; i++) {
        const struct check *check = &checks->items[i];
        if (refuses(check) && check != first)
            text_addf(&missing, "\n  - %s: %s; %s", check->name, check->finding, check->why);
    }
    add_hint(checks, &hint);
    (void)err_set(e, -EPERM, "%s", text_get(&missing));
    (void)err_status(e, first ? first->status : EXIT_PRIVILEGE);
    return err_hint(e, "%s", text_get(&hint));
}

static char *warning(const struct check *check)
{
    cleanup_text struct text text = {0};
    const char *separator = ". ";

    text_addf(&text, "%s: %s", check->finding, check->why);
    for (int place = 0; place < CHECK_PLACES; place++) {
        if (!check->remedy[place])
            continue;
        text_addf(
            &text, "%s%s: %s", separator, check_place_shown((enum check_place)place), check->remedy[place]);
        separator = "; ";
    }
    return str_dup(text_get(&text));
}

void checks_warn(const struct checks *checks, struct strings *notes)
{
    for (size_t i = 0; i < checks->count; i++) {
        char *note cleanup_free = checks_warning(checks, checks->items[i].name);
        if (note)
            strings_add(notes, note);
    }
}

char *checks_warning(const struct checks *checks, const char *name)
{
    for (size_t i = 0; i < checks->count; i++) {
        const struct check *check = &checks->items[i];
        if (check->told && !check->passed && strcmp(check->name, name) == 0)
            return warning(check);
    }
    return NULL;
}
