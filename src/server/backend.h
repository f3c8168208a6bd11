/* What a session needs of the world: accounts and files. In the embedded server and in tests these
 * are plain functions and pool jobs; in ferryd they travel to other processes. The session cannot
 * tell.
 *
 * Every call answers through `done`, exactly once, from the loop and never from inside the call,
 * unless `cancel` comes first. A session has at most one call outstanding on its accounts and at
 * most one on its store. Arguments are borrowed for the call only. */
#ifndef FERRY_SERVER_BACKEND_H
#define FERRY_SERVER_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/secret.h"
#include "ftp/change.h"
#include "ftp/charset.h"
#include "ftp/listing.h"
#include "ftp/timeval.h"
#include "net/crowd.h"
#include "net/socket.h"
#include "tls/describe.h"
#include "tls/identity.h"

struct backend_store; /* the files of one login, as the backend keeps them */
struct store_ops;

/* ---- connections ---- */

struct backend_place; /* of a session among all that are counted */

/* `place` is the session's until it calls leave; NULL unless the limit is CROWD_FREE. */
typedef void arrival_fn(void *ctx, enum crowd_limit limit, struct backend_place *place);

/* Whoever counts sessions for several processes (SEC-52). */
struct gate_ops {
    /* A connection of `peer` has come: may it be served? FERRY_E_MEMORY: `done` will not be called.
     */
    NODISCARD enum ferry_error (*arrive)(void *gate, const struct address *peer,
                                         const struct crowd_rules *rules, arrival_fn *done,
                                         void *ctx);
    /* It is gone: `done` will not be called. */
    void (*cancel)(void *gate, void *ctx);
    void (*leave)(void *gate, struct backend_place *place);
};

/* ---- accounts ---- */

enum { LOGIN_NAME_MAX_BYTES = 64 };

/* The login of `ctx`, which was granted, is to end: an operator has changed the account. `words`
 * are for the client. From the loop, not after the store's release. */
typedef void login_ended_fn(void *ctx, const char *words);

struct login_request {
    struct bytes name;             /* from USER; no NUL, at most LOGIN_NAME_MAX_BYTES (SEC-70) */
    const struct secret *password; /* from PASS; NULL: the question is whether one is needed */
    const struct address *peer;
    const struct tls_facts *tls;         /* of the control connection, NULL in clear */
    const struct tls_identity *identity; /* of the client's certificate; NULL: none was verified */
    login_ended_fn *ended;               /* NULL: it goes on as long as it likes */
    const char *host; /* the virtual host that the client chose, by its first name; "": the default
                         one */
};

enum login_verdict {
    LOGIN_GRANTED,
    LOGIN_REFUSED,     /* 530, the same words for every reason (SEC-84); without a password: 331, it
                          is needed or would be asked for in vain (TLS-73) */
    LOGIN_UNAVAILABLE, /* 421: cannot be decided now */
};

/* What a granted login may use; `start` is borrowed during the call of `done`. */
struct login_grant {
    struct backend_store *store; /* the session's, until it calls release */
    const struct store_ops *ops;
    const char *start; /* virtual path of the first working directory */
    bool read_only;
    struct charset *charset; /* that names come in which are no UTF-8, of one thread, borrowed until
                                the session's end; NULL: names are bytes as they come */
    uint64_t sessions_max;   /* of the account at once; 0: no limit */
    uint64_t rate_up, rate_down; /* bytes a second of all its uploads and of all its downloads; 0:
                                    no limit */
    bool by_certificate;         /* no password was needed: 232 (TLS-72) */
};

/* `grant` is NULL unless the verdict is LOGIN_GRANTED; `fault` is never NULL. It is set if the
 * verdict is LOGIN_UNAVAILABLE, and may be if it is LOGIN_REFUSED: its words go to the log, and
 * there alone. */
typedef void login_fn(void *ctx, enum login_verdict verdict, const struct login_grant *grant,
                      const struct fault *fault);

struct account_ops {
    /* Decides; takes as long for a wrong name as for a wrong password. FERRY_E_MEMORY: `done` will
     * not be called. */
    NODISCARD enum ferry_error (*login)(void *accounts, const struct login_request *request,
                                        login_fn *done, void *ctx);
    /* The session of `ctx` is gone: `done` will not be called. */
    void (*cancel)(void *accounts, void *ctx);
};

/* ---- files ---- */

/* The outcome of a call on the store. `fault` is never NULL and is set if the call failed: its
 * kind, one of those in store/fail.h, decides the reply; its words go to the log. */
typedef void store_fn(void *ctx, const struct fault *fault);

/* One entry: STAT, MDTM, MLST, RNFR. Its name is the last of the path, empty for the root. A link
 * is described as what it leads to (FTP-132), with its own `target`; one that leads nowhere, or out
 * of the root, is a LISTING_LINK. Valid during the call; NULL on failure. */
typedef void store_entry_fn(void *ctx, const struct fault *fault,
                            const struct listing_entry *entry);

typedef void store_size_fn(void *ctx, const struct fault *fault, uint64_t size_bytes);

/* A file opened for reading: `fd` belongs to the session; -1 on failure. `size_bytes` is fstat's.
 */
typedef void store_read_fn(void *ctx, const struct fault *fault, int fd, uint64_t size_bytes);

/* A part opened for writing. */
struct store_part {
    int fd;                /* belongs to the session */
    uint32_t part;         /* names it in commit and abandon */
    uint64_t offset_bytes; /* where the first byte that comes is written */
    const char *path;      /* the virtual path it will have; during the call */
    bool in_place;         /* there is no part: what is written is seen by that name at once */
};
/* `part` is NULL on failure. FERRY_E_STATE: the offset is past the end of what there is (FTP-92).
 */
typedef void store_part_fn(void *ctx, const struct fault *fault, const struct store_part *part);

/* A batch of a directory's entries, in the order they are to be sent; `count` 0: the end. Valid
 * during the call. */
typedef void store_batch_fn(void *ctx, const struct fault *fault,
                            const struct listing_entry *entries, size_t count);

enum { STORE_BATCH_MAX = 256 }; /* entries in a batch */

/* What a listing is to tell. */
struct store_list_want {
    bool all;            /* dotfiles, too, whatever the account's rules say */
    const char *pattern; /* of the names that are wanted, with `*` and `?`; NULL: all */
};

/* What was changed of a file, as it is now: what a file system cannot store is the nearest that it
 * can. Valid during the call, if `fault` is not set. */
typedef void store_change_fn(void *ctx, const struct fault *fault, const struct change *made);

/* A file that is to be made of others. */
struct store_combine {
    const char *target;
    struct bytes sources; /* paths, each with a NUL behind it */
    bool remove_sources;  /* afterwards */
    bool no_replace;      /* FERRY_E_EXISTS if there is something by the target's name */
};

enum part_mode {
    PART_REPLACE, /* STOR: a new file or another content for an old one */
    PART_UNIQUE,  /* STOU: a name that is not taken; `path` is a folder, or a prefix of the name */
    PART_RESUME, /* REST + STOR, and APPE with offset PART_AT_END: begins with the old content up to
                    the offset */
};

#define PART_AT_END UINT64_MAX

/* Paths are absolute and virtual ("/" is the account's root), normalised by ftp/path and resolved
 * beneath the root by the store. */
struct store_ops {
    /* FERRY_E_DENIED for all but regular files (FTP-60). */
    void (*open_read)(struct backend_store *store, const char *path, store_read_fn *done,
                      void *ctx);

    void (*open_part)(struct backend_store *store, const char *path, enum part_mode mode,
                      uint64_t offset_bytes, store_part_fn *done, void *ctx);
    /* At once: whether the account may store as much as the part has, or what it is written to in
     * place, when it ends at `end_bytes` of the file; asked before that is written (SEC-39). */
    bool (*reserve)(struct backend_store *store, uint32_t part, uint64_t end_bytes);
    /* The part, which is written and synced, takes its name: only after this does anybody see it
     * (FTP-64, SEC-38). If it fails the part is still to be abandoned. */
    void (*commit)(struct backend_store *store, uint32_t part, store_fn *done, void *ctx);
    /* The upload failed: `keep` leaves the part for a later REST of this account, hidden; else it
     * is removed. */
    void (*abandon)(struct backend_store *store, uint32_t part, bool keep, store_fn *done,
                    void *ctx);

    void (*stat)(struct backend_store *store, const char *path, store_entry_fn *done, void *ctx);
    /* For SIZE: of a file; if there is none by that name, of the part that a cut upload of it left
     * for this account, for clients ask SIZE to learn where to go on (FTP-96). */
    void (*size)(struct backend_store *store, const char *path, store_size_fn *done, void *ctx);
    /* Whether the account may change into the directory (FTP-113). */
    void (*enter)(struct backend_store *store, const char *path, store_fn *done, void *ctx);
    void (*make_directory)(struct backend_store *store, const char *path, store_fn *done,
                           void *ctx);
    void (*remove_directory)(struct backend_store *store, const char *path, store_fn *done,
                             void *ctx);
    void (*remove_file)(struct backend_store *store, const char *path, store_fn *done, void *ctx);
    /* FERRY_E_EXISTS: never replaces (FTP-115). */
    void (*rename)(struct backend_store *store, const char *from, const char *to, store_fn *done,
                   void *ctx);
    /* MFMT, MFF, SITE CHMOD and UTIME: all of `change`, or, if it fails, nothing. */
    void (*set_facts)(struct backend_store *store, const char *path, const struct change *change,
                      store_change_fn *done, void *ctx);
    /* SITE SYMLINK: `link` will lead to `target`, which exists beneath the root (FTP-184). */
    void (*make_link)(struct backend_store *store, const char *target, const char *link,
                      store_fn *done, void *ctx);
    /* DSIZ: the sizes of all files beneath a directory. FERRY_E_TEMPORARY: it is too much to add up
     * (FTP-180). */
    void (*tree_size)(struct backend_store *store, const char *path, store_size_fn *done,
                      void *ctx);
    /* RMDA: a directory with all beneath it. FERRY_E_TEMPORARY: not all of it was removed, it may
     * be asked for again (FTP-181). */
    void (*remove_tree)(struct backend_store *store, const char *path, store_fn *done, void *ctx);
    /* COMB, SITE CPTO: the target has its name when all of it is there (FTP-182, FTP-184). */
    void (*combine)(struct backend_store *store, const struct store_combine *want, store_fn *done,
                    void *ctx);
    /* For AVBL: how many bytes the account may still store at `path`. */
    void (*free_bytes)(struct backend_store *store, const char *path, store_size_fn *done,
                       void *ctx);

    /* Opens a directory for list_next; one listing at a time. list_close at any moment, also while
     * a batch that was cancelled is still being read. */
    void (*list_open)(struct backend_store *store, const char *path,
                      const struct store_list_want *want, store_fn *done, void *ctx);
    void (*list_next)(struct backend_store *store, store_batch_fn *done, void *ctx);
    void (*list_close)(struct backend_store *store);

    /* Whatever call is outstanding: `done` will not be called. What it opened is closed again, the
     * part it opened abandoned. A deed that was under way may still be done. */
    void (*cancel)(struct backend_store *store);
    /* The session is over: as cancel; an open part is removed, an open listing closed. */
    void (*release)(struct backend_store *store);

    /* The part once more, for reading alone, for whoever checks what was uploaded; not in place. */
    void (*read_part)(struct backend_store *store, uint32_t part, store_read_fn *done, void *ctx);
};

/* ---- who is told of what happened ---- */

enum deed_kind {
    DEED_LOGIN,
    DEED_LOGOUT,
    DEED_UPLOAD,
    DEED_DOWNLOAD,
    DEED_DELETE,
    DEED_RENAME,
    DEED_MKDIR,
    DEED_RMDIR,
    DEED_CHANGE, /* of a file's facts */
};

/* What a session has done, or is about to do. Views are borrowed for the call. */
struct deed {
    enum deed_kind kind;
    uint64_t session; /* as the log has it */
    struct bytes account, host;
    const struct address *peer;
    struct bytes path, from;      /* virtual; `from`: its old name */
    uint64_t bytes, offset_bytes; /* of a transfer: moved, and where in the file they began */
    uint64_t took_ns;             /* of a transfer */
    const struct tls_facts *tls;  /* of the data connection, else the control connection; NULL:
                                     in clear */
};

/* The answer to `check` and `record`. `fault` is never NULL. FERRY_E_REFUSED: by a check, whose
 * words for the client are `peer_said`; FERRY_E_SPACE: too much waits already; FERRY_E_TEMPORARY:
 * it cannot be had now. */
typedef void hook_fn(void *ctx, const struct fault *fault);

/* What became of a recorded deed. */
enum hook_outcome {
    HOOK_DONE,
    HOOK_NOT_DONE,
    HOOK_UNKNOWN, /* who was to do it has gone */
};

/* All optional: a server without hooks has none of these. Answers as above: from the loop, never
 * from inside the call. */
struct hook_ops {
    /* Whether anybody is to be told of such deeds of the account; whether its uploads are
     * checked. */
    bool (*wants)(void *hooks, struct bytes account, enum deed_kind kind);
    bool (*checks)(void *hooks, struct bytes account);
    /* Asks whether an upload may take its name; takes `fd`, the part, for reading, on failure
     * too. FERRY_E_MEMORY: `done` will not be called. */
    NODISCARD enum ferry_error (*check)(void *hooks, const struct deed *deed, int fd, hook_fn *done,
                                        void *ctx);
    /* `deed` is about to be done: `done` when that is recorded for good. FERRY_E_MEMORY: `done`
     * will not be called. Else `*record` is to be settled, whatever comes of it. */
    NODISCARD enum ferry_error (*record)(void *hooks, const struct deed *deed, hook_fn *done,
                                         void *ctx, uint64_t *record);
    void (*settle)(void *hooks, uint64_t record, enum hook_outcome outcome);
    /* It has been done, and nobody waits. */
    void (*note)(void *hooks, const struct deed *deed);
    /* `done` of check and record will not be called for `ctx`. */
    void (*cancel)(void *hooks, void *ctx);
};

#endif
