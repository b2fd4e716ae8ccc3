/*
 * Golden plans. Each tests/fixtures/plans/NAME.case holds settings ([environment], [yaml], [arguments]) and
 * facts that differ from a privileged container on a cgroup v2 host ([facts]); NAME.plan is what `dindctl
 * plan` says to that. A change of the plan shows as a difference; after a look at it, UPDATE_PLANS=1 writes
 * the new ones.
 */
#include "harness.h"

#include "base/file.h"
#include "config/config.h"
#include "config/dockerd_flags.h"
#include "entrypoint/show.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT = 64 * 1024, FEWEST_CASES = 30 };

struct scenario {
    struct strings environment, arguments, facts;
    struct text yaml;
};

static void scenario_free(struct scenario *c)
{
    strings_free(&c->environment);
    strings_free(&c->arguments);
    strings_free(&c->facts);
    text_free(&c->yaml);
}

static void read_scenario(const char *path, struct scenario *c)
{
    cleanup_text struct text text = {0};
    struct err e = {0};
    const char *section = "";

    *c = (struct scenario){0};
    if (file_read(AT_FDCWD, path, LIMIT, FILE_FOLLOW_LINKS, &text, &e) < 0)
        fail_msg("%s", e.what);
    for (char *line = text.data; line && *line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        if (*line == '[')
            section = line;
        else if (str_equal(section, "[yaml]"))
            text_addf(&c->yaml, "%s\n", line);
        else if (*line && *line != '#' && str_equal(section, "[environment]"))
            strings_add(&c->environment, line);
        else if (*line && *line != '#' && str_equal(section, "[arguments]"))
            strings_add(&c->arguments, line);
        else if (*line && *line != '#' && str_equal(section, "[facts]"))
            strings_add(&c->facts, line);
        else if (*line && *line != '#')
            fail_msg("%s: '%s' is in no section", path, line);
        line = end ? end + 1 : NULL;
    }
}

/* What a privileged container of Docker's sees on a cgroup v2 host with every capability. */
static void privileged_container(struct host *h)
{
    const capset all = ((capset)1 << 41) - 1;

    *h = (struct host){
        .is_pid_1 = true,
        .effective = all,
        .permitted = all,
        .bounding = all,
        .initial_user_namespace = true,
        .self = str_dup("/usr/local/bin/dockerd-entrypoint"),
        .hostname = str_dup("box"),
        .securityfs_folder = true,
        .cgroup = {.version = CGROUP_V2,
            .view = CGROUP_VIEW_OWN,
            .path = str_dup("/"),
            .type = str_dup("domain"),
            .controllers = str_dup("cpuset cpu io memory pids"),
            .systemd_hierarchy = true},
        .programs = {.dockerd = str_dup("/usr/local/bin/dockerd"),
            .rootlesskit = str_dup("/usr/local/bin/rootlesskit"),
            .iptables = str_dup("/usr/sbin/iptables"),
            .slirp4netns = str_dup("/usr/bin/slirp4netns"),
            .pasta = str_dup("/usr/bin/pasta")},
        .legacy_folder = true,
        .data_root = str_dup("/var/lib/docker"),
        .network = {.interface = str_dup("eth0"), .mtu = 1500},
        .path = str_dup("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        .home = str_dup("/root"),
        .runtime_dir = str_dup("/run/user/0"),
        .config_home = str_dup("/root/.config"),
        .rootless = {.subuid = true,
            .subgid = true,
            .newuidmap = {.path = str_dup("/usr/bin/newuidmap"), .file_capability = true},
            .newgidmap = {.path = str_dup("/usr/bin/newgidmap"), .file_capability = true}},
    };
}

static void set_string(char **field, const char *value)
{
    free(*field);
    *field = *value ? str_dup(value) : NULL;
}

static long long number(const char *text)
{
    long long n = 0;
    if (!parse_number(text, INT64_MIN, INT64_MAX, &n))
        fail_msg("'%s' is not a number", text);
    return n;
}

/* "10.0.0.0/8", or "10.0.0.0/8 hidden" for what the engine does not see by itself. */
static void take_network(struct host *h, const char *value)
{
    struct host_network *network = &h->network;
    char *text cleanup_free = str_dup_n(value, strcspn(value, " "));
    struct host_taken taken = {.avoided = !strstr(value, "hidden"), .what = "route of eth0"};

    if (!ipv4_network_parse(text, &taken.network, NULL))
        fail_msg("'%s' is not a network", text);
    network->taken = mem_grow(network->taken, network->taken_count + 1, sizeof(taken));
    network->taken[network->taken_count++] = taken;
}

/* One "name=value" of [facts]. False for an unknown name: a misspelt fact must not pass. */
static bool set_fact(struct host *h, const char *name, const char *value)
{
    const struct {
        const char *name;
        bool *field;
    } flags[] = {
        {"pid_1", &h->is_pid_1},
        {"no_new_privs", &h->no_new_privs},
        {"initial_user_namespace", &h->initial_user_namespace},
        {"tmp_mounted", &h->tmp_mounted},
        {"run_linked", &h->run_linked},
        {"securityfs_folder", &h->securityfs_folder},
        {"securityfs_mounted", &h->securityfs_mounted},
        {"proc_sys_read_only", &h->proc_sys_read_only},
        {"cgroup_read_only", &h->cgroup.read_only},
        {"cgroup_foreign", &h->cgroup.foreign},
        {"data_on_overlay", &h->data_on_overlay},
        {"cgroup_systemd", &h->cgroup.systemd_hierarchy},
        {"sys_read_only", &h->sys_read_only},
        {"apparmor_enabled", &h->apparmor.enabled},
        {"apparmor_parser", &h->apparmor.parser},
        {"apparmor_loaded", &h->apparmor.profile_loaded},
        {"legacy_tables_used", &h->legacy_tables_used},
        {"legacy_folder", &h->legacy_folder},
        {"data_on_overlay", &h->data_on_overlay},
        {"subuid", &h->rootless.subuid},
        {"subgid", &h->rootless.subgid},
        {"userns_clone_off", &h->rootless.userns_clone_off},
        {"user_namespaces_off", &h->rootless.user_namespaces_off},
        {"conflicting_containerd", &h->rootless.conflicting_containerd},
    };
    const struct {
        const char *name;
        char **field;
    } texts[] = {
        {"dockerd", &h->programs.dockerd},
        {"docker_init", &h->programs.docker_init},
        {"rootlesskit", &h->programs.rootlesskit},
        {"slirp4netns", &h->programs.slirp4netns},
        {"pasta", &h->programs.pasta},
        {"vpnkit", &h->programs.vpnkit},
        {"fuse_overlayfs", &h->programs.fuse_overlayfs},
        {"data_root", &h->data_root},
        {"home", &h->home},
        {"runtime_dir", &h->runtime_dir},
        {"user", &h->user.name},
        {"cgroup_controllers", &h->cgroup.controllers},
        {"cgroup_path", &h->cgroup.path},
        {"apparmor_confinement", &h->apparmor.confinement},
    };
    static const char *const views[] = {"own", "nested", "host", "root", "outside"};
    static const char *const versions[] = {"none", "v1", "v2"};

    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
        if (strcmp(flags[i].name, name) == 0) {
            *flags[i].field = number(value) != 0;
            return true;
        }
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (strcmp(texts[i].name, name) == 0) {
            set_string(texts[i].field, value);
            return true;
        }
    for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++)
        if (strcmp(name, "cgroup_view") == 0 && strcmp(value, views[i]) == 0) {
            h->cgroup.view = (enum cgroup_view)i;
            return true;
        }
    for (size_t i = 0; i < 3; i++)
        if (strcmp(name, "cgroup") == 0 && strcmp(value, versions[i]) == 0) {
            h->cgroup.version = (enum cgroup_version)i;
            return true;
        }
    static const char *const states[] = {"usable", "missing", "closed", "wrong"};
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
        if (strcmp(value, states[i]) == 0 && (strcmp(name, "tun") == 0 || strcmp(name, "fuse") == 0)) {
            (*name == 't' ? &h->tun : &h->fuse)->state = (enum device_state)i;
            return true;
        }
    if (strcmp(name, "devices") == 0 && strcmp(value, "ours") == 0)
        return h->tun.ours = h->fuse.ours = true;
    if (strcmp(name, "idmap") == 0) {
        h->rootless.newuidmap.setuid = h->rootless.newgidmap.setuid = strcmp(value, "setuid") == 0;
        h->rootless.newuidmap.file_capability = h->rootless.newgidmap.file_capability =
            strcmp(value, "file-capability") == 0;
        return true;
    }
    if (strcmp(name, "taken") == 0)
        take_network(h, value);
    else if (strcmp(name, "nameserver") == 0)
        strings_add(&h->network.nameservers, value);
    else if (strcmp(name, "data_prior") == 0)
        strings_add(&h->data_prior, value);
    else if (strcmp(name, "mtu") == 0)
        h->network.mtu = number(value);
    else if (strcmp(name, "masks") == 0)
        strings_split(&h->masks, value, " ");
    else if (strcmp(name, "uid") == 0)
        h->uid = h->gid = h->user.uid = h->user.gid = (uid_t)number(value);
    else if (strcmp(name, "user_uid") == 0)
        h->user.uid = h->user.gid = (uid_t)number(value);
    else if (strcmp(name, "oom_score_adj") == 0)
        h->oom_score_adj = number(value);
    else if (strcmp(name, "capabilities") == 0)
        h->effective = h->permitted = h->bounding = strtoull(value, NULL, 16);
    else if (strcmp(name, "bounding") == 0)
        h->bounding = strtoull(value, NULL, 16);
    else if (strcmp(name, "effective") == 0)
        h->effective = h->permitted = strtoull(value, NULL, 16);
    else
        return false;
    return true;
}

static void set_facts(struct host *h, const struct strings *facts, json_t **base)
{
    for (size_t i = 0; i < facts->count; i++) {
        const char *line = facts->items[i], *equals = strchr(line, '=');
        if (!equals)
            fail_msg("'%s' is not NAME=VALUE", line);
        char *name cleanup_free = str_dup_n(line, (size_t)(equals - line));
        if (strcmp(name, "daemon_json") == 0)
            *base = json_loads(equals + 1, 0, NULL);
        else if (!set_fact(h, name, equals + 1))
            fail_msg("'%s' is not a fact", line);
    }
}

static int load_settings(struct scenario *c, struct settings *s, struct err *e)
{
    /* A relative name, so that origins read the same everywhere. */
    static const char file[] = "config.yaml";

    if (c->yaml.length) {
        struct file_owner owner = {0644, (uid_t)-1, (gid_t)-1};
        int r = file_replace(AT_FDCWD, file, c->yaml.data, c->yaml.length, owner, file, e);
        if (r < 0)
            return r;
    }
    const struct config_input input = {
        .environment = (const char *const *)c->environment.items, .file = c->yaml.length ? file : NULL};
    int r = config_load(s, &input, e);
    if (c->yaml.length)
        (void)unlink(file);
    return r;
}

static void tell(const char *path, struct text *out)
{
    struct scenario c;
    cleanup(prepared_free) struct prepared p = {0};
    struct err e = {0};
    static const char *const none[] = {NULL};

    read_scenario(path, &c);
    privileged_container(&p.host);
    int r = load_settings(&c, &p.settings, &e);
    if (r == 0) {
        const char *const *arguments = c.arguments.items ? (const char *const *)c.arguments.items : none;
        const char *const *environment =
            c.environment.items ? (const char *const *)c.environment.items : none;
        command_read(&p.command, arguments, &p.settings.args);
        set_facts(&p.host, &c.facts, &p.config.base);
        p.config.path = str_dup("/etc/docker/daemon.json");
        r = engine_config_merge(&p.config, &p.settings, &e);
        if (r == 0)
            r = plan_build(&p.plan, &p.settings, &p.host, &p.command, &p.config, &e);
        if (r == 0)
            engine_config_add(&p.config, p.plan.engine_settings, &p.plan.engine_sources);
        if (r == 0)
            show_plan(&p, environment, out);
    }
    if (r < 0)
        text_addf(out, "refused with status %d\nerror: %s\nhint: %s\n", e.status, e.what, e.hint);
    scenario_free(&c);
}

/* The line in which two texts first differ. */
static char *first_difference(const char *was, const char *is)
{
    unsigned line = 1;

    for (;;) {
        size_t was_length = strcspn(was, "\n"), is_length = strcspn(is, "\n");
        if (was_length != is_length || strncmp(was, is, was_length) != 0)
            return str_format(
                "line %u\n  was: %.*s\n  is:  %.*s", line, (int)was_length, was, (int)is_length, is);
        if (!was[was_length] || !is[is_length])
            return str_format("line %u: one of them ends there", line);
        was += was_length + 1;
        is += is_length + 1;
        line++;
    }
}

/* False if what the case gives is not what was approved. */
static bool check_case(const char *path)
{
    cleanup_text struct text now = {0}, approved = {0};
    struct err e = {0};
    char *stem cleanup_free = str_dup_n(path, strlen(path) - strlen(".case"));
    char *golden cleanup_free = str_format("%s.plan", stem);

    tell(path, &now);
    if (getenv("UPDATE_PLANS")) {
        struct file_owner owner = {0644, (uid_t)-1, (gid_t)-1};
        assert_int_equal(file_replace(AT_FDCWD, golden, now.data, now.length, owner, golden, &e), 0);
    }
    if (file_read(AT_FDCWD, golden, LIMIT, FILE_FOLLOW_LINKS, &approved, &e) < 0) {
        print_error("%s\n", e.what);
        return false;
    }
    if (strcmp(text_get(&approved), text_get(&now)) == 0)
        return true;
    char *difference cleanup_free = first_difference(text_get(&approved), text_get(&now));
    print_error("%s: %s\n", golden, difference);
    return false;
}

static void every_case_gives_the_plan_that_was_approved(void **state)
{
    glob_t found = {0};
    size_t differing = 0;
    (void)state;

    assert_int_equal(glob(FIXTURES "/plans/*.case", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        differing += !check_case(found.gl_pathv[i]);
    assert_true(found.gl_pathc >= FEWEST_CASES);
    globfree(&found);
    assert_int_equal(differing, 0);
}

static void json_says_the_same_steps(void **state)
{
    struct scenario c = {0};
    cleanup(prepared_free) struct prepared p = {0};
    cleanup_text struct text out = {0};
    struct err e = {0};
    static const char *const none[] = {NULL};
    (void)state;

    privileged_container(&p.host);
    assert_int_equal(load_settings(&c, &p.settings, &e), 0);
    command_read(&p.command, none, &p.settings.args);
    p.config.path = str_dup("/etc/docker/daemon.json");
    assert_int_equal(plan_build(&p.plan, &p.settings, &p.host, &p.command, &p.config, &e), 0);
    show_plan_json(&p, none, &out);
    json_t *root = json_loads(text_get(&out), 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_array_size(json_object_get(root, "steps")), p.plan.count);
    assert_string_equal(json_string_value(json_object_get(root, "mode")), "rootful");
    assert_string_equal(json_string_value(json_array_get(json_object_get(root, "exec"), 0)), "dockerd");
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_gives_the_plan_that_was_approved),
        cmocka_unit_test(json_says_the_same_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
