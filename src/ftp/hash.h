/* HASH and its elders XCRC, XMD5, XSHA and so on: names of algorithms, and what the commands say
 * (draft-bryan-ftpext-hash; FTP-170 to FTP-174). The hashes themselves are in tls/digest.h, but for
 * CRC-32. None of it proves anything against an attacker (FTP-176). */
#ifndef FERRY_FTP_HASH_H
#define FERRY_FTP_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"
#include "ftp/command.h"

enum hash_algorithm {
    HASH_SHA256, /* the default */
    HASH_SHA512,
    HASH_SHA1,
    HASH_MD5,
    HASH_CRC32,
};

/* The name in FEAT, OPTS HASH and the 213; static. */
const char *hash_name(enum hash_algorithm algorithm);

/* The algorithm named so, in any case. */
bool hash_find(struct bytes name, enum hash_algorithm *out);

/* That of XCRC and its kin; false: `verb` is none of them. */
bool hash_of_verb(enum verb verb, enum hash_algorithm *out);

/* Appends what stands behind HASH in FEAT, with a star behind `chosen` (FTP-152). Errors as
 * buf_append. */
NODISCARD enum ferry_error hash_feature(struct buf *out, enum hash_algorithm chosen);

/* The argument of XCRC and its kin: a path, then perhaps one number, the end, or two, the start and
 * the end, which is exclusive. A path that ends in a number, or with a quote, stands in quotes
 * (FTP-174). */
struct hash_argument {
    struct bytes path;
    bool has_range;
    uint64_t start, end;
};

/* FERRY_E_ARGUMENT: no path, a quote without its fellow, anything but numbers behind it, or nothing
 * between start and end. The path points into `argument`. */
NODISCARD enum ferry_error hash_parse_argument(struct bytes argument, struct hash_argument *out);

/* CRC-32 of what `so_far` is of, 0 at the beginning, and of `in` behind it. */
uint32_t hash_crc32(uint32_t so_far, struct bytes in);

#endif
