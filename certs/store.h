/* The store on disk: DIR/{ca,server,client}. What is read is checked first, what is written is whole or not
 * there. */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <stdbool.h>
#include <sys/types.h>

enum store_folder { STORE_CA, STORE_SERVER, STORE_CLIENT };
enum store_name { STORE_CA_PEM, STORE_CERT_PEM, STORE_KEY_PEM };
enum { STORE_FOLDERS = 3, STORE_NAMES = 3 };

enum store_state {
    STORE_ABSENT,     /* not there, or empty: the old entrypoint's [ -s ] */
    STORE_PRESENT,    /* read */
    STORE_UNREADABLE, /* we may not read it */
    STORE_HOSTILE,    /* a link, a FIFO, a folder, a hard link, too long: not touched */
};

struct store_file {
    enum store_state state;
    bool linked;         /* a symbolic link below DIR was followed: a mounted Secret consists of them */
    bool folder;         /* a folder stands where the file belongs: it cannot even be replaced */
    struct text content; /* owned; of STORE_PRESENT */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    char problem[128]; /* of the last two states: words that follow the file's name */
};

/* All files of the store as they were read; zero-initialised is an empty store. */
struct store_content {
    struct store_file files[STORE_FOLDERS][STORE_NAMES];
};

struct store {
    char *path;                 /* owned, for messages */
    int dir;                    /* DIR, -1 if it is missing */
    int folders[STORE_FOLDERS]; /* after store_prepare, else -1 */
    int lock;                   /* after store_lock, else -1 */
};

/* Whom the files below server/ and client/ belong to; -1 for "as created". */
struct store_owner {
    uid_t uid;
    gid_t gid;
};

/* Opens DIR, which may be missing. Always end it with store_close. 0, or a negative errno with *e. */
int store_open(struct store *store, const char *path, struct err *e);
void store_close(struct store *store); /* releases the lock too */

/*
 * Reads all files. They are read in the opposite order of their writing, so that whoever sees a file also
 * sees those that were written before it. A file that cannot be read is not an error here: its state says so.
 */
void store_read(const struct store *store, struct store_content *content);
void store_content_free(struct store_content *content); /* wipes */

/*
 * Makes DIR and its folders where they are missing and opens them: ca/ 0700 (the key that can mint, and the
 * lock), server/ and client/ 0755 (their readers have other uids) belonging to `owner`. Existing ones keep
 * their owner and mode; a symbolic link in their place is refused.
 */
int store_prepare(struct store *store, struct store_owner owner, struct err *e);

/*
 * Takes the lock, ca/.lock, waiting for at most `seconds`. *unlocked (may be NULL) is set if the file system
 * has no locks; that is no error. -EBUSY if another process keeps it.
 */
int store_lock(struct store *store, int seconds, bool *unlocked, struct err *e);

/* Removes temporary files that a killed run has left. Call it under the lock. */
void store_sweep(const struct store *store);

/* The mode that contract and clients expect of a file. */
mode_t store_mode(enum store_folder folder, enum store_name name);

/* "server/cert.pem". */
const char *store_shown(enum store_folder folder, enum store_name name);

/* Replaces a file atomically, with its mode, owned by `owner`. A negative errno with *e naming it. */
int store_write(const struct store *store, enum store_folder folder, enum store_name name,
    const struct text *content, struct store_owner owner, struct err *e);

/* Removes a file; a missing one is fine. */
int store_remove(const struct store *store, enum store_folder folder, enum store_name name, struct err *e);
