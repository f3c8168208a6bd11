/* MODE Z: the bytes of a data connection as one zlib stream. */
#include "ftp/mode_z.h"

#include <stdint.h>

#define ZLIB_CONST /* it does not change its input */
#include <zlib.h>

#include "base/alloc.h"

enum {
    PIECE_BYTES = 64 * 1024,
    BOMB_RATIO = 1000,
    BOMB_FROM_BYTES = 64 * 1024 * 1024,
};

struct mode_z {
    z_stream zlib;
    bool expands;
    bool ended; /* the zlib stream has come to its end */
    uint64_t taken_bytes, made_bytes;
};

static void *take_memory(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return alloc_resize(NULL, count, size);
}

static void give_memory(void *opaque, void *memory)
{
    (void)opaque;
    alloc_free(memory);
}

static struct mode_z *make(bool expands, int level)
{
    struct mode_z *z = alloc_zero(sizeof(*z));
    if (!z)
        return NULL;
    z->expands = expands;
    z->zlib.zalloc = take_memory;
    z->zlib.zfree = give_memory;
    int result = expands ? inflateInit(&z->zlib) : deflateInit(&z->zlib, level);
    if (result == Z_OK)
        return z;
    alloc_free(z);
    return NULL;
}

struct mode_z *mode_z_compressor(int level)
{
    return make(false, level);
}

struct mode_z *mode_z_expander(void)
{
    return make(true, 0);
}

void mode_z_free(struct mode_z *z)
{
    if (!z)
        return;
    if (z->expands)
        inflateEnd(&z->zlib);
    else
        deflateEnd(&z->zlib);
    alloc_free(z);
}

static bool is_bomb(const struct mode_z *z)
{
    return z->expands && z->made_bytes > BOMB_FROM_BYTES &&
           z->made_bytes / BOMB_RATIO > z->taken_bytes;
}

/* What zlib said, once it has taken and made what it could. */
static enum ferry_error judge(struct mode_z *z, int result)
{
    if (result == Z_STREAM_END)
        z->ended = true;
    else if (result == Z_MEM_ERROR)
        return FERRY_E_MEMORY;
    else if (result != Z_OK && result != Z_BUF_ERROR) /* that one: nothing to do now */
        return FERRY_E_DAMAGED;
    return is_bomb(z) ? FERRY_E_SPACE : FERRY_OK;
}

enum ferry_error mode_z_run(struct mode_z *z, struct bytes *in, bool last, struct buf *out)
{
    if (z->ended)
        return in->len > 0 ? FERRY_E_DAMAGED : FERRY_OK;
    size_t room = buf_room(out) < PIECE_BYTES ? buf_room(out) : PIECE_BYTES;
    if (room == 0)
        return FERRY_OK;
    char *space;
    enum ferry_error error = buf_reserve(out, room, &space);
    if (error != FERRY_OK)
        return error;

    struct bytes part = bytes_first(*in, PIECE_BYTES);
    bool finish = last && part.len == in->len;
    z->zlib.next_in = (const Bytef *)part.ptr;
    z->zlib.avail_in = (unsigned)part.len;
    z->zlib.next_out = (Bytef *)space;
    z->zlib.avail_out = (unsigned)room;
    int result = z->expands ? inflate(&z->zlib, Z_NO_FLUSH)
                            : deflate(&z->zlib, finish ? Z_FINISH : Z_NO_FLUSH);
    size_t taken = part.len - z->zlib.avail_in;
    size_t made = room - z->zlib.avail_out;
    z->taken_bytes += taken;
    z->made_bytes += made;
    *in = bytes_skip(*in, taken);
    buf_commit(out, made);

    error = judge(z, result);
    bool cut = z->expands && last && !z->ended && taken == 0 && made == 0;
    return error == FERRY_OK && cut ? FERRY_E_CUT : error;
}
