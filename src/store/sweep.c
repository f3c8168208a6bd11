/* Removing the parts that nobody will go on with. */
#include "store/sweep.h"

#include <stdbool.h>

#include "base/bytes.h"
#include "store/fail.h"
#include "store/partfile.h"
#include "store/scan.h"

enum { DEPTH_MAX = 64 }; /* one open descriptor each */

struct sweep {
    struct timespec before;
    uint64_t removed;
};

/* Returns false if the directory could not be read. */
static bool sweep_dir(struct sweep *sweep, int parent_fd, const char *name, int depth)
{
    CLEANUP(scan_close) DIR *stream = scan_open_at(parent_fd, name);
    if (!stream)
        return false;
    const struct dirent *each;
    while ((each = scan_next(stream))) {
        bool is_part = partfile_is(bytes_str(each->d_name));
        if (is_part && partfile_remove(dirfd(stream), each->d_name, &sweep->before))
            sweep->removed++;
        bool may_be_dir = each->d_type == DT_DIR || each->d_type == DT_UNKNOWN;
        if (!is_part && may_be_dir && depth < DEPTH_MAX)
            (void)sweep_dir(sweep, dirfd(stream), each->d_name, depth + 1);
    }
    return true;
}

enum ferry_error sweep_parts(const struct root *root, struct timespec before, uint64_t *removed,
                             struct fault *fault)
{
    struct sweep sweep = {.before = before};
    bool swept = sweep_dir(&sweep, root->fd, ".", 0);
    *removed = sweep.removed;
    return swept ? FERRY_OK : fail_errno(fault, "look for parts in", BYTES_LIT("/"));
}
