/* Listings of VMS: `DIRECTORY/SIZE=ALL/DATE/OWNER/PROTECTION`, with its long names and escapes. */
#include "base/text.h"
#include "ftp/listing_date.h"
#include "ftp/listing_format.h"

enum { VMS_BLOCK_BYTES = 512 };

/* NAME.TYPE;version */
static bool is_file_name(struct bytes word)
{
    struct bytes version = word;
    struct bytes name = bytes_cut(&version, ';');
    return name.len > 0 && listing_is_number(version);
}

/* ODS-5 escapes undone: `^_` is a blank, `^41` the byte 0x41, `^.` a point (LST-63). Returns the
 * length written. */
static size_t unescape(struct bytes in, char *out)
{
    size_t len = 0;
    while (in.len > 0) {
        int high = in.len > 2 ? text_hex_digit(in.ptr[1]) : -1;
        int low = in.len > 2 ? text_hex_digit(in.ptr[2]) : -1;
        size_t used = 1;
        char c = in.ptr[0];
        if (c == '^' && high >= 0 && low >= 0) {
            c = (char)(high << 4 | low);
            used = 3;
        } else if (c == '^' && in.len > 1) {
            c = in.ptr[1] == '_' ? ' ' : in.ptr[1];
            used = 2;
        }
        out[len++] = c;
        in = bytes_skip(in, used);
    }
    return len;
}

static void read_name(struct listing *listing, struct bytes word, struct listing_entry *out)
{
    struct bytes version = word;
    struct bytes name = bytes_cut(&version, ';');
    struct bytes suffix = BYTES_LIT(".DIR");
    bool directory = name.len > suffix.len &&
                     text_same(bytes_skip(name, name.len - suffix.len), suffix) &&
                     bytes_equal(version, BYTES_LIT("1"));
    if (directory)
        word = bytes_first(name, name.len - suffix.len);
    out->type = directory ? LISTING_DIR : LISTING_FILE;
    out->name = word; /* if it does not fit the scratch, it is too long for a name: rejected */
    if (word.len <= sizeof listing->scratch)
        out->name = bytes_of(listing->scratch, unescape(word, listing->scratch));
    listing_add(out, "version", version);
}

/* `4/6` or `18`: blocks used, and allocated. */
static bool read_blocks(struct bytes word, struct listing_entry *out)
{
    struct bytes allocated = word;
    struct bytes used = bytes_cut(&allocated, '/');
    uint64_t blocks;
    if (!text_u64(used, INT64_MAX / VMS_BLOCK_BYTES, &blocks) ||
        (used.len < word.len && !listing_is_number(allocated)))
        return false;
    out->size = blocks * VMS_BLOCK_BYTES;
    out->size_kind = blocks > 0 ? LISTING_SIZE_APPROXIMATE : LISTING_SIZE_EXACT;
    return true;
}

/* `%RMS-E-PRV, insufficient privilege`: the entry is there, its columns are not. */
static bool read_error(struct bytes rest, struct listing_entry *out)
{
    struct bytes code = bytes_first(rest, bytes_find(rest, ','));
    if (!bytes_starts(code, BYTES_LIT("%RMS-")))
        return false;
    bytes_cut(&code, '-');
    bytes_cut(&code, '-');
    listing_add(out, "error", code);
    return true;
}

/* What follows the name: blocks, date, owner, protection. */
static bool read_columns(struct listing *listing, struct bytes rest, struct listing_entry *out)
{
    if (!read_blocks(listing_word(&rest), out))
        return false;

    struct bytes behind = rest;
    struct bytes date = listing_word(&behind);
    struct bytes time = listing_word(&behind);
    if (date.len > 0 && text_is_digit(date.ptr[0])) {
        if (!listing_date_words(date, time, listing->now_seconds, &out->modified, NULL))
            return false;
        rest = behind;
    }

    size_t open = bytes_find(rest, '[');
    size_t close = bytes_find(rest, ']');
    if (open < close && close < rest.len) {
        out->owner = bytes_first(bytes_skip(rest, open + 1), close - open - 1);
        rest = bytes_skip(rest, close + 1);
    }
    struct bytes protection = listing_word(&rest);
    if (bytes_starts(protection, BYTES_LIT("(")))
        out->perms = protection;
    return true;
}

/* The line below a name that left no room for its columns. */
static bool read_continuation(struct listing *listing, struct bytes line, struct listing_entry *out)
{
    struct bytes name = bytes_of(listing->held, listing->held_len);
    if (line.ptr[0] != ' ' || !read_columns(listing, line, out))
        return false;
    read_name(listing, name, out);
    listing_add(out, "lines", BYTES_LIT("2"));
    out->line = listing->held_line;
    return true;
}

enum listing_match listing_vms_parse(struct listing *listing, struct bytes line,
                                     struct listing_entry *out)
{
    if (listing->held_len > 0) {
        bool continued = read_continuation(listing, line, out);
        listing->held_len = 0;
        if (continued)
            return LISTING_YES;
        listing->unknown++;
        *out = (struct listing_entry){0};
    }

    struct bytes rest = line;
    struct bytes word = listing_word(&rest);
    bool header = bytes_equal(word, BYTES_LIT("Directory")) && bytes_find(rest, '[') < rest.len;
    if (header || bytes_starts(line, BYTES_LIT("Total of ")))
        return LISTING_SKIP;
    if (word.ptr != line.ptr || !is_file_name(word))
        return LISTING_NO;

    listing_skip_blanks(&rest, rest.len);
    if (rest.len == 0) {
        if (listing->format != LISTING_FORMAT_VMS || word.len > sizeof listing->held)
            return LISTING_NO;
        memcpy(listing->held, word.ptr, word.len);
        listing->held_len = word.len;
        listing->held_line = listing->lines;
        return LISTING_SKIP;
    }
    if (!read_error(rest, out) && !read_columns(listing, rest, out))
        return LISTING_NO;
    read_name(listing, word, out);
    return LISTING_YES;
}
