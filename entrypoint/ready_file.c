/*
 * Should: not be there before the engine answers, and not when it is to stop. Must not: follow a link that
 * somebody put into a shared folder. Not earlier: the folder may be on a mount that was only just made.
 */
#include "ready_file.h"

#include "base/file.h"
#include "entrypoint/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Its folder, open; *name is its last component, borrowed from `path`. */
static int open_folder(const char *path, const char **name, struct err *e)
{
    char *folder cleanup_free = path_folder(path);

    *name = strrchr(path, '/') + 1;
    int fd = file_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, FILE_NO_LINKS);
    if (fd >= 0)
        return fd;
    (void)err_errno(e, fd, "ready.file: %s: the folder %s", path, folder);
    return err_hint(e, "mount a volume there, or name a file in a folder that exists, without symbolic links "
                       "on the way (/run, not /var/run)");
}

int ready_file_write(const char *path, struct err *e)
{
    static const char text[] = "ready\n";
    const struct file_owner owner = {.mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1};
    const char *name = NULL;
    cleanup_close int fd = open_folder(path, &name, e);

    return fd < 0 ? fd : file_replace(fd, name, text, sizeof(text) - 1, owner, path, e);
}

int ready_file_remove(const char *path, bool *was, struct err *e)
{
    const char *name = NULL;
    cleanup_close int fd = open_folder(path, &name, e);

    if (fd < 0)
        return fd;
    bool removed = unlinkat(fd, name, 0) == 0;
    if (was)
        *was = removed;
    if (removed || errno == ENOENT)
        return 0;
    (void)err_errno(e, -errno, "ready.file: %s: cannot be removed", path);
    return err_hint(e, "remove it, or name another file");
}

/* By the mode alone: whoever writes it has no capability by then. */
static bool may_write(const struct stat *folder, const struct host_user *user)
{
    mode_t needed = folder->st_uid == user->uid ? S_IWUSR : folder->st_gid == user->gid ? S_IWGRP : S_IWOTH;

    return folder->st_mode & needed;
}

int step_ready_file(const char *path, const struct host_user *user, struct outcome *outcome, struct err *e)
{
    char *folder cleanup_free = path_folder(path);
    bool was = false;
    struct stat st;
    int r = ready_file_remove(path, &was, e);

    outcome->kind = was ? OUTCOME_DONE : OUTCOME_ALREADY;
    if (r == 0 && stat(folder, &st) == 0 && !may_write(&st, user))
        (void)snprintf(outcome->warning, sizeof(outcome->warning),
            "%s will not be written: %s is not writable for uid %u, who does that; name a file in a folder "
            "of that "
            "user's, or in one with mode 1777",
            path, folder, user->uid);
    return r;
}
