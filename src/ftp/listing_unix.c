/* Listings that `ls -l` made, in its many dialects, and NetWare's, which imitates it. */
#include "base/text.h"
#include "ftp/listing_date.h"
#include "ftp/listing_format.h"

enum {
    MODE_LETTERS = 9,
    FIELDS_MAX = 10, /* between the mode and the date; a group may be several words */
};

static const struct {
    char letter;
    enum listing_type type;
} type_letters[] = {
    {'-', LISTING_FILE},  {'d', LISTING_DIR},   {'l', LISTING_LINK}, {'b', LISTING_BLOCK},
    {'c', LISTING_CHAR},  {'p', LISTING_FIFO},  {'s', LISTING_SOCK}, {'D', LISTING_OTHER},
    {'C', LISTING_OTHER}, {'M', LISTING_OTHER},
};

static bool read_type(char letter, enum listing_type *out)
{
    for (size_t i = 0; i < ARRAY_LEN(type_letters); i++) {
        if (type_letters[i].letter == letter) {
            *out = type_letters[i].type;
            return true;
        }
    }
    return false;
}

/* rwxr-sr-T: the letter of execution also tells set-id and sticky, in capitals where there is no
 * execution (LST-30). */
static bool read_mode(struct bytes letters, unsigned *out)
{
    static const struct {
        const char *execution; /* plain, with the special bit, with that bit alone */
        unsigned special;
    } classes[] = {{"xsS", 04000}, {"xsS", 02000}, {"xtT", 01000}};

    unsigned mode = 0;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        const char *rwx = letters.ptr + 3 * i;
        unsigned shift = 6 - 3 * (unsigned)i;
        const char *execution = classes[i].execution;
        bool runs = rwx[2] == execution[0] || rwx[2] == execution[1];
        bool special = rwx[2] == execution[1] || rwx[2] == execution[2];
        if ((rwx[0] != 'r' && rwx[0] != '-') || (rwx[1] != 'w' && rwx[1] != '-') ||
            (!runs && !special && rwx[2] != '-'))
            return false;
        mode |= (unsigned)((rwx[0] == 'r') << 2 | (rwx[1] == 'w') << 1 | runs) << shift;
        mode |= special ? classes[i].special : 0;
    }
    *out = mode;
    return true;
}

/* 33.5k, 2M, 1,5G: a size that was rounded for people, in units of 1024 (LST-34). */
static bool read_human_size(struct bytes word, uint64_t *out)
{
    static const char units[] = "KMGT";
    if (word.len < 2)
        return false;
    const char *unit = strchr(units, text_upper(word.ptr[word.len - 1]));
    if (!unit || !*unit)
        return false;

    struct bytes fraction = bytes_first(word, word.len - 1);
    char point = bytes_find(fraction, ',') < fraction.len ? ',' : '.';
    bool whole = bytes_find(fraction, point) == fraction.len;
    uint64_t integer;
    uint64_t tenths = 0;
    if (!text_u64(bytes_cut(&fraction, point), 999999, &integer) ||
        (!whole && (fraction.len != 1 || !text_u64(fraction, 9, &tenths))))
        return false;
    unsigned shift = 10 * (unsigned)(unit - units + 1);
    *out = ((integer * 10 + tenths) << shift) / 10;
    return true;
}

/* "8," "1" or "8,1": the numbers of a device stand where other types have a size (LST-31). Returns
 * how many of the `count` fields they are. */
static size_t read_device(const struct bytes *fields, size_t count, struct listing_entry *out)
{
    uint64_t major;
    uint64_t minor;
    struct bytes right = fields[count - 1];
    struct bytes left = bytes_cut(&right, ',');
    size_t used = 1;
    if (left.len == fields[count - 1].len && count > 1) {
        left = fields[count - 2];
        right = fields[count - 1];
        used = 2;
        if (left.ptr[left.len - 1] != ',')
            return 0;
        left.len--;
    }
    if (!text_u64(left, UINT32_MAX, &major) || !text_u64(right, UINT32_MAX, &minor))
        return 0;
    out->has_device = true;
    out->device_major = (unsigned)major;
    out->device_minor = (unsigned)minor;
    return used;
}

static void read_size(struct bytes word, struct listing_entry *out)
{
    bool negative = word.ptr[0] == '-' && listing_is_number(bytes_skip(word, 1));
    if (listing_is_number(word))
        listing_set_size(out, word);
    else if (read_human_size(word, &out->size))
        out->size_kind = LISTING_SIZE_APPROXIMATE;
    else if (!negative) /* glued to the group (LST-35) */
        listing_add(out, "ambiguous", BYTES_LIT("1"));
}

/* The `count` words, at least one, between the mode and the date: links, owner, group of one or
 * more words, size, of which any but the size may be missing (LST-31). */
static void read_fields(const struct bytes *fields, size_t count, struct listing_entry *out)
{
    size_t last = 0;
    if (out->type == LISTING_BLOCK || out->type == LISTING_CHAR)
        last = read_device(fields, count, out);
    if (last == 0) {
        read_size(fields[count - 1], out);
        last = 1;
    }

    size_t end = count - last;
    size_t at = end > 0 && listing_is_number(fields[0]) ? 1 : 0;
    if (at < end)
        out->owner = fields[at++];
    if (at < end)
        out->group = listing_span(fields[at], fields[end - 1]);
}

/* What follows the mode: fields, date, name. The date is the first that has a number somewhere
 * before it. */
static bool read_rest(const struct listing *listing, struct bytes rest, struct listing_entry *out)
{
    struct bytes fields[FIELDS_MAX];
    size_t count = 0;
    bool seen_number = false;
    while (!seen_number || !listing_date_take(&rest, listing->now_seconds, &out->modified)) {
        struct bytes field = listing_word(&rest);
        if (field.len == 0 || count == FIELDS_MAX)
            return false;
        fields[count++] = field;
        seen_number = seen_number || text_is_digit(field.ptr[0]) || field.ptr[0] == '-';
    }
    if (rest.len == 0)
        return false;
    read_fields(fields, count, out);
    out->name = bytes_skip(rest, 1); /* more blanks belong to the name (LST-32) */
    return true;
}

/* At the first arrow, and only for links (LST-33). */
static void split_link(struct listing_entry *out)
{
    static const struct bytes arrow = {.ptr = " -> ", .len = 4};
    if (out->type != LISTING_LINK)
        return;
    const char *at = memmem(out->name.ptr, out->name.len, arrow.ptr, arrow.len);
    if (!at)
        return;
    size_t len = (size_t)(at - out->name.ptr);
    out->target = bytes_skip(out->name, len + arrow.len);
    out->name.len = len;
}

enum listing_match listing_unix_parse(struct listing *listing, struct bytes line,
                                      struct listing_entry *out)
{
    if (bytes_starts(line, BYTES_LIT("ls: ")))
        return LISTING_SKIP;
    if (line.len < 1 + MODE_LETTERS + 1 || !read_type(line.ptr[0], &out->type))
        return LISTING_NO;
    struct bytes rest = bytes_skip(line, 1);
    if (!read_mode(rest, &out->mode))
        return LISTING_NO;
    out->has_mode = true;

    rest = bytes_skip(rest, MODE_LETTERS);
    if (rest.ptr[0] == '+' || rest.ptr[0] == '.' || rest.ptr[0] == '@')
        rest = bytes_skip(rest, 1); /* access list, SELinux label, extended attributes */
    if (rest.len == 0 || rest.ptr[0] != ' ' || !read_rest(listing, rest, out))
        return LISTING_NO;
    split_link(out);
    return LISTING_YES;
}

/* S_IFMT of the Unix systems, which need not be this machine's. */
static const struct {
    unsigned bits;
    enum listing_type type;
} type_bits[] = {
    {0010000, LISTING_FIFO},  {0020000, LISTING_CHAR}, {0040000, LISTING_DIR},
    {0060000, LISTING_BLOCK}, {0100000, LISTING_FILE}, {0120000, LISTING_LINK},
    {0140000, LISTING_SOCK},
};

enum listing_match listing_unix_parse_numeric(struct listing *listing, struct bytes line,
                                              struct listing_entry *out)
{
    (void)listing;
    struct bytes rest = line;
    uint64_t mode;
    uint64_t seconds;
    struct bytes word = listing_word(&rest);
    if (word.len < 5 || !text_octal(word, 0177777, &mode))
        return LISTING_NO;
    struct bytes owner = listing_word(&rest);
    struct bytes group = listing_word(&rest);
    struct bytes size = listing_word(&rest);
    if (!listing_is_number(owner) || !listing_is_number(group) || !listing_is_number(size) ||
        !text_u64(listing_word(&rest), INT64_MAX, &seconds))
        return LISTING_NO;

    for (size_t i = 0; i < ARRAY_LEN(type_bits); i++) {
        if (type_bits[i].bits == (mode & 0170000))
            out->type = type_bits[i].type;
    }
    out->has_mode = true;
    out->mode = (unsigned)mode & 07777;
    out->owner = owner;
    out->group = group;
    listing_set_size(out, size);
    out->modified = (struct timeval_utc){.seconds = (int64_t)seconds, .precision = TIMEVAL_SECOND};
    listing_skip_blanks(&rest, rest.len);
    out->name = rest;
    return LISTING_YES;
}

enum listing_match listing_unix_parse_netware(struct listing *listing, struct bytes line,
                                              struct listing_entry *out)
{
    static const struct bytes rights = {.ptr = "SRWCEMFA-", .len = 9};
    if (line.len == 0 || (line.ptr[0] != 'd' && line.ptr[0] != '-'))
        return LISTING_NO;
    out->type = line.ptr[0] == 'd' ? LISTING_DIR : LISTING_FILE;

    struct bytes rest = bytes_skip(line, 1);
    listing_skip_blanks(&rest, 1);
    size_t close = bytes_find(rest, ']');
    if (rest.len == 0 || rest.ptr[0] != '[' || close == rest.len)
        return LISTING_NO;
    for (size_t i = 1; i < close; i++) {
        if (bytes_find(rights, rest.ptr[i]) == rights.len)
            return LISTING_NO;
    }
    out->perms = bytes_first(rest, close + 1);
    return read_rest(listing, bytes_skip(rest, close + 1), out) ? LISTING_YES : LISTING_NO;
}
