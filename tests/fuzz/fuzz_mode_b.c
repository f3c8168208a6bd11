/* ftp/mode_b (FTP-44, SEC-95): any bytes as blocks. However they are cut, the same comes out; and
 * what was a whole file can be written and is read back the same. */
#include "base/buf.h"
#include "ftp/mode_b.h"
#include "fuzz/fuzz.h"

enum { TEXT_MAX_BYTES = 64 * 1024 };

struct outcome {
    struct buf data, marks;
    enum mode_b_result last;
    size_t rest;
};

static void outcome_init(struct outcome *outcome)
{
    *outcome = (struct outcome){.last = MODE_B_WANTED};
    buf_init(&outcome->data, TEXT_MAX_BYTES);
    buf_init(&outcome->marks, TEXT_MAX_BYTES);
}

static void outcome_fini(struct outcome *outcome)
{
    buf_fini(&outcome->data);
    buf_fini(&outcome->marks);
}

/* Takes what `reader` makes of `in`, until it wants more or will take no more. */
static void read_part(struct mode_b_reader *reader, struct bytes *in, struct outcome *outcome)
{
    do {
        struct bytes piece;
        outcome->last = mode_b_read(reader, in, &piece);
        if (outcome->last == MODE_B_DATA)
            must(buf_append(&outcome->data, piece) == FERRY_OK);
        if (outcome->last == MODE_B_MARK)
            must(piece.len <= MODE_B_MARK_MAX_BYTES &&
                 buf_append(&outcome->marks, piece) == FERRY_OK);
    } while (outcome->last == MODE_B_DATA || outcome->last == MODE_B_MARK);
    must(outcome->last != MODE_B_WANTED || in->len == 0);
}

/* Reads `in` by `step` bytes, or, 0, by what is wanted. */
static void read_by(struct bytes in, size_t step, struct outcome *outcome)
{
    struct mode_b_reader reader;
    mode_b_reader_init(&reader);
    while (in.len > 0 && outcome->last == MODE_B_WANTED) {
        size_t wanted = mode_b_wanted(&reader);
        must(wanted > 0 && wanted <= UINT16_MAX + MODE_B_HEADER_BYTES);
        struct bytes part = bytes_first(in, step ? step : wanted);
        size_t had = part.len;
        read_part(&reader, &part, outcome);
        in = bytes_skip(in, had - part.len);
    }
    must((mode_b_flaw(&reader) != NULL) == (outcome->last == MODE_B_BROKEN));
    must((mode_b_wanted(&reader) == 0) == (outcome->last == MODE_B_END));
    outcome->rest = in.len;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->last == b->last && a->rest == b->rest &&
           bytes_equal(buf_view(&a->data), buf_view(&b->data)) &&
           bytes_equal(buf_view(&a->marks), buf_view(&b->marks));
}

static void write_back(struct bytes content, size_t every)
{
    CLEANUP(buf_fini) struct buf wire;
    CLEANUP(outcome_fini) struct outcome outcome;
    buf_init(&wire, 64 * TEXT_MAX_BYTES);
    outcome_init(&outcome);
    struct mode_b_writer writer;
    mode_b_writer_init(&writer, every, every);
    struct bytes in = content;
    while (in.len > 0)
        must(mode_b_write(&writer, &in, false, &wire) == FERRY_OK);
    must(mode_b_write(&writer, &in, true, &wire) == FERRY_OK);
    read_by(buf_view(&wire), 0, &outcome);
    must(outcome.last == MODE_B_END && outcome.rest == 0);
    must(bytes_equal(buf_view(&outcome.data), content));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    CLEANUP(outcome_fini) struct outcome whole, wanted, bytewise;
    outcome_init(&whole);
    outcome_init(&wanted);
    outcome_init(&bytewise);
    read_by(in, size + 1, &whole);
    read_by(in, 0, &wanted);
    read_by(in, 1, &bytewise);
    must(same(&whole, &wanted) && same(&whole, &bytewise));
    write_back(in, size % 7);
    return 0;
}
