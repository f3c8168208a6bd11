/* Directory listings as a client gets them: bytes in, entries out, in constant memory. Every known
 * form of LIST, and MLSD and NLST, end in the same struct. What a server sends is hostile; no name
 * leaves here unchecked. Requirement numbers are those of the listing reference (LST-n). */
#ifndef FERRY_FTP_LISTING_H
#define FERRY_FTP_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferry/error.h"
#include "ftp/path.h"
#include "ftp/timeval.h"

enum listing_type {
    LISTING_OTHER, /* something else, or the listing does not say */
    LISTING_FILE,
    LISTING_DIR,
    LISTING_LINK,
    LISTING_BLOCK,
    LISTING_CHAR,
    LISTING_FIFO,
    LISTING_SOCK,
    LISTING_CDIR,   /* the directory that is listed; its name means nothing */
    LISTING_PDIR,   /* the one above it, never to be descended into; its name means nothing */
    LISTING_MEMBER, /* of a z/OS or OS/400 library */
    LISTING_JOB,    /* of JES */
};

/* How to read a size (LST-3). */
enum listing_size {
    LISTING_SIZE_UNKNOWN,
    LISTING_SIZE_EXACT,       /* bytes */
    LISTING_SIZE_APPROXIMATE, /* bytes, rounded to a unit or to blocks */
    LISTING_SIZE_RECORDS,     /* records (z/OS) */
};

enum listing_format {
    LISTING_FORMAT_NONE,
    LISTING_FORMAT_MLSX,
    LISTING_FORMAT_EPLF,
    LISTING_FORMAT_NETWARE,
    LISTING_FORMAT_UNIX,
    LISTING_FORMAT_DOS,
    LISTING_FORMAT_OS400,
    LISTING_FORMAT_GUARDIAN,
    LISTING_FORMAT_ZOS,
    LISTING_FORMAT_VMS,
    LISTING_FORMAT_UNIX_NUMERIC,
    LISTING_FORMAT_NAMES, /* NLST */
};

/* What listing_next found. */
enum listing_item {
    LISTING_MORE,     /* nothing: it wants more bytes, or the listing is at its end */
    LISTING_ENTRY,    /* an entry; its name is safe (LST-70), unless it has none (see its type) */
    LISTING_REJECTED, /* an entry to be dropped and counted; `flaw` says why */
    LISTING_UNKNOWN,  /* a line in no known format; `name` is all of it (see listing_is_names) */
};

/* A fact of one system that has no field of its own. Both sides are as in the listing reference:
 * "version" and "3". */
struct listing_extra {
    const char *key; /* static */
    struct bytes value;
};

enum { LISTING_EXTRA_MAX = 8 };

/* One entry. Zeroed, nothing is known of it. In what a parser gives out, the views point into the
 * parser or into the bytes it was fed: they are valid until its next call, and as long as those
 * bytes. The server fills one to have it written (listing_write.h, facts.h); the views are then its
 * own. */
struct listing_entry {
    enum listing_item item;
    enum path_flaw flaw; /* of the name; LISTING_REJECTED and LISTING_UNKNOWN */
    enum listing_format format;
    uint64_t line;    /* number of its (first) line, from 1 */
    struct bytes raw; /* its (last) line, without the line end */

    enum listing_type type;
    struct bytes name;   /* of LISTING_MEMBER in OS/400 it may be FILE/MEMBER; no other has a '/' */
    struct bytes target; /* of a link, as sent; nothing about it is checked (LST-73) */
    enum listing_size size_kind;
    uint64_t size;
    struct timeval_utc modified; /* UTC from MLSx and EPLF; else of an unknown zone (LST-25) */
    struct timeval_utc created;

    bool has_mode;
    unsigned mode;      /* permission bits, at most 07777 */
    struct bytes perms; /* the system's own word for rights; for MLSx the Perm fact (FTP-134) */
    struct bytes owner, group;
    struct bytes owner_id, group_id; /* UNIX.owner and UNIX.group */
    struct bytes unique;             /* equal for the same object (FTP-138) */
    bool has_device;
    unsigned device_major, device_minor;

    struct listing_extra extra[LISTING_EXTRA_MAX];
    size_t extra_count;
};

/* What was asked of the server. It orders the formats tried, and excludes none but for NLST. */
enum listing_asked {
    LISTING_ASKED_LIST,
    LISTING_ASKED_MLSD,
    LISTING_ASKED_NLST, /* each line is a name; types are not known */
};

enum {
    LISTING_LINE_MAX_BYTES = 65536,
    LISTING_ENTRIES_MAX = 10000000,
    LISTING_HELD_BYTES = 512,
};

/* The table whose header was seen last, in the formats that need one to read the lines below it. */
enum listing_table {
    LISTING_TABLE_NONE,
    LISTING_TABLE_DATASETS,
    LISTING_TABLE_MEMBERS,
    LISTING_TABLE_LOAD_MEMBERS,
    LISTING_TABLE_SPOOL_FILES,
};

/* A parser of one listing. */
struct listing {
    /* Limits (LST-14), set by listing_init; may be changed before the first feed. */
    uint64_t max_entries; /* of items of all kinds */
    uint64_t max_bytes;

    /* To be read by the owner. */
    uint64_t entries, rejected, unknown; /* how many of each there were */
    enum listing_format format;          /* of the last line understood, tried first (LST-10) */

    /* Private to listing*.c. */
    enum listing_asked asked;
    struct bytes asked_dir;
    int64_t now_seconds;
    struct bytes in; /* fed and not yet parsed */
    struct buf line; /* the beginning of a line that `in` continues */
    bool line_given; /* `line` is what the last item points into */
    bool ended;
    bool not_names; /* a line of no known format had a blank in it */
    uint64_t bytes, lines;
    enum listing_table table;
    uint64_t held_line; /* VMS: a name whose other columns are on the next line */
    size_t held_len;
    char held[LISTING_HELD_BYTES];
    char scratch[LISTING_HELD_BYTES]; /* for views of what is not in the line as it is */
};

/* Makes a parser. `asked_dir`, borrowed as long as the parser, is the argument that was sent, or
 * empty: MLSD and NLST of some servers put it and a '/' before each name (FTP-73, DEV-51).
 * `now_seconds`, since 1970 UTC, gives a year to dates without one (LST-20). Allocates nothing. */
void listing_init(struct listing *listing, enum listing_asked asked, struct bytes asked_dir,
                  int64_t now_seconds);

/* Frees what it holds. */
void listing_fini(struct listing *listing);

/* Gives it the next bytes of the data connection, borrowed until listing_next has said
 * LISTING_MORE; call it only then. */
void listing_feed(struct listing *listing, struct bytes in);

/* The data connection has ended; a last line without a line end counts, too. Drain once more. */
void listing_end(struct listing *listing);

/* Sets `*out` to the next item. Drain until out->item is LISTING_MORE.
 * FERRY_E_LIMIT: a line, the entries or the bytes are more than is allowed; FERRY_E_MEMORY;
 * FERRY_E_UNSUPPORTED, at the end: lines came and none is in a known format, nor can they be names
 * (LST-13). `fault` has the words; the parser is then of no more use. */
NODISCARD enum ferry_error listing_next(struct listing *listing, struct listing_entry *out,
                                        struct fault *fault);

/* After the end: no line was in a known format and none held a blank, so the LISTING_UNKNOWN items
 * are a list of names, to be used if they have no flaw (LST-13). */
bool listing_is_names(const struct listing *listing);

#endif
