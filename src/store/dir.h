/* Reading a directory in pieces, so that one of any size takes limited memory and each piece is a
 * short job (FTP-132 to FTP-138, LST-85). Paths and errors: store/root.h, store/fail.h. */
#ifndef FERRY_STORE_DIR_H
#define FERRY_STORE_DIR_H

#include <dirent.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "store/entry.h"
#include "store/namelist.h"
#include "store/root.h"

/* In which order names are told. */
enum dir_order {
    DIR_AS_STORED, /* that of the file system, in constant memory */
    DIR_BY_NAME,   /* that of the names' bytes. A directory of more than 100 000 names, or more than
                      8 MiB of them, comes DIR_AS_STORED (LST-85) */
};

/* How much the sorted names of several directories that are open may take together: what is beyond
 * comes DIR_AS_STORED. Any thread's; `max_bytes` 0: no limit. */
struct dir_budget {
    size_t max_bytes;
    atomic_size_t taken_bytes;
};

/* Fields are private to dir.c. */
struct dir {
    const struct root *root; /* borrowed */
    DIR *stream;
    char *path;
    bool is_sorted;
    struct namelist names; /* if `is_sorted`: those still to be told */
    struct dir_budget *budget;
    size_t taken_bytes; /* of it */
};

/* Opens the directory `path` for reading; `root` must outlive `dir`. One must have the right to
 * read and to enter it. With DIR_BY_NAME all names are read and sorted here (about 0.1 s for
 * 100 000), and names that come into being later are not told of. On success end it with dir_close;
 * on failure there is nothing to end. `budget`: what sorted names are counted against until then;
 * NULL: nothing. */
NODISCARD enum ferry_error dir_open(const struct root *root, struct bytes path,
                                    enum dir_order order, struct dir_budget *budget,
                                    struct dir *dir, struct fault *fault);

/* Learns of the next `max` names at most, without "." and "..", parts, and names that vanish
 * meanwhile or whose facts cannot be had (another user's mount point).
 * Sets `*count`; 0 means the end. Free `entries[0..*count)` with dir_free_entries.
 * On failure `*count` is 0 and nothing is to be freed. */
NODISCARD enum ferry_error dir_read(struct dir *dir, struct entry *entries, size_t max,
                                    size_t *count, struct fault *fault);

/* entry_fini for each. */
void dir_free_entries(struct entry *entries, size_t count);

/* Closes it; for CLEANUP. Fine after dir_open failed. */
void dir_close(struct dir *dir);

#endif
