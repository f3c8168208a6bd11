/* Copying the first bytes of one file into another. */
#include "store/copy.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
    KERNEL_STEP_BYTES = 64 << 20, /* aligned, so that all but the last step can share blocks */
    BLOCK_BYTES = 256 << 10,
};

static size_t at_most(uint64_t left, size_t limit)
{
    return left < limit ? (size_t)left : limit;
}

/* Writes all of a block. */
static int write_block(int to, const char *block, size_t len, off_t at)
{
    while (len > 0) {
        ssize_t put = pwrite(to, block, len, at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0)
            errno = ENOSPC;
        if (put <= 0)
            return -1;
        block += put;
        len -= (size_t)put;
        at += put;
    }
    return 0;
}

/* Goes on from `at` by reading and writing. */
static int copy_by_hand(int from, int to, off_t at, off_t end)
{
    char *block = alloc_resize(NULL, BLOCK_BYTES, 1);
    if (!block) {
        errno = ENOMEM;
        return -1;
    }
    while (at < end) {
        ssize_t got = pread(from, block, at_most((uint64_t)(end - at), BLOCK_BYTES), at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = ENODATA;
        if (got <= 0 || write_block(to, block, (size_t)got, at) < 0)
            break;
        at += got;
    }
    alloc_free(block);
    return at < end ? -1 : 0;
}

int copy_start(int from, int to, uint64_t count_bytes)
{
    off_t end = (off_t)count_bytes, at = 0;
    while (at < end) {
        off_t in = at, out = at;
        ssize_t moved = copy_file_range(from, &in, to, &out,
                                        at_most((uint64_t)(end - at), KERNEL_STEP_BYTES), 0);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO))
            return -1;
        if (moved <=
            0) /* refused (EXDEV, EINVAL, ENOSYS, ...), or the end as some see it too early */
            return copy_by_hand(from, to, at, end);
        at += moved;
    }
    return 0;
}
