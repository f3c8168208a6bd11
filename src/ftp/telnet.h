/* Telnet inside the control connection: RFC 959 makes it an NVT stream (RFC 854, RFC 1123
 * section 4.1.2.12; FTP-5, FTP-6). Knows no lines. */
#ifndef FERRY_FTP_TELNET_H
#define FERRY_FTP_TELNET_H

#include <stddef.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum {
    TELNET_MAX_ANSWERS = 16, /* to option requests, per connection; a flood gets no more */
    TELNET_MAX_SUBNEGOTIATION_BYTES = 1024,
};

enum telnet_state {
    TELNET_DATA,
    TELNET_IAC,                /* behind an IAC */
    TELNET_OPTION,             /* behind IAC WILL, WONT, DO or DONT */
    TELNET_SUBNEGOTIATION,     /* behind IAC SB */
    TELNET_SUBNEGOTIATION_IAC, /* behind an IAC in there */
};

/* Zeroed, it is at the beginning of a stream. Fields are private to telnet.c. */
struct telnet {
    enum telnet_state state;
    unsigned char request; /* WILL, WONT, DO or DONT */
    unsigned answers;
    size_t subnegotiation_bytes;
};

/* Takes one byte of the stream and gives the bytes of data that it completes: *len of them, 0 to 2,
 * in `data`. Commands are skipped; a request for an option is refused through `answers`, which may
 * be NULL: then nothing is said. An IAC before a byte that is no command is data, as from peers
 * that do not double it; so a line end is never swallowed. FERRY_E_PROTOCOL: a subnegotiation
 * beyond TELNET_MAX_SUBNEGOTIATION_BYTES; else as buf_append. */
NODISCARD enum ferry_error telnet_decode(struct telnet *telnet, char in, char data[2], size_t *len,
                                         struct buf *answers);

/* Writes `data` as an NVT sends it: IAC doubled, CR as CR NUL. `out` has room for twice as many
 * bytes. Returns the end of what was written. */
char *telnet_encode(char *out, struct bytes data);

#endif
