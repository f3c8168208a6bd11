/* The files of one login: a root, the account's rules over it, the upload and the listing that are
 * open. Every deed that a server asks of its files is here a plain call, which knows of no loop and
 * calls nobody back: the embedded server makes them on its pool, ferryd's files process as the
 * messages come. One call at a time for a home, on any thread. home.c, home_link.c,
 * home_parts.c and home_list.c; where a
 * path leads, and whether the account may do that there: home_place.h; what takes long goes in
 * steps: store/subtree.h, store/combine.h.
 *
 * Paths and errors: store/root.h, store/fail.h. */
#ifndef FERRY_STORE_HOME_H
#define FERRY_STORE_HOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "store/dir.h"
#include "store/entry.h"
#include "store/part.h"
#include "store/quota.h"
#include "store/rights.h"
#include "store/root.h"
#include "store/subtree.h"

enum { HOME_OWNER_MAX_BYTES = 64, HOME_BATCH = 64 };

/* What the account may; all zero: everything that is safe. */
struct home_rules {
    struct dir_budget *listings; /* shared by many homes, which it outlives; or NULL */
    bool read_only;              /* whatever its rights are, it changes nothing */
    bool upload_in_place;        /* what comes is seen as it comes, in the target itself (FTP-64) */
    bool hide_dotfiles;          /* listings leave them out, if they are not asked for (LST-82) */
    /* Patterns (store/match.h) of names that nothing may be given, with '/' between them, and
     * beneath which nothing may be made (SEC-35). NULL: home_denied_default; "": none. */
    const char *denied_names;
    bool control_bytes;  /* new names may hold them (SEC-35); a LF or a NUL never comes here */
    struct quota *quota; /* of the account, counted; NULL: none. Held while the home is there */
};

extern const char home_denied_default[];

/* A directory of the host's that the account sees. */
struct home_root {
    char *at;          /* where: "/shared"; "" for the home itself */
    struct root root;  /* as it was opened; */
    struct root exact; /* the same, and no link is followed: for a way that was found already */
};

struct home {
    struct root root;
    struct home_root own;   /* for the same descriptor */
    struct home_root *more; /* further roots */
    size_t more_count;
    struct rights rights;
    struct home_rules rules;              /* but denied_names, which is */
    char *denied_names;                   /* here, or NULL */
    char owner[HOME_OWNER_MAX_BYTES + 1]; /* whom cut uploads are kept for */
    struct part *part;                    /* open, or NULL */
    const struct root *part_root;         /* its */
    char *part_path;                      /* its, beneath that; or NULL */
    bool part_may_be_kept;
    uint32_t part_number;                              /* of the one that was opened last */
    uint64_t part_base_bytes;                          /* of it, that are there by another name */
    uint64_t part_reserved_bytes, part_reserved_files; /* of the quota, for it */
    struct home_list *list;                            /* open, or NULL */
};

/* Takes over `root`, on failure too. `owner`, at most HOME_OWNER_MAX_BYTES, and `rules` are copied.
 * FERRY_E_MEMORY: home_fini does nothing. */
NODISCARD enum ferry_error home_init(struct home *home, struct root *root, struct bytes owner,
                                     const struct home_rules *rules);

/* Adds a further root, which it takes over, on failure too; `at`: its path, absolute and
 * normalised, not "/". The folder that it stands in must be there for it to be reached; it hides
 * what is there by its name. Before the first call. FERRY_E_EXISTS: there is one there already;
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error home_add_root(struct home *home, struct bytes at, struct root *root,
                                         struct fault *fault);

/* What the account may do, instead of everything; takes `rights` over. Before the first call. */
void home_set_rights(struct home *home, struct rights *rights);

/* Removes the part that is open, closes the listing and the root. */
void home_fini(struct home *home);

/* ---- names ---- */

/* The facts of one name, and whether it may be removed and renamed. Free `entry` with entry_fini.
 */
NODISCARD enum ferry_error home_stat(const struct home *home, struct bytes path,
                                     struct entry *entry, bool *may_change, struct fault *fault);

/* The size of a file; if there is none by that name, of the part that a cut upload of it left for
 * the owner. FERRY_E_DENIED: not a regular file. */
NODISCARD enum ferry_error home_size(const struct home *home, struct bytes path,
                                     uint64_t *size_bytes, struct fault *fault);

/* FERRY_OK if the account may change into `path` (FTP-113). */
NODISCARD enum ferry_error home_enter(const struct home *home, struct bytes path,
                                      struct fault *fault);

/* As tree_open_file. */
NODISCARD enum ferry_error home_open_read(const struct home *home, struct bytes path, int *fd,
                                          uint64_t *size_bytes, struct fault *fault);

/* As subtree_sum and subtree_remove. FERRY_E_DENIED also if something beneath may not be listed or
 * removed. What a removal has removed is given back by home_give. */
NODISCARD enum ferry_error home_tree_size(const struct home *home, struct bytes path,
                                          struct subtree **out, struct fault *fault);
NODISCARD enum ferry_error home_remove_tree(const struct home *home, struct bytes path,
                                            struct subtree **out, struct fault *fault);

/* How many bytes may still be stored at `path`. */
NODISCARD enum ferry_error home_free_bytes(const struct home *home, struct bytes path,
                                           uint64_t *free_bytes, struct fault *fault);

/* FERRY_E_ARGUMENT if the rules deny one of the names in `path`. For whoever makes something: make
 * directory, rename to, combine. */
NODISCARD enum ferry_error home_check_name(const struct home *home, struct bytes path,
                                           struct fault *fault);

NODISCARD enum ferry_error home_make_dir(const struct home *home, struct bytes path,
                                         struct fault *fault);

NODISCARD enum ferry_error home_remove_dir(const struct home *home, struct bytes path,
                                           struct fault *fault);

/* Never replaces: FERRY_E_EXISTS. FERRY_E_DENIED also where what may not be read would become
 * readable. */
NODISCARD enum ferry_error home_rename(const struct home *home, struct bytes from, struct bytes to,
                                       struct fault *fault);

/* Removes what is no directory, and what a cut upload of it left for the owner; if only that is
 * there, that. */
NODISCARD enum ferry_error home_remove_file(const struct home *home, struct bytes path,
                                            struct fault *fault);

/* Makes the link `link` to what `target` stands for, which must be beneath the root and is reached
 * by a relative way (FTP-184). FERRY_E_DENIED also where links are not followed. */
NODISCARD enum ferry_error home_make_link(const struct home *home, struct bytes target,
                                          struct bytes link, struct fault *fault);

/* What is to be of a file or directory. */
struct home_facts {
    bool has_mode, has_group, has_time;
    mode_t mode;
    gid_t group;          /* one of this process's */
    struct timespec time; /* of last modification */
};

/* Sets all of `facts`, or, if it fails, nothing. Then they are what was set: a file system without
 * such years stores the nearest. */
NODISCARD enum ferry_error home_set_facts(const struct home *home, struct bytes path,
                                          struct home_facts *facts, struct fault *fault);

/* ---- quota ---- */

/* What a path beneath `root` stands for in the quota: the file, and the part that is kept for it.
 */
struct home_usage {
    int64_t bytes, files;
    int64_t link_bytes; /* of `bytes`: behind a link */
};

struct home_usage home_measure(const struct home *home, const struct root *root, struct bytes path);

/* Around a change of `path`, which other sessions' changes then wait for. Without a quota nothing
 * happens. home_end_removal: a link at `path` was removed, not what it leads to. */
struct home_usage home_begin_change(const struct home *home, const struct root *root,
                                    struct bytes path);
void home_end_change(const struct home *home, const struct root *root, struct bytes path,
                     const struct home_usage *before);
void home_end_removal(const struct home *home, const struct root *root, struct bytes path,
                      struct home_usage *before);

/* Counts what is in all roots of the home, if its quota was not counted yet. Errors of quota_count.
 */
NODISCARD enum ferry_error home_count(const struct home *home, struct fault *fault);

/* Takes of the quota what is about to be made, and gives it back. FERRY_E_SPACE, with os_error
 * EDQUOT. */
NODISCARD enum ferry_error home_take(const struct home *home, uint64_t bytes, uint64_t files,
                                     struct fault *fault);
void home_give(const struct home *home, uint64_t bytes, uint64_t files);

/* Before the part `number` is written to as far as `end_bytes`; false: the quota has not so much
 * left. On any thread, but at no time when another call on the home runs. */
bool home_reserve(struct home *home, uint32_t number, uint64_t end_bytes);

/* For home_parts.c: the part is about to end. One that was written in place, and for which the
 * quota has not so much left, is cut to what it has (SEC-39): its writers each knew only what was
 * left when they began. */
void home_fit_part(struct home *home);

/* For home_parts.c: the part was begun; takes what it holds already. `new_name`: one file was taken
 * for it. */
NODISCARD enum ferry_error home_charge_part(struct home *home, bool new_name, struct fault *fault);

/* ---- uploads ---- */

enum home_start {
    HOME_REPLACE, /* a new file, or another content for an old one */
    HOME_UNIQUE,  /* a name that is not taken; the path is a folder, or a prefix of the name */
    HOME_RESUME,  /* the old content up to the offset, then what comes */
    HOME_APPEND,  /* the old content, then what comes */
};

struct home_upload {
    int fd;                /* the caller's; for writing */
    uint32_t part;         /* names it in commit and abandon */
    uint64_t offset_bytes; /* where the first byte that comes is written */
    char *path;            /* it will have; owned: home_upload_fini */
    bool copying;  /* its beginning is still to be copied: home_copy, before anything is written */
    bool in_place; /* it is the target itself */
};

void home_upload_fini(struct home_upload *upload);

/* Begins an upload; one that is still open is removed. On success `upload` is to be ended with
 * home_upload_fini, on failure there is nothing to end. FERRY_E_STATE: `offset_bytes`, of
 * HOME_RESUME, is past the end of what there is. */
NODISCARD enum ferry_error home_open_part(struct home *home, struct bytes path,
                                          enum home_start start, uint64_t offset_bytes,
                                          struct home_upload *upload, struct fault *fault);

/* Copies some more of the beginning of the upload that is open, PART_COPY_BYTES at most; `*done`:
 * all of it is there. After a failure no upload is open. */
NODISCARD enum ferry_error home_copy(struct home *home, bool *done, struct fault *fault);

/* The part, written and synced, takes its name. FERRY_E_STATE: there is no such part. Any other
 * failure leaves it open. */
NODISCARD enum ferry_error home_commit(struct home *home, uint32_t number, struct fault *fault);

/* The part once more, for reading alone: `*fd` is the caller's. FERRY_E_STATE: there is no such
 * part. */
NODISCARD enum ferry_error home_read_part(const struct home *home, uint32_t number, int *fd,
                                          uint64_t *size_bytes, struct fault *fault);

/* The upload failed: its part is kept for the owner, or removed. Nothing happens if there is no
 * such part. */
void home_abandon(struct home *home, uint32_t number, bool keep);

/* Removes the part that is open, if one is. */
void home_drop_part(struct home *home);

/* ---- listings ---- */

struct home_list_want {
    bool all;            /* dotfiles, too, whatever the rules say */
    const char *pattern; /* of the names that are wanted (store/match.h); NULL: all */
};

/* Opens a directory, in the order of its names; one that is open is closed. `want` is copied. */
NODISCARD enum ferry_error home_list_open(struct home *home, struct bytes path,
                                          const struct home_list_want *want, struct fault *fault);

/* The next entries that are to be shown, HOME_BATCH at most; `*count` 0: the end. They are valid
 * until the next call on the listing. `*may_change`: names here may be removed and renamed.
 * FERRY_E_STATE: no listing is open. FERRY_E_TEMPORARY: the pattern matches none of too many names
 * (SEC-54). */
NODISCARD enum ferry_error home_list_next(struct home *home, const struct entry **entries,
                                          size_t *count, bool *may_change, struct fault *fault);

/* Closes it, if one is open. */
void home_list_close(struct home *home);

/* Whether the system lets names in the directory `path` beneath `root` be removed and renamed. */
bool home_may_change_in(const struct root *root, struct bytes path);

#endif
