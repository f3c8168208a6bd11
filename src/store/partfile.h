/* The files that uploads arrive in, as one directory sees them: their names, who holds them, which
 * are nobody's any more. Nothing here knows of paths or roots.
 *
 * A part has a random name while it is written and, if the upload is cut and kept, a name made of
 * its owner and its target. Whoever writes a part holds a lock on its open file description
 * (F_OFD_SETLK), which a crash ends, as does closing the last copy of the descriptor: a part
 * without a lock is nobody's. */
#ifndef FERRY_STORE_PARTFILE_H
#define FERRY_STORE_PARTFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum { PARTFILE_NAME_BYTES = NAME_MAX + 1 };

/* true for names that are reserved for parts: listings leave them out, and no path may hold one
 * (SEC-38). */
bool partfile_is(struct bytes name);

/* Makes the name that a part of `target` (a single name) has when it is kept for `owner`: different
 * for different pairs. It is empty, and such a part cannot be kept, if `owner` is or the name would
 * be longer than NAME_MAX. Returns FERRY_OK or FERRY_E_MEMORY. */
NODISCARD enum ferry_error partfile_kept_name(struct bytes owner, const char *target,
                                              char out[static PARTFILE_NAME_BYTES]);

/* Makes a new, empty, locked part in `dir_fd`, mode 0600, and says its random name. Returns a
 * descriptor for reading and writing, or -1 with errno. */
NODISCARD int partfile_create(int dir_fd, char name[static PARTFILE_NAME_BYTES]);

/* Takes over the kept part `kept_name`: locks it, gives it a random name, which it says. Of several
 * who try at once, one succeeds. Returns a descriptor for reading and writing, or -1 with errno:
 * ENOENT also for one that is being written, or that is not this user's own regular file. */
NODISCARD int partfile_claim(int dir_fd, const char *kept_name,
                             char name[static PARTFILE_NAME_BYTES]);

/* Gives up the lock, although others may still hold copies of the descriptor. */
void partfile_release(int fd);

/* Size of the part `name`, which nobody is writing. false: no such part. */
bool partfile_find(int dir_fd, const char *name, uint64_t *size_bytes);

/* Removes the part `name` if nobody is writing it, it is this user's and was last written before
 * `before` (NULL: at any time). Returns true if it was removed. */
bool partfile_remove(int dir_fd, const char *name, const struct timespec *before);

#endif
