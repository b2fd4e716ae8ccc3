#include "levels.h"

#include <jansson.h>
#include <stdbool.h>

#define ROOTFUL_THREE                                                                                        \
    "--cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add SYS_PTRACE --security-opt seccomp=rootful.json"

#define ROOTLESS_TWO                                                                                         \
    "--cap-drop ALL --cap-add SETUID --cap-add SETGID --security-opt seccomp=rootless.json "                 \
    "--security-opt systempaths=unconfined --device /dev/net/tun"

/* Names are checks of tests/e2e/engine-battery. */
static const struct level {
    const char *name;
    const char *flags; /* of docker run, as they are */
    const char *more;  /* what belongs to it beside them */
    const char *over_host;
    const char *fails; /* blank-separated; NULL: the engine does not start */
} levels[] = {
    {"privileged", "--privileged", "profile compat", "everything", ""},
    {"privileged, then dropped", "--privileged", "profile default or strict",
        "still the host's devices; see SECURITY.md", ""},
    {"three capabilities", ROOTFUL_THREE, "on AppArmor hosts --security-opt apparmor=unconfined too",
        "no device of the host; SYS_ADMIN remains a wide right", ""},
    {"three capabilities in a user namespace", ROOTFUL_THREE " --security-opt systempaths=unconfined",
        "a writable cgroup, on an engine with --userns-remap or in a pod with hostUsers: false",
        "nothing: root inside is nobody outside", "mknod device priv"},
    {"rootless, privileged at the start", "--privileged --user 0 -e DIND_MODE=rootless",
        "the image dind-rootless", "nothing: after the preparation no process has a capability out here",
        "mknod device"},
    {"rootless, root with two capabilities", "--user 0 -e DIND_MODE=rootless " ROOTLESS_TWO,
        "the image dind-rootless; on AppArmor hosts --security-opt apparmor=unconfined too", "nothing",
        "top mknod device priv stop"},
    {"rootless, never root", "--user 1000 " ROOTLESS_TWO, "the same, and a node with mode 0666 on the host",
        "nothing", "top mknod device priv stop"},
    {"nothing", "", "", "nothing", NULL},
};

static void add_row(const struct level *level, struct text *out)
{
    cleanup_strings struct strings fails = {0};

    text_addf(out, "| %s | ", level->name);
    text_addf(out, *level->flags ? "`%s`" : "none%s", level->flags);
    text_addf(out, "%s%s | %s | ", *level->more ? "; " : "", level->more, level->over_host);
    if (!level->fails) {
        text_add(out, "refused, with all that is missing |\n");
        return;
    }
    strings_split(&fails, level->fails, " ");
    for (size_t i = 0; i < fails.count; i++)
        text_addf(out, "%s`%s`", i ? " " : "", fails.items[i]);
    text_add(out, fails.count ? " |\n" : "none |\n");
}

void levels_show(struct text *out)
{
    text_add(out, "| level | `docker run` | what the engine and its API's users have over the host | what "
                  "fails |\n|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
        add_row(&levels[i], out);
}

void levels_show_json(struct text *out)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
        const struct level *level = &levels[i];
        cleanup_strings struct strings fails = {0};
        json_t *names = json_array();
        strings_split(&fails, level->fails ? level->fails : "", " ");
        for (size_t at = 0; at < fails.count; at++)
            (void)json_array_append_new(names, json_string(fails.items[at]));
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "level", level->name, "docker_run",
                      level->flags, "more", level->more, "over_the_host", level->over_host, "starts",
                      level->fails != NULL, "fails", names));
    }
    char *text cleanup_free = json_dumps(list, JSON_INDENT(2));
    text_addf(out, "%s\n", text ? text : "null");
    json_decref(list);
}
