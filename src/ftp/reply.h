/* Replies: single and multi-line, parsed for the client and formatted for the server (RFC 959
 * section 4.2, FTP-8 to FTP-11, REP-1 to REP-8). */
#ifndef FERRY_FTP_REPLY_H
#define FERRY_FTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum {
    REPLY_LINE_MAX_BYTES = 64 * 1024, /* FTP-9 */
    REPLY_MAX_BYTES = 1024 * 1024,
    REPLY_MAX_LINES = 10000,
    REPLY_TEXT_MAX_BYTES = 512, /* of what the server says to people (REP-8) */
};

struct reply {
    int code;          /* 100 to 699 */
    bool multi;        /* more than one line */
    struct bytes text; /* single: the text behind the code. Multi: everything from behind the first
                          "ddd-" to the end of the last line's text, inner CRLFs included */
};

/* How far a reply that comes in pieces has been looked at, so that no byte is looked at twice
 * however small the pieces are. Zeroed, it is at the beginning of a reply. Fields are private to
 * reply.c, but for `other_code`. */
struct reply_scan {
    size_t line_at; /* where the unfinished line begins */
    size_t looked;  /* no LF before here */
    unsigned lines;
    int code;       /* of the first line; 0 before it */
    size_t text_at; /* behind the first line's code */
    int other_code; /* the last whole line looks like an end but for this code (DEV-59); else 0 */
};

/* Goes on with one reply as far as `in` reaches; `in` begins where the reply does, in each call.
 * Returns FERRY_OK and sets *used: the bytes that belong to the reply, 0 if it is not complete yet.
 * Complete, the text in `out` points into `in`, and `scan` must be zeroed for the next reply. LF
 * alone ends a line, too (DEV-59). FERRY_E_PROTOCOL: not a reply at all; FERRY_E_LIMIT: longer than
 * FTP-9 allows. */
NODISCARD enum ferry_error reply_scan(struct reply_scan *scan, struct bytes in, struct reply *out,
                                      size_t *used);

/* For a scan whose other_code is set: takes the lines so far as one whole reply, with the code of
 * its first line. */
void reply_scan_end(const struct reply_scan *scan, struct bytes in, struct reply *out,
                    size_t *used);

/* The same in one call, for a reply that is there from its beginning. */
NODISCARD enum ferry_error reply_parse(struct bytes in, struct reply *out, size_t *used);

/* Takes the next line, without its line end, out of a reply's text; false when none is left. */
bool reply_next_line(struct bytes *text, struct bytes *line);

/* The digits by which clients decide (FTP-10). */
static inline bool reply_is_preliminary(int code)
{
    return code / 100 == 1;
}

static inline bool reply_is_ok(int code)
{
    return code / 100 == 2;
}

/* The kind of failure a final 4xx or 5xx reply stands for; by code alone, never by text (replies.md
 * section 2). */
enum ferry_error reply_failure(int code);

/* The text that says what the code means and no more; a static string, "" for a code that codes.def
 * does not have. */
const char *reply_stock_text(int code);

/* What a line of a server's reply is made of. Either way IAC is doubled (FTP-6), and no byte ends
 * the line early. */
enum reply_words {
    REPLY_WORDS, /* for people: control bytes become '?' (FTP-16); cut at REPLY_TEXT_MAX_BYTES,
                    between characters */
    REPLY_NAMES, /* holds a name that a program reads (257, MLST): whole; CR is sent as CR NUL
                    (FTP-4), LF and NUL are
                    '?' */
};

/* Append "ddd text CRLF", the whole of a reply or the last line of several; "ddd-text CRLF", the
 * first of several; and " text CRLF", one in between, which by its blank looks like no end (FTP-8).
 * Errors as buf_append. */
NODISCARD enum ferry_error reply_format(struct buf *out, int code, enum reply_words words,
                                        struct bytes text);
NODISCARD enum ferry_error reply_format_first(struct buf *out, int code, struct bytes text);
NODISCARD enum ferry_error reply_format_inner(struct buf *out, enum reply_words words,
                                              struct bytes text);

#endif
