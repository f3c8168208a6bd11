/* FEAT: one table, read by the client and written by the server. */
#include "ftp/feature.h"

#include "base/text.h"
#include "ftp/reply.h"

/* In the order of FTP-152. A line has the feature if one of its words behind the name is `word`, or
 * whatever they are if that is NULL. */
static const struct {
    const char *name;
    const char *word;
    uint64_t bit;
    bool alias; /* understood, never sent */
} rows[] = {
    {"AUTH", "TLS", FEATURE_AUTH_TLS, false},
    {"AUTH", "TLS-C", FEATURE_AUTH_TLS, true},
    {"AUTH", "SSL", FEATURE_AUTH_SSL, false},
    {"AUTH", "TLS-P", FEATURE_AUTH_SSL, true},
    {"PBSZ", NULL, FEATURE_PBSZ, false},
    {"PROT", NULL, FEATURE_PROT, false},
    {"CCC", NULL, FEATURE_CCC, false},
    {"SSCN", NULL, FEATURE_SSCN, false},
    {"CPSV", NULL, FEATURE_CPSV, false},
    {"HOST", NULL, FEATURE_HOST, false},
    {"LANG", NULL, FEATURE_LANG, false},
    {"UTF8", NULL, FEATURE_UTF8, false},
    {"TVFS", NULL, FEATURE_TVFS, false},
    {"EPRT", NULL, FEATURE_EPRT, false},
    {"EPSV", NULL, FEATURE_EPSV, false},
    {"PASV", NULL, FEATURE_PASV, false},
    {"SIZE", NULL, FEATURE_SIZE, false},
    {"MDTM", NULL, FEATURE_MDTM, false},
    {"MFMT", NULL, FEATURE_MFMT, false},
    {"MFF", NULL, FEATURE_MFF, false},
    {"MLST", NULL, FEATURE_MLST, false},
    {"MLSD", NULL, FEATURE_MLST, true},
    {"REST", "STREAM", FEATURE_REST_STREAM, false},
    {"RANG", "STREAM", FEATURE_RANG_STREAM, false},
    {"HASH", NULL, FEATURE_HASH, false},
    {"XCRC", NULL, FEATURE_X_HASH, false},
    {"XMD5", NULL, FEATURE_X_HASH, false},
    {"XSHA1", NULL, FEATURE_X_HASH, false},
    {"XSHA256", NULL, FEATURE_X_HASH, false},
    {"XSHA512", NULL, FEATURE_X_HASH, false},
    {"MODE", "Z", FEATURE_MODE_Z, false},
    {"AVBL", NULL, FEATURE_AVBL, false},
    {"DSIZ", NULL, FEATURE_DSIZ, false},
    {"RMDA", NULL, FEATURE_RMDA, false},
    {"COMB", NULL, FEATURE_COMB, false},
    {"PRET", NULL, FEATURE_PRET, false},
    {"CLNT", NULL, FEATURE_CLNT, false},
    {"CSID", NULL, FEATURE_CSID, false},
    {"SITE", "CHMOD", FEATURE_SITE, false},
    {"SITE", "CPFR", FEATURE_SITE_COPY, false},
    {"SITE", "CPTO", FEATURE_SITE_COPY, false},
    {"SITE", "IDLE", FEATURE_SITE, false},
    {"SITE", "SYMLINK", FEATURE_SITE_SYMLINK, false},
    {"SITE", "UTIME", FEATURE_SITE, false},
};

static bool is_separator(char c)
{
    return c == ' ' || c == ';' || c == ',' || c == '\t';
}

/* The next word of a line; empty if there is none. */
static struct bytes next_word(struct bytes *rest)
{
    while (rest->len > 0 && is_separator(rest->ptr[0]))
        *rest = bytes_skip(*rest, 1);
    size_t len = 0;
    while (len < rest->len && !is_separator(rest->ptr[len]))
        len++;
    struct bytes word = bytes_first(*rest, len);
    *rest = bytes_skip(*rest, len);
    return word;
}

static bool has_word(struct bytes line, const char *wanted)
{
    for (struct bytes word = next_word(&line); word.len > 0; word = next_word(&line)) {
        if (text_same(word, bytes_str(wanted)))
            return true;
    }
    return false;
}

unsigned feature_parse_line(struct bytes line)
{
    if (bytes_starts(line, BYTES_LIT("211-")) || bytes_starts(line, BYTES_LIT("211 ")))
        line = bytes_skip(line, 4);
    struct bytes name = next_word(&line);

    unsigned found = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool same = text_same(name, bytes_str(rows[i].name));
        if (same && (!rows[i].word || has_word(line, rows[i].word)))
            found |= (unsigned)rows[i].bit;
    }
    return found;
}

unsigned feature_parse(struct bytes text)
{
    unsigned found = 0;
    struct bytes line;
    while (reply_next_line(&text, &line))
        found |= feature_parse_line(line);
    return found;
}

static struct bytes words_behind(size_t row, const struct feature_words *words)
{
    switch (rows[row].bit) {
    case FEATURE_LANG:
        return BYTES_LIT("en*");
    case FEATURE_MFF:
        return BYTES_LIT("Modify;UNIX.mode;UNIX.group;");
    case FEATURE_MLST:
        return words->mlst;
    case FEATURE_HASH:
        return words->hash;
    default:
        return bytes_str(rows[row].word);
    }
}

enum ferry_error feature_format(struct buf *out, uint64_t offered,
                                const struct feature_words *words)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].alias || !(offered & rows[i].bit))
            continue;
        struct bytes behind = words_behind(i, words);
        const char *blank = behind.len > 0 ? " " : "";
        enum ferry_error error =
            buf_printf(out, " %s%s%.*s\r\n", rows[i].name, blank, BYTES_FMT(behind));
        if (error != FERRY_OK)
            return error;
    }
    return FERRY_OK;
}
