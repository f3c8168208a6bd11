/* What is done to the names beneath a root, one function per deed: open for reading, stat, make,
 * remove, rename, set mode and time. Writing is store/part.h, listing store/dir.h.
 * Paths and errors: store/root.h, store/fail.h. */
#ifndef FERRY_STORE_TREE_H
#define FERRY_STORE_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "store/entry.h"
#include "store/root.h"

/* Opens a regular file for reading; never waits for a FIFO or a device (SEC-34, FTP-60).
 * `*fd` is the caller's; `*status` is of the opened file. FERRY_E_DENIED: not a regular file. */
NODISCARD enum ferry_error tree_open_file(const struct root *root, struct bytes path, int *fd,
                                          struct stat *status, struct fault *fault);

/* The facts of one name, the root's too. Free `entry` with entry_fini. */
NODISCARD enum ferry_error tree_stat(const struct root *root, struct bytes path,
                                     struct entry *entry, struct fault *fault);

/* FERRY_OK if one may change into `path`: a directory with the right to enter it (FTP-113). */
NODISCARD enum ferry_error tree_check_dir(const struct root *root, struct bytes path,
                                          struct fault *fault);

/* Makes a directory, mode 0777 without the root's mask. The parent exists (FTP-111). */
NODISCARD enum ferry_error tree_make_dir(const struct root *root, struct bytes path,
                                         struct fault *fault);

/* Removes an empty directory (FTP-112). Parts that nobody is writing do not make it full: no client
 * could see or remove them, so they go with it. Live ones keep it. */
NODISCARD enum ferry_error tree_remove_dir(const struct root *root, struct bytes path,
                                           struct fault *fault);

/* Removes a name that is no directory; a link itself, not what it leads to (FTP-116). */
NODISCARD enum ferry_error tree_remove(const struct root *root, struct bytes path,
                                       struct fault *fault);

/* Renames, links themselves, in one step (FTP-115). Without `replace` an existing `to` is
 * FERRY_E_EXISTS, whatever it is; with it, POSIX rename decides. FERRY_E_ARGUMENT also for
 * a directory into itself, FERRY_E_DENIED for another file system. */
NODISCARD enum ferry_error tree_rename(const struct root *root, struct bytes from, struct bytes to,
                                       bool replace, struct fault *fault);

/* As tree_rename, from beneath one root to beneath another. */
NODISCARD enum ferry_error tree_move(const struct root *from_root, struct bytes from,
                                     const struct root *to_root, struct bytes to, bool replace,
                                     struct fault *fault);

/* Sets the permission bits of a file or directory. FERRY_E_ARGUMENT: more than 0777 (SEC-37). */
NODISCARD enum ferry_error tree_set_mode(const struct root *root, struct bytes path, mode_t mode,
                                         struct fault *fault);

/* Gives a file or directory to a group, which takes this process's being in it. */
NODISCARD enum ferry_error tree_set_group(const struct root *root, struct bytes path, gid_t group,
                                          struct fault *fault);

/* Sets the time of last modification of a file or directory (MFMT). */
NODISCARD enum ferry_error tree_set_mtime(const struct root *root, struct bytes path,
                                          struct timespec mtime, struct fault *fault);

/* How many bytes this process may still write on the file system that `path` is on. */
NODISCARD enum ferry_error tree_free_bytes(const struct root *root, struct bytes path,
                                           uint64_t *free_bytes, struct fault *fault);

#endif
