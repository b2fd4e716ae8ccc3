/* The record of the instance that runs, instance.json: written by the launcher while it prepares and when the
 * engine starts, read by dindctl. */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "entrypoint/steps.h"

#include <jansson.h>
#include <sys/types.h>

/* Where records lie: "/run/dind", or dind in XDG_RUNTIME_DIR when not root. The caller frees it. */
char *instance_folder(const struct host *host);

/* Where the engine's user may read and write: the same, unless root becomes another. The caller frees it. */
char *instance_user_folder(const struct host *host);

/*
 * Writes NAME in such a folder, whole or not at all, for nobody else to change; missing folders are made.
 * `path`, which may be NULL, gets its name, which the caller frees. 0, or a negative errno with *e.
 */
int instance_write(
    const char *folder, const char *name, mode_t mode, const json_t *content, char **path, struct err *e);

/*
 * Says in the record which step comes now, if there is a place for it already: /run may be writable only
 * later, and the folder of a user be made only later. A failure is nobody's concern.
 */
void instance_tell_step(const struct work *work, const struct step *step);

/* Says that the engine is started now. 0, or a negative errno with *e. */
int instance_tell_engine(const struct work *work, struct err *e);

/* The Unix socket that the engine will have, or NULL. The caller frees it. */
char *instance_socket(const struct work *work);

/* A record as read; zero-initialised is empty. */
struct instance {
    char *record;       /* owned: the path */
    char *phase, *step; /* owned: what the launcher does; NULL once it has started the engine */
    uid_t uid;          /* whom the engine runs as */
    gid_t gid;
    char *user_folder; /* owned: instance_user_folder of a start that becomes another; else NULL */
    char *socket;      /* owned: the engine's Unix socket, or NULL */
    char *tcp;         /* owned: "tcp://127.0.0.1:2376" when it has no Unix socket, or NULL */
    bool tls;          /* on TCP */
};

/*
 * Finds the instance that runs: root's, and for root then that of the user of PID 1; or in XDG_RUNTIME_DIR,
 * /run/user/UID and at last root's. Returns 0; or a negative errno with *e: -ENOENT there is no record,
 * -ESRCH it is of one that has ended, -EINVAL it is none. End it with instance_free in any case.
 */
int instance_find(struct instance *instance, const char *const *environment, struct err *e);
void instance_free(struct instance *instance);

/*
 * Root without capabilities may not go where a rootless engine has its things that root has started; the
 * engine's user may. True if we act as that user now, until identity_return.
 */
bool instance_borrow_user(const struct instance *instance);

/* The paths that instance_find looks at. */
void instance_records(struct strings *paths, const char *const *environment);
