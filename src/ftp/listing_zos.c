/* Listings of z/OS: data sets, members of a partitioned data set, jobs and spool files of JES. */
#include "base/text.h"
#include "ftp/listing_date.h"
#include "ftp/listing_format.h"

enum {
    WORDS_MAX = 16,
    MEMBER_NAME_MAX = 8,
};

/* The columns of a data set's line (LST-50). */
enum {
    DATASET_REFERRED = 2,
    DATASET_RECFM = 5,
    DATASET_LRECL,
    DATASET_BLKSZ,
    DATASET_DSORG,
    DATASET_NAME,
    DATASET_WORDS,
};

static bool is(struct bytes word, const char *text)
{
    return bytes_equal(word, bytes_str(text));
}

/* Headers, by the two words that begin them, and the table that follows. */
static const struct {
    const char *first, *second;
    enum listing_table table;
} headers[] = {
    {"Volume", "Unit", LISTING_TABLE_DATASETS},    {"Name", "VV.MM", LISTING_TABLE_MEMBERS},
    {"Name", "Size", LISTING_TABLE_LOAD_MEMBERS},  {"JOBNAME", "JOBID", LISTING_TABLE_NONE},
    {"ID", "STEPNAME", LISTING_TABLE_SPOOL_FILES},
};

static bool read_header(struct listing *listing, const struct bytes *words, size_t count)
{
    for (size_t i = 0; i < ARRAY_LEN(headers) && count >= 2; i++) {
        if (is(words[0], headers[i].first) && is(words[1], headers[i].second)) {
            listing->table = headers[i].table;
            return true;
        }
    }
    return false;
}

/* A quoted name does not begin with the prefix that the session works in (LST-52). */
static void set_dataset_name(struct bytes name, struct listing_entry *out)
{
    bool quoted = name.len > 2 && name.ptr[0] == '\'' && name.ptr[name.len - 1] == '\'';
    out->name = quoted ? bytes_first(bytes_skip(name, 1), name.len - 2) : name;
    if (quoted)
        listing_add(out, "absolute", BYTES_LIT("1"));
}

static enum listing_type type_of_dsorg(struct bytes dsorg)
{
    static const struct {
        const char *dsorg;
        enum listing_type type;
    } organisations[] = {
        {"PO", LISTING_DIR},    {"PO-E", LISTING_DIR},  {"POU", LISTING_DIR}, {"PS", LISTING_FILE},
        {"PS-L", LISTING_FILE}, {"PS-E", LISTING_FILE}, {"DA", LISTING_FILE},
    };
    for (size_t i = 0; i < ARRAY_LEN(organisations); i++) {
        if (is(dsorg, organisations[i].dsorg))
            return organisations[i].type;
    }
    return LISTING_OTHER;
}

/* The size in bytes is unknown: tracks are no measure of it (LST-50). */
static bool read_dataset(const struct listing *listing, const struct bytes *words, size_t count,
                         struct listing_entry *out)
{
    if (count != DATASET_WORDS)
        return false;
    struct bytes none = {0};
    if (!is(words[DATASET_REFERRED], "**NONE**") &&
        !listing_date_words(words[DATASET_REFERRED], none, listing->now_seconds, &out->modified,
                            NULL))
        return false;
    if (!listing_is_number(words[DATASET_LRECL]) || !listing_is_number(words[DATASET_BLKSZ]))
        return false;
    out->type = type_of_dsorg(words[DATASET_DSORG]);
    listing_add(out, "dsorg", words[DATASET_DSORG]);
    listing_add(out, "recfm", words[DATASET_RECFM]);
    listing_add(out, "lrecl", words[DATASET_LRECL]);
    listing_add(out, "blksize", words[DATASET_BLKSZ]);
    set_dataset_name(words[DATASET_NAME], out);
    return true;
}

/* Data sets of which the catalogue tells less, by words of their lines below a header (LST-51). The
 * name is the last word. */
static const struct {
    size_t words, at; /* how many there are; where `word` stands */
    const char *word;
    enum listing_type type;
    const char *key, *value;
} short_datasets[] = {
    {2, 0, "Migrated", LISTING_OTHER, "state", "migrated"},
    {6, 0, "MIGRAT", LISTING_OTHER, "state", "migrated"},
    {6, 0, "ARCIVE", LISTING_OTHER, "state", "migrated"},
    {3, 0, "Pseudo", LISTING_DIR, "dsorg", "pseudo"},
    {3, 1, "Tape", LISTING_OTHER, "unit", "Tape"},
    {4, 0, "Error", LISTING_OTHER, "state", "error"},
    {4, 2, "VSAM", LISTING_OTHER, "dsorg", "VSAM"},
};

static bool read_short_dataset(const struct listing *listing, const struct bytes *words,
                               size_t count, struct listing_entry *out)
{
    if (listing->table != LISTING_TABLE_DATASETS)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(short_datasets); i++) {
        if (count != short_datasets[i].words ||
            !is(words[short_datasets[i].at], short_datasets[i].word))
            continue;
        out->type = short_datasets[i].type;
        listing_add(out, short_datasets[i].key, bytes_str(short_datasets[i].value));
        set_dataset_name(words[count - 1], out);
        return true;
    }
    return false;
}

/* LST-55 */
static bool is_member_name(struct bytes word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        if (!text_is_digit(c) && (c < 'A' || c > 'Z') && c != '$' && c != '#' && c != '@')
            return false;
    }
    return word.len >= 1 && word.len <= MEMBER_NAME_MAX;
}

/* With the statistics of ISPF, or below a header without them: name, vv.mm, created, changed, time,
 * size, init, mod, id */
static bool read_member(const struct listing *listing, const struct bytes *words, size_t count,
                        struct listing_entry *out)
{
    bool below_header =
        listing->table == LISTING_TABLE_MEMBERS || listing->table == LISTING_TABLE_LOAD_MEMBERS;
    if (count == 0 || !is_member_name(words[0]))
        return false;
    out->type = LISTING_MEMBER;
    out->name = words[0];
    if (count == 1)
        return below_header;

    struct bytes none = {0};
    if (count != 9 || words[1].len != 5 || words[1].ptr[2] != '.' ||
        !listing_date_words(words[2], none, listing->now_seconds, &out->created, NULL) ||
        !listing_date_words(words[3], words[4], listing->now_seconds, &out->modified, NULL) ||
        !listing_is_number(words[5]))
        return false;
    listing_set_size(out, words[5]);
    if (out->size_kind == LISTING_SIZE_EXACT)
        out->size_kind = LISTING_SIZE_RECORDS;
    listing_add(out, "vvmm", words[1]);
    listing_add(out, "init", words[6]);
    listing_add(out, "mod", words[7]);
    listing_add(out, "id", words[8]);
    return true;
}

static bool read_hex_size(struct bytes word, struct listing_entry *out)
{
    uint64_t size = 0;
    for (size_t i = 0; i < word.len; i++) {
        int digit = text_hex_digit(word.ptr[i]);
        if (digit < 0)
            return false;
        size = size << 4 | (uint64_t)digit;
    }
    out->size = size;
    out->size_kind = LISTING_SIZE_EXACT;
    return word.len >= 1 && word.len <= 8;
}

/* An authorisation code: two digits. */
static bool is_code(struct bytes word)
{
    return word.len == 2 && listing_is_number(word);
}

/* name, size in hexadecimal, TTR, alias-of or nothing, AC, attributes, Amode, Rmode */
static bool read_load_member(const struct listing *listing, const struct bytes *words, size_t count,
                             struct listing_entry *out)
{
    if (listing->table != LISTING_TABLE_LOAD_MEMBERS || count < 6 || count > WORDS_MAX ||
        !is_member_name(words[0]) || !read_hex_size(words[1], out))
        return false;
    bool alias = !is_code(words[3]) && is_code(words[4]);
    out->type = LISTING_MEMBER;
    out->name = words[0];
    listing_add(out, "load", BYTES_LIT("1"));
    if (alias)
        listing_add(out, "alias", words[3]);
    listing_add(out, "amode", words[count - 2]);
    listing_add(out, "rmode", words[count - 1]);
    return true;
}

/* JOB00417, TSU00077, STC00003, or with seven digits J0123456 */
static bool is_job_id(struct bytes word)
{
    struct bytes kind = bytes_first(word, 3);
    if (is(kind, "JOB") || is(kind, "TSU") || is(kind, "STC"))
        return word.len == 8 && listing_is_number(bytes_skip(word, 3));
    return word.len == 8 && strchr("JTS", word.ptr[0]) && listing_is_number(bytes_skip(word, 1));
}

static bool is_job_status(struct bytes word)
{
    return is(word, "INPUT") || is(word, "ACTIVE") || is(word, "OUTPUT");
}

/* What follows the class: how the job ended, and its spool files. */
static void read_job_end(const struct bytes *words, size_t count, struct listing_entry *out)
{
    for (size_t i = 0; i < count; i++) {
        bool more = i + 1 < count;
        if (bytes_starts(words[i], BYTES_LIT("RC=")))
            listing_add(out, "rc", bytes_skip(words[i], 3));
        else if (bytes_starts(words[i], BYTES_LIT("ABEND=")))
            listing_add(out, "abend", bytes_skip(words[i], 6));
        else if (is(words[i], "(JCL"))
            listing_add(out, "error", BYTES_LIT("JCL"));
        else if (is(words[i], "-HELD-"))
            listing_add(out, "held", BYTES_LIT("1"));
        else if (more && listing_is_number(words[i]) && text_same(words[i + 1], BYTES_LIT("spool")))
            listing_add(out, "files", words[i]);
    }
}

/* Level 2: job name, id, owner, status, class, …; level 1: job name, id, status, … (LST-58). The id
 * is what RETR takes. */
static bool read_job(const struct listing *listing, const struct bytes *words, size_t count,
                     struct listing_entry *out)
{
    (void)listing;
    if (count < 3 || count > WORDS_MAX || !is_job_id(words[1]))
        return false;
    size_t at = 2;
    if (!is_job_status(words[at]))
        out->owner = words[at++];
    if (at >= count || !is_job_status(words[at]))
        return false;
    out->type = LISTING_JOB;
    out->name = words[1];
    listing_add(out, "jobname", words[0]);
    listing_add(out, "status", words[at++]);
    if (out->owner.len > 0 && at < count)
        listing_add(out, "class", words[at++]);
    read_job_end(words + at, count - at, out);
    return true;
}

/* id, step, procedure step, class, DD name, bytes; step and procedure step may be missing (LST-59).
 */
static bool read_spool_file(const struct listing *listing, const struct bytes *words, size_t count,
                            struct listing_entry *out)
{
    if (listing->table != LISTING_TABLE_SPOOL_FILES || count < 4 || count > 6 ||
        !listing_is_number(words[0]) || !listing_is_number(words[count - 1]))
        return false;
    out->type = LISTING_FILE;
    out->name = words[0];
    listing_set_size(out, words[count - 1]);
    if (count > 4)
        listing_add(out, "step", words[1]);
    if (count > 5)
        listing_add(out, "proc", words[2]);
    listing_add(out, "class", words[count - 3]);
    listing_add(out, "dd", words[count - 2]);
    return true;
}

/* `--------` above the spool files, `3 spool files` below them. */
static bool is_rule_or_sum(const struct listing *listing, const struct bytes *words, size_t count)
{
    if (listing->format != LISTING_FORMAT_ZOS)
        return false;
    return (count == 1 && bytes_starts(words[0], BYTES_LIT("----"))) ||
           (count == 3 && listing_is_number(words[0]) && text_same(words[1], BYTES_LIT("spool")) &&
            text_same(words[2], BYTES_LIT("files")));
}

static bool (*const lines[])(const struct listing *, const struct bytes *words, size_t count,
                             struct listing_entry *) = {
    read_dataset, read_short_dataset, read_member, read_load_member, read_job, read_spool_file,
};

enum listing_match listing_zos_parse(struct listing *listing, struct bytes line,
                                     struct listing_entry *out)
{
    struct bytes words[WORDS_MAX];
    size_t count = listing_words(line, words, WORDS_MAX);
    if (read_header(listing, words, count) || is_rule_or_sum(listing, words, count))
        return LISTING_SKIP;

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        *out = (struct listing_entry){0};
        if (lines[i](listing, words, count, out))
            return LISTING_YES;
    }
    return LISTING_NO;
}
