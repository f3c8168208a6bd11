/* Listings of DOS and IIS, EPLF, OS/400 and Guardian: one line, one entry. */
#include "base/text.h"
#include "ftp/listing_date.h"
#include "ftp/listing_format.h"

enum {
    DOS_TAG_COLUMNS = 15,    /* <DIR> and its like, with the blanks behind it */
    OS400_TYPE_COLUMNS = 11, /* *STMF and its like, with the blanks behind it */
};

static const struct {
    struct bytes tag;
    enum listing_type type;
} dos_tags[] = {
    {BYTES_LIT("<DIR>"), LISTING_DIR},
    {BYTES_LIT("<JUNCTION>"), LISTING_LINK},
    {BYTES_LIT("<SYMLINK>"), LISTING_LINK},
    {BYTES_LIT("<SYMLINKD>"), LISTING_LINK},
};

/* Digits in groups, 1,073,741 or 1.073.741, as a size. */
static bool read_grouped_size(struct bytes word, struct listing_entry *out)
{
    uint64_t size = 0;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        if (!text_is_digit(c) && (i == 0 || (c != ',' && c != '.')))
            return false;
        if (!text_is_digit(c))
            continue;
        uint64_t digit = (uint64_t)(c - '0');
        if (size > (INT64_MAX - digit) / 10)
            return true; /* too large: unknown (LST-15) */
        size = size * 10 + digit;
    }
    out->size = size;
    out->size_kind = LISTING_SIZE_EXACT;
    return word.len > 0;
}

/* `Name [C:\target]` (LST-40) */
static void split_dos_link(struct listing_entry *out)
{
    static const struct bytes open = {.ptr = " [", .len = 2};
    struct bytes name = out->name;
    if (name.len == 0 || name.ptr[name.len - 1] != ']')
        return;
    const char *at = memmem(name.ptr, name.len, open.ptr, open.len);
    if (!at)
        return;
    size_t len = (size_t)(at - name.ptr);
    out->name.len = len;
    out->target = bytes_first(bytes_skip(name, len + open.len), name.len - len - open.len - 1);
}

enum listing_match listing_dos_parse(struct listing *listing, struct bytes line,
                                     struct listing_entry *out)
{
    struct bytes rest = line;
    struct bytes date = listing_word(&rest);
    struct bytes time = listing_word(&rest);
    struct bytes behind = rest;
    struct bytes half = listing_word(&behind);
    if (text_same(half, BYTES_LIT("AM")) || text_same(half, BYTES_LIT("PM"))) {
        time = listing_span(time, half);
        rest = behind;
    }
    if (time.len == 0 ||
        !listing_date_words(date, time, listing->now_seconds, &out->modified, NULL))
        return LISTING_NO;

    struct bytes word = listing_word(&rest);
    for (size_t i = 0; i < ARRAY_LEN(dos_tags); i++) {
        if (!text_same(word, dos_tags[i].tag))
            continue;
        out->type = dos_tags[i].type;
        listing_skip_blanks(&rest, DOS_TAG_COLUMNS - word.len);
        out->name = rest;
        if (out->type == LISTING_LINK)
            split_dos_link(out);
        return LISTING_YES;
    }
    if (!read_grouped_size(word, out))
        return LISTING_NO;
    out->type = LISTING_FILE;
    out->name = bytes_skip(rest, 1); /* more blanks belong to the name (LST-41) */
    return LISTING_YES;
}

/* One fact of EPLF; unknown ones mean nothing. */
static void read_eplf_fact(struct bytes fact, bool *enters, bool *reads, struct listing_entry *out)
{
    struct bytes value = bytes_skip(fact, 1);
    uint64_t number;
    if (bytes_equal(fact, BYTES_LIT("/"))) {
        *enters = true;
    } else if (bytes_equal(fact, BYTES_LIT("r"))) {
        *reads = true;
    } else if (bytes_starts(fact, BYTES_LIT("up"))) {
        if (text_octal(bytes_skip(fact, 2), 07777, &number)) {
            out->has_mode = true;
            out->mode = (unsigned)number;
        }
    } else if (bytes_starts(fact, BYTES_LIT("s"))) {
        listing_set_size(out, value);
    } else if (bytes_starts(fact, BYTES_LIT("m"))) {
        if (text_u64(value, INT64_MAX, &number))
            out->modified =
                (struct timeval_utc){.seconds = (int64_t)number, .precision = TIMEVAL_SECOND};
    } else if (bytes_starts(fact, BYTES_LIT("i"))) {
        out->unique = value;
    }
}

enum listing_match listing_eplf_parse(struct listing *listing, struct bytes line,
                                      struct listing_entry *out)
{
    (void)listing;
    size_t tab = bytes_find(line, '\t');
    if (line.len == 0 || line.ptr[0] != '+' || tab == line.len)
        return LISTING_NO;

    bool enters = false;
    bool reads = false;
    struct bytes facts = bytes_skip(bytes_first(line, tab), 1);
    while (facts.len > 0)
        read_eplf_fact(bytes_cut(&facts, ','), &enters, &reads, out);
    out->name = bytes_skip(line, tab + 1);
    if (enters)
        out->type = LISTING_DIR;
    else if (reads)
        out->type = LISTING_FILE;
    if (!out->has_mode && (enters || reads))
        out->perms = enters && reads ? BYTES_LIT("r/") : reads ? BYTES_LIT("r") : BYTES_LIT("/");
    return LISTING_YES;
}

static const struct {
    struct bytes word;
    enum listing_type type;
} os400_types[] = {
    {BYTES_LIT("*DIR"), LISTING_DIR},     {BYTES_LIT("*LIB"), LISTING_DIR},
    {BYTES_LIT("*FLR"), LISTING_DIR},     {BYTES_LIT("*DDIR"), LISTING_DIR},
    {BYTES_LIT("*STMF"), LISTING_FILE},   {BYTES_LIT("*FILE"), LISTING_FILE},
    {BYTES_LIT("*DOC"), LISTING_FILE},    {BYTES_LIT("*MEM"), LISTING_MEMBER},
    {BYTES_LIT("*SYMLNK"), LISTING_LINK},
};

static void read_os400_type(struct bytes word, struct listing_entry *out)
{
    for (size_t i = 0; i < ARRAY_LEN(os400_types); i++) {
        if (bytes_equal(word, os400_types[i].word))
            out->type = os400_types[i].type;
    }
    listing_add(out, "objtype", word);

    struct bytes suffix = BYTES_LIT(".SAVF");
    bool save_file = out->name.len >= suffix.len &&
                     text_same(bytes_skip(out->name, out->name.len - suffix.len), suffix);
    if (bytes_equal(word, BYTES_LIT("*FILE")) && !save_file)
        listing_add(out, "container", BYTES_LIT("1")); /* may hold members (LST-60) */
    if (out->name.len > 1 && out->name.ptr[out->name.len - 1] == '/') {
        out->name.len--;
        out->type = LISTING_DIR;
    }
}

enum listing_match listing_os400_parse(struct listing *listing, struct bytes line,
                                       struct listing_entry *out)
{
    struct bytes rest = line;
    out->owner = listing_word(&rest);
    struct bytes word = listing_word(&rest);
    enum listing_date_order order = LISTING_DATE_MDY;
    if (listing_is_number(word)) { /* of a member, size, date and time may be blank */
        listing_set_size(out, word);
        struct bytes date = listing_word(&rest);
        struct bytes time = listing_word(&rest);
        if (time.len == 0 ||
            !listing_date_words(date, time, listing->now_seconds, &out->modified, &order))
            return LISTING_NO;
        word = listing_word(&rest);
    }
    if (word.len < 2 || word.ptr[0] != '*')
        return LISTING_NO;

    listing_skip_blanks(&rest, word.len < OS400_TYPE_COLUMNS ? OS400_TYPE_COLUMNS - word.len : 1);
    out->name = rest;
    read_os400_type(word, out);
    if (order != LISTING_DATE_MDY)
        listing_add(out, "dateorder",
                    order == LISTING_DATE_DMY ? BYTES_LIT("DMY") : BYTES_LIT("YMD"));
    return LISTING_YES;
}

static bool is_guardian_name(struct bytes word)
{
    for (size_t i = 0; i < word.len; i++) {
        char upper = text_upper(word.ptr[i]);
        bool letter = upper >= 'A' && upper <= 'Z';
        if (!letter && (i == 0 || !text_is_digit(word.ptr[i])))
            return false;
    }
    return word.len >= 1 && word.len <= 8;
}

/* `20, 15 "nunu"`: the owner's group and user, then who may read, write, execute and purge. */
static bool read_guardian_owner(struct listing *listing, struct bytes rest,
                                struct listing_entry *out)
{
    struct bytes rights = text_trim(rest);
    struct bytes owner = bytes_cut(&rights, '"');
    if (rights.len != 5 || rights.ptr[4] != '"')
        return false;
    out->perms = bytes_first(rights, 4);

    size_t len = 0;
    for (size_t i = 0; i < owner.len; i++) {
        char c = owner.ptr[i];
        if (c == ' ')
            continue;
        if ((!text_is_digit(c) && c != ',') || len == sizeof listing->scratch)
            return false;
        listing->scratch[len++] = c;
    }
    out->owner = bytes_of(listing->scratch, len);
    return len > 0;
}

enum listing_match listing_guardian_parse(struct listing *listing, struct bytes line,
                                          struct listing_entry *out)
{
    struct bytes rest = line;
    out->name = listing_word(&rest);
    struct bytes code = listing_word(&rest);
    if (bytes_equal(out->name, BYTES_LIT("File")) && bytes_equal(code, BYTES_LIT("Code")))
        return LISTING_SKIP;
    bool open = bytes_equal(code, BYTES_LIT("O"));
    if (open)
        code = listing_word(&rest);
    struct bytes size = listing_word(&rest);
    struct bytes date = listing_word(&rest);
    struct bytes time = listing_word(&rest);
    if (!is_guardian_name(out->name) || !listing_is_number(code) || !listing_is_number(size) ||
        time.len == 0 ||
        !listing_date_words(date, time, listing->now_seconds, &out->modified, NULL) ||
        !read_guardian_owner(listing, rest, out))
        return LISTING_NO;

    out->type = LISTING_FILE;
    listing_set_size(out, size);
    listing_add(out, "code", code);
    if (open)
        listing_add(out, "open", BYTES_LIT("1"));
    if (bytes_equal(out->perms, BYTES_LIT("****")))
        listing_add(out, "safeguard", BYTES_LIT("1"));
    return LISTING_YES;
}
