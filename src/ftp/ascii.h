/* TYPE A over a MODE S data connection: line ends turned from the file's LF into the wire's CRLF
 * and back, block by block, in constant memory (RFC 959 section 3.1.1.1, FTP-42). */
#ifndef FERRY_FTP_ASCII_H
#define FERRY_FTP_ASCII_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* What must be remembered from one block to the next. Zeroed, it is the start of a file; one struct
 * serves one direction. */
struct ascii {
    bool
        strict; /* ascii_to_wire: a LF becomes CRLF even behind a CR, as the letter of NVT has it */
    bool after_cr;
};

/* Turns bytes of a file into bytes for the wire: a LF without a CR before it becomes CRLF, all else
 * is as it is, so that a file that has CRLF already is not damaged. Takes what it used from the
 * front of `*in`, writes at most `room` bytes to `out` and returns how many. Something of a
 * non-empty `*in` is always used if `room` is 2 or more. Twice the length of `*in` is always room
 * enough. */
size_t ascii_to_wire(struct ascii *ascii, struct bytes *in, char *out, size_t room);

/* Turns bytes from the wire into bytes of a file: CRLF becomes LF; a CR or LF alone is kept. As
 * ascii_to_wire otherwise; one more than the length of `*in` is always room enough. A CR that ends
 * the input is held back until it is known what follows. */
size_t ascii_from_wire(struct ascii *ascii, struct bytes *in, char *out, size_t room);

/* The wire's bytes have ended: writes the CR held back, if there is one. Returns 0 or 1. */
size_t ascii_from_wire_end(struct ascii *ascii, char out[1]);

#endif
