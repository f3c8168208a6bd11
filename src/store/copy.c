/* Copying bytes of one file into another. */
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

/* What is still to be copied. */
struct span {
    off_t in, out, left;
};

static void advance(struct span *span, ssize_t by)
{
    span->in += by;
    span->out += by;
    span->left -= by;
}

/* Goes on by reading and writing. */
static int copy_by_hand(int from, int to, struct span span)
{
    char *block = alloc_resize(NULL, BLOCK_BYTES, 1);
    if (!block) {
        errno = ENOMEM;
        return -1;
    }
    while (span.left > 0) {
        ssize_t got = pread(from, block, at_most((uint64_t)span.left, BLOCK_BYTES), span.in);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = ENODATA;
        if (got <= 0 || write_block(to, block, (size_t)got, span.out) < 0)
            break;
        advance(&span, got);
    }
    alloc_free(block);
    return span.left > 0 ? -1 : 0;
}

int copy_range(int from, uint64_t from_at, int to, uint64_t to_at, uint64_t count_bytes)
{
    struct span span = {(off_t)from_at, (off_t)to_at, (off_t)count_bytes};
    while (span.left > 0) {
        off_t in = span.in, out = span.out;
        ssize_t moved = copy_file_range(from, &in, to, &out,
                                        at_most((uint64_t)span.left, KERNEL_STEP_BYTES), 0);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO))
            return -1;
        /* Refused (EXDEV, EINVAL, ENOSYS, ...), or the end as some see it too early. */
        if (moved <= 0)
            return copy_by_hand(from, to, span);
        advance(&span, moved);
    }
    return 0;
}
