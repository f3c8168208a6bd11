/* What is known of one name: the facts behind LIST, MLSD, SIZE and MDTM (FTP-131 to FTP-138). */
#ifndef FERRY_STORE_ENTRY_H
#define FERRY_STORE_ENTRY_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/compiler.h"
#include "store/root.h"

struct entry {
    char name[NAME_MAX + 1]; /* "" for the root */
    struct stat self;        /* the thing by that name; a link is a link */
    struct stat what; /* what the name leads to: as `self`, or what a link leads to. Still a link if
                         it leads nowhere, out of the root, or links are not followed (FTP-132) */
    char *link_text;  /* where a link points, as it is stored; NULL for anything else. Owned */
    bool may_read, may_write, may_enter; /* by this process: r, w and x of `what` (FTP-134) */
    /* By the account, if a home tells of it (store/rights.h): what may be done with `what`, and
     * what with the name. */
    unsigned allowed, allowed_name;
};

/* Learns of `name` in the directory `dir_fd`, whose relative path beneath the root is `dir`.
 * Returns 0: free `entry` with entry_fini; or -1 with errno, nothing is to be freed then. */
NODISCARD int entry_read(const struct root *root, int dir_fd, const char *dir, const char *name,
                         struct entry *entry);

/* As entry_read, for a directory that is open: its own facts, its name left "". */
NODISCARD int entry_read_self(int dir_fd, struct entry *entry);

/* Neither file, directory nor link: devices, FIFOs and sockets are nobody's business (LST-83). */
bool entry_is_special(const struct entry *entry);

/* Frees what it owns; for CLEANUP. */
void entry_fini(struct entry *entry);

#endif
