/* Each requirement taken away alone: its own check fails, no other one, and the advice names what mends it.
 */
#include "harness.h"

#include "entrypoint/check.h"

#include <jansson.h>
#include <linux/capability.h>
#include <string.h>

static const capset all = CAPSET_ONE(CAP_LAST_CAP + 1) - 1;

/* A container in which everything is there. */
static struct host whole(bool root)
{
    static char dockerd[] = "/d", iptables[] = "/i", rootlesskit[] = "/r", data[] = "/data";

    return (struct host){
        .uid = root ? 0 : 1000,
        .effective = root ? all : 0,
        .permitted = root ? all : 0,
        .bounding = all,
        .initial_user_namespace = true,
        .cgroup = {.version = CGROUP_V2, .view = CGROUP_VIEW_OWN},
        .programs = {.dockerd = dockerd, .iptables = iptables, .rootlesskit = rootlesskit},
        .rootless = {.subuid = true, .subgid = true},
        .data_root = data,
    };
}

static const struct settings settings = {0};

static void drop(struct host *h, unsigned capability)
{
    h->effective &= ~CAPSET_ONE(capability);
    h->bounding &= ~CAPSET_ONE(capability);
}

static void no_engine(struct host *h)
{
    h->programs.dockerd = NULL;
}
static void no_sys_admin(struct host *h)
{
    drop(h, CAP_SYS_ADMIN);
}
static void no_usual(struct host *h)
{
    drop(h, CAP_CHOWN);
}
static void no_ptrace(struct host *h)
{
    drop(h, CAP_SYS_PTRACE);
}
static void confined(struct host *h)
{
    static char confinement[] = "docker-default (enforce)";

    h->apparmor.enabled = true;
    h->apparmor.confinement = confinement;
}
static void filtered(struct host *h)
{
    static char keyctl[] = "keyctl", *refused[] = {keyctl, NULL};
    h->seccomp = (struct host_seccomp){.filtered = true, .refused = {.items = refused, .count = 1}};
}
static void host_view(struct host *h)
{
    h->cgroup.view = CGROUP_VIEW_HOST;
}
static void outside(struct host *h)
{
    h->cgroup.view = CGROUP_VIEW_OUTSIDE;
}
static void oom(struct host *h)
{
    h->oom_score_adj = 985;
    drop(h, CAP_SYS_RESOURCE);
}
static void no_gain(struct host *h)
{
    h->no_new_privs = true;
}
static void no_iptables(struct host *h)
{
    h->programs.iptables = NULL;
}
static void no_tun(struct host *h)
{
    h->tun.state = DEVICE_MISSING;
    h->initial_user_namespace = false;
}
static void closed_tun(struct host *h)
{
    h->tun.state = DEVICE_CLOSED;
}
static void wrong_fuse(struct host *h)
{
    h->fuse.state = DEVICE_WRONG;
}
static void overlay(struct host *h)
{
    h->data_on_overlay = true;
}
static void no_rootlesskit(struct host *h)
{
    h->programs.rootlesskit = NULL;
}
static void no_subgid(struct host *h)
{
    h->rootless.subgid = false;
}
static void clone_off(struct host *h)
{
    h->rootless.userns_clone_off = true;
}
static void namespaces_off(struct host *h)
{
    h->rootless.user_namespaces_off = true;
}
static void masked(struct host *h)
{
    static char kcore[] = "/proc/kcore", *masks[] = {kcore, NULL};
    h->masks = (struct strings){.items = masks, .count = 1};
}

static const struct {
    enum mode mode;
    void (*take_away)(struct host *h);
    const char *name, *finding, *docker, *kubernetes;
    bool required;
} cases[] = {
    {MODE_ROOTFUL, no_engine, "engine", "not in PATH", NULL, NULL, true},
    {MODE_ROOTFUL, no_sys_admin, "capabilities", "SYS_ADMIN", "--cap-add SYS_ADMIN", "SYS_ADMIN", true},
    {MODE_ROOTFUL, no_usual, "capabilities", "CHOWN", "--privileged", "privileged: true", true},
    {MODE_ROOTFUL, no_ptrace, "sys-ptrace", "missing", "--cap-add SYS_PTRACE", "SYS_PTRACE", false},
    {MODE_ROOTFUL, filtered, "seccomp", "keyctl", "dindctl seccomp rootful", "seccompProfile", true},
    {MODE_ROOTFUL, confined, "apparmor", "docker-default (enforce)", "apparmor=unconfined", "appArmorProfile",
        true},
    {MODE_ROOTFUL, outside, "cgroup-view", "outside", "--cgroupns private", "SYS_ADMIN", false},
    {MODE_ROOTFUL, oom, "oom-score", "985", "--cap-add SYS_RESOURCE", "SYS_RESOURCE", false},
    {MODE_ROOTFUL, no_gain, "no-new-privs", "is set", "no-new-privileges", "allowPrivilegeEscalation: true",
        false},
    {MODE_ROOTFUL, no_iptables, "iptables", "not in PATH", NULL, NULL, false},
    {MODE_ROOTFUL, no_tun, "tun", "missing", "--device /dev/net/tun", "device plugin", false},
    {MODE_ROOTFUL, wrong_fuse, "fuse", "something else", "--device /dev/fuse", "device plugin", false},
    {MODE_ROOTFUL, overlay, "data-root", "on overlayfs", "-v VOLUME", "emptyDir", false},
    {MODE_ROOTLESS, filtered, "seccomp", "keyctl", "dindctl seccomp rootless", "seccompProfile", true},
    {MODE_ROOTLESS, no_gain, "no-new-privs", "is set", "no-new-privileges", "allowPrivilegeEscalation: true",
        true},
    {MODE_ROOTLESS, no_rootlesskit, "rootlesskit", "not in PATH", NULL, NULL, true},
    {MODE_ROOTLESS, no_subgid, "subordinate-ids", "/etc/subgid lacks", "--user", "runAsUser", true},
    {MODE_ROOTLESS, clone_off, "user-namespaces", "unprivileged_userns_clone", NULL, NULL, true},
    {MODE_ROOTLESS, namespaces_off, "user-namespaces", "max_user_namespaces", NULL, NULL, true},
    {MODE_ROOTLESS, masked, "proc-visible", "/proc/kcore", "systempaths=unconfined", "procMount: Unmasked",
        true},
    {MODE_ROOTLESS, closed_tun, "tun", "root only", "--device /dev/net/tun", "device plugin", true},
};

static void nothing_is_missing_where_everything_is_there(void **state)
{
    (void)state;
    for (int root = 0; root < 2; root++) {
        cleanup(checks_free) struct checks checks;
        struct host host = whole(root);
        checks_run(&checks, root ? MODE_ROOTFUL : MODE_ROOTLESS, &settings, &host);
        assert_true(checks_passed(&checks));
        for (size_t i = 0; i < checks.count; i++) {
            if (!checks.items[i].passed)
                fail_msg("%s: %s", checks.items[i].name, checks.items[i].finding);
            assert_true(checks.items[i].finding && *checks.items[i].finding);
        }
    }
}

static void what_is_taken_away_fails_alone_with_its_advice(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
        cleanup(checks_free) struct checks checks;
        struct host host = whole(cases[c].mode == MODE_ROOTFUL);
        unsigned failed = 0;

        cases[c].take_away(&host);
        checks_run(&checks, cases[c].mode, &settings, &host);
        assert_int_equal(checks_passed(&checks), !cases[c].required);
        for (size_t i = 0; i < checks.count; i++) {
            const struct check *check = &checks.items[i];
            if (check->passed)
                continue;
            failed++;
            assert_string_equal(check->name, cases[c].name);
            assert_contains(check->finding, cases[c].finding);
            assert_int_equal(check->required, cases[c].required);
            if (cases[c].docker) {
                assert_contains(check->remedy.docker, cases[c].docker);
                assert_non_null(check->remedy.compose);
                assert_contains(check->remedy.kubernetes, cases[c].kubernetes);
            } else {
                assert_true(check->remedy.node || check->remedy.image);
            }
        }
        assert_int_equal(failed, 1);
    }
}

static void what_the_launcher_will_mend_itself_is_no_failure(void **state)
{
    cleanup(checks_free) struct checks checks;
    struct host host = whole(true);
    (void)state;

    host.cgroup.read_only = host.proc_sys_read_only = true;
    host.tun.state = host.fuse.state = DEVICE_MISSING;
    host_view(&host);
    checks_run(&checks, MODE_ROOTFUL, &settings, &host);
    for (size_t i = 0; i < checks.count; i++)
        assert_true(checks.items[i].passed);
}

static void what_it_cannot_mend_is_one(void **state)
{
    static const char *const names[] = {"capabilities", "proc-sys", "cgroup-writable", "cgroup-view"};
    cleanup(checks_free) struct checks checks;
    struct host host = whole(true);
    size_t found = 0;
    (void)state;

    host.cgroup.read_only = host.proc_sys_read_only = true;
    host_view(&host);
    no_sys_admin(&host);
    checks_run(&checks, MODE_ROOTFUL, &settings, &host);
    for (size_t i = 0; i < checks.count; i++)
        if (!checks.items[i].passed)
            assert_string_equal(checks.items[i].name, names[found++]);
    assert_int_equal(found, 4);
}

static void json_and_text_say_the_same(void **state)
{
    cleanup(checks_free) struct checks checks;
    cleanup_text struct text text = {0}, json = {0};
    struct host host = whole(true);
    (void)state;

    no_ptrace(&host);
    checks_run(&checks, MODE_ROOTFUL, &settings, &host);
    checks_show(&checks, &text);
    checks_show_json(&checks, &json);
    assert_contains(text_get(&text), "warn  sys-ptrace");
    assert_contains(text_get(&text), "--cap-add SYS_PTRACE");
    json_t *root = json_loads(text_get(&json), 0, NULL);
    assert_true(json_is_true(json_object_get(root, "passed")));
    assert_int_equal(json_array_size(json_object_get(root, "checks")), checks.count);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missing_where_everything_is_there),
        cmocka_unit_test(what_is_taken_away_fails_alone_with_its_advice),
        cmocka_unit_test(what_the_launcher_will_mend_itself_is_no_failure),
        cmocka_unit_test(what_it_cannot_mend_is_one),
        cmocka_unit_test(json_and_text_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
