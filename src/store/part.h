/* Uploads not yet committed (SEC-38, FTP-64): what arrives is written to a part beside its target,
 * and the target's name is taken in one step when everything is there. Readers of the name see the
 * old file until then, and for ever if the upload is cut.
 *
 *   part_begin -> writes to part.fd, by whoever -> part_commit | part_keep | part_abandon
 *
 * Whoever writes, through whatever copy of the descriptor, must have ended before one of the three
 * is called: a write that is still under way would change a file that others see already, or tear a
 * hole into a part that somebody goes on with.
 *
 * A cut upload may be kept for its owner to go on with. Nobody sees it: no listing shows it, no
 * path reaches it, and what is asked about the target is answered of the target. Only
 * part_find_kept tells the owner how far it got.
 *
 * With part_want.in_place all that is put aside: the three end the writing, and nothing else.
 *
 * Paths and errors: store/root.h, store/fail.h. A link at the end of the path is followed if the
 * root's policy permits; the file it leads to is then replaced, not the link. */
#ifndef FERRY_STORE_PART_H
#define FERRY_STORE_PART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "store/partfile.h"
#include "store/root.h"

/* What the part begins with. */
enum part_start {
    PART_NEW,       /* nothing. A part kept for the owner is removed */
    PART_AT_OFFSET, /* REST n, then STOR: the first n bytes of the part kept for the owner, if there
                       is one of that size or more and the target has not changed since, else of the
                       target */
    PART_APPEND,    /* APPE: all of the target, if there is one, else all of the part kept for the
                       owner, else nothing */
};

struct part_want {
    enum part_start start;
    uint64_t offset_bytes; /* n of PART_AT_OFFSET; 0 makes it PART_NEW */

    /* Whom a cut upload is kept for: an account, or a digest of what tells the source of a
     * download. Empty: it cannot be kept. */
    struct bytes owner;

    /* The target must not exist, now and at the commit (STOU, or no overwriting). */
    bool no_replace;

    /* The part has its kept name while it is written, so that it outlives its writer's sudden
     * death. After a power cut its last bytes may then be wrong. Does nothing while somebody else
     * is writing the part of that name. */
    bool named_at_once;

    /* What of an existing target is to be copied is not yet: part_copy does it in steps, and
     * nothing may be written before it is done. */
    bool copy_in_steps;

    /* There is no part: what comes is written into the target itself, for programs that read along.
     * What a cut upload wrote stays there; nothing is kept beside it. */
    bool in_place;
};

/* How sure a commit is that the file outlives a power cut. */
enum part_sync {
    PART_SYNC_NONE, /* the system writes it when it likes; a power cut may leave an empty file */
    PART_SYNC_DATA, /* the bytes are on disk before the name; the name follows some seconds later */
    PART_SYNC_NAME, /* the name, too */
};

struct part {
    int fd;                /* for pwrite and reading; the part closes it */
    uint64_t offset_bytes; /* what it began with: the first byte to come is written here */

    /* Private to part.c. */
    struct root_place place; /* the target */
    char temp_name[PARTFILE_NAME_BYTES];
    char kept_name[PARTFILE_NAME_BYTES]; /* "": it cannot be kept */
    mode_t mode;                         /* permission bits after the commit */
    bool no_replace;
    bool in_place;
    bool has_base; /* it began with bytes of the target, which was then as in `base` */
    struct stat base;
    int base_fd; /* the target, while bytes of it are still to be copied; else -1 */
    uint64_t copied_bytes;
};

/* A part that is not begun; part_fini of it does nothing. */
#define PART_NONE                                                                                  \
    {                                                                                              \
        .fd = -1, .place = {.dir_fd = -1}, .base_fd = -1                                           \
    }

/* Begins a part for the file `path`. On success end it with one of the three below.
 *
 * PART_AT_OFFSET and PART_APPEND copy the beginning of an existing target, so the old file stays
 * whole until the commit. That takes the disk space of the copy, and the time, except where the
 * file system shares blocks (XFS, Btrfs): about a second for 3 GB in the page cache. Going on with
 * a kept part copies nothing.
 *
 * Errors, beside store/fail.h's: FERRY_E_STATE: PART_AT_OFFSET is past the end of what there is
 * (FTP-92). FERRY_E_EXISTS: the target exists and `no_replace` is set. FERRY_E_DENIED: the target
 * is no regular file, or one that this process may not write, although it might replace it. */
NODISCARD enum ferry_error part_begin(const struct root *root, struct bytes path,
                                      const struct part_want *want, struct part *part,
                                      struct fault *fault);

/* Copies some more of the target, PART_COPY_BYTES at most; `*done`: nothing is left to be copied.
 * Errors as part_begin; the part is then to be abandoned. */
NODISCARD enum ferry_error part_copy(struct part *part, bool *done, struct fault *fault);

enum { PART_COPY_BYTES = 16 * 1024 * 1024 };

/* Sets the time of last modification that the file will have; after the last write. */
NODISCARD enum ferry_error part_set_mtime(struct part *part, struct timespec mtime,
                                          struct fault *fault);

/* Gives the part the name of its target and ends it. A file that is replaced hands on its
 * permission bits, but not its owner, ACL and other hard links; a new one has 0666 without the
 * root's mask.
 *
 * FERRY_E_EXISTS: a target came into being and must not be replaced. FERRY_E_STATE: the target that
 * the beginning was copied from changed meanwhile, and a commit would undo the change; two
 * appending to one file get this. FERRY_E_SPACE, FERRY_E_FILE: the system tells only now that a
 * write failed. After any of these the part is not ended. Only if the name was taken and cannot be
 * made safe (PART_SYNC_NAME) it is: FERRY_E_FILE, and part_fini does nothing. */
NODISCARD enum ferry_error part_commit(struct part *part, enum part_sync sync, struct fault *fault);

/* Keeps the part for its owner and ends it; the bytes are on disk before the name says so. It loses
 * its last byte, for a client that finds all its bytes there could take the upload for done
 * (FTP-96). An earlier one kept for the same owner and target gives way. Returns false if it cannot
 * be kept (no owner, name too long, nothing arrived, disk failure; an appended one, as its target
 * has the beginning): it is then removed. */
bool part_keep(struct part *part);

/* Removes the part and ends it. What cannot be removed is left to sweep_parts. */
void part_abandon(struct part *part);

/* Removes the part kept for `owner` and the file `path`. false: there is none, or it is being
 * written. */
bool part_drop_kept(const struct root *root, struct bytes path, struct bytes owner);

/* part_abandon, if the part was begun and not ended; for CLEANUP. */
void part_fini(struct part *part);

/* Size of the part kept for `owner` and the file `path`. FERRY_E_NOT_FOUND: none, or it is being
 * written.
 * A server may answer the owner's SIZE with this if the target does not exist (and only then, as
 * SIZE tells what RETR would send): clients ask SIZE to learn where to resume. Both ways they go on
 * with, REST n with STOR and APPE, then continue the kept part. If there is a target, REST n with
 * STOR still takes the kept part first, for it is what this owner was sending last; but not if the
 * target changed after that. */
NODISCARD enum ferry_error part_find_kept(const struct root *root, struct bytes path,
                                          struct bytes owner, uint64_t *size_bytes,
                                          struct fault *fault);

#endif
