/* The store on disk: DIR/{ca,server,client}. What is read is checked first, what is written is whole or not
 * there. */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <stdbool.h>
#include <sys/types.h>

enum store_folder { STORE_CA, STORE_SERVER, STORE_CLIENT };
enum store_name { STORE_CA_PEM, STORE_CERT_PEM, STORE_KEY_PEM };
enum {
    STORE_FOLDERS = 3,
    STORE_NAMES = 3,
    STORE_FILE_LIMIT = 64 * 1024, /* of what is read, and so of what is written */
    STORE_NOBODY = 65534, /* whom an NFS server makes of root, and the kernel of ids without a mapping */
};

enum store_state {
    STORE_ABSENT,     /* not there, or empty: the old entrypoint's [ -s ] */
    STORE_PRESENT,    /* read */
    STORE_UNREADABLE, /* we may not read it */
    STORE_FAILED,     /* reading failed (EIO, EMFILE...): it may be good, so nothing may take its place */
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
    char problem[128]; /* of the last three states: words that follow the file's name */
};

/* What a folder of the store is, or DIR where it is missing. */
struct store_place {
    bool exists;    /* the folder itself */
    bool read_only; /* on a file system that is mounted read-only */
    uid_t uid;      /* its owner */
};

/* The whole store as it was read; zero-initialised is an empty one. */
struct store_content {
    struct store_file files[STORE_FOLDERS][STORE_NAMES];
    struct store_place places[STORE_FOLDERS];
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

/* Complete new files under temporary names, beside those that they will replace; zero-initialised is none. */
struct store_staged {
    char names[STORE_FOLDERS][STORE_NAMES][32];
};

/* Opens DIR, which may be missing. Always end it with store_close. 0, or a negative errno with *e. */
int store_open(struct store *store, const char *path, struct err *e);
void store_close(struct store *store); /* releases the lock too */

/*
 * Reads all files. They are read in the opposite order of their writing, so that whoever sees a file also
 * sees those that were written before it; a file that is replaced meanwhile is read again. A file that cannot
 * be read is not an error here: its state says so.
 */
void store_read(const struct store *store, struct store_content *content);
void store_content_free(struct store_content *content); /* wipes */

/*
 * Makes DIR and its folders where they are missing and opens them: ca/ 0700 (the key that can mint, and the
 * lock), server/ and client/ 0755 (their readers have other uids) belonging to `owner`. Existing ones keep
 * their owner and mode; a symbolic link in their place is refused. Call it while there is one thread: it
 * changes the umask for a moment.
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

/* "server". */
const char *store_folder_name(enum store_folder folder);

/* "server/cert.pem". */
const char *store_shown(enum store_folder folder, enum store_name name);

/*
 * Writes `content` completely, with mode and owner, under a temporary name beside the file that it will
 * replace. All that takes space or can be refused happens here, so that the store changes only once every new
 * file is there. A negative errno with *e naming the file.
 */
int store_stage(const struct store *store, struct store_staged *staged, enum store_folder folder,
    enum store_name name, const struct text *content, struct store_owner owner, struct err *e);

/*
 * Gives the staged files of a folder their names, each by one rename(2): key.pem, cert.pem, and ca.pem last
 * and once the others are on the disk. A negative errno with *e naming the file.
 */
int store_commit(
    const struct store *store, struct store_staged *staged, enum store_folder folder, struct err *e);

/* Removes what was staged and not committed. */
void store_discard(const struct store *store, struct store_staged *staged);

/* Removes a file; a missing one is fine. *removed (may be NULL) tells whether it was there. */
int store_remove(
    const struct store *store, enum store_folder folder, enum store_name name, bool *removed, struct err *e);
