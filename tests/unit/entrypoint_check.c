/* Each requirement taken away alone: its own check fails, no other one, and the advice names what mends it.
 */
#include "harness.h"

#include "entrypoint/check.h"

#include <errno.h>
#include <jansson.h>
#include <linux/capability.h>
#include <string.h>

static const capset all = CAPSET_ONE(CAP_LAST_CAP + 1) - 1;

/* A container in which everything is there. */
static struct host whole(bool root)
{
    static char dockerd[] = "/d", iptables[] = "/i", rootlesskit[] = "/r", data[] = "/data", run[] = "/run",
                path[] = "/bin", newuidmap[] = "/bin/newuidmap", newgidmap[] = "/bin/newgidmap",
                user[] = "rootless", slirp[] = "/bin/slirp4netns";

    return (struct host){
        .uid = root ? 0 : 1000,
        .effective = root ? all : 0,
        .permitted = root ? all : 0,
        .bounding = all,
        .initial_user_namespace = true,
        .cgroup = {.version = CGROUP_V2, .view = CGROUP_VIEW_OWN},
        .programs = {.dockerd = dockerd,
            .iptables = iptables,
            .rootlesskit = rootlesskit,
            .slirp4netns = slirp},
        .netfilter = {.nf_tables = NETFILTER_THERE, .ipv6_nat = NETFILTER_THERE, .ipv6 = true},
        .user = {.uid = root ? 0 : 1000, .name = user},
        .rootless = {.subuid = true,
            .subgid = true,
            .newuidmap = {.path = newuidmap, .file_capability = true},
            .newgidmap = {.path = newgidmap, .file_capability = true}},
        .data_root = data,
        .runtime_dir = run,
        .path = path,
        .now = 1800000000,
        .built = 1790000000,
    };
}

static char auto_net[] = "auto", slirp4netns[] = "slirp4netns", pasta[] = "pasta";
/* Requirements that no fact of the host decides. */
static const struct settings usual = {.capabilities.profile = PROFILE_STRICT, .rootless.net = auto_net};
static struct settings settings = {.capabilities.profile = PROFILE_STRICT, .rootless.net = auto_net};
static const char *engine_version;

static void judge(struct checks *checks, enum mode mode, const struct host *host)
{
    const struct check_input in = {.settings = &settings, .host = host, .engine_version = engine_version};

    checks_run(checks, mode, &in);
}

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
static void allow_list(struct host *h)
{
    static char somewhere[] = "192.0.2.7", *list[] = {somewhere, NULL}, certificates[] = "/certs";

    (void)h;
    settings.api.allow = (struct strings){.items = list, .count = 1};
    settings.api.tcp_enabled = true;
    settings.tls.dir = certificates;
}
static void allow_list_of_root_without_net_admin(struct host *h)
{
    allow_list(h);
    h->uid = 0;
    h->effective = h->bounding & ~CAPSET_ONE(CAP_NET_ADMIN);
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
static void foreign_cgroup(struct host *h)
{
    h->initial_user_namespace = false;
    h->cgroup.foreign = true;
}
static void locked_cgroup(struct host *h)
{
    h->initial_user_namespace = false;
    h->cgroup.read_only = true;
}
static void read_only_sysctls(struct host *h)
{
    h->proc_sys_read_only = true;
    drop(h, CAP_SYS_ADMIN);
}
static void masked_in_a_user_namespace(struct host *h)
{
    static char kcore[] = "/proc/kcore", *masks[] = {kcore, NULL};

    h->masks = (struct strings){.items = masks, .count = 1};
    h->initial_user_namespace = false;
}
static void no_netfilter(struct host *h)
{
    h->netfilter.nf_tables = h->netfilter.ip_tables = NETFILTER_ABSENT;
}
static void no_ipv6_nat(struct host *h)
{
    h->netfilter.ipv6_nat = NETFILTER_ABSENT;
}
static void old_clock(struct host *h)
{
    h->now = 86400;
}
static void late_clock(struct host *h)
{
    h->now = 5000000000;
}
static void old_engine(struct host *h)
{
    (void)h;
    engine_version = "Docker version 20.10.24, build 5d6db84";
}
static void no_newuidmap(struct host *h)
{
    h->rootless.newuidmap.path = NULL;
}
static void plain_newgidmap(struct host *h)
{
    h->rootless.newgidmap.file_capability = false;
}
static void newgidmap_on_nosuid(struct host *h)
{
    h->rootless.newgidmap.nosuid = true;
}
static void newuidmap_both(struct host *h)
{
    h->rootless.newuidmap.setuid = true;
}
static void setuid_newuidmap_in_an_ordinary_container(struct host *h)
{
    h->rootless.newuidmap.file_capability = false;
    h->rootless.newuidmap.setuid = true;
    h->bounding = CAPSET_CONTAINER;
}
static void no_setgid(struct host *h)
{
    drop(h, CAP_SETGID);
}
static void restricted_userns(struct host *h)
{
    h->apparmor.enabled = h->apparmor.restricts_userns = true;
}
static void containerd_beside(struct host *h)
{
    h->rootless.conflicting_containerd = true;
}
static void data_nosuid(struct host *h)
{
    h->data_nosuid = h->data_nodev = true;
}
static void no_rootlesskit(struct host *h)
{
    h->programs.rootlesskit = NULL;
}
static void pasta_with_an_old_rootlesskit(struct host *h)
{
    settings.rootless.net = pasta;
    h->rootless.versions.rootlesskit = (struct program_version){true, 1, 1};
}
static void no_driver_that_an_old_rootlesskit_knows(struct host *h)
{
    static char in_path[] = "/bin/pasta";

    h->programs.slirp4netns = NULL;
    h->programs.pasta = in_path;
    h->rootless.versions.rootlesskit = (struct program_version){true, 1, 1};
}
static void old_slirp4netns(struct host *h)
{
    settings.rootless.net = slirp4netns;
    h->rootless.versions.slirp4netns = (struct program_version){true, 0, 3};
}
static void detached_from_an_old_engine(struct host *h)
{
    settings.rootless.detach_netns = true;
    h->rootless.versions.rootlesskit = (struct program_version){true, 2, 0};
    h->rootless.versions.dockerd = (struct program_version){true, 29, 4};
}
static void detached_by_an_old_rootlesskit(struct host *h)
{
    settings.rootless.detach_netns = true;
    h->rootless.versions.rootlesskit = (struct program_version){true, 1, 1};
    h->rootless.versions.dockerd = (struct program_version){true, 29, 5};
}
static void root_without_setuid(struct host *h)
{
    h->uid = 0;
    h->effective = all & ~CAPSET_ONE(CAP_SETUID);
}
static void no_subgid(struct host *h)
{
    h->rootless.subgid = false;
}
static void another_user(struct host *h)
{
    h->user.name = NULL;
    h->rootless.subuid = h->rootless.subgid = false;
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
    {MODE_ROOTLESS, no_engine, "engine", "not in PATH", NULL, NULL, true},
    {MODE_ROOTFUL, no_sys_admin, "capabilities", "SYS_ADMIN", "--cap-add SYS_ADMIN", "SYS_ADMIN", true},
    {MODE_ROOTFUL, no_usual, "capabilities", "CHOWN", "--cap-add CHOWN", "add: [CHOWN]", true},
    {MODE_ROOTFUL, no_ptrace, "sys-ptrace", "missing", "--cap-add SYS_PTRACE", "SYS_PTRACE", false},
    {MODE_ROOTFUL, filtered, "seccomp", "keyctl", "seccomp=FILE", "seccompProfile", true},
    {MODE_ROOTFUL, confined, "apparmor", "docker-default (enforce)", "apparmor=unconfined", "appArmorProfile",
        true},
    {MODE_ROOTFUL, outside, "cgroup-view", "outside", "--cgroupns private", "SYS_ADMIN", false},
    {MODE_ROOTFUL, oom, "oom-score", "985", "--oom-score-adj 0", "SYS_RESOURCE", false},
    {MODE_ROOTFUL, no_gain, "no-new-privs", "is set", "no-new-privileges", "allowPrivilegeEscalation: true",
        false},
    {MODE_ROOTFUL, no_iptables, "iptables", "not in PATH", NULL, NULL, false},
    {MODE_ROOTFUL, no_tun, "tun", "missing", "--device /dev/net/tun", "device plugin", false},
    {MODE_ROOTFUL, wrong_fuse, "fuse", "something else", "--device /dev/fuse", "device plugin", false},
    {MODE_ROOTFUL, overlay, "data-root", "on overlayfs", "-v VOLUME", "emptyDir", false},
    {MODE_ROOTFUL, foreign_cgroup, "cgroup-writable", "outside of this user namespace", "writable-cgroups",
        "io.kubernetes.cri-o.cgroup2-mount-hierarchy-rw", true},
    {MODE_ROOTFUL, locked_cgroup, "cgroup-writable", "read-only", "writable-cgroups",
        "io.kubernetes.cri-o.cgroup2-mount-hierarchy-rw", true},
    {MODE_ROOTFUL, masked_in_a_user_namespace, "proc-visible", "/proc/kcore", "systempaths=unconfined",
        "procMount: Unmasked", false},
    {MODE_ROOTFUL, no_netfilter, "iptables", "not in this kernel", NULL, NULL, false},
    {MODE_ROOTFUL, no_ipv6_nat, "ipv6-nat", "not in this kernel", NULL, NULL, false},
    {MODE_ROOTFUL, old_clock, "clock", "1970-01-02", NULL, NULL, false},
    {MODE_ROOTFUL, late_clock, "clock", "2128-", NULL, NULL, false},
    {MODE_ROOTFUL, old_engine, "engine-version", "version 20", NULL, NULL, false},
    {MODE_ROOTLESS, no_newuidmap, "id-maps", "newuidmap is not in PATH", NULL, NULL, true},
    {MODE_ROOTLESS, plain_newgidmap, "id-maps", "neither", NULL, NULL, true},
    {MODE_ROOTLESS, newgidmap_on_nosuid, "id-maps", "nosuid", NULL, NULL, true},
    {MODE_ROOTLESS, newuidmap_both, "id-maps", "works by neither", NULL, NULL, true},
    {MODE_ROOTLESS, setuid_newuidmap_in_an_ordinary_container, "id-maps", "lacks SYS_ADMIN",
        "--cap-add SYS_ADMIN", "SYS_ADMIN", true},
    {MODE_ROOTLESS, no_setgid, "id-maps", "lacks SETGID", "--cap-add SETGID", "SETGID", true},
    {MODE_ROOTLESS, confined, "apparmor", "docker-default (enforce)", "apparmor=unconfined",
        "appArmorProfile", true},
    {MODE_ROOTLESS, restricted_userns, "apparmor-userns", "is 1", NULL, NULL, true},
    {MODE_ROOTLESS, containerd_beside, "containerd", "/run/containerd-rootless exists", "XDG_RUNTIME_DIR",
        "XDG_RUNTIME_DIR", true},
    {MODE_ROOTLESS, data_nosuid, "data-flags", "nosuid and nodev", "-v VOLUME:/data", "emptyDir", false},
    {MODE_ROOTLESS, overlay, "data-root", "on overlayfs", "-v VOLUME:/data", "emptyDir", false},
    {MODE_ROOTLESS, wrong_fuse, "fuse", "something else", "--device /dev/fuse", "device plugin", false},
    {MODE_ROOTLESS, old_clock, "clock", "before this program was made", NULL, NULL, false},
    {MODE_ROOTLESS, filtered, "seccomp", "keyctl", "seccomp=FILE", "seccompProfile", true},
    {MODE_ROOTLESS, no_gain, "no-new-privs", "is set", "no-new-privileges", "allowPrivilegeEscalation: true",
        true},
    {MODE_ROOTLESS, no_rootlesskit, "rootlesskit", "not in PATH", NULL, NULL, true},
    {MODE_ROOTLESS, pasta_with_an_old_rootlesskit, "versions",
        "rootless.net: pasta (default) needs rootlesskit 2.0 or later, and this is 1.1", NULL, NULL, true},
    {MODE_ROOTLESS, no_driver_that_an_old_rootlesskit_knows, "versions",
        "gvisor-tap-vsock (default) needs rootlesskit 3.0 or later", NULL, NULL, true},
    {MODE_ROOTLESS, old_slirp4netns, "versions", "slirp4netns 0.4 or later, and this is 0.3", NULL, NULL,
        true},
    {MODE_ROOTLESS, detached_from_an_old_engine, "versions", "Docker Engine 29.5 or later, and this is 29.4",
        NULL, NULL, true},
    {MODE_ROOTLESS, detached_by_an_old_rootlesskit, "versions", "rootlesskit 2.0 or later, and this is 1.1",
        NULL, NULL, true},
    {MODE_ROOTLESS, root_without_setuid, "identity", "lacks SETUID", "--cap-add SETUID", "SETUID", true},
    {MODE_ROOTLESS, no_subgid, "subordinate-ids", "/etc/subgid lacks", NULL, NULL, true},
    {MODE_ROOTLESS, another_user, "subordinate-ids", "nor has it a line", "--user rootless", "runAsUser",
        true},
    {MODE_ROOTLESS, clone_off, "user-namespaces", "unprivileged_userns_clone", NULL, NULL, true},
    {MODE_ROOTLESS, namespaces_off, "user-namespaces", "max_user_namespaces", NULL, NULL, true},
    {MODE_ROOTLESS, masked, "proc-visible", "/proc/kcore", "systempaths=unconfined", "procMount: Unmasked",
        true},
    {MODE_ROOTLESS, allow_list, "access-rules", "CAP_NET_ADMIN is missing",
        "--user 0 -e DIND_MODE=rootless --cap-add NET_ADMIN", "runAsUser: 0", true},
    {MODE_ROOTLESS, allow_list_of_root_without_net_admin, "access-rules", "CAP_NET_ADMIN is missing",
        "--cap-add NET_ADMIN", "[NET_ADMIN]", true},
    {MODE_ROOTLESS, closed_tun, "tun", "root only", "--device /dev/net/tun", "device plugin", true},
};

static void nothing_is_missing_where_everything_is_there(void **state)
{
    (void)state;
    for (int root = 0; root < 2; root++) {
        cleanup(checks_free) struct checks checks;
        struct host host = whole(root);
        judge(&checks, root ? MODE_ROOTFUL : MODE_ROOTLESS, &host);
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

        engine_version = NULL;
        settings = usual;
        cases[c].take_away(&host);
        judge(&checks, cases[c].mode, &host);
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
                assert_contains(check->remedy[CHECK_DOCKER], cases[c].docker);
                assert_non_null(check->remedy[CHECK_COMPOSE]);
                assert_contains(check->remedy[CHECK_KUBERNETES], cases[c].kubernetes);
            } else {
                assert_true(
                    check->remedy[CHECK_NODE] || check->remedy[CHECK_IMAGE] || check->remedy[CHECK_SETTINGS]);
            }
        }
        assert_int_equal(failed, 1);
    }
    settings = usual;
    engine_version = NULL;
}

static void rules_that_nobody_asks_for_or_that_can_be_made_are_no_failure(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        cleanup(checks_free) struct checks checks;
        struct host host = whole(false);
        allow_list(&host);
        settings.api.tcp_enabled = which == 0;
        if (which == 0)
            host.effective = host.permitted = CAPSET_ONE(CAP_NET_ADMIN);
        judge(&checks, MODE_ROOTLESS, &host);
        assert_true(checks_passed(&checks));
    }
    settings = usual;
}

/* What is asked for stays there where the programs are new enough, or do not say. */
static void versions_that_do_or_are_not_known_are_no_failure(void **state)
{
    static const struct program_version enough[] = {{0}, {true, 29, 5}, {true, 30, 0}, {false, 1, 0}};
    (void)state;

    for (size_t i = 0; i < sizeof(enough) / sizeof(*enough); i++) {
        cleanup(checks_free) struct checks checks;
        struct host host = whole(false);
        settings.rootless.detach_netns = true;
        settings.rootless.net = pasta;
        host.rootless.versions = (struct host_versions){enough[i], enough[i], enough[i]};
        judge(&checks, MODE_ROOTLESS, &host);
        assert_true(checks_passed(&checks));
    }
    settings = usual;
}

static void a_start_that_asks_for_too_much_is_a_wrong_configuration(void **state)
{
    cleanup(checks_free) struct checks checks;
    struct host host = whole(false);
    struct err e = {0};
    (void)state;

    detached_from_an_old_engine(&host);
    host.rootless.versions.rootlesskit = (struct program_version){true, 1, 1};
    judge(&checks, MODE_ROOTLESS, &host);
    settings = usual;
    assert_int_equal(checks_refuse(&checks, &e), -EPERM);
    assert_int_equal(e.status, EXIT_CONFIG);
    assert_string_equal(e.what,
        "rootless.detach_netns: true (default) needs Docker Engine 29.5 or later, and this is 29.4; "
        "rootless.detach_netns: true (default) needs rootlesskit 2.0 or later, and this is 1.1");
    assert_contains(e.hint, "in the image: Docker Engine 29.5 or later, rootlesskit 2.0 or later\n");
    assert_contains(e.hint, "rootless.detach_netns: false");
}

static void what_the_launcher_will_mend_itself_is_no_failure(void **state)
{
    cleanup(checks_free) struct checks checks;
    struct host host = whole(true);
    (void)state;

    host.cgroup.read_only = host.proc_sys_read_only = true;
    host.tun.state = host.fuse.state = DEVICE_MISSING;
    host_view(&host);
    judge(&checks, MODE_ROOTFUL, &host);
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
    judge(&checks, MODE_ROOTFUL, &host);
    for (size_t i = 0; i < checks.count; i++)
        if (!checks.items[i].passed)
            assert_string_equal(checks.items[i].name, names[found++]);
    assert_int_equal(found, 4);
}

/* With the table above, nothing can be asked for that no test has taken away. */
static void every_requirement_is_taken_away_by_a_case(void **state)
{
    (void)state;
    for (int root = 0; root < 2; root++) {
        cleanup(checks_free) struct checks checks;
        enum mode mode = root ? MODE_ROOTFUL : MODE_ROOTLESS;
        struct host host = whole(root);

        judge(&checks, mode, &host);
        for (size_t i = 0; i < checks.count; i++) {
            bool found = strcmp(checks.items[i].name, "proc-sys") == 0; /* goes with SYS_ADMIN, below */
            for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++)
                found = found || (cases[c].mode == mode && strcmp(cases[c].name, checks.items[i].name) == 0);
            if (!found)
                fail_msg("no case takes '%s' away from a %s engine", checks.items[i].name,
                    root ? "rootful" : "rootless");
        }
    }
}

static void a_read_only_proc_sys_is_missing_with_sys_admin_and_told_with_its_advice(void **state)
{
    cleanup(checks_free) struct checks checks;
    struct host host = whole(true);
    struct err e = {0};
    (void)state;

    read_only_sysctls(&host);
    judge(&checks, MODE_ROOTFUL, &host);
    assert_int_equal(checks_refuse(&checks, &e), -EPERM);
    assert_contains(e.what, "\n  - proc-sys: /proc/sys is read-only; ");
    assert_contains(e.hint, "docker run: --cap-add SYS_ADMIN, or --privileged\n");
    assert_contains(e.hint, "Compose: cap_add: [SYS_ADMIN]; or privileged: true\n");
}

static void a_start_is_refused_with_all_that_is_missing_and_each_remedy_once(void **state)
{
    cleanup(checks_free) struct checks checks;
    struct host host = whole(true);
    struct err e = {0};
    (void)state;

    host.bounding = host.effective = CAPSET_CONTAINER;
    host.cgroup.read_only = host.proc_sys_read_only = true;
    filtered(&host);
    confined(&host);
    judge(&checks, MODE_ROOTFUL, &host);
    assert_int_equal(checks_refuse(&checks, &e), -EPERM);
    assert_int_equal(e.status, EXIT_PRIVILEGE);
    for (size_t i = 0; i < checks.count; i++) {
        char *line cleanup_free = str_format(
            "\n  - %s: %s; %s", checks.items[i].name, checks.items[i].finding, checks.items[i].why);
        assert_int_equal(!checks.items[i].passed && checks.items[i].required, strstr(e.what, line) != NULL);
    }
    assert_contains(e.hint,
        "docker run: --cap-add NET_ADMIN --cap-add SYS_PTRACE --cap-add SYS_ADMIN --security-opt "
        "seccomp=FILE --security-opt apparmor=unconfined, or --privileged\n");
    assert_contains(e.hint, "\nCompose: cap_add: [NET_ADMIN, SYS_PTRACE, SYS_ADMIN]; security_opt: "
                            "[seccomp=FILE, apparmor=unconfined]; or privileged: true\n");
    assert_contains(e.hint, "\n(FILE holds what `dindctl seccomp rootful` prints)\n");
    assert_contains(e.hint, "\non the node: ");
}

static void privileged_is_no_advice_for_what_it_does_not_mend(void **state)
{
    cleanup(checks_free) struct checks checks;
    struct host host = whole(true);
    struct err e = {0};
    (void)state;

    no_sys_admin(&host);
    no_engine(&host);
    judge(&checks, MODE_ROOTFUL, &host);
    assert_int_equal(checks_refuse(&checks, &e), -EPERM);
    assert_null(strstr(e.hint, "rivileged"));
}

static void the_shell_entrypoints_words_come_first_and_the_rest_behind_them(void **state)
{
    cleanup(checks_free) struct checks checks;
    struct host host = whole(false);
    struct err e = {0};
    (void)state;

    no_subgid(&host);
    masked(&host);
    judge(&checks, MODE_ROOTLESS, &host);
    assert_int_equal(checks_refuse(&checks, &e), -EPERM);
    assert_int_equal(e.status, 1);
    assert_true(str_starts(e.what, "attempting to run rootless dockerd but missing necessary entries in "
                                   "/etc/subuid and/or /etc/subgid for 1000\n  - proc-visible: "));
    assert_contains(e.hint, "in the image: add the line rootless:100000:65536 to /etc/subgid");
}

static void what_costs_something_is_warned_of_with_its_remedy_and_the_rest_is_not(void **state)
{
    cleanup(checks_free) struct checks checks;
    cleanup_strings struct strings notes = {0};
    struct host host = whole(true);
    (void)state;

    no_ptrace(&host);
    no_tun(&host);
    judge(&checks, MODE_ROOTFUL, &host);
    checks_warn(&checks, &notes);
    assert_int_equal(notes.count, 1);
    assert_string_equal(notes.items[0],
        "CAP_SYS_PTRACE is missing: nested containers of other users than root need it to start. docker run: "
        "--cap-add SYS_PTRACE; Compose: cap_add: [SYS_PTRACE]; Kubernetes: "
        "securityContext.capabilities.add: [SYS_PTRACE]");
}

static void data_that_come_by_a_mount_of_ours_are_not_judged(void **state)
{
    static char on[] = "/data/docker", above[] = "/data", beside[] = "/data/dock";
    (void)state;

    for (int i = 0; i < 3; i++) {
        cleanup(checks_free) struct checks checks;
        struct extra_mount mount = {.target = i == 0 ? on : i == 1 ? above : beside};
        struct host host = whole(true);
        overlay(&host);
        host.data_root = on;
        settings.mounts.extra = &mount;
        settings.mounts.extra_count = 1;
        judge(&checks, MODE_ROOTFUL, &host);
        for (size_t c = 0; c < checks.count; c++)
            if (strcmp(checks.items[c].name, "data-root") == 0)
                assert_int_equal(checks.items[c].passed, i < 2);
    }
    settings = usual;
}

static void a_profile_that_somebody_made_for_this_is_not_judged(void **state)
{
    static char own[] = "docker-dind (enforce)", complaining[] = "docker-default (complain)";
    struct host host = whole(true);
    (void)state;

    host.apparmor.enabled = true;
    for (int i = 0; i < 2; i++) {
        cleanup(checks_free) struct checks checks;
        host.apparmor.confinement = i ? own : complaining;
        judge(&checks, MODE_ROOTFUL, &host);
        assert_true(checks_passed(&checks));
    }
}

static void versions_are_read_as_dockerd_prints_them(void **state)
{
    static const struct {
        const char *text;
        bool told;
    } versions[] = {{"Docker version 20.10.24+dfsg1, build 297e128\n", true},
        {"Docker version 19.03.15, build 99e3ed8919\n", true},
        {"Docker version 23.0.0, build e92dd87\n", false},
        {"Docker version 26.1.5+dfsg1, build a72d7cd\n", false},
        {"Docker version dev, build unknown\n", false}, {"dockerd version 0 (stub)\n", false}, {"", false},
        {NULL, false}};
    struct host host = whole(true);
    (void)state;

    for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
        cleanup(checks_free) struct checks checks;
        engine_version = versions[i].text;
        judge(&checks, MODE_ROOTFUL, &host);
        char *warning cleanup_free = checks_warning(&checks, "engine-version");
        assert_int_equal(warning != NULL, versions[i].told);
        if (warning)
            assert_contains(warning, "in the settings: capabilities.profile: compat");
    }
    engine_version = NULL;
}

static void json_and_text_say_the_same(void **state)
{
    cleanup(checks_free) struct checks checks;
    cleanup_text struct text text = {0}, json = {0};
    struct host host = whole(true);
    (void)state;

    no_ptrace(&host);
    judge(&checks, MODE_ROOTFUL, &host);
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
        cmocka_unit_test(rules_that_nobody_asks_for_or_that_can_be_made_are_no_failure),
        cmocka_unit_test(versions_that_do_or_are_not_known_are_no_failure),
        cmocka_unit_test(a_start_that_asks_for_too_much_is_a_wrong_configuration),
        cmocka_unit_test(what_the_launcher_will_mend_itself_is_no_failure),
        cmocka_unit_test(what_it_cannot_mend_is_one),
        cmocka_unit_test(every_requirement_is_taken_away_by_a_case),
        cmocka_unit_test(a_read_only_proc_sys_is_missing_with_sys_admin_and_told_with_its_advice),
        cmocka_unit_test(a_start_is_refused_with_all_that_is_missing_and_each_remedy_once),
        cmocka_unit_test(privileged_is_no_advice_for_what_it_does_not_mend),
        cmocka_unit_test(the_shell_entrypoints_words_come_first_and_the_rest_behind_them),
        cmocka_unit_test(what_costs_something_is_warned_of_with_its_remedy_and_the_rest_is_not),
        cmocka_unit_test(data_that_come_by_a_mount_of_ours_are_not_judged),
        cmocka_unit_test(a_profile_that_somebody_made_for_this_is_not_judged),
        cmocka_unit_test(versions_are_read_as_dockerd_prints_them),
        cmocka_unit_test(json_and_text_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
