/* MODE Z: the bytes of a data connection as one zlib stream (RFC 1950;
 * draft-preston-ftpext-deflate; FTP-46). The codec holds no more than zlib's window and does no
 * I/O: pieces go in, pieces come out. */
#ifndef FERRY_FTP_MODE_Z_H
#define FERRY_FTP_MODE_Z_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum {
    MODE_Z_LEVEL_MAX = 9,
    MODE_Z_LEVEL_DEFAULT = 6,
};

struct mode_z; /* one direction of one data connection */

/* `level`: 0 (stored) to MODE_Z_LEVEL_MAX. NULL: no memory. */
struct mode_z *mode_z_compressor(int level);
struct mode_z *mode_z_expander(void);
void mode_z_free(struct mode_z *z);

/* Takes bytes from the front of `*in` and appends what they become to `out`, as far as that has
 * room, at most 64 KiB at once. With some room, either something is taken or something appended as
 * long as `in` is not empty. `last`: nothing follows `in`; call until nothing is appended.
 *
 * Errors of an expander: FERRY_E_CUT: the end has come before that of the zlib stream.
 * FERRY_E_DAMAGED: it is no zlib stream, its checksum is wrong, or more follows its end.
 * FERRY_E_SPACE: it grows as only a decompression bomb does, more than a thousandfold and past
 * 64 MiB (SEC-24). FERRY_E_MEMORY, of both. */
NODISCARD enum ferry_error mode_z_run(struct mode_z *z, struct bytes *in, bool last,
                                      struct buf *out);

#endif
