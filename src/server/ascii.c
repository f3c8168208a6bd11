/* TYPE A on its way through a pump. */
#include "server/ascii.h"

#include "ftp/ascii.h"

enum ferry_error server_ascii_to_wire(void *ctx, struct bytes in, bool last, struct buf *out)
{
    (void)last;
    char *space;
    size_t room = 2 * in.len;
    enum ferry_error error = buf_reserve(out, room, &space);
    if (error == FERRY_OK)
        buf_commit(out, ascii_to_wire(ctx, &in, space, room));
    return error;
}

enum ferry_error server_ascii_from_wire(void *ctx, struct bytes in, bool last, struct buf *out)
{
    char *space;
    size_t room = in.len + 2; /* one of them for a CR held back at the end */
    enum ferry_error error = buf_reserve(out, room, &space);
    if (error != FERRY_OK)
        return error;
    size_t len = ascii_from_wire(ctx, &in, space, room - 1);
    if (last)
        len += ascii_from_wire_end(ctx, space + len);
    buf_commit(out, len);
    return FERRY_OK;
}
