/* What becomes of the bytes of one transfer: TYPE A and MODE Z or B, one after the other. */
#include "server/filter.h"

#include <string.h>

#include "base/alloc.h"
#include "ftp/ascii.h"
#include "ftp/mode_z.h"

enum { BETWEEN_BYTES = 128 * 1024, MARKS_MAX = 8 };

/* How often a download tells where it is. */
static const uint64_t MARK_EVERY_BYTES = 16 * 1024 * 1024;

struct server_filter {
    pump_filter_fn *stages[2]; /* the second is NULL if there is one only */
    struct ascii ascii;
    struct mode_z *z;
    struct mode_b_writer blocks_out;
    struct mode_b_reader blocks_in;
    uint64_t made_bytes; /* of blocks_in */
    struct server_mark marks[MARKS_MAX];
    size_t marks_len;
    bool marks_wanted;
    bool blocks;        /* MODE B */
    struct buf between; /* what the first stage made and the second has not taken */
    bool first_ended;
    struct fault fault;
};

/* ---- stages ---- */

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum ferry_error text_to_wire(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    (void)last;
    struct server_filter *filter = ctx;
    char *space;
    size_t room = min_size(2 * in->len, buf_room(out));
    enum ferry_error error = buf_reserve(out, room, &space);
    if (error == FERRY_OK)
        buf_commit(out, ascii_to_wire(&filter->ascii, in, space, room));
    return error;
}

static enum ferry_error text_from_wire(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    struct server_filter *filter = ctx;
    char *space;
    size_t room = min_size(in->len + 2, buf_room(out));
    enum ferry_error error = buf_reserve(out, room, &space);
    if (error != FERRY_OK)
        return error;
    size_t len = ascii_from_wire(&filter->ascii, in, space, room);
    if (last && in->len == 0 && len < room)
        len += ascii_from_wire_end(&filter->ascii, space + len);
    buf_commit(out, len);
    return FERRY_OK;
}

static enum ferry_error run_z(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    struct server_filter *filter = ctx;
    return mode_z_run(filter->z, in, last, out);
}

/* ---- blocks ---- */

static enum ferry_error blocks_to_wire(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    struct server_filter *filter = ctx;
    return mode_b_write(&filter->blocks_out, in, last, out);
}

static void add_mark(struct server_filter *filter, struct bytes text)
{
    if (!filter->marks_wanted || filter->marks_len == MARKS_MAX)
        return;
    struct server_mark *mark = &filter->marks[filter->marks_len++];
    *mark = (struct server_mark){.len = text.len, .made_bytes = filter->made_bytes};
    memcpy(mark->text, text.ptr, text.len);
}

/* What comes after the file's last block is not given to it: see server_filter_wanted. */
static enum ferry_error blocks_from_wire(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    struct server_filter *filter = ctx;
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK) {
        struct bytes piece;
        switch (mode_b_read(&filter->blocks_in, in, &piece)) {
        case MODE_B_DATA:
            error = buf_append(out, piece);
            filter->made_bytes += piece.len;
            break;
        case MODE_B_MARK:
            add_mark(filter, piece);
            break;
        case MODE_B_WANTED:
            return last ? FERRY_E_CUT : FERRY_OK;
        case MODE_B_END:
            return in->len > 0 ? FERRY_E_DAMAGED : FERRY_OK;
        case MODE_B_BROKEN:
            return FERRY_E_DAMAGED;
        }
    }
    return error;
}

size_t server_filter_wanted(const struct server_filter *filter)
{
    bool broken = mode_b_flaw(&filter->blocks_in) != NULL; /* no more is needed to know it */
    return broken ? 0 : mode_b_wanted(&filter->blocks_in);
}

bool server_filter_has_marks(const struct server_filter *filter)
{
    return filter->marks_len > 0;
}

bool server_filter_mark(struct server_filter *filter, uint64_t made_bytes, struct server_mark *out)
{
    if (filter->marks_len == 0 || filter->marks[0].made_bytes >= made_bytes)
        return false;
    *out = filter->marks[0];
    filter->marks_len--;
    memmove(filter->marks, filter->marks + 1, filter->marks_len * sizeof(filter->marks[0]));
    return true;
}

/* ---- both ---- */

/* Lets the first stage make something, if nothing waits for the second. */
static enum ferry_error run_first(struct server_filter *filter, struct bytes *in, bool last)
{
    if (buf_len(&filter->between) > 0 || filter->first_ended)
        return FERRY_OK;
    enum ferry_error error = filter->stages[0](filter, in, last, &filter->between);
    filter->first_ended = last && in->len == 0 && buf_len(&filter->between) == 0;
    return error;
}

static enum ferry_error run_second(struct server_filter *filter, struct buf *out)
{
    struct bytes rest = buf_view(&filter->between);
    size_t had = rest.len;
    enum ferry_error error = filter->stages[1](filter, &rest, filter->first_ended, out);
    buf_consume(&filter->between, had - rest.len);
    return error;
}

/* Until something was made, or nothing is left to make it of. */
static enum ferry_error run_both(struct server_filter *filter, struct bytes *in, bool last,
                                 struct buf *out)
{
    enum ferry_error error = FERRY_OK;
    bool more = true;
    while (error == FERRY_OK && more && buf_len(out) == 0) {
        error = run_first(filter, in, last);
        bool ended = filter->first_ended;
        if (error == FERRY_OK)
            error = run_second(filter, out);
        more = in->len > 0 || buf_len(&filter->between) > 0 || (last && !ended);
    }
    return error;
}

static const char *words_of(enum ferry_error error)
{
    static const struct {
        enum ferry_error error;
        const char *words;
    } rows[] = {
        {FERRY_E_CUT, "the compressed data ended before their end"},
        {FERRY_E_DAMAGED, "the compressed data are damaged"},
        {FERRY_E_SPACE, "the compressed data expand beyond all measure"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].error == error)
            return rows[i].words;
    return "memory is short";
}

enum ferry_error server_filter_run(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    struct server_filter *filter = ctx;
    enum ferry_error error = filter->stages[1] ? run_both(filter, in, last, out)
                                               : filter->stages[0](filter, in, last, out);
    const char *flaw = mode_b_flaw(&filter->blocks_in);
    if (flaw)
        fault_set(&filter->fault, error, "The data are no blocks of a file: %s", flaw);
    else if (error == FERRY_E_CUT && filter->blocks)
        fault_set(&filter->fault, error, "The data ended before the block that ends the file");
    else if (error != FERRY_OK)
        fault_set(&filter->fault, error, "%s", words_of(error));
    return error;
}

const struct fault *server_filter_fault(const struct server_filter *filter)
{
    static const struct fault none = {0};
    return filter ? &filter->fault : &none;
}

/* ---- life ---- */

static void begin_blocks(struct server_filter *filter, const struct server_filter_want *want)
{
    filter->blocks = true;
    filter->marks_wanted = want->marks;
    mode_b_writer_init(&filter->blocks_out, want->offset_bytes, want->marks ? MARK_EVERY_BYTES : 0);
    mode_b_reader_init(&filter->blocks_in);
    struct bytes ahead = want->ahead, piece;
    /* No more than a header: what it says comes out again of the next call. */
    enum mode_b_result none = mode_b_read(&filter->blocks_in, &ahead, &piece);
    (void)none;
}

enum ferry_error server_filter_new(const struct server_filter_want *want,
                                   struct server_filter **out)
{
    *out = NULL;
    bool mode = want->mode_z || want->mode_b;
    if (!want->ascii && !mode)
        return FERRY_OK;
    struct server_filter *filter = alloc_zero(sizeof(*filter));
    if (!filter)
        return FERRY_E_MEMORY;
    buf_init(&filter->between, BETWEEN_BYTES);
    filter->ascii.strict = want->ascii_strict;
    pump_filter_fn *text = want->to_wire ? text_to_wire : text_from_wire;
    pump_filter_fn *blocks = want->to_wire ? blocks_to_wire : blocks_from_wire;
    pump_filter_fn *coded = want->mode_z ? run_z : blocks;
    filter->stages[0] = want->ascii ? text : coded;
    if (want->ascii && mode) {
        filter->stages[0] = want->to_wire ? text : coded;
        filter->stages[1] = want->to_wire ? coded : text;
    }
    if (want->mode_b)
        begin_blocks(filter, want);
    if (want->mode_z)
        filter->z = want->to_wire ? mode_z_compressor(want->level) : mode_z_expander();
    if (want->mode_z && !filter->z) {
        server_filter_free(filter);
        return FERRY_E_MEMORY;
    }
    *out = filter;
    return FERRY_OK;
}

void server_filter_free(struct server_filter *filter)
{
    if (!filter)
        return;
    mode_z_free(filter->z);
    buf_fini(&filter->between);
    alloc_free(filter);
}
