/* The bytes of a control connection to lines, for the server-PI: Telnet taken out, CRLF and bare
 * LF, a cap on the length (FTP-1, FTP-3 to FTP-5). However the bytes are cut into chunks, the lines
 * are the same. */
#ifndef FERRY_FTP_LINE_H
#define FERRY_FTP_LINE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"
#include "ftp/telnet.h"

enum { LINE_DEFAULT_MAX_BYTES = 8192 };

/* Fields are private to line.c. */
struct line_reader {
    struct telnet telnet;
    struct buf text;
    size_t max_bytes;
    bool after_cr; /* a CR whose meaning the next byte decides */
    bool too_long; /* dropping up to the next LF */
    bool taken;    /* `text` was given out and is empty from the next call on */
};

enum line_result {
    LINE_WANTED,   /* all bytes were taken; the line goes on */
    LINE_READY,    /* *line is one, without its end */
    LINE_TOO_LONG, /* the end of a line that was longer than the cap came; nothing of it is left to
                      be run (SEC-18) */
    LINE_BROKEN,   /* a Telnet subnegotiation without an end: the connection is to be closed */
    LINE_NO_MEMORY,
};

/* Makes a reader of lines of at most `max_bytes`, CRLF included; 0 stands for
 * LINE_DEFAULT_MAX_BYTES. */
void line_init(struct line_reader *reader, size_t max_bytes);

/* Wipes and frees what it holds. */
void line_fini(struct line_reader *reader);

/* Takes bytes from the front of `*in` up to the end of a line. `*line` is valid until the next
 * call: CR NUL in it has become CR, a CR before anything else has stayed, a NUL too (for the caller
 * to refuse, FTP-4). Answers to Telnet requests are appended to `answers`. */
NODISCARD enum line_result line_next(struct line_reader *reader, struct bytes *in,
                                     struct bytes *line, struct buf *answers);

/* Whether a line has begun and not ended (SEC-51). */
bool line_is_partial(const struct line_reader *reader);

#endif
