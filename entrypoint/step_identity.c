/*
 * The identity of a rootless engine that root starts. Should: leave nothing of root's behind. Must not:
 * change one id without the others. Not earlier: what needs root comes before. Not later: the capabilities'
 * proof is about the user.
 */
#include "base/log.h"
#include "entrypoint/identity.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int explain(const struct host_user *user, int cause, const char *what, struct err *e)
{
    (void)err_errno(e, cause, "identity: %s of uid %u, gid %u", what, user->uid, user->gid);
    return err_hint(e, "docker run:  --cap-add SETUID --cap-add SETGID\n"
                       "Kubernetes:  securityContext.capabilities.add: [SETUID, SETGID]");
}

int identity_borrow(const struct host_user *user, struct err *e)
{
    if (setgroups(0, NULL) < 0)
        return explain(user, -errno, "cannot give up the supplementary groups on the way to that", e);
    if (setegid(user->gid) < 0)
        return explain(user, -errno, "cannot take the effective gid", e);
    if (seteuid(user->uid) == 0)
        return 0;
    int cause = -errno;
    if (setegid(getgid()) < 0)
        abort();
    return explain(user, cause, "cannot take the effective uid", e);
}

bool identity_borrow_if_root(const struct host *host)
{
    struct err ignored;

    return host->uid == 0 && host->user.uid != 0 && identity_borrow(&host->user, &ignored) == 0;
}

void identity_return(void)
{
    /* The uid first: without root's, the gid cannot be taken back. */
    if (seteuid(getuid()) == 0 && setegid(getgid()) == 0)
        return;
    log_warn(NULL, "identity: root's ids cannot be taken back");
    abort();
}

static int verify(const struct host_user *user, struct err *e)
{
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;

    if (getresuid(&ruid, &euid, &suid) < 0 || getresgid(&rgid, &egid, &sgid) < 0)
        return err_errno(e, -errno, "identity: cannot be read back");
    if (ruid != user->uid || euid != user->uid || suid != user->uid || rgid != user->gid ||
        egid != user->gid || sgid != user->gid || getgroups(0, NULL) != 0)
        return err_set(e, -EPERM, "identity: after the change uids are %u %u %u and gids %u %u %u", ruid,
            euid, suid, rgid, egid, sgid);
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
        return err_set(e, -EPERM, "identity: root could be regained after the change");
    return 0;
}

int step_identity(const struct host_user *user, struct outcome *outcome, struct err *e)
{
    if (setgroups(0, NULL) < 0)
        return explain(user, -errno, "cannot give up the supplementary groups on the way to that", e);
    if (setresgid(user->gid, user->gid, user->gid) < 0)
        return explain(user, -errno, "cannot take the gid", e);
    if (setresuid(user->uid, user->uid, user->uid) < 0)
        return explain(user, -errno, "cannot take the uid", e);
    int r = verify(user, e);
    if (r < 0)
        return r;
    outcome->kind = OUTCOME_DONE;
    (void)snprintf(outcome->detail, sizeof(outcome->detail), "from here on as %s (uid %u, gid %u)",
        user->name ? user->name : "an unnamed user", user->uid, user->gid);
    return 0;
}
