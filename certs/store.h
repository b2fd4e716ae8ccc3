/* The store on disk: DIR/{ca,server,client} and a folder for each other client. What is read is checked
 * first, what is written is whole or not there. */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <stdbool.h>
#include <sys/types.h>

/* The file of the store's own in ca/, see certs.c. */
#define STORE_RECORD ".clients"

/* The folders of a store by their index: the clients follow from STORE_CLIENTS on. */
enum { STORE_CA, STORE_SERVER, STORE_CLIENTS };
enum store_name { STORE_CA_PEM, STORE_CERT_PEM, STORE_KEY_PEM };
enum {
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

/* What a folder of the store is, or what would hold it where it is missing. */
struct store_place {
    struct store_file files[STORE_NAMES];
    bool exists;    /* the folder itself */
    bool read_only; /* on a file system that is mounted read-only */
    uid_t uid;      /* its owner */
};

/* The whole store as it was read; zero-initialised is an empty one. */
struct store_content {
    struct store_place *places; /* owned, by the index of the folder */
    size_t count;
    struct text record; /* owned: ca/.clients, empty if it is missing or is no file of ours */
};

/* Whom files belong to; -1 for "as created". */
struct store_owner {
    uid_t uid;
    gid_t gid;
};

struct store_folder {
    char *path; /* owned: below DIR ("clients/ci"), or absolute */
    struct store_owner owner;
    mode_t key_mode;
    int fd;                       /* after store_prepare, else -1 */
    char staged[STORE_NAMES][32]; /* names of complete new files beside those that they will replace, or "" */
};

struct store {
    char *path;                   /* owned, for messages */
    int dir;                      /* DIR, -1 if it is missing */
    struct store_folder *folders; /* owned */
    size_t count;
    int lock; /* after store_lock, else -1 */
};

/* Opens DIR, which may be missing; the files in server/ are to belong to `owner`. Always end it with
 * store_close. 0, or a negative errno with *e. */
int store_open(struct store *store, const char *path, struct store_owner owner, struct err *e);
void store_close(struct store *store); /* discards what is staged, and releases the lock */

/* Adds the folder of a client: a path below DIR, or an absolute one, in which no component may be a symbolic
 * link. */
void store_add_client(struct store *store, const char *path, struct store_owner owner, mode_t key_mode);

/*
 * Reads all files. They are read in the opposite order of their writing, so that whoever sees a file also
 * sees those that were written before it; a file that is replaced meanwhile is read again. A file that cannot
 * be read is not an error here: its state says so.
 */
void store_read(const struct store *store, struct store_content *content);
void store_content_free(struct store_content *content); /* wipes */

/*
 * Makes DIR and its folders where they are missing and opens them: ca/ 0700 (the key that can mint, and the
 * lock), the others 0755 (their readers have other uids). server/ and client/ belong to the owner of their
 * files; other clients' folders to whoever made them, since the folder above may be writable for others.
 * Existing ones keep their owner and mode; a symbolic link in their place, and one folder for two, are
 * refused. Call it while there is one thread: it changes the umask for a moment.
 */
int store_prepare(struct store *store, struct err *e);

/*
 * Takes the lock, ca/.lock, waiting for at most `seconds`. *unlocked (may be NULL) is set if the file system
 * has no locks; that is no error. -EBUSY if another process keeps it.
 */
int store_lock(struct store *store, int seconds, bool *unlocked, struct err *e);

/* Removes temporary files that a killed run has left. Call it under the lock. */
void store_sweep(const struct store *store);

/* The mode that contract and clients expect of a file. */
mode_t store_mode(const struct store *store, size_t folder, enum store_name name);

/* "key.pem". */
const char *store_file_name(enum store_name name);

/* "DIR/server/cert.pem", for messages. The caller frees it. */
char *store_shown(const struct store *store, size_t folder, enum store_name name);

/* The same for the folder itself. */
char *store_shown_folder(const struct store *store, size_t folder);

/*
 * Writes `content` completely, with mode and owner, under a temporary name beside the file that it will
 * replace. All that takes space or can be refused happens here, so that the store changes only once every new
 * file is there. A negative errno with *e naming the file.
 */
int store_stage(
    struct store *store, size_t folder, enum store_name name, const struct text *content, struct err *e);

/*
 * Gives the staged files of a folder their names, each by one rename(2): key.pem, cert.pem, and ca.pem last
 * and once the others are on the disk. A negative errno with *e naming the file.
 */
int store_commit(struct store *store, size_t folder, struct err *e);

/* Removes what was staged and not committed. */
void store_discard(struct store *store);

/* Removes a file; a missing one is fine. *removed (may be NULL) tells whether it was there. */
int store_remove(
    const struct store *store, size_t folder, enum store_name name, bool *removed, struct err *e);

/* Makes the removal of a file last. A negative errno with *e. */
int store_sync(const struct store *store, size_t folder, struct err *e);

/* Replaces ca/.clients, a file of the store's own. A negative errno with *e. */
int store_write_record(const struct store *store, const struct text *record, struct err *e);
