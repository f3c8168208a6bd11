/* The files of one login: a root, the account's rules over it, the upload and the listing that are
 * open. Every deed that a server asks of its files is here a plain call, which knows of no loop and
 * calls nobody back: the embedded server makes them on its pool, ferryd's files process as the
 * messages come. One call at a time for a home, on any thread. The parts of home.c, home_parts.c
 * and home_list.c.
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
#include "store/root.h"

enum { HOME_OWNER_MAX_BYTES = 64, HOME_BATCH = 64 };

/* What the account may. */
struct home_rules {
    bool read_only; /* for what is told of rights; changes are refused before they come here */
};

struct home {
    struct root root;
    struct home_rules rules;
    char owner[HOME_OWNER_MAX_BYTES + 1]; /* whom cut uploads are kept for */
    struct part *part;                    /* open, or NULL */
    uint32_t part_number;                 /* of the one that was opened last */
    struct home_list *list;               /* open, or NULL */
};

/* Takes over `root`. `owner`, at most HOME_OWNER_MAX_BYTES, and `rules` are copied. */
void home_init(struct home *home, const struct root *root, struct bytes owner,
               const struct home_rules *rules);

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

/* How many bytes may still be stored at `path`. */
NODISCARD enum ferry_error home_free_bytes(const struct home *home, struct bytes path,
                                           uint64_t *free_bytes, struct fault *fault);

/* What is to be of a file or directory. */
struct home_facts {
    bool has_mode, has_time;
    mode_t mode;
    struct timespec time; /* of last modification */
};

/* Sets all of `facts`, or, if it fails, nothing. */
NODISCARD enum ferry_error home_set_facts(const struct home *home, struct bytes path,
                                          const struct home_facts *facts, struct fault *fault);

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
};

void home_upload_fini(struct home_upload *upload);

/* Begins an upload; one that is still open is removed. On success `upload` is to be ended with
 * home_upload_fini, on failure there is nothing to end. FERRY_E_STATE: `offset_bytes`, of
 * HOME_RESUME, is past the end of what there is. */
NODISCARD enum ferry_error home_open_part(struct home *home, struct bytes path,
                                          enum home_start start, uint64_t offset_bytes,
                                          struct home_upload *upload, struct fault *fault);

/* The part, written and synced, takes its name. FERRY_E_STATE: there is no such part. Any other
 * failure leaves it open. */
NODISCARD enum ferry_error home_commit(struct home *home, uint32_t number, struct fault *fault);

/* The upload failed: its part is kept for the owner, or removed. Nothing happens if there is no
 * such part. */
void home_abandon(struct home *home, uint32_t number, bool keep);

/* Removes the part that is open, if one is. */
void home_drop_part(struct home *home);

/* ---- listings ---- */

/* Opens a directory, in the order of its names; one that is open is closed. */
NODISCARD enum ferry_error home_list_open(struct home *home, struct bytes path,
                                          struct fault *fault);

/* The next entries that are to be shown, HOME_BATCH at most; `*count` 0: the end. They are valid
 * until the next call on the listing. `*may_change`: names here may be removed and renamed.
 * FERRY_E_STATE: no listing is open. */
NODISCARD enum ferry_error home_list_next(struct home *home, const struct entry **entries,
                                          size_t *count, bool *may_change, struct fault *fault);

/* Closes it, if one is open. */
void home_list_close(struct home *home);

/* Whether names in the directory `path` may be removed and renamed. */
bool home_may_change_in(const struct home *home, struct bytes path);

#endif
