/* Lines of LIST, NLST and MLSD as the server sends them (LST-80 to LST-89), from the struct that
 * the client's parser fills. */
#ifndef FERRY_FTP_LISTING_WRITE_H
#define FERRY_FTP_LISTING_WRITE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "ferry/error.h"
#include "ftp/listing.h"

/* Each appends one whole line with its CRLF. FERRY_E_ARGUMENT: the name or the target holds a LF or
 * NUL: such an entry is hidden (LST-86). Else as buf_append. On failure nothing was appended. */

/* As `ls -l` writes it. `now_seconds`, since 1970 UTC, decides between time of day and year
 * (LST-81). Owner and group are "ftp" if the entry has none. */
NODISCARD enum ferry_error listing_write_list(struct buf *out, const struct listing_entry *entry,
                                              int64_t now_seconds);

/* The name alone, with `prefix` before it ("dir/" for NLST dir, FTP-73). */
NODISCARD enum ferry_error listing_write_name(struct buf *out, struct bytes prefix,
                                              const struct listing_entry *entry);

/* The facts in the set `facts` (facts.h) and the name. FERRY_E_ARGUMENT also as facts_format. */
NODISCARD enum ferry_error listing_write_mlsd(struct buf *out, const struct listing_entry *entry,
                                              unsigned facts);

#endif
