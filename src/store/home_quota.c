/* The files of one login: what is told to the quota of its account (SEC-39). What a change is worth
 * is measured before and after it, at the names that it is about. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "store/home.h"
#include "store/tree.h"

struct home_usage home_measure(const struct home *home, const struct root *root, struct bytes path)
{
    struct home_usage usage = {0};
    CLEANUP(entry_fini) struct entry entry = {0};
    struct fault ignored = {0};
    uint64_t kept_bytes = 0;
    if (!home->rules.quota)
        return usage;
    if (tree_stat(root, path, &entry, &ignored) == FERRY_OK) {
        bool link = S_ISLNK(entry.self.st_mode);
        usage.files++;
        usage.bytes += S_ISREG(entry.what.st_mode) ? entry.what.st_size : 0;
        usage.link_bytes = link ? usage.bytes : 0;
    }
    fault_clear(&ignored);
    if (part_find_kept(root, path, bytes_str(home->owner), &kept_bytes, &ignored) == FERRY_OK) {
        usage.files++;
        usage.bytes += (int64_t)kept_bytes;
    }
    return usage;
}

struct home_usage home_begin_change(const struct home *home, const struct root *root,
                                    struct bytes path)
{
    if (home->rules.quota)
        quota_lock(home->rules.quota);
    return home_measure(home, root, path);
}

void home_end_change(const struct home *home, const struct root *root, struct bytes path,
                     const struct home_usage *before)
{
    if (!home->rules.quota)
        return;
    struct home_usage after = home_measure(home, root, path);
    quota_adjust(home->rules.quota, after.bytes - before->bytes, after.files - before->files);
    quota_unlock(home->rules.quota);
}

void home_end_removal(const struct home *home, const struct root *root, struct bytes path,
                      struct home_usage *before)
{
    before->bytes -= before->link_bytes; /* what a link leads to stays */
    home_end_change(home, root, path, before);
}

/* ---- all of it ---- */

enum ferry_error home_count(const struct home *home, struct fault *fault)
{
    if (!home->rules.quota)
        return FERRY_OK;
    const struct root **roots = alloc_resize(NULL, home->more_count + 1, sizeof(*roots));
    if (!roots)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the count of a quota");
    roots[0] = &home->root;
    for (size_t i = 0; i < home->more_count; i++)
        roots[i + 1] = &home->more[i].root;
    enum ferry_error error = quota_count(home->rules.quota, roots, home->more_count + 1, fault);
    alloc_free(roots);
    return error;
}

/* ---- making one name ---- */

enum ferry_error home_take(const struct home *home, uint64_t bytes, uint64_t files,
                           struct fault *fault)
{
    if (!home->rules.quota || quota_take(home->rules.quota, bytes, files))
        return FERRY_OK;
    errno = EDQUOT;
    return fault_errno(fault, FERRY_E_FILE, "the account's quota is used up");
}

void home_give(const struct home *home, uint64_t bytes, uint64_t files)
{
    if (home->rules.quota)
        quota_adjust(home->rules.quota, -(int64_t)bytes, -(int64_t)files);
}

/* ---- uploads ---- */

/* Bytes of the open part that are not there by another name. */
static uint64_t owed(const struct home *home, uint64_t end_bytes)
{
    uint64_t base = home->part_base_bytes;
    return end_bytes > base ? end_bytes - base : 0;
}

bool home_reserve(struct home *home, uint32_t number, uint64_t end_bytes)
{
    if (!home->rules.quota || !home->part || number != home->part_number)
        return true;
    uint64_t needed = owed(home, end_bytes);
    if (needed <= home->part_reserved_bytes)
        return true;
    if (!quota_take(home->rules.quota, needed - home->part_reserved_bytes, 0))
        return false;
    home->part_reserved_bytes = needed;
    return true;
}

void home_fit_part(struct home *home)
{
    struct stat status;
    if (!home->rules.quota || !home->part->in_place || fstat(home->part->fd, &status) < 0 ||
        home_reserve(home, home->part_number, (uint64_t)status.st_size))
        return;
    uint64_t left_bytes = quota_bytes_left(home->rules.quota);
    while (!quota_take(home->rules.quota, left_bytes, 0))
        left_bytes = quota_bytes_left(home->rules.quota); /* another has taken some meanwhile */
    home->part_reserved_bytes += left_bytes;
    uint64_t fits_bytes = home->part_base_bytes + home->part_reserved_bytes;
    if (fits_bytes < (uint64_t)status.st_size)
        (void)!ftruncate(home->part->fd, (off_t)fits_bytes); /* else it is counted as it is */
}

enum ferry_error home_charge_part(struct home *home, bool new_name, struct fault *fault)
{
    const struct part *part = home->part;
    home->part_base_bytes = part->in_place ? part->offset_bytes : 0;
    home->part_reserved_bytes = 0;
    home->part_reserved_files = new_name && !part->in_place;
    if (new_name && part->in_place)
        home_give(home, 0, 1); /* it is there, and was counted as it came */
    uint64_t bytes = owed(home, part->offset_bytes);
    enum ferry_error error = home_take(home, bytes, 0, fault);
    if (error == FERRY_OK)
        home->part_reserved_bytes = bytes;
    return error;
}
