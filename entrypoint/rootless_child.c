#include "rootless_child.h"

#include "base/environment.h"
#include "base/file.h"
#include "base/log.h"
#include "config/options.h"
#include "entrypoint/access.h"
#include "entrypoint/init.h"
#include "entrypoint/kernel_text.h"
#include "entrypoint/process.h"
#include "entrypoint/rootless.h"
#include "entrypoint/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    LEVEL = 2,
    FORMAT = 3,
    DATA = 4,
    PORT = 5,
    COMMAND = 6
}; /* of the arguments, as rootless_child_arguments has them */

/* Position of a word of an option, or -1. */
static int word_index(enum option_id id, const char *word)
{
    for (int i = 0; options[id].words[i]; i++)
        if (str_equal(options[id].words[i], word))
            return i;
    return -1;
}

/* "-" is none, 0. */
static bool read_port(const char *word, long long *port)
{
    enum { MOST = 65535 };

    *port = 0;
    return str_equal(word, "-") || parse_number(word, 1, MOST, port);
}

/* Only root of a namespace of its own may do what follows: in a container's own mounts it would do harm. */
static int check_place(
    const char *const *arguments, const char *const *environment, long long *port, struct err *e)
{
    cleanup_text struct text map = {0};
    struct err ignored;
    int level = -1, format = -1;

    bool whole = arguments[LEVEL] && arguments[FORMAT] && arguments[DATA] && arguments[PORT] &&
                 arguments[COMMAND] && read_port(arguments[PORT], port);
    if (whole) {
        level = word_index(OPTION_LOG_LEVEL, arguments[LEVEL]);
        format = word_index(OPTION_LOG_FORMAT, arguments[FORMAT]);
    }
    bool inside = geteuid() == 0 && environment_get(environment, "ROOTLESSKIT_STATE_DIR") &&
                  file_read_kernel("/proc/self/uid_map", &map, &ignored) == 0 &&
                  !uid_map_is_initial(text_get(&map));
    if (level < 0 || format < 0 || !inside) {
        (void)err_set(
            e, -EINVAL, ROOTLESS_CHILD " is the second stage of a rootless start, inside rootlesskit");
        (void)err_status(e, EXIT_USAGE);
        return err_hint(e, "start the container without it: dockerd-entrypoint [FLAG...]");
    }
    log_setup((enum log_level)level, (enum log_format)format);
    return 0;
}

/* --copy-up=/run makes links to what lies outside; the engine and iptables make their own. */
static void remove_links(void)
{
    static const char *const names[] = {"/run/docker", "/run/containerd", "/run/xtables.lock"};
    struct stat st;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (lstat(names[i], &st) == 0 && S_ISLNK(st.st_mode) && unlink(names[i]) < 0)
            log_warn(NULL, "rootless: %s: cannot be removed: %s", names[i], strerrordesc_np(errno));
}

/* iptables may only write below /run if that has this label (moby issue 41230). What lies outside keeps its
 * own. */
static void label_run(void)
{
    static const char label[] = "system_u:object_r:iptables_var_run_t:s0";
    cleanup_text struct text filesystems = {0};
    struct err ignored;
    char *context cleanup_free = file_first_line("/proc/self/attr/current");

    if (!context || !strchr(context, ':') ||
        file_read_kernel("/proc/filesystems", &filesystems, &ignored) < 0 ||
        !strstr(text_get(&filesystems), "\tselinuxfs\n"))
        return;
    if (lsetxattr("/run", "security.selinux", label, sizeof(label), 0) < 0)
        log_warn("on the node: setenforce 0, or a policy that lets iptables write there",
            "rootless: /run cannot be labelled for iptables: %s", strerrordesc_np(errno));
}

/* A link that leads out of the copy is not followed by everything that looks for CA certificates (rootlesskit
 * issue 225): the folder itself is laid there. */
static void bind_certificates(void)
{
    static const char path[] = "/etc/ssl";
    struct statfs fs;
    struct stat st;

    if (statfs("/etc", &fs) < 0 || fs.f_type != TMPFS_MAGIC || lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
        return;
    char *real cleanup_free = realpath(path, NULL);
    if (!real || !file_is_folder(real))
        return;
    if (unlink(path) < 0 || mkdir(path, 0755) < 0 || mount(real, path, NULL, MS_BIND | MS_REC, NULL) < 0)
        log_warn("CA certificates may not be found; nested containers are not concerned",
            "rootless: %s cannot be laid on /etc/ssl: %s", real, strerrordesc_np(errno));
}

static void set_forwarding(const char *path)
{
    int r = file_write_kernel(path, "1");

    /* -ENOENT: this kernel has no IPv6. */
    if (r < 0 && r != -ENOENT)
        log_warn("nested containers may have no network with the engine's firewall backend nftables",
            "rootless: %s: %s", path, strerrordesc_np(-r));
}

static void forward(void)
{
    /* slirp4netns announces the way out by IPv6, and who forwards forgets what was announced (kernel
     * Documentation/networking/ip-sysctl.rst, accept_ra). There is none without IPv6. */
    (void)file_write_kernel("/proc/sys/net/ipv6/conf/tap0/accept_ra", "2");
    set_forwarding("/proc/sys/net/ipv4/ip_forward");
    set_forwarding("/proc/sys/net/ipv6/conf/all/forwarding");
}

/* /proc/sys/net shows the namespace of whoever asks. Into the outer one, which we are in, there is no way
 * back for us: a child goes. */
static int forward_detached(int netns, struct err *e)
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0)
        return err_errno(e, -errno, "rootless: fork");
    if (pid == 0) {
        if (setns(netns, CLONE_NEWNET) < 0)
            _exit(errno);
        forward();
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_errno(e, -errno, "rootless: waitpid");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return err_errno(e, WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR,
        "rootless: the detached network namespace cannot be entered");
}

/* The network namespace of the engine's containers: ours, or with --detach-netns one beside us. */
static int set_network(const char *state, struct err *e)
{
    char *path cleanup_free = str_format("%s/netns", state);
    cleanup_close int netns = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (netns >= 0)
        return forward_detached(netns, e);
    if (errno != ENOENT)
        return err_errno(e, -errno, "rootless: %s", path);
    forward();
    return 0;
}

/* What comes from outside has passed the rules out there, and comes by what is here now; nested containers
 * come by interfaces that their networks bring. */
static int guard(long long port, const char *path, struct err *e)
{
    cleanup_strings struct strings everybody = {0}, interfaces = {0};
    struct access_rules rules = {.port = port, .sources = &everybody};

    strings_add(&everybody, "0.0.0.0/0");
    strings_add(&everybody, "::/0");
    int r = access_put_in_place(&rules, &interfaces, NULL, path, e);
    return r < 0 ? err_prefix(e, "in rootlesskit's network") : 0;
}

/* Out there nobody could: an ordinary user may not mount. */
static void try_storage(const char *data_root)
{
    struct err e = {0};

    if (*data_root != '/' || storage_try_overlay(data_root, &e) == 0)
        return;
    log_warn("put the data on a volume of ext4 or xfs, and use a kernel of 5.11 or newer; storage.driver "
             "chooses by "
             "hand",
        "storage: %s: the engine takes fuse-overlayfs where that and /dev/fuse are there, else vfs, which "
        "copies every "
        "file for every layer and container",
        e.what);
}

static int run(const char *const *arguments, const char *const *environment, struct err *e)
{
    cleanup_strings struct strings command = {0}, copy = {0};
    const char *path = environment_get(environment, "PATH");
    long long port = 0;

    if (!path || !*path)
        path = FILE_DEFAULT_SEARCH;
    int r = check_place(arguments, environment, &port, e);
    if (r < 0)
        return r;
    remove_links();
    label_run();
    bind_certificates();
    r = set_network(environment_get(environment, "ROOTLESSKIT_STATE_DIR"), e);
    if (r < 0)
        return r;
    r = port ? guard(port, path, e) : 0;
    if (r < 0)
        return r;
    try_storage(arguments[DATA]);
    strings_add_array(&command, arguments + COMMAND);
    strings_add_array(&copy, environment);
    init_reset_signals();
    return process_become(&command, &copy, path, e);
}

int rootless_child_main(const char *const *arguments, const char *const *environment)
{
    struct err e = {0};

    (void)run(arguments, environment, &e);
    log_failure(&e);
    return e.status ? e.status : EXIT_SYSTEM;
}
