/* ftp/listing: every sample of tests/listings parsed and compared, line by line, with the table
 * beside it: LST-1 to LST-4, LST-30 to LST-36, LST-40, LST-50, LST-51, LST-58 to LST-60, LST-63,
 * LST-65 to LST-68. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "ftp/listing.h"
#include "support/sample.h"

enum {
    SAMPLE_BYTES = 64 * 1024,
    ROW_BYTES = 2048,
    ROWS_MAX = 64,
    PAIRS_MAX = 16,
    NOW = 1773576000, /* 2026-03-15T12:00:00 UTC (LST-7) */
};

static const struct sample {
    const char *name;
    enum listing_asked asked;
    bool without_owners; /* its table does not tell owners and groups */
    uint64_t unknown;    /* lines in no known format */
} samples[] = {
    {"unix", LISTING_ASKED_LIST, false, 0},    {"unix-variants", LISTING_ASKED_LIST, false, 0},
    {"server", LISTING_ASKED_LIST, false, 0},  {"mlsd", LISTING_ASKED_MLSD, false, 0},
    {"dos-iis", LISTING_ASKED_LIST, false, 0}, {"eplf", LISTING_ASKED_LIST, false, 1},
    {"hostile", LISTING_ASKED_MLSD, true, 0},  {"netware", LISTING_ASKED_LIST, false, 0},
    {"nonstop", LISTING_ASKED_LIST, false, 0}, {"os400", LISTING_ASKED_LIST, false, 0},
    {"vms", LISTING_ASKED_LIST, false, 0},     {"zos-dataset", LISTING_ASKED_LIST, false, 0},
    {"zos-jes", LISTING_ASKED_LIST, false, 0}, {"zos-pds", LISTING_ASKED_LIST, false, 0},
};

static const char *const type_names[] = {
    [LISTING_OTHER] = "other", [LISTING_FILE] = "file",     [LISTING_DIR] = "dir",
    [LISTING_LINK] = "link",   [LISTING_BLOCK] = "block",   [LISTING_CHAR] = "char",
    [LISTING_FIFO] = "fifo",   [LISTING_SOCK] = "sock",     [LISTING_CDIR] = "cdir",
    [LISTING_PDIR] = "pdir",   [LISTING_MEMBER] = "member", [LISTING_JOB] = "job",
};

static const char *const precision_names[] = {
    [TIMEVAL_NONE] = "none",  [TIMEVAL_DAY] = "day",     [TIMEVAL_MINUTE] = "min",
    [TIMEVAL_SECOND] = "sec", [TIMEVAL_FRACTION] = "ms",
};

static const char *const flaw_names[] = {
    [PATH_FLAW_NONE] = "none",
    [PATH_FLAW_EMPTY] = "empty",
    [PATH_FLAW_DOT] = "dot",
    [PATH_FLAW_DOTDOT] = "dotdot",
    [PATH_FLAW_SLASH] = "slash",
    [PATH_FLAW_NUL] = "nul",
    [PATH_FLAW_LONG] = "longer_than_255",
};

/* One row of a table: all columns but the line, with tabs between them, and the pairs of the last
 * in the order of their keys. */
struct row {
    char text[ROW_BYTES];
    size_t len;
};

struct pairs {
    char text[PAIRS_MAX][ROW_BYTES / 2];
    size_t count;
};

static void put(struct row *row, const char *format, ...) PRINTF_LIKE(2, 3);

static void put(struct row *row, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(row->text + row->len, sizeof row->text - row->len, format, args);
    va_end(args);
    assert_true(len >= 0 && row->len + (size_t)len < sizeof row->text);
    row->len += (size_t)len;
}

static void put_pair(struct pairs *pairs, const char *key, struct bytes value)
{
    assert_true(pairs->count < PAIRS_MAX);
    int len = snprintf(pairs->text[pairs->count++], sizeof pairs->text[0], "%s=%.*s", key,
                       BYTES_FMT(value));
    assert_true(len >= 0 && (size_t)len < sizeof pairs->text[0]);
}

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void put_pairs(struct row *row, struct pairs *pairs)
{
    qsort(pairs->text, pairs->count, sizeof pairs->text[0], compare_pairs);
    for (size_t i = 0; i < pairs->count; i++)
        put(row, "%s%s", i > 0 ? " " : "", pairs->text[i]);
    if (pairs->count == 0)
        put(row, "-");
}

static const char *or_dash(struct bytes text)
{
    static char copy[ROW_BYTES];
    assert_true(text.len < sizeof copy);
    snprintf(copy, sizeof copy, "%.*s", BYTES_FMT(text));
    return text.len > 0 ? copy : "-";
}

/* 2026-03-14, 2026-03-14T09:05:11 or 2026-03-14T09:05:11.42 */
static void print_time(const struct timeval_utc *time, char out[64])
{
    struct timeval_civil civil;
    if (time->precision == TIMEVAL_NONE) {
        snprintf(out, 64, "-");
        return;
    }
    assert_true(timeval_to_civil(time, &civil));
    int len = snprintf(out, 64, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
    if (time->precision > TIMEVAL_DAY)
        len += snprintf(out + len, 64 - (size_t)len, "T%02d:%02d:%02d", civil.hour, civil.minute,
                        civil.second);
    if (civil.nanoseconds > 0) {
        len += snprintf(out + len, 64 - (size_t)len, ".%09u", civil.nanoseconds);
        while (out[len - 1] == '0')
            out[--len] = '\0';
    }
}

static void put_size(struct row *row, const struct listing_entry *entry)
{
    unsigned long long size = entry->size;
    switch (entry->size_kind) {
    case LISTING_SIZE_UNKNOWN:
        put(row, "\t-");
        break;
    case LISTING_SIZE_EXACT:
        put(row, "\t%llu", size);
        break;
    case LISTING_SIZE_APPROXIMATE:
        put(row, "\t~%llu", size);
        break;
    case LISTING_SIZE_RECORDS:
        put(row, "\t%llur", size);
        break;
    }
}

/* Blanks in owners and groups are written as '_' in the tables (LST-5). */
static void put_owner(struct pairs *pairs, const char *key, struct bytes name, struct bytes id)
{
    struct bytes value = name.len > 0 ? name : id;
    char text[256];
    assert_true(value.len < sizeof text);
    for (size_t i = 0; i < value.len; i++)
        text[i] = value.ptr[i] == ' ' ? '_' : value.ptr[i];
    if (value.len > 0)
        put_pair(pairs, key, bytes_of(text, value.len));
}

static void collect_pairs(const struct sample *sample, const struct listing_entry *entry,
                          struct pairs *pairs)
{
    bool mlsx = entry->format == LISTING_FORMAT_MLSX;
    char text[64];
    if (!sample->without_owners) {
        put_owner(pairs, "owner", entry->owner, entry->owner_id);
        put_owner(pairs, "group", entry->group, entry->group_id);
    }
    if (entry->target.len > 0)
        put_pair(pairs, "target", entry->target);
    if (entry->unique.len > 0)
        put_pair(pairs, mlsx ? "unique" : "id", entry->unique);
    if (entry->has_device) {
        snprintf(text, sizeof text, "%u,%u", entry->device_major, entry->device_minor);
        put_pair(pairs, "dev", bytes_str(text));
    }
    if (mlsx && entry->has_mode) {
        snprintf(text, sizeof text, "%04o", entry->mode);
        put_pair(pairs, "mode", bytes_str(text));
    }
    if (entry->created.precision != TIMEVAL_NONE) {
        print_time(&entry->created, text);
        put_pair(pairs, mlsx ? "create" : "created", bytes_str(text));
    }
    if (entry->item == LISTING_REJECTED)
        put_pair(pairs, "why", bytes_str(flaw_names[entry->flaw]));
    for (size_t i = 0; i < entry->extra_count; i++)
        put_pair(pairs, entry->extra[i].key, entry->extra[i].value);
}

static void print_entry(const struct sample *sample, const struct listing_entry *entry,
                        struct row *row)
{
    char time[64];
    print_time(&entry->modified, time);
    row->len = 0;
    put(row, "%s", or_dash(entry->name));
    put(row, "\t%s", entry->item == LISTING_REJECTED ? "reject" : type_names[entry->type]);
    put_size(row, entry);
    put(row, "\t%s\t%s", time, precision_names[entry->modified.precision]);
    if (entry->has_mode && entry->perms.len == 0 && entry->format != LISTING_FORMAT_MLSX)
        put(row, "\t%04o\t", entry->mode);
    else
        put(row, "\t%s\t", or_dash(entry->perms));

    struct pairs pairs = {.count = 0};
    collect_pairs(sample, entry, &pairs);
    put_pairs(row, &pairs);
}

/* LST-6 */
static struct bytes unescape(struct bytes in, char *out)
{
    size_t len = 0;
    while (in.len > 0) {
        size_t used = 1;
        char c = in.ptr[0];
        if (c == '\\' && in.len > 3 && in.ptr[1] == 'x') {
            c = (char)(text_hex_digit(in.ptr[2]) << 4 | text_hex_digit(in.ptr[3]));
            used = 4;
        } else if (c == '\\') {
            used = 2;
        }
        out[len++] = c;
        in = bytes_skip(in, used);
    }
    return bytes_of(out, len);
}

/* Splits "key=value key=value"; a value may hold blanks. Notes are for the reader only. */
static void read_pairs(struct bytes column, struct pairs *pairs)
{
    if (bytes_equal(column, BYTES_LIT("-")))
        return;
    while (column.len > 0) {
        struct bytes pair = bytes_cut(&column, ' ');
        while (column.len > 0 && bytes_find(bytes_first(column, bytes_find(column, ' ')), '=') ==
                                     bytes_find(column, ' ')) {
            pair.len += 1 + bytes_find(column, ' ');
            bytes_cut(&column, ' ');
        }
        char text[ROW_BYTES];
        struct bytes value = unescape(pair, text);
        struct bytes key = bytes_cut(&value, '=');
        char name[32];
        snprintf(name, sizeof name, "%.*s", BYTES_FMT(key));
        if (!bytes_equal(key, BYTES_LIT("note")))
            put_pair(pairs, name, value);
    }
}

/* `line` is a row of the table, without the number that begins it. */
static void print_expected(struct bytes line, struct row *row)
{
    char name[ROW_BYTES];
    assert_true(line.len < sizeof name);
    struct bytes rest = line;
    row->len = 0;
    struct bytes plain = unescape(bytes_cut(&rest, '\t'), name);
    put(row, "%.*s", BYTES_FMT(plain));
    for (int column = 0; column < 5; column++) {
        struct bytes value = bytes_cut(&rest, '\t');
        bool fraction = column == 2 && bytes_find(value, '.') < value.len;
        while (fraction && value.ptr[value.len - 1] == '0')
            value.len--;
        if (fraction && value.ptr[value.len - 1] == '.')
            value.len--;
        put(row, "\t%.*s", BYTES_FMT(value));
    }
    put(row, "\t");
    struct pairs pairs = {.count = 0};
    read_pairs(rest, &pairs);
    put_pairs(row, &pairs);
}

/* The rows that the parser makes, by line; a line without an entry keeps an empty row. */
static void parse_rows(const struct sample *sample, struct bytes text, size_t step,
                       struct row *rows)
{
    struct listing listing;
    struct fault fault = {0};
    listing_init(&listing, sample->asked, BYTES_LIT(""), NOW);
    for (bool ended = false; !ended;) {
        ended = text.len == 0;
        if (ended)
            listing_end(&listing);
        else
            listing_feed(&listing, bytes_first(text, step));
        text = bytes_skip(text, step);

        struct listing_entry entry;
        while (listing_next(&listing, &entry, &fault) == FERRY_OK && entry.item != LISTING_MORE) {
            assert_in_range(entry.line, 1, ROWS_MAX - 1);
            if (entry.item != LISTING_UNKNOWN)
                print_entry(sample, &entry, &rows[entry.line]);
        }
    }
    if (fault_is_set(&fault))
        fail_msg("%s: %s", sample->name, fault.what);
    assert_int_equal(listing.unknown, sample->unknown);
    listing_fini(&listing);
}

static void compare(const struct sample *sample, size_t step, struct bytes table,
                    const struct row *rows)
{
    struct bytes header = bytes_cut(&table, '\n');
    assert_true(bytes_starts(header, BYTES_LIT("line\tname\t")));
    size_t number = 0;
    while (table.len > 0) {
        struct bytes line = bytes_cut(&table, '\n');
        uint64_t says;
        assert_true(text_u64(bytes_cut(&line, '\t'), ROWS_MAX - 1, &says));
        assert_int_equal(says, ++number);

        struct row expected;
        print_expected(line, &expected);
        bool skip = bytes_starts(bytes_of(expected.text, expected.len), BYTES_LIT("-\tskip\t"));
        if (skip)
            expected.len = 0;
        if (!bytes_equal(bytes_of(rows[number].text, rows[number].len),
                         bytes_of(expected.text, expected.len)))
            fail_msg("%s.txt:%zu in pieces of %zu\n  is   '%.*s'\n  must '%.*s'", sample->name,
                     number, step, (int)rows[number].len, rows[number].text, (int)expected.len,
                     expected.text);
    }
    assert_true(number >= 12);
}

static void check_sample(void **state)
{
    const struct sample *sample = *state;
    char name[64];
    CLEANUP(buf_fini) struct buf text;
    CLEANUP(buf_fini) struct buf table;
    buf_init(&text, SAMPLE_BYTES);
    buf_init(&table, SAMPLE_BYTES);
    snprintf(name, sizeof name, "listings/%s.txt", sample->name);
    sample_read(&text, name);
    snprintf(name, sizeof name, "listings/%s.tsv", sample->name);
    sample_read(&table, name);

    static const size_t steps[] = {1, 2, 7, 100, SAMPLE_BYTES};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        static struct row rows[ROWS_MAX];
        memset(rows, 0, sizeof rows);
        parse_rows(sample, buf_view(&text), steps[i], rows);
        compare(sample, steps[i], buf_view(&table), rows);
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(samples)];
    struct sample copies[ARRAY_LEN(samples)];
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        copies[i] = samples[i];
        tests[i] = (struct CMUnitTest){
            .name = samples[i].name,
            .test_func = check_sample,
            .initial_state = &copies[i],
        };
    }
    return cmocka_run_group_tests_name("lst_1 samples", tests, NULL, NULL);
}
