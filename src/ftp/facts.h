/* Facts of RFC 3659 section 7: one line of MLST or MLSD, its facts chosen by OPTS MLST, and the
 * argument of MFMT. */
#ifndef FERRY_FTP_FACTS_H
#define FERRY_FTP_FACTS_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"
#include "ftp/listing.h"
#include "ftp/timeval.h"

/* The facts that a server can send (FTP-131), as bits of a set. */
enum fact_bits {
    FACT_TYPE = 1 << 0,
    FACT_SIZE = 1 << 1,
    FACT_MODIFY = 1 << 2,
    FACT_PERM = 1 << 3,
    FACT_UNIQUE = 1 << 4,
    FACT_UNIX_MODE = 1 << 5,
    FACT_UNIX_OWNER = 1 << 6,
    FACT_UNIX_GROUP = 1 << 7,
    FACT_UNIX_OWNERNAME = 1 << 8,
    FACT_UNIX_GROUPNAME = 1 << 9,

    FACTS_ALL = (1 << 10) - 1,
    FACTS_DEFAULT = FACT_TYPE | FACT_SIZE | FACT_MODIFY | FACT_PERM | FACT_UNIQUE | FACT_UNIX_MODE,
};

/* Reads one line of MLSD, or of MLST without the blank that begins it, into `*out`, which is zeroed
 * first. The views point into `line`; the name is whatever the peer sent, checked by nobody
 * (LST-68, FTP-130 to FTP-135). FERRY_E_PROTOCOL: it has not the form of one. A fact with a bad
 * value is left out. */
NODISCARD enum ferry_error facts_parse(struct bytes line, struct listing_entry *out);

/* Appends `entry` as a line of MLSD or MLST without its line end: of the facts in the set `facts`
 * those that the entry has, in the order of LST-88, a blank, and the name. A directory has no Size.
 * A fact whose value no line can carry is left out. A link's type is written without its target.
 * FERRY_E_ARGUMENT, with nothing appended: the name holds a LF or NUL (FTP-16). Else as buf_append,
 * and a part may have been appended. */
NODISCARD enum ferry_error facts_format(struct buf *out, const struct listing_entry *entry,
                                        unsigned facts);

/* The argument of OPTS MLST, "type;size;", as a set within `offered` (FTP-137): names it does not
 * hold are dropped. FERRY_E_ARGUMENT, with `*facts` untouched: not a list of names. */
NODISCARD enum ferry_error facts_select(struct bytes argument, unsigned offered, unsigned *facts);

/* Appends the names of the set `facts`, each with a ';' behind it: for the reply to OPTS MLST.
 * Errors as buf_append. */
NODISCARD enum ferry_error facts_names(struct buf *out, unsigned facts);

/* Appends the names of the set `offered`, each with a ';' behind it, and a '*' before that if it is
 * in the set `selected`: for the MLST line of FEAT (RFC 3659 section 7.8). Errors as buf_append. */
NODISCARD enum ferry_error facts_feature(struct buf *out, unsigned offered, unsigned selected);

/* Takes apart the argument of MFMT, a time, one blank and a path, which is a view into it (FTP-76,
 * FTP-77). FERRY_E_ARGUMENT: the time is none, or there is no path. */
NODISCARD enum ferry_error facts_parse_mfmt(struct bytes argument, struct timeval_utc *time,
                                            struct bytes *path);

#endif
