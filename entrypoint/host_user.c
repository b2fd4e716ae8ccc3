#include "host_parts.h"

#include "base/environment.h"
#include "base/file.h"
#include "entrypoint/kernel_text.h"
#include "entrypoint/rootless.h"
#include "entrypoint/storage.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int refuse_user(const struct settings *s, const char *what, struct err *e)
{
    char *origin cleanup_free = settings_origin(s, OPTION_ROOTLESS_USER);

    (void)err_set(e, -EINVAL, "rootless.user: %s (%s) %s", s->rootless.user, origin, what);
    (void)err_status(e, EXIT_CONFIG);
    return err_hint(e, "use a user of the image's /etc/passwd, or the number of an ordinary user");
}

static int chosen_uid(const struct settings *s, const char *passwd, uid_t *uid, struct err *e)
{
    unsigned id = 0;
    int r = account_id(passwd, s->rootless.user, &id);

    if (r < 0)
        return refuse_user(s, r == -ERANGE ? "is out of range" : "is not in /etc/passwd", e);
    if (id == 0)
        return refuse_user(s, "is root", e);
    *uid = id;
    return 0;
}

/* A container's HOME is root's when root starts it. The home of the image's own rootless user is where its
 * volume is, so an unknown uid gets that. */
static char *home_of_another(const char *passwd, struct host_user *user, const char *home)
{
    unsigned usual;
    gid_t gid;
    char *name cleanup_free = NULL, *found = NULL;

    if (home && *home)
        return str_dup(home);
    if (!account_find(passwd, ROOTLESS_USER, &usual) || !passwd_find(passwd, usual, &name, &gid, &found))
        return str_format("/home/%u", user->uid);
    user->home_owner = usual;
    return found;
}

/* Whether it is there; *closed is set when that cannot be told. access(2) would ask about the real uid, and
 * old seccomp filters do not know faccessat2(2). */
static bool is_there(const char *path, bool *closed)
{
    struct stat st;
    bool there = stat(path, &st) == 0;

    *closed = !there && errno == EACCES;
    return there;
}

void host_look_at_places(struct host *host, const char *data_root)
{
    char *chosen = str_dup(data_root), *folder cleanup_free = file_nearest_folder(data_root);
    char *containerd cleanup_free = str_format("%s/containerd-rootless", host->runtime_dir);
    struct statvfs fs;
    struct statfs kind;

    free(host->data_root);
    strings_free(&host->data_prior);
    host->data_root = chosen;
    storage_prior(chosen, &host->data_prior);
    (void)is_there(chosen, &host->data_closed);
    host->rootless.conflicting_containerd = is_there(containerd, &host->runtime_closed);
    /* A folder above what is closed says nothing of it. */
    bool there = !host->data_closed && statvfs(folder, &fs) == 0 && statfs(folder, &kind) == 0;
    host->data_on_overlay = there && kind.f_type == OVERLAYFS_SUPER_MAGIC;
    host->data_nosuid = there && (fs.f_flag & ST_NOSUID);
    host->data_nodev = there && (fs.f_flag & ST_NODEV);
}

static void look_at_places(struct host *host, const struct settings *s, const char *const *environment)
{
    const char *runtime = environment_get(environment, "XDG_RUNTIME_DIR");
    const char *config = environment_get(environment, "XDG_CONFIG_HOME");

    host->runtime_dir = s->rootless.runtime_dir ? str_dup(s->rootless.runtime_dir)
                        : runtime && *runtime   ? str_dup(runtime)
                                                : str_format("/run/user/%u", host->user.uid);
    host->config_home = config && *config ? str_dup(config) : str_format("%s/.config", host->home);
    char *data_root cleanup_free =
        host->user.uid == 0 ? str_dup("/var/lib/docker") : rootless_data_folder(host->home);
    host_look_at_places(host, data_root);
}

int host_look_user(struct host *host, const struct settings *s, const char *const *environment, struct err *e)
{
    bool another = host->uid == 0 && s->mode == MODE_ROOTLESS;
    const char *given = environment_get(environment, "HOME");
    cleanup_text struct text passwd = {0};
    char *home cleanup_free = NULL;
    struct err ignored;

    (void)file_read_kernel("/etc/passwd", &passwd, &ignored);
    host->user.uid = host->uid;
    host->user.gid = host->gid;
    if (another) {
        int r = chosen_uid(s, text_get(&passwd), &host->user.uid, e);
        if (r < 0)
            return r;
        host->user.gid = host->user.uid;
    }
    gid_t gid;
    host->user.home_owner = host->user.uid;
    if (passwd_find(text_get(&passwd), host->user.uid, &host->user.name, &gid, &home) && another)
        host->user.gid = gid;
    host->home = another           ? home_of_another(text_get(&passwd), &host->user, home)
                 : given && *given ? str_dup(given)
                                   : str_dup(home && *home ? home : "/");
    look_at_places(host, s, environment);
    return 0;
}

static bool has_subids(const char *file, const char *user, uid_t uid)
{
    cleanup_text struct text text = {0};
    struct err ignored;

    return file_read_kernel(file, &text, &ignored) == 0 && subid_has(text_get(&text), user, uid);
}

void host_look_rootless(struct host *host)
{
    struct host_rootless *rootless = &host->rootless;
    char *clone cleanup_free = file_first_line("/proc/sys/kernel/unprivileged_userns_clone");
    char *namespaces cleanup_free = file_first_line("/proc/sys/user/max_user_namespaces");

    rootless->subuid = has_subids("/etc/subuid", host->user.name, host->user.uid);
    rootless->subgid = has_subids("/etc/subgid", host->user.name, host->user.uid);
    rootless->userns_clone_off = clone && strcmp(clone, "1") != 0;
    rootless->user_namespaces_off = namespaces && strcmp(namespaces, "0") == 0;
}
