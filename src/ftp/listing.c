/* Listings: bytes to lines, lines to the parser of their format, names checked. */
#include "ftp/listing.h"

#include "base/text.h"
#include "ftp/facts.h"
#include "ftp/listing_format.h"

static const uint64_t default_max_bytes = UINT64_C(4) << 30;

void listing_init(struct listing *listing, enum listing_asked asked, struct bytes asked_dir,
                  int64_t now_seconds)
{
    *listing = (struct listing){
        .max_entries = LISTING_ENTRIES_MAX,
        .max_bytes = default_max_bytes,
        .asked = asked,
        .asked_dir = asked_dir,
        .now_seconds = now_seconds,
    };
    buf_init(&listing->line, LISTING_LINE_MAX_BYTES);
}

void listing_fini(struct listing *listing)
{
    buf_fini(&listing->line);
}

void listing_feed(struct listing *listing, struct bytes in)
{
    listing->in = in;
    listing->bytes += in.len;
}

void listing_end(struct listing *listing)
{
    listing->in = (struct bytes){0};
    listing->ended = true;
}

static enum ferry_error line_fault(enum ferry_error error, struct fault *fault)
{
    if (error == FERRY_E_LIMIT)
        return fault_set(fault, error, "a line of the listing is over %d bytes",
                         LISTING_LINE_MAX_BYTES);
    return fault_set(fault, error, "no memory for a line of the listing");
}

/* Takes the next line, with its line end but for the LF. `*whole` is false if it is not there yet.
 * A line that is whole in what was fed is not copied; of others the beginning waits in
 * listing->line. */
static enum ferry_error take_line(struct listing *listing, struct bytes *line, bool *whole,
                                  struct fault *fault)
{
    *line = (struct bytes){0};
    *whole = false;
    if (listing->line_given) {
        buf_fini(&listing->line);
        listing->line_given = false;
    }
    size_t len = bytes_find(listing->in, '\n');
    bool ends = len < listing->in.len;
    struct bytes piece = bytes_first(listing->in, len);
    listing->in = bytes_skip(listing->in, ends ? len + 1 : len);

    if (ends && buf_len(&listing->line) == 0) {
        *line = piece;
        *whole = true;
        return len <= LISTING_LINE_MAX_BYTES ? FERRY_OK : line_fault(FERRY_E_LIMIT, fault);
    }
    enum ferry_error error = buf_append(&listing->line, piece);
    if (error != FERRY_OK)
        return line_fault(error, fault);
    *line = buf_view(&listing->line);
    *whole = ends || (listing->ended && line->len > 0);
    listing->line_given = *whole;
    return FERRY_OK;
}

/* Without the end of the line, which is LF, CR LF or CR CR LF, and a byte order mark at the very
 * start (LST-14). */
static struct bytes trim_line(struct listing *listing, struct bytes line)
{
    for (int i = 0; i < 2 && line.len > 0 && line.ptr[line.len - 1] == '\r'; i++)
        line.len--;
    struct bytes mark = BYTES_LIT("\xef\xbb\xbf");
    return listing->lines == 1 && bytes_starts(line, mark) ? bytes_skip(line, mark.len) : line;
}

/* `total 5184`, or nothing: in any listing of LIST or MLSD. */
static bool is_filler(struct bytes line)
{
    struct bytes word = listing_word(&line);
    if (word.len == 0)
        return true;
    struct bytes number = listing_word(&line);
    return bytes_equal(word, BYTES_LIT("total")) && listing_is_number(number) && line.len == 0;
}

static enum listing_match parse_mlsx(struct listing *listing, struct bytes line,
                                     struct listing_entry *out)
{
    bool asked = listing->asked == LISTING_ASKED_MLSD;
    return asked && facts_parse(line, out) == FERRY_OK ? LISTING_YES : LISTING_NO;
}

/* In the order of LST-12. */
static const struct {
    enum listing_format format;
    listing_format_fn *parse;
} formats[] = {
    {LISTING_FORMAT_MLSX, parse_mlsx},
    {LISTING_FORMAT_EPLF, listing_eplf_parse},
    {LISTING_FORMAT_NETWARE, listing_unix_parse_netware},
    {LISTING_FORMAT_UNIX, listing_unix_parse},
    {LISTING_FORMAT_DOS, listing_dos_parse},
    {LISTING_FORMAT_OS400, listing_os400_parse},
    {LISTING_FORMAT_GUARDIAN, listing_guardian_parse},
    {LISTING_FORMAT_ZOS, listing_zos_parse},
    {LISTING_FORMAT_VMS, listing_vms_parse},
    {LISTING_FORMAT_UNIX_NUMERIC, listing_unix_parse_numeric},
};

static enum listing_match try_format(struct listing *listing, size_t row, struct bytes line,
                                     struct listing_entry *out)
{
    *out = (struct listing_entry){0};
    enum listing_match match = formats[row].parse(listing, line, out);
    if (match != LISTING_NO)
        listing->format = formats[row].format;
    out->format = listing->format;
    return match;
}

/* The format of the line before first, then all others (LST-10). */
static enum listing_match try_formats(struct listing *listing, struct bytes line,
                                      struct listing_entry *out)
{
    enum listing_format last = listing->format;
    enum listing_match match = LISTING_NO;
    for (size_t row = 0; row < ARRAY_LEN(formats) && match == LISTING_NO; row++) {
        if (formats[row].format == last)
            match = try_format(listing, row, line, out);
    }
    for (size_t row = 0; row < ARRAY_LEN(formats) && match == LISTING_NO; row++) {
        if (formats[row].format != last)
            match = try_format(listing, row, line, out);
    }
    return match;
}

/* The directory that was asked for, where the server put it before the name (LST-70). */
static void strip_asked_dir(const struct listing *listing, struct listing_entry *entry)
{
    struct bytes dir = listing->asked_dir;
    if (dir.len == 0 || listing->asked == LISTING_ASKED_LIST)
        return;
    while (dir.len > 0 && dir.ptr[dir.len - 1] == '/')
        dir.len--;
    struct bytes rest = bytes_skip(entry->name, dir.len);
    if (bytes_starts(entry->name, dir) && bytes_starts(rest, BYTES_LIT("/")))
        entry->name = bytes_skip(rest, 1);
}

static void recognise_dots(struct listing_entry *entry)
{
    if (entry->type == LISTING_DIR && bytes_equal(entry->name, BYTES_LIT(".")))
        entry->type = LISTING_CDIR;
    if (entry->type == LISTING_DIR && bytes_equal(entry->name, BYTES_LIT("..")))
        entry->type = LISTING_PDIR;
}

/* FILE/MEMBER is how OS/400 names a member; each half must be a name. */
static enum path_flaw check_member(struct bytes name)
{
    struct bytes member = name;
    struct bytes file = bytes_cut(&member, '/');
    enum path_flaw flaw = path_check_name(file);
    return flaw == PATH_FLAW_NONE && file.len < name.len ? path_check_name(member) : flaw;
}

static enum path_flaw check_name(const struct listing_entry *entry)
{
    if (entry->type == LISTING_CDIR || entry->type == LISTING_PDIR)
        return PATH_FLAW_NONE; /* MLSD may give them any name, and nobody goes by it */
    if (entry->format == LISTING_FORMAT_OS400 && entry->type == LISTING_MEMBER)
        return check_member(entry->name);
    return path_check_name(entry->name);
}

/* Reads one line. false: there is no item in it. */
static bool parse_line(struct listing *listing, struct bytes line, struct listing_entry *out)
{
    *out = (struct listing_entry){0};
    enum listing_match match = LISTING_YES;
    if (bytes_find(line, '\0') < line.len) {
        out->flaw = PATH_FLAW_NUL; /* LST-14 */
    } else if (listing->asked == LISTING_ASKED_NLST) {
        out->format = listing->format = LISTING_FORMAT_NAMES;
        out->name = line;
        match = line.len > 0 ? LISTING_YES : LISTING_SKIP;
    } else {
        match = is_filler(line) ? LISTING_SKIP : try_formats(listing, line, out);
    }
    if (match == LISTING_SKIP)
        return false;

    if (match == LISTING_NO)
        *out = (struct listing_entry){.name = line};
    out->raw = line;
    out->line = out->line ? out->line : listing->lines;
    strip_asked_dir(listing, out);
    recognise_dots(out);
    if (out->flaw == PATH_FLAW_NONE)
        out->flaw = check_name(out);
    if (match == LISTING_NO)
        out->item = LISTING_UNKNOWN;
    else
        out->item = out->flaw == PATH_FLAW_NONE ? LISTING_ENTRY : LISTING_REJECTED;
    return true;
}

static enum ferry_error count_item(struct listing *listing, const struct listing_entry *entry,
                                   struct fault *fault)
{
    if (listing->entries + listing->rejected + listing->unknown >= listing->max_entries)
        return fault_set(fault, FERRY_E_LIMIT, "the listing has more than %llu entries",
                         (unsigned long long)listing->max_entries);
    if (entry->item == LISTING_UNKNOWN) {
        listing->unknown++;
        if (bytes_find(entry->raw, ' ') < entry->raw.len)
            listing->not_names = true;
    } else if (entry->item == LISTING_REJECTED) {
        listing->rejected++;
    } else {
        listing->entries++;
    }
    return FERRY_OK;
}

/* No line is left of what was fed. */
static enum ferry_error finish(struct listing *listing, struct fault *fault)
{
    if (!listing->ended)
        return FERRY_OK;
    if (listing->held_len > 0) {
        listing->unknown++;
        listing->held_len = 0;
    }
    if (listing->format == LISTING_FORMAT_NONE && listing->not_names)
        return fault_set(fault, FERRY_E_UNSUPPORTED,
                         "none of the listing's %llu lines is in a known format",
                         (unsigned long long)listing->unknown);
    return FERRY_OK;
}

enum ferry_error listing_next(struct listing *listing, struct listing_entry *out,
                              struct fault *fault)
{
    for (;;) {
        *out = (struct listing_entry){.item = LISTING_MORE};
        if (listing->bytes > listing->max_bytes)
            return fault_set(fault, FERRY_E_LIMIT, "the listing is over %llu bytes",
                             (unsigned long long)listing->max_bytes);
        struct bytes line;
        bool whole;
        enum ferry_error error = take_line(listing, &line, &whole, fault);
        if (error != FERRY_OK)
            return error;
        if (!whole)
            return finish(listing, fault);

        listing->lines++;
        if (parse_line(listing, trim_line(listing, line), out))
            return count_item(listing, out, fault);
    }
}

bool listing_is_names(const struct listing *listing)
{
    return listing->format == LISTING_FORMAT_NONE && listing->unknown > 0 && !listing->not_names;
}
