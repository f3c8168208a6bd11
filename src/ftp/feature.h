/* FEAT: the server's lines, and what a client learns from them (RFC 2389; FTP-150 to FTP-152,
 * TLS-215, TLS-216). */
#ifndef FERRY_FTP_FEATURE_H
#define FERRY_FTP_FEATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

/* What a server offers, as far as Ferry's client uses it or its server has it. */
enum feature {
    FEATURE_AUTH_TLS = 1 << 0,
    FEATURE_AUTH_SSL = 1 << 1,
    FEATURE_PBSZ = 1 << 2,
    FEATURE_PROT = 1 << 3,
    FEATURE_UTF8 = 1 << 4,
    FEATURE_EPSV = 1 << 5,
    FEATURE_EPRT = 1 << 6,
    FEATURE_SIZE = 1 << 7,
    FEATURE_MDTM = 1 << 8,
    FEATURE_MFMT = 1 << 9,
    FEATURE_MLST = 1 << 10, /* MLST or MLSD: both are there (FTP-139) */
    FEATURE_REST_STREAM = 1 << 11,
    FEATURE_TVFS = 1 << 12,
    FEATURE_HASH = 1 << 13,
    FEATURE_PASV = 1 << 14,
    FEATURE_MODE_Z = 1 << 15,
    FEATURE_RANG_STREAM = 1 << 16,
    FEATURE_X_HASH = 1 << 17, /* one of XCRC, XMD5, XSHA1, XSHA256, XSHA512; the server has all */
    FEATURE_LANG = 1 << 18,
    FEATURE_MFF = 1 << 19,
    FEATURE_AVBL = 1 << 20,
    FEATURE_CLNT = 1 << 21,
    FEATURE_CSID = 1 << 22,
    FEATURE_SITE = 1 << 23, /* one of SITE CHMOD, IDLE, UTIME; the server has all */
    FEATURE_HOST = 1 << 24,
    FEATURE_CCC = 1 << 25,
    FEATURE_SSCN = 1 << 26,
    FEATURE_CPSV = 1 << 27,
    FEATURE_PRET = 1 << 28,
};

/* Lines that the server writes, and the client has no use for. */
#define FEATURE_DSIZ (UINT64_C(1) << 32)
#define FEATURE_RMDA (UINT64_C(1) << 33)
#define FEATURE_COMB (UINT64_C(1) << 34)
#define FEATURE_SITE_SYMLINK (UINT64_C(1) << 35)
#define FEATURE_SITE_COPY (UINT64_C(1) << 36)

/* The bits of one line of a 211, with or without its leading blank or "211-", in any case; 0 for an
 * unknown one. */
unsigned feature_parse_line(struct bytes line);

/* The bits of a whole FEAT reply's text (struct reply). */
unsigned feature_parse(struct bytes text);

/* What stands behind a name, where that is not always the same. */
struct feature_words {
    struct bytes mlst; /* facts_feature */
    struct bytes hash; /* hash_feature */
};

/* Appends the server's lines for the features in `offered` (enum feature and the defines above),
 * each behind a blank and with CRLF, in the order of FTP-152. Errors as buf_append, and a part may
 * have been appended. */
NODISCARD enum ferry_error feature_format(struct buf *out, uint64_t offered,
                                          const struct feature_words *words);

#endif
