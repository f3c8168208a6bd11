/* HASH and its elders: names of algorithms, and what the commands say. */
#include "ftp/hash.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/text.h"

/* In the order of FTP-152. */
static const char *const names[] = {
    [HASH_SHA256] = "SHA-256", [HASH_SHA512] = "SHA-512", [HASH_SHA1] = "SHA-1",
    [HASH_MD5] = "MD5",        [HASH_CRC32] = "CRC32",
};

const char *hash_name(enum hash_algorithm algorithm)
{
    return names[algorithm];
}

bool hash_find(struct bytes name, enum hash_algorithm *out)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (text_same(name, bytes_str(names[i]))) {
            *out = (enum hash_algorithm)i;
            return true;
        }
    }
    return false;
}

bool hash_of_verb(enum verb verb, enum hash_algorithm *out)
{
    static const struct {
        enum verb verb;
        enum hash_algorithm algorithm;
    } rows[] = {
        {VERB_XCRC, HASH_CRC32}, {VERB_XMD5, HASH_MD5},       {VERB_XSHA, HASH_SHA1},
        {VERB_XSHA1, HASH_SHA1}, {VERB_XSHA256, HASH_SHA256}, {VERB_XSHA512, HASH_SHA512},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].verb == verb) {
            *out = rows[i].algorithm;
            return true;
        }
    }
    return false;
}

enum ferry_error hash_feature(struct buf *out, enum hash_algorithm chosen)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < ARRAY_LEN(names) && error == FERRY_OK; i++)
        error = buf_printf(out, "%s%s;", names[i], i == (size_t)chosen ? "*" : "");
    return error;
}

/* Takes the number behind the last blank of `*in`, if there is one, and the blank. */
static bool cut_number(struct bytes *in, uint64_t *out)
{
    size_t at = in->len;
    while (at > 0 && in->ptr[at - 1] != ' ')
        at--;
    if (at <= 1 || !text_u64(bytes_skip(*in, at), INT64_MAX, out))
        return false;
    *in = bytes_first(*in, at - 1);
    return true;
}

enum ferry_error hash_parse_argument(struct bytes argument, struct hash_argument *out)
{
    uint64_t last = 0, first = 0;
    bool one = cut_number(&argument, &last);
    bool two = one && cut_number(&argument, &first);
    *out = (struct hash_argument){.path = argument, .has_range = one, .end = last};
    if (two)
        out->start = first;
    if (one && out->start >= out->end)
        return FERRY_E_ARGUMENT;

    if (argument.len > 0 && argument.ptr[0] == '"') {
        if (argument.len < 2 || argument.ptr[argument.len - 1] != '"')
            return FERRY_E_ARGUMENT;
        out->path = bytes_first(bytes_skip(argument, 1), argument.len - 2);
    }
    return out->path.len > 0 ? FERRY_OK : FERRY_E_ARGUMENT;
}

uint32_t hash_crc32(uint32_t so_far, struct bytes in)
{
    return (uint32_t)crc32_z(so_far, (const Bytef *)in.ptr, in.len);
}
