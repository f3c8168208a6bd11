/* A charset other than UTF-8 that a client's names come in. Names are UTF-8 everywhere else
 * (FTP-15); what is not valid UTF-8 is taken for this charset, and names go back in it where that
 * loses nothing. Never is a character replaced by another.
 *
 * Each name of a path, between two '/', is looked at by itself: some may be in one, some in the
 * other. Not thread safe; charset_new is the only function here that looks at files (iconv's). */
#ifndef FERRY_FTP_CHARSET_H
#define FERRY_FTP_CHARSET_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

struct charset;

/* Makes the charset that iconv(3) knows as `name`: "windows-1252", "ISO-8859-15", "CP932", "GBK",
 * "KOI8-R". FERRY_E_ARGUMENT: there is none, or it cannot carry paths, because ASCII means
 * something else in it (UTF-16, EBCDIC) or depends on what came before (ISO-2022, HZ, UTF-7). Only
 * '\' and '~' may be other characters, as in Shift_JIS. FERRY_E_MEMORY. */
NODISCARD enum ferry_error charset_new(const char *name, struct charset **out, struct fault *fault);
void charset_free(struct charset *charset);

/* Appends `text` with each of its names that is not valid UTF-8 taken out of the charset.
 * FERRY_E_ARGUMENT: one cannot be: it ends within a character, holds bytes that are none, or would
 * become a name with a control character or a '/'. Else as buf_append. On failure nothing was
 * appended. */
NODISCARD enum ferry_error charset_decode(struct charset *charset, struct bytes text,
                                          struct buf *out);

/* Appends `text` with each of its names put into the charset if charset_decode gives it back from
 * there; else the name stays as it is. So charset_decode of the result is always `text` again,
 * provided `text` is valid UTF-8. Errors as buf_append. On failure nothing was appended. */
NODISCARD enum ferry_error charset_encode(struct charset *charset, struct bytes text,
                                          struct buf *out);

#endif
