#include "host_parts.h"

#include "base/environment.h"
#include "base/file.h"
#include "entrypoint/kernel_text.h"
#include "entrypoint/version.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define CGROUP_TOP "/sys/fs/cgroup"
#define TUN_DEVICE makedev(10, 200) /* kernel Documentation/admin-guide/devices.txt */
#define FUSE_DEVICE makedev(10, 229)
#define LEGACY_IPTABLES "/usr/local/sbin/.iptables-legacy/iptables"

/*
 * Tried with arguments that change nothing: a filter answers before the kernel has looked at them. keyctl
 * asks for a keyring that is not there, pivot_root and setns get nonsense, unshare is asked for nothing.
 * pivot_root alone asks for CAP_SYS_ADMIN before all else: without it, its EPERM may be the kernel's.
 */
static void look_at_seccomp(struct host_seccomp *seccomp, bool sys_admin)
{
    const struct {
        const char *name;
        long result;
        int cause;
    } tried[] = {
        {"keyctl", syscall(SYS_keyctl, 0L, -2L, 0L),
            errno}, /* KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING */
        {"unshare", syscall(SYS_unshare, 0L), errno},
        {"setns", syscall(SYS_setns, -1L, 0L), errno},
        {"pivot_root", syscall(SYS_pivot_root, "", ""), errno},
    };
    size_t count = sizeof(tried) / sizeof(*tried) - (sys_admin ? 0 : 1);

    for (size_t i = 0; i < count; i++)
        if (tried[i].result < 0 && tried[i].cause == EPERM)
            strings_add(&seccomp->refused, tried[i].name);
}

static char *own_path(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (length <= 0)
        return str_dup("/usr/local/bin/dockerd-entrypoint");
    return str_dup_n(path, (size_t)length);
}

static int look_at_identity(struct host *host, struct err *e)
{
    cleanup_text struct text status = {0}, map = {0};

    host->uid = geteuid();
    host->gid = getegid();
    host->is_pid_1 = getpid() == 1;
    host->self = own_path();
    host->now = time(NULL);
    host->built = DIND_RELEASED;

    int r = file_read_kernel("/proc/self/status", &status, e);
    if (r < 0)
        return err_hint(e, "run this in a container with /proc mounted");
    const char *text = text_get(&status);
    if (!status_capset(text, "CapEff", &host->effective) ||
        !status_capset(text, "CapPrm", &host->permitted) || !status_capset(text, "CapBnd", &host->bounding))
        return err_set(e, -EPROTO, "/proc/self/status: no capability sets in it");
    host->no_new_privs = status_number(text, "NoNewPrivs") == 1;
    /* 2 is a filter (proc_pid_status(5)). Without one, nothing has to be tried. */
    host->seccomp.filtered = status_number(text, "Seccomp") == 2;
    if (host->seccomp.filtered)
        look_at_seccomp(&host->seccomp, host->effective & CAPSET_ONE(CAP_SYS_ADMIN));

    struct err ignored;
    host->initial_user_namespace =
        file_read_kernel("/proc/self/uid_map", &map, &ignored) < 0 || uid_map_is_initial(text_get(&map));

    char *oom cleanup_free = file_first_line("/proc/self/oom_score_adj");
    (void)parse_number(oom, -1000, 1000, &host->oom_score_adj);
    return 0;
}

static void look_at_device(const char *path, dev_t number, bool ours, struct host_device *device)
{
    struct stat st;

    device->ours = ours;
    if (stat(path, &st) < 0)
        device->state = DEVICE_MISSING;
    else if (!S_ISCHR(st.st_mode) || st.st_rdev != number)
        device->state = DEVICE_WRONG;
    else
        device->state = (st.st_mode & 0666) == 0666 ? DEVICE_USABLE : DEVICE_CLOSED;
}

static void look_at_apparmor(struct host_apparmor *apparmor)
{
    cleanup_text struct text profiles = {0};
    struct err ignored;
    char *enabled cleanup_free = file_first_line("/sys/module/apparmor/parameters/enabled");

    apparmor->enabled = str_equal(enabled, "Y");
    if (!apparmor->enabled)
        return;
    char *restricted cleanup_free = file_first_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    apparmor->restricts_userns = str_equal(restricted, "1");
    apparmor->parser = access("/sbin/apparmor_parser", X_OK) == 0;
    apparmor->confinement = file_first_line("/proc/self/attr/current");
    if (file_read_kernel("/sys/kernel/security/apparmor/profiles", &profiles, &ignored) == 0)
        apparmor->profile_loaded = apparmor_profile_listed(text_get(&profiles), "docker-default");
}

static bool same_folder(const char *one, const char *other)
{
    struct stat a, b;

    return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int look_at_mounts(struct host *host, struct err *e)
{
    cleanup_text struct text info = {0};
    cleanup(mount_table_free) struct mount_table table = {0};

    int r = file_read_kernel("/proc/self/mountinfo", &info, e);
    if (r < 0)
        return r;
    mount_table_parse(&table, text_get(&info));

    const struct mount_entry *root = mount_table_at(&table, "/");
    const struct mount_entry *proc_sys = mount_table_at(&table, "/proc/sys");
    const struct mount_entry *cgroup = mount_table_at(&table, CGROUP_TOP);
    host->root_shared = root && strstr(root->tags, "shared:");
    host->tmp_mounted = mount_table_at(&table, "/tmp") != NULL;
    host->run_linked = same_folder("/var/run", "/run");
    host->securityfs_folder = file_is_folder("/sys/kernel/security");
    host->securityfs_mounted = mount_table_at(&table, "/sys/kernel/security") != NULL;
    host->proc_sys_read_only = proc_sys && options_have(proc_sys->options, "ro");
    const struct mount_entry *sys = mount_table_at(&table, "/sys");
    host->sys_read_only = sys && (options_have(sys->options, "ro") || options_have(sys->super, "ro"));
    mount_table_masks(&table, &host->masks);
    const struct mount_entry *dev = mount_table_at(&table, "/dev");
    bool own_dev = dev && str_equal(dev->type, "tmpfs");
    look_at_device("/dev/net/tun", TUN_DEVICE, own_dev, &host->tun);
    look_at_device("/dev/fuse", FUSE_DEVICE, own_dev, &host->fuse);
    host->cgroup.mount_root = cgroup ? str_dup(cgroup->root) : NULL;
    host->cgroup.read_only =
        cgroup && (options_have(cgroup->options, "ro") || options_have(cgroup->super, "ro"));
    return 0;
}

static enum cgroup_view view_of(const struct host_cgroup *cgroup)
{
    if (cgroup->path && str_starts(cgroup->path, "/.."))
        return CGROUP_VIEW_OUTSIDE;
    /* "/..": a volume with a tree from above us, whatever our own path says. */
    if (cgroup->mount_root && strcmp(cgroup->mount_root, "/") != 0)
        return CGROUP_VIEW_HOST;
    if (!cgroup->type && str_equal(cgroup->path, "/"))
        return CGROUP_VIEW_ROOT;
    if (cgroup->type && str_equal(cgroup->path, "/"))
        return CGROUP_VIEW_OWN;
    if (cgroup->type && cgroup_is_nested(cgroup->path))
        return CGROUP_VIEW_NESTED;
    return CGROUP_VIEW_HOST;
}

/* What has no number in our user namespace is shown as the overflow uid's (user_namespaces(7)). */
static bool is_foreign(const char *path)
{
    struct stat st;
    long long overflow = 65534;
    char *line cleanup_free = file_first_line("/proc/sys/kernel/overflowuid");

    (void)parse_number(line, 0, UINT32_MAX, &overflow);
    return stat(path, &st) == 0 && st.st_uid == (uid_t)overflow;
}

static void look_at_cgroup(struct host_cgroup *cgroup, bool initial_user_namespace)
{
    struct statfs fs;
    cleanup_text struct text text = {0};
    struct err ignored;

    if (statfs(CGROUP_TOP, &fs) < 0)
        return;
    if (fs.f_type != CGROUP2_SUPER_MAGIC) {
        cgroup->version = file_is_folder(CGROUP_TOP "/memory") || file_is_folder(CGROUP_TOP "/unified") ||
                                  file_is_folder(CGROUP_TOP "/systemd")
                              ? CGROUP_V1
                              : CGROUP_NONE;
        cgroup->systemd_hierarchy = file_is_folder(CGROUP_TOP "/systemd");
        return;
    }
    cgroup->version = CGROUP_V2;
    cgroup->foreign = !initial_user_namespace && is_foreign(CGROUP_TOP);
    if (file_read_kernel("/proc/self/cgroup", &text, &ignored) == 0)
        cgroup->path = cgroup_v2_path(text_get(&text));
    cgroup->type = file_first_line(CGROUP_TOP "/cgroup.type");
    cgroup->view = view_of(cgroup);
    char *controllers cleanup_free =
        str_format(CGROUP_TOP "%s/cgroup.controllers", cgroup->view == CGROUP_VIEW_HOST ? cgroup->path : "");
    cgroup->controllers = file_first_line(controllers);
}

static void look_for_programs(struct host_programs *programs, const char *path)
{
    programs->dockerd = file_find_program("dockerd", path);
    programs->docker_init = file_find_program("docker-init", path);
    /* The engine's own packages call it docker-rootlesskit, and their script prefers that name. */
    programs->rootlesskit = file_find_program("docker-rootlesskit", path);
    if (!programs->rootlesskit)
        programs->rootlesskit = file_find_program("rootlesskit", path);
    programs->iptables = file_find_program("iptables", path);
    programs->slirp4netns = file_find_program("slirp4netns", path);
    programs->pasta = file_find_program("pasta", path);
    programs->vpnkit = file_find_program("vpnkit", path);
    programs->docker = file_find_program("docker", path);
    programs->fuse_overlayfs = file_find_program("fuse-overlayfs", path);
}

static bool legacy_tables_used(void)
{
    static const char *const names[] = {
        "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names", "/proc/net/arp_tables_names"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *line cleanup_free = file_first_line(names[i]);
        if (line && *line)
            return true;
    }
    return false;
}

static void add_name(struct strings *names, const char *kind, const char *value)
{
    char *item cleanup_free = str_format("%s:%s", kind, value);
    if (*value && !strings_have(names, item))
        strings_add(names, item);
}

static void look_at_addresses(struct strings *names)
{
    struct ifaddrs *list = NULL;

    if (getifaddrs(&list) < 0)
        return;
    for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
        char text[INET6_ADDRSTRLEN] = "";
        if (!at->ifa_addr)
            continue;
        if (at->ifa_addr->sa_family == AF_INET)
            (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr,
                text, sizeof(text));
        else if (at->ifa_addr->sa_family == AF_INET6)
            (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr,
                text, sizeof(text));
        add_name(names, "IP", text);
    }
    freeifaddrs(list);
}

/* What the pod's specification tells by the downward API. One name and one address, or nothing. */
static void look_at_pod(struct strings *names, const char *const *environment)
{
    static const char separators[] = ", \t\r\n\v\f";
    const char *address = environment_get(environment, "POD_IP");
    const char *name = environment_get(environment, "POD_NAME");

    if (address && !strpbrk(address, separators))
        add_name(names, "IP", address);
    if (name && !strpbrk(name, separators))
        add_name(names, "DNS", name);
}

static void look_at_names(struct host *host, const char *const *environment)
{
    char hostname[256] = "";
    cleanup_text struct text hosts = {0};
    struct err ignored;

    (void)gethostname(hostname, sizeof(hostname) - 1);
    host->hostname = str_dup(hostname);

    look_at_addresses(&host->names);
    add_name(&host->names, "IP", "127.0.0.1");
    add_name(&host->names, "IP", "::1");
    add_name(&host->names, "DNS", "docker");
    add_name(&host->names, "DNS", "localhost");

    char *in_file cleanup_free = file_first_line("/etc/hostname");
    char *full cleanup_free = NULL;
    if (file_read_kernel("/etc/hosts", &hosts, &ignored) == 0)
        full = hosts_canonical(text_get(&hosts), hostname);
    char *brief cleanup_free = str_dup_n(hostname, strcspn(hostname, "."));
    if (in_file)
        add_name(&host->names, "DNS", in_file);
    add_name(&host->names, "DNS", hostname);
    if (full)
        add_name(&host->names, "DNS", full);
    add_name(&host->names, "DNS", brief);
    look_at_pod(&host->names, environment);
}

int host_look(struct host *host, const struct settings *s, const char *const *environment, struct err *e)
{
    cleanup(host_free) struct host seen = {0};

    int r = look_at_identity(&seen, e);
    if (r == 0)
        r = look_at_mounts(&seen, e);
    if (r == 0)
        r = host_look_user(&seen, s, environment, e);
    if (r < 0)
        return r;

    const char *path = environment_get(environment, "PATH");
    seen.path = str_dup(path && *path ? path : FILE_DEFAULT_SEARCH);
    look_at_cgroup(&seen.cgroup, seen.initial_user_namespace);
    look_at_apparmor(&seen.apparmor);
    look_for_programs(&seen.programs, seen.path);
    look_at_names(&seen, environment);
    host_netfilter_look(&seen.netfilter);
    host_network_look(&seen.network);
    seen.legacy_tables_used = legacy_tables_used();
    seen.legacy_folder = access(LEGACY_IPTABLES, X_OK) == 0;
    host_idmap_look(&seen.rootless.newuidmap, "newuidmap", CAP_SETUID, seen.path);
    host_idmap_look(&seen.rootless.newgidmap, "newgidmap", CAP_SETGID, seen.path);
    host_look_rootless(&seen);

    *host = seen;
    seen = (struct host){0};
    return 0;
}

void host_free(struct host *host)
{
    free(host->self);
    free(host->hostname);
    strings_free(&host->names);
    free(host->cgroup.mount_root);
    free(host->cgroup.path);
    free(host->cgroup.type);
    free(host->cgroup.controllers);
    free(host->programs.dockerd);
    free(host->programs.docker_init);
    free(host->programs.rootlesskit);
    free(host->programs.iptables);
    free(host->programs.slirp4netns);
    free(host->programs.pasta);
    free(host->programs.vpnkit);
    free(host->programs.docker);
    free(host->programs.fuse_overlayfs);
    free(host->apparmor.confinement);
    strings_free(&host->masks);
    strings_free(&host->seccomp.refused);
    free(host->data_root);
    strings_free(&host->data_prior);
    host_network_free(&host->network);
    free(host->path);
    free(host->home);
    free(host->runtime_dir);
    free(host->config_home);
    free(host->user.name);
    host_idmap_free(&host->rootless.newuidmap);
    host_idmap_free(&host->rootless.newgidmap);
    *host = (struct host){0};
}
