/* Virtual paths of RFC 3659's TVFS: joined, normalised, quoted for a 257 reply, and names taken
 * from listings checked. Bytes, not characters: nothing here knows an encoding. */
#ifndef FERRY_FTP_PATH_H
#define FERRY_FTP_PATH_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum {
    PATH_MAX_BYTES = 4096,
    PATH_NAME_MAX_BYTES = 255,
};

/* Appends to `out` the absolute, normalised path that `argument` means in the directory `cwd`: it
 * begins with one '/', ends with none unless it is the root, and holds no `.`, `..` or empty name.
 * `..` at the root stays there (FTP-114). An empty argument means `cwd`, an empty `cwd` the root.
 * FERRY_E_ARGUMENT: a NUL; FERRY_E_LIMIT: the result is longer than PATH_MAX_BYTES or a name in it
 * longer than PATH_NAME_MAX_BYTES; else as buf_append. On failure nothing was appended. */
NODISCARD enum ferry_error path_resolve(struct buf *out, struct bytes cwd, struct bytes argument);

/* What is behind the last '/' of `path`, or all of it if there is none; empty for the root. */
struct bytes path_base(struct bytes path);

/* What is before the last '/' of `path`: "/" for "/a" and for the root, empty if it has none. */
struct bytes path_parent(struct bytes path);

/* Appends `path` in quotes, those inside it doubled, for a 257 reply (RFC 959 Appendix II,
 * FTP-110). CR and IAC are left to who writes the line. Errors as buf_append. */
NODISCARD enum ferry_error path_quote(struct buf *out, struct bytes path);

/* Appends to `out` the path that the text of a 257 reply holds: from the first quote to the next
 * that is not doubled, or without any quote the text up to the first blank (FTP-110, DEV-57). It
 * need not be a path that path_resolve would make. FERRY_E_PROTOCOL: it is empty, or a quote is
 * never closed (CVE-2017-1000254); FERRY_E_LIMIT: longer than PATH_MAX_BYTES; else as buf_append.
 * On failure nothing was appended. */
NODISCARD enum ferry_error path_unquote(struct buf *out, struct bytes text);

/* What makes a name that a server sent unfit to be joined to any path (LST-70). */
enum path_flaw {
    PATH_FLAW_NONE,
    PATH_FLAW_EMPTY,
    PATH_FLAW_DOT,    /* `.` */
    PATH_FLAW_DOTDOT, /* `..` */
    PATH_FLAW_SLASH,
    PATH_FLAW_NUL,
    PATH_FLAW_LONG, /* over PATH_NAME_MAX_BYTES */
};

/* The first flaw of `name`, or PATH_FLAW_NONE. A name with a flaw is dropped, never repaired. */
enum path_flaw path_check_name(struct bytes name);

#endif
