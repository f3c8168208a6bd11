/* MODE B: the bytes of a data connection as blocks. */
#include "ftp/mode_b.h"

#include <stdio.h>
#include <string.h>

enum {
    WRITE_ROOM_BYTES = 64, /* for a marker's block, another header, and some data */
    KNOWN_BITS = MODE_B_BIT_MARK | MODE_B_BIT_SUSPECT | MODE_B_BIT_EOF | MODE_B_BIT_EOR,
};

/* ---- the sender of a file ---- */

void mode_b_writer_init(struct mode_b_writer *writer, uint64_t offset_bytes,
                        uint64_t mark_every_bytes)
{
    *writer = (struct mode_b_writer){.offset_bytes = offset_bytes,
                                     .mark_at_bytes = UINT64_MAX,
                                     .mark_every_bytes = mark_every_bytes};
    if (mark_every_bytes > 0)
        writer->mark_at_bytes = (offset_bytes / mark_every_bytes + 1) * mark_every_bytes;
}

static enum ferry_error put_block(struct buf *out, unsigned descriptor, struct bytes data)
{
    const unsigned char header[MODE_B_HEADER_BYTES] = {
        (unsigned char)descriptor, (unsigned char)(data.len >> 8), (unsigned char)(data.len & 255)};
    char *space;
    size_t len = sizeof(header) + data.len;
    enum ferry_error error = buf_reserve(out, len, &space);
    if (error != FERRY_OK)
        return error;
    memcpy(space, header, sizeof(header));
    if (data.len > 0)
        memcpy(space + sizeof(header), data.ptr, data.len);
    buf_commit(out, len);
    return FERRY_OK;
}

static enum ferry_error put_mark(struct mode_b_writer *writer, struct buf *out)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)writer->offset_bytes);
    writer->mark_at_bytes += writer->mark_every_bytes;
    return put_block(out, MODE_B_BIT_MARK, bytes_str(text));
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum ferry_error put_data(struct mode_b_writer *writer, struct bytes *in, struct buf *out)
{
    size_t len = min_size(in->len, MODE_B_DATA_MAX_BYTES);
    len = min_size(len, buf_room(out) - MODE_B_HEADER_BYTES);
    uint64_t to_mark = writer->mark_at_bytes - writer->offset_bytes;
    if (len > to_mark)
        len = (size_t)to_mark;
    enum ferry_error error = put_block(out, 0, bytes_first(*in, len));
    if (error != FERRY_OK)
        return error;
    writer->offset_bytes += len;
    *in = bytes_skip(*in, len);
    return FERRY_OK;
}

enum ferry_error mode_b_write(struct mode_b_writer *writer, struct bytes *in, bool last,
                              struct buf *out)
{
    if (buf_room(out) < WRITE_ROOM_BYTES || writer->ended)
        return FERRY_OK;
    if (in->len == 0) {
        writer->ended = last;
        return last ? put_block(out, MODE_B_BIT_EOF, bytes_str(NULL)) : FERRY_OK;
    }
    enum ferry_error error = FERRY_OK;
    if (writer->offset_bytes == writer->mark_at_bytes)
        error = put_mark(writer, out);
    return error == FERRY_OK ? put_data(writer, in, out) : error;
}

/* ---- the receiver ---- */

void mode_b_reader_init(struct mode_b_reader *reader)
{
    *reader = (struct mode_b_reader){0};
}

const char *mode_b_flaw(const struct mode_b_reader *reader)
{
    return reader->flaw;
}

size_t mode_b_wanted(const struct mode_b_reader *reader)
{
    if (reader->ended)
        return 0;
    if (reader->header_len < MODE_B_HEADER_BYTES)
        return MODE_B_HEADER_BYTES - reader->header_len;
    /* So does another header; and what is broken has not ended. */
    bool follows = !(reader->descriptor & MODE_B_BIT_EOF) || reader->flaw;
    return reader->left + (follows ? MODE_B_HEADER_BYTES : 0);
}

/* What is wrong with a header; NULL: nothing. */
static const char *header_flaw(const struct mode_b_reader *reader)
{
    const struct {
        bool holds;
        const char *flaw;
    } rows[] = {
        {reader->descriptor & ~(unsigned)KNOWN_BITS, "a block of an unknown kind"},
        {reader->descriptor & MODE_B_BIT_EOR, "a block that ends a record, in a file without any"},
        {reader->descriptor & MODE_B_BIT_SUSPECT, "a block whose data its sender doubts"},
        {(reader->descriptor & MODE_B_BIT_MARK) && reader->left == 0, "a marker without text"},
        {(reader->descriptor & MODE_B_BIT_MARK) && reader->left > MODE_B_MARK_MAX_BYTES,
         "a marker that is too long"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].holds)
            return rows[i].flaw;
    return NULL;
}

/* The block's data have come: its end may be the file's. */
static void block_done(struct mode_b_reader *reader)
{
    reader->header_len = 0;
    reader->ended = reader->descriptor & MODE_B_BIT_EOF;
}

static void read_header(struct mode_b_reader *reader, struct bytes *in)
{
    while (reader->header_len < MODE_B_HEADER_BYTES && in->len > 0) {
        reader->header[reader->header_len++] = (unsigned char)in->ptr[0];
        *in = bytes_skip(*in, 1);
    }
    if (reader->header_len < MODE_B_HEADER_BYTES)
        return;
    reader->descriptor = reader->header[0];
    reader->left = (size_t)reader->header[1] << 8 | reader->header[2];
    reader->mark_len = 0;
    reader->flaw = header_flaw(reader);
    if (reader->left == 0 && !reader->flaw)
        block_done(reader);
}

/* A marker goes into a reply: nothing but what prints is taken. true: it is complete. */
static bool read_mark(struct mode_b_reader *reader, struct bytes *in)
{
    while (reader->left > 0 && in->len > 0 && !reader->flaw) {
        char c = in->ptr[0];
        *in = bytes_skip(*in, 1);
        if (c <= ' ' || c > '~')
            reader->flaw = "a marker that does not print";
        reader->mark[reader->mark_len++] = c;
        reader->left--;
    }
    bool complete = reader->left == 0 && !reader->flaw;
    if (complete)
        block_done(reader);
    return complete;
}

static struct bytes read_data(struct mode_b_reader *reader, struct bytes *in)
{
    struct bytes piece = bytes_first(*in, reader->left);
    *in = bytes_skip(*in, piece.len);
    reader->left -= piece.len;
    if (reader->left == 0)
        block_done(reader);
    return piece;
}

enum mode_b_result mode_b_read(struct mode_b_reader *reader, struct bytes *in, struct bytes *piece)
{
    while (!reader->flaw && !reader->ended && in->len > 0) {
        if (reader->header_len < MODE_B_HEADER_BYTES) {
            read_header(reader, in);
        } else if (reader->descriptor & MODE_B_BIT_MARK) {
            if (read_mark(reader, in)) {
                *piece = bytes_of(reader->mark, reader->mark_len);
                return MODE_B_MARK;
            }
        } else {
            *piece = read_data(reader, in);
            return MODE_B_DATA;
        }
    }
    if (reader->flaw)
        return MODE_B_BROKEN;
    return reader->ended ? MODE_B_END : MODE_B_WANTED;
}
