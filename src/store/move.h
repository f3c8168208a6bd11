/* One name takes the place of another, with or without replacing. */
#ifndef FERRY_STORE_MOVE_H
#define FERRY_STORE_MOVE_H

#include <stdbool.h>

#include "base/compiler.h"

/* Renames `from` in the directory `from_dir` to `to` in `to_dir`; both are single names, and links
 * are renamed themselves. Without `replace` an existing `to` is EEXIST, whatever it is; where the
 * file system cannot see to that by itself (NFS, older FUSE), move_by_link does. Returns 0, or -1
 * with errno as renameat2. */
NODISCARD int move_at(int from_dir, const char *from, int to_dir, const char *to, bool replace);

/* As move_at without `replace`, by means that every file system has. A file is linked to its new
 * name, which fails if that is taken, then unlinked: a crash between the two leaves both names. For
 * a directory there is only a look before the rename; what can slip in between is an empty
 * directory, which is then replaced. */
NODISCARD int move_by_link(int from_dir, const char *from, int to_dir, const char *to);

#endif
