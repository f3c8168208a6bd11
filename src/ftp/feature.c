/* FEAT: one table, read by the client and written by the server. */
#include "ftp/feature.h"

#include "base/text.h"
#include "ftp/reply.h"

/* In the order of FTP-152. A line has the feature if one of its words behind the name is `word`, or
 * whatever they are if that is NULL. */
static const struct {
    const char *name;
    const char *word;
    unsigned bit;
    bool alias; /* understood, never sent */
} rows[] = {
    {"AUTH", "TLS", FEATURE_AUTH_TLS, false},
    {"AUTH", "TLS-C", FEATURE_AUTH_TLS, true},
    {"AUTH", "SSL", FEATURE_AUTH_SSL, false},
    {"AUTH", "TLS-P", FEATURE_AUTH_SSL, true},
    {"PBSZ", NULL, FEATURE_PBSZ, false},
    {"PROT", NULL, FEATURE_PROT, false},
    {"UTF8", NULL, FEATURE_UTF8, false},
    {"TVFS", NULL, FEATURE_TVFS, false},
    {"EPRT", NULL, FEATURE_EPRT, false},
    {"EPSV", NULL, FEATURE_EPSV, false},
    {"PASV", NULL, FEATURE_PASV, false},
    {"SIZE", NULL, FEATURE_SIZE, false},
    {"MDTM", NULL, FEATURE_MDTM, false},
    {"MFMT", NULL, FEATURE_MFMT, false},
    {"MLST", NULL, FEATURE_MLST, false},
    {"MLSD", NULL, FEATURE_MLST, true},
    {"REST", "STREAM", FEATURE_REST_STREAM, false},
    {"HASH", NULL, FEATURE_HASH, false},
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
            found |= rows[i].bit;
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

enum ferry_error feature_format(struct buf *out, unsigned offered, struct bytes mlst_facts)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].alias || !(offered & rows[i].bit))
            continue;
        struct bytes words = rows[i].bit == FEATURE_MLST ? mlst_facts : bytes_str(rows[i].word);
        const char *blank = words.len > 0 ? " " : "";
        enum ferry_error error =
            buf_printf(out, " %s%s%.*s\r\n", rows[i].name, blank, BYTES_FMT(words));
        if (error != FERRY_OK)
            return error;
    }
    return FERRY_OK;
}
