/* ftp/mode_z: there and back, borders, cut and hostile streams. FTP-46, SEC-24. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ftp/mode_z.h"
#include "support/alloc_fail.h"

enum { TEXT_BYTES = 300 * 1000, HUGE_BYTES = 80 * 1024 * 1024, STEP_BYTES = 128 * 1024 };

/* Words that compress, with noise that does not. */
static char *make_text(size_t len)
{
    char *text = alloc_zero(len + 1);
    assert_non_null(text);
    uint32_t noise = 1;
    for (size_t i = 0; i < len; i++) {
        noise = noise * 1664525 + 1013904223;
        text[i] = i % 7 < 4 ? "ferry"[i % 5] : (char)(noise >> 24);
    }
    return text;
}

/* Sends all of `in` through `z` in pieces of `piece`, with `room` at a time, to its end. */
static enum ferry_error run(struct mode_z *z, struct bytes in, size_t piece, size_t room,
                            struct buf *out)
{
    bool last = false;
    enum ferry_error error = FERRY_OK;
    for (size_t made = 0; error == FERRY_OK && (!last || made > 0);) {
        struct buf step;
        buf_init(&step, room);
        struct bytes part = bytes_first(in, piece);
        size_t had = part.len;
        last = in.len == 0;
        error = mode_z_run(z, &part, last, &step);
        in = bytes_skip(in, had - part.len);
        made = buf_len(&step);
        assert_true(error != FERRY_OK || last || made > 0 || part.len < had);
        if (error == FERRY_OK)
            error = buf_append(out, buf_view(&step));
        buf_fini(&step);
    }
    return error;
}

static enum ferry_error compress_all(struct bytes in, int level, size_t piece, size_t room,
                                     struct buf *out)
{
    struct mode_z *z = mode_z_compressor(level);
    if (!z)
        return FERRY_E_MEMORY;
    enum ferry_error error = run(z, in, piece, room, out);
    mode_z_free(z);
    return error;
}

static enum ferry_error expand_all(struct bytes in, size_t piece, size_t room, struct buf *out)
{
    struct mode_z *z = mode_z_expander();
    if (!z)
        return FERRY_E_MEMORY;
    enum ferry_error error = run(z, in, piece, room, out);
    mode_z_free(z);
    return error;
}

static void ftp_46_there_and_back_at_every_level_and_border(void **state)
{
    static const struct {
        size_t len, piece, room;
        int level;
    } rows[] = {
        {0, 1, STEP_BYTES, 6},
        {1, 1, STEP_BYTES, 6},
        {1, 1, 1, 6},
        {5000, 1, 1, 1},
        {TEXT_BYTES, 7, STEP_BYTES, 9},
        {TEXT_BYTES, TEXT_BYTES, 100, 6},
        {TEXT_BYTES, STEP_BYTES, STEP_BYTES, 0},
        {TEXT_BYTES, STEP_BYTES, STEP_BYTES, 6},
    };
    (void)state;
    char *text = make_text(TEXT_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf wire, back;
        buf_init(&wire, 2 * TEXT_BYTES);
        buf_init(&back, 2 * TEXT_BYTES);
        struct bytes in = bytes_of(text, rows[i].len);
        assert_int_equal(compress_all(in, rows[i].level, rows[i].piece, rows[i].room, &wire),
                         FERRY_OK);
        assert_int_equal(expand_all(buf_view(&wire), rows[i].piece, rows[i].room, &back), FERRY_OK);
        if (!bytes_equal(buf_view(&back), in))
            fail_msg("row %zu is not the same again", i);
        buf_fini(&wire);
        buf_fini(&back);
    }
    alloc_free(text);
}

/* Every stream that is cut, at any byte, is told from a whole one. */
static void ftp_46_a_truncated_stream_is_cut(void **state)
{
    (void)state;
    struct buf wire;
    buf_init(&wire, 1000);
    assert_int_equal(compress_all(BYTES_LIT("not all of this"), 6, 100, 1000, &wire), FERRY_OK);
    for (size_t len = 0; len < buf_len(&wire); len++) {
        struct buf back;
        buf_init(&back, 1000);
        assert_int_equal(expand_all(bytes_first(buf_view(&wire), len), 100, 1000, &back),
                         FERRY_E_CUT);
        buf_fini(&back);
    }
    buf_fini(&wire);
}

static void sec_24_damaged_streams_are_refused(void **state)
{
    (void)state;
    struct buf wire, back;
    buf_init(&wire, 1000);
    buf_init(&back, 1000);
    assert_int_equal(compress_all(BYTES_LIT("all of this"), 6, 100, 1000, &wire), FERRY_OK);
    assert_int_equal(buf_append(&wire, BYTES_LIT("x")), FERRY_OK); /* behind the end */
    assert_int_equal(expand_all(buf_view(&wire), 100, 1000, &back), FERRY_E_DAMAGED);
    assert_int_equal(expand_all(BYTES_LIT("plain text, no zlib stream"), 5, 1000, &back),
                     FERRY_E_DAMAGED);
    char sum[64];
    struct bytes all = bytes_first(buf_view(&wire), buf_len(&wire) - 1);
    memcpy(sum, all.ptr, all.len);
    sum[all.len - 1] ^= 1; /* the checksum */
    assert_int_equal(expand_all(bytes_of(sum, all.len), 5, 1000, &back), FERRY_E_DAMAGED);
    buf_fini(&wire);
    buf_fini(&back);
}

/* Expands and forgets; returns how much it was at the end. */
static enum ferry_error expand_only(struct bytes in, uint64_t *made)
{
    struct mode_z *z = mode_z_expander();
    assert_non_null(z);
    enum ferry_error error = FERRY_OK;
    size_t len = 1;
    for (*made = 0; error == FERRY_OK && (in.len > 0 || len > 0); *made += len) {
        struct buf step;
        buf_init(&step, STEP_BYTES);
        error = mode_z_run(z, &in, in.len == 0, &step);
        len = buf_len(&step);
        buf_fini(&step);
    }
    mode_z_free(z);
    return error;
}

static void sec_24_a_bomb_is_found_a_large_file_is_not_one(void **state)
{
    (void)state;
    char *zeros = alloc_zero(HUGE_BYTES);
    assert_non_null(zeros);
    struct buf wire;
    uint64_t made;
    buf_init(&wire, HUGE_BYTES);
    assert_int_equal(compress_all(bytes_of(zeros, HUGE_BYTES), 9, STEP_BYTES, STEP_BYTES, &wire),
                     FERRY_OK);
    assert_int_equal(expand_only(buf_view(&wire), &made), FERRY_E_SPACE);
    assert_in_range(made, 64 * 1024 * 1024, 65 * 1024 * 1024);
    buf_fini(&wire);

    char *text = make_text(100 * 1000); /* a hundred times smaller, but not a thousand */
    for (size_t at = 0; at + 100 * 1000 < HUGE_BYTES; at += 10 * 1000 * 1000)
        memcpy(zeros + at, text, 100 * 1000);
    buf_init(&wire, HUGE_BYTES);
    assert_int_equal(compress_all(bytes_of(zeros, HUGE_BYTES), 1, STEP_BYTES, STEP_BYTES, &wire),
                     FERRY_OK);
    assert_int_equal(expand_only(buf_view(&wire), &made), FERRY_OK);
    assert_int_equal(made, HUGE_BYTES);
    buf_fini(&wire);
    alloc_free(text);
    alloc_free(zeros);
}

static enum ferry_error both_ways(void *ctx)
{
    (void)ctx;
    struct buf wire, back;
    buf_init(&wire, 1000);
    buf_init(&back, 1000);
    enum ferry_error error = compress_all(BYTES_LIT("some text"), 6, 100, 1000, &wire);
    if (error == FERRY_OK)
        error = expand_all(buf_view(&wire), 100, 1000, &back);
    buf_fini(&wire);
    buf_fini(&back);
    return error;
}

static void short_memory_is_reported(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(both_ways, NULL, 100) > 5);
    mode_z_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_46_there_and_back_at_every_level_and_border),
        cmocka_unit_test(ftp_46_a_truncated_stream_is_cut),
        cmocka_unit_test(sec_24_damaged_streams_are_refused),
        cmocka_unit_test(sec_24_a_bomb_is_found_a_large_file_is_not_one),
        cmocka_unit_test(short_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
