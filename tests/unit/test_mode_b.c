/* ftp/mode_b: blocks written and read, at every border, and what a hostile sender may send. FTP-44,
 * FTP-97. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ftp/mode_b.h"
#include "support/alloc_fail.h"

#define LIT(text) BYTES_LIT(text)

enum { CONTENT_BYTES = 200 * 1000, OUT_BYTES = 1000 * 1000 };

/* ---- what is read ---- */

/* `text` tells what came: data as it is, "<marker>", then "." for the end, "?" if more is wanted,
 * "!" if it is broken; and `rest` bytes were not touched. */
static const struct {
    const char *name;
    struct bytes wire;
    const char *text;
    size_t rest;
    const char *flaw; /* a part of it */
} reads[] = {
    {"empty file", LIT("\x40\0\0"), ".", 0, NULL},
    {"data, then the end", LIT("\0\0\3abc\x40\0\0"), "abc.", 0, NULL},
    {"the end in the last block", LIT("\0\0\3abc\x40\0\2de"), "abcde.", 0, NULL},
    {"what follows is the next file's", LIT("\x40\0\1a\0\0\1b"), "a.", 4, NULL},
    {"empty blocks", LIT("\0\0\0\0\0\0\0\0\1a\0\0\0\x40\0\0"), "a.", 0, NULL},
    {"cut in a header", LIT("\0\0\1a\x40\0"), "a?", 0, NULL},
    {"cut in a block", LIT("\0\0\3ab"), "ab?", 0, NULL},
    {"cut between blocks", LIT("\0\0\3abc"), "abc?", 0, NULL},
    {"nothing", LIT(""), "?", 0, NULL},
    {"a marker", LIT("\0\0\1a\x10\0\3m-1\0\0\1b\x40\0\0"), "a<m-1>b.", 0, NULL},
    {"a marker with the end", LIT("\0\0\1a\x50\0\1m"), "a<m>.", 0, NULL},
    {"a marker that is cut", LIT("\x10\0\3m-"), "?", 0, NULL},
    {"a marker without text", LIT("\x10\0\0abc"), "!", 3, "without text"},
    {"a marker with a blank", LIT("\x10\0\3m 1abc"), "!", 4, "not print"},
    {"a marker with CRLF", LIT("\x10\0\6m\r\n226"), "!", 4, "not print"},
    {"a marker of high bytes", LIT("\x10\0\2\xc3\xa9"), "!", 1, "not print"},
    {"a marker with NUL", LIT("\x10\0\1\0"), "!", 0, "not print"},
    {"a marker that is too long", LIT("\x10\0\x80m"), "!", 1, "too long"},
    {"a marker of 64 KiB", LIT("\x10\xff\xffm"), "!", 1, "too long"},
    {"the end of a record", LIT("\0\0\1a\x80\0\1b"), "a!", 1, "record"},
    {"the end of record and file", LIT("\xc0\0\0"), "!", 0, "record"},
    {"suspect data", LIT("\0\0\1a\x20\0\1b"), "a!", 1, "doubts"},
    {"suspect end", LIT("\x60\0\0"), "!", 0, "doubts"},
    {"unknown bit 1", LIT("\x01\0\1a"), "!", 1, "unknown"},
    {"unknown bit 8 beside the end", LIT("\x48\0\0"), "!", 0, "unknown"},
    {"all bits", LIT("\xff\xff\xff"), "!", 0, "unknown"},
    {"a zlib stream", LIT("\x78\x9c\3\0\0\0\0\1"), "!", 5, "unknown"},
    {"text", LIT("hello"), "!", 2, "unknown"},
};

/* Appends what `reader` makes of `in`. false: nothing more is to be given. */
static bool read_some(struct mode_b_reader *reader, struct bytes *in, struct buf *text)
{
    for (;;) {
        struct bytes piece = {0};
        switch (mode_b_read(reader, in, &piece)) {
        case MODE_B_WANTED:
            assert_int_equal(in->len, 0);
            return true;
        case MODE_B_DATA:
            assert_true(piece.len > 0);
            assert_int_equal(buf_append(text, piece), FERRY_OK);
            break;
        case MODE_B_MARK:
            assert_int_equal(buf_printf(text, "<%.*s>", BYTES_FMT(piece)), FERRY_OK);
            break;
        case MODE_B_END:
            assert_int_equal(mode_b_wanted(reader), 0);
            assert_int_equal(buf_append(text, LIT(".")), FERRY_OK);
            return false;
        case MODE_B_BROKEN:
            assert_non_null(mode_b_flaw(reader));
            assert_int_equal(buf_append(text, LIT("!")), FERRY_OK);
            return false;
        }
    }
}

/* Reads `wire` in pieces of `step`, or, 0, of what the reader wants. Returns what was not taken. */
static size_t read_all(struct mode_b_reader *reader, struct bytes wire, size_t step,
                       struct buf *text)
{
    mode_b_reader_init(reader);
    bool more = true;
    while (more && wire.len > 0) {
        size_t wanted = mode_b_wanted(reader);
        assert_true(wanted > 0);
        struct bytes part = bytes_first(wire, step ? step : wanted);
        size_t had = part.len;
        more = read_some(reader, &part, text);
        wire = bytes_skip(wire, had - part.len);
        assert_true(step > 0 || !more || part.len == 0);
    }
    if (more)
        assert_int_equal(buf_append(text, LIT("?")), FERRY_OK);
    return wire.len;
}

static void ftp_44_blocks_are_read_at_every_border(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
        for (size_t step = 0; step <= reads[i].wire.len; step++) {
            CLEANUP(buf_fini) struct buf text;
            buf_init(&text, OUT_BYTES);
            struct mode_b_reader reader;
            size_t rest = read_all(&reader, reads[i].wire, step, &text);
            if (!bytes_equal(buf_view(&text), bytes_str(reads[i].text)) || rest != reads[i].rest)
                fail_msg("%s, by %zu: \"%.*s\", %zu left", reads[i].name, step,
                         BYTES_FMT(buf_view(&text)), rest);
            if (reads[i].flaw)
                assert_non_null(strstr(mode_b_flaw(&reader), reads[i].flaw));
            else
                assert_null(mode_b_flaw(&reader));
        }
    }
}

static void it_stays_broken_and_stays_ended(void **state)
{
    (void)state;
    struct mode_b_reader reader;
    struct bytes piece, in = LIT("\x20\0\0");
    mode_b_reader_init(&reader);
    assert_int_equal(mode_b_read(&reader, &in, &piece), MODE_B_BROKEN);
    in = LIT("\x40\0\0");
    assert_int_equal(mode_b_read(&reader, &in, &piece), MODE_B_BROKEN);
    assert_int_equal(in.len, 3);
    mode_b_reader_init(&reader);
    assert_int_equal(mode_b_read(&reader, &in, &piece), MODE_B_END);
    in = LIT("\0\0\1x");
    assert_int_equal(mode_b_read(&reader, &in, &piece), MODE_B_END);
    assert_int_equal(in.len, 4);
}

static void ftp_97_the_longest_marker(void **state)
{
    (void)state;
    char wire[MODE_B_HEADER_BYTES + MODE_B_MARK_MAX_BYTES] = {MODE_B_BIT_MARK, 0,
                                                              MODE_B_MARK_MAX_BYTES};
    memset(wire + MODE_B_HEADER_BYTES, '~', MODE_B_MARK_MAX_BYTES);
    struct mode_b_reader reader;
    struct bytes piece, in = bytes_of(wire, sizeof(wire));
    mode_b_reader_init(&reader);
    assert_int_equal(mode_b_read(&reader, &in, &piece), MODE_B_MARK);
    assert_int_equal(piece.len, MODE_B_MARK_MAX_BYTES);
}

/* ---- what is written ---- */

static const struct {
    uint64_t offset, every;
    struct bytes in, wire;
} writes[] = {
    {0, 0, LIT(""), LIT("\x40\0\0")},
    {0, 0, LIT("abc"), LIT("\0\0\3abc\x40\0\0")},
    {0, 4, LIT("abcdefghij"),
     LIT("\0\0\4abcd\x10\0\1"
         "4\0\0\4efgh\x10\0\1"
         "8\0\0\2ij\x40\0\0")},
    {0, 4, LIT("abcd"), LIT("\0\0\4abcd\x40\0\0")}, /* no marker at the end */
    {5, 4, LIT("fghij"),
     LIT("\0\0\3fgh\x10\0\1"
         "8\0\0\2ij\x40\0\0")},
    {4, 4, LIT("efghi"),
     LIT("\0\0\4efgh\x10\0\1"
         "8\0\0\1i\x40\0\0")},
    {INT64_MAX - 1, 1 << 24, LIT("z"), LIT("\0\0\1z\x40\0\0")},
};

/* Writes all of `in`, in pieces of `step`, into buffers of `room`. */
static enum ferry_error write_all(struct mode_b_writer *writer, struct bytes in, size_t step,
                                  size_t room, struct buf *out)
{
    bool last = false;
    size_t made = 1;
    while (!last || made > 0) {
        CLEANUP(buf_fini) struct buf some;
        buf_init(&some, room);
        struct bytes part = bytes_first(in, step);
        size_t had = part.len;
        last = had == 0;
        enum ferry_error error = mode_b_write(writer, &part, last, &some);
        if (error != FERRY_OK)
            return error;
        made = buf_len(&some);
        assert_true(last || part.len < had);
        assert_int_equal(buf_append(out, buf_view(&some)), FERRY_OK);
        in = bytes_skip(in, had - part.len);
    }
    return FERRY_OK;
}

static void ftp_44_97_blocks_and_markers_are_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, OUT_BYTES);
        struct mode_b_writer writer;
        mode_b_writer_init(&writer, writes[i].offset, writes[i].every);
        assert_int_equal(write_all(&writer, writes[i].in, 1000, 64, &out), FERRY_OK);
        if (!bytes_equal(buf_view(&out), writes[i].wire))
            fail_msg("row %zu: %zu bytes", i, buf_len(&out));
    }
}

/* Takes the markers out of `text`, each of which must tell where it stands. */
static void strip_marks(struct bytes text, uint64_t offset, struct buf *content, size_t *marks)
{
    for (*marks = 0; text.len > 0;) {
        size_t data = bytes_find(text, '<');
        assert_int_equal(buf_append(content, bytes_first(text, data)), FERRY_OK);
        text = bytes_skip(text, data);
        if (text.len == 0)
            return;
        char expected[32];
        int len = snprintf(expected, sizeof(expected), "<%llu>",
                           (unsigned long long)(offset + buf_len(content)));
        assert_true(bytes_starts(text, bytes_of(expected, (size_t)len)));
        text = bytes_skip(text, (size_t)len);
        ++*marks;
    }
}

static void there_and_back(void **state)
{
    (void)state;
    static char content[CONTENT_BYTES];
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (char)('a' + i * i % 26);
    static const struct {
        size_t step, room;
        uint64_t every;
    } rows[] = {{1, 64, 0},
                {1, 64, 1000},
                {64, 65, 7},
                {65536, 131136, 0},
                {65536, 131136, 300},
                {CONTENT_BYTES, OUT_BYTES, 65536},
                {CONTENT_BYTES, OUT_BYTES, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(buf_fini) struct buf wire, text, back;
        buf_init(&wire, 5 * OUT_BYTES);
        buf_init(&text, 5 * OUT_BYTES);
        buf_init(&back, OUT_BYTES);
        struct mode_b_writer writer;
        struct mode_b_reader reader;
        const uint64_t offset = 12345;
        mode_b_writer_init(&writer, offset, rows[i].every);
        assert_int_equal(write_all(&writer, bytes_of(content, sizeof(content)), rows[i].step,
                                   rows[i].room, &wire),
                         FERRY_OK);
        assert_int_equal(read_all(&reader, buf_view(&wire), 0, &text), 0);
        size_t marks;
        struct bytes all = buf_view(&text);
        assert_int_equal(all.ptr[all.len - 1], '.');
        strip_marks(bytes_first(all, all.len - 1), offset, &back, &marks);
        assert_true(bytes_equal(buf_view(&back), bytes_of(content, sizeof(content))));
        uint64_t first = offset, behind = offset + CONTENT_BYTES - 1;
        assert_int_equal(marks, rows[i].every ? behind / rows[i].every - first / rows[i].every : 0);
    }
}

static enum ferry_error write_some(void *ctx)
{
    (void)ctx;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, OUT_BYTES);
    struct mode_b_writer writer;
    mode_b_writer_init(&writer, 0, 2);
    struct bytes in = LIT("abc");
    enum ferry_error error = mode_b_write(&writer, &in, false, &out);
    assert_true(error == FERRY_OK || in.len == 3); /* nothing is lost */
    return error;
}

static void without_memory(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(write_some, NULL, 10) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_44_blocks_are_read_at_every_border),
        cmocka_unit_test(it_stays_broken_and_stays_ended),
        cmocka_unit_test(ftp_97_the_longest_marker),
        cmocka_unit_test(ftp_44_97_blocks_and_markers_are_written),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests_name("mode_b", tests, NULL, NULL);
}
