/* An argument of several path names. */
#include "ftp/words.h"

/* What is between the quotes. `*rest` begins behind the first and ends behind the last. */
static enum ferry_error unquote(struct bytes *rest, struct buf *out)
{
    struct bytes quote = BYTES_LIT("\"");
    for (;;) {
        struct bytes before = *rest;
        struct bytes piece = bytes_cut(rest, '"');
        if (piece.len == before.len)
            return FERRY_E_ARGUMENT;
        enum ferry_error error = buf_append(out, piece);
        if (error != FERRY_OK || !bytes_starts(*rest, quote))
            return error;
        *rest = bytes_skip(*rest, 1);
        error = buf_append(out, quote);
        if (error != FERRY_OK)
            return error;
    }
}

enum ferry_error words_next(struct bytes *rest, struct buf *out)
{
    buf_fini(out);
    enum ferry_error error;
    if (bytes_starts(*rest, BYTES_LIT("\""))) {
        *rest = bytes_skip(*rest, 1);
        error = unquote(rest, out);
        if (error == FERRY_OK && rest->len > 0 && bytes_cut(rest, ' ').len > 0)
            error = FERRY_E_ARGUMENT;
    } else {
        error = buf_append(out, bytes_cut(rest, ' '));
    }
    return error == FERRY_OK && buf_len(out) == 0 ? FERRY_E_ARGUMENT : error;
}
