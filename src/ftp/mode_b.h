/* MODE B: the bytes of a data connection as blocks, each with a header of one byte of descriptor
 * and two of count, the high one first (RFC 959 section 3.4.2; FTP-44). A block says by itself that
 * the file has ended, so that the connection can stay open for the next one; and a block may hold a
 * restart marker (RFC 959 section 3.5; FTP-97). The codec holds no data and does no I/O: pieces go
 * in, pieces come out, however they are cut. */
#ifndef FERRY_FTP_MODE_B_H
#define FERRY_FTP_MODE_B_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum {
    MODE_B_HEADER_BYTES = 3,
    MODE_B_DATA_MAX_BYTES = 65533, /* in a block that is written: whole TLS records, header and all
                                    */
    MODE_B_MARK_MAX_BYTES = 127,   /* in a block that is read: the text of a marker */
};

/* The descriptor's bits. */
enum mode_b_bits {
    MODE_B_BIT_MARK = 16,    /* the data of the block are a restart marker */
    MODE_B_BIT_SUSPECT = 32, /* the sender doubts the data of the block */
    MODE_B_BIT_EOF = 64,     /* the block is the file's last */
    MODE_B_BIT_EOR = 128,    /* it ends a record: not in STRU F */
};

/* ---- the sender of a file ---- */

/* Fields are private to mode_b.c. */
struct mode_b_writer {
    uint64_t offset_bytes, mark_at_bytes, mark_every_bytes;
    bool ended;
};

/* The file goes from `offset_bytes` on. A marker, which is the decimal offset of the byte behind
 * it, stands at every multiple of `mark_every_bytes` in the file; 0: none. */
void mode_b_writer_init(struct mode_b_writer *writer, uint64_t offset_bytes,
                        uint64_t mark_every_bytes);

/* Takes bytes from the front of `*in`, at most one block's, and appends the block to `out`, as far
 * as that has room; with room for 64 bytes something is taken. `last`: nothing follows `in`; call
 * until nothing is appended. FERRY_E_MEMORY. */
NODISCARD enum ferry_error mode_b_write(struct mode_b_writer *writer, struct bytes *in, bool last,
                                        struct buf *out);

/* ---- the receiver ---- */

enum mode_b_result {
    MODE_B_WANTED, /* all of `in` was taken; more is needed */
    MODE_B_DATA,   /* *piece, a part of `in`, is the file's next */
    MODE_B_MARK,   /* *piece is a marker, valid until the next call: printable, without blanks */
    MODE_B_END,    /* the file has ended; what follows in `in` was not touched */
    MODE_B_BROKEN, /* no block of a file: see mode_b_flaw. It stays broken */
};

/* Fields are private to mode_b.c. */
struct mode_b_reader {
    unsigned char header[MODE_B_HEADER_BYTES];
    size_t header_len;
    unsigned descriptor; /* of the block that is read */
    size_t left;         /* of its data */
    char mark[MODE_B_MARK_MAX_BYTES];
    size_t mark_len;
    bool ended;
    const char *flaw;
};

void mode_b_reader_init(struct mode_b_reader *reader);

/* Takes bytes from the front of `*in` up to the next piece. */
NODISCARD enum mode_b_result mode_b_read(struct mode_b_reader *reader, struct bytes *in,
                                         struct bytes *piece);

/* How many bytes may be given to it now and will all be this file's; 0: it has ended, and is not
 * broken. Who reads no more than that from the connection leaves what comes after the file for whom
 * it is. */
size_t mode_b_wanted(const struct mode_b_reader *reader);

/* Why it is broken, as words; NULL: it is not. */
const char *mode_b_flaw(const struct mode_b_reader *reader);

#endif
