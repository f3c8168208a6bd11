/* PEM files without their private keys (RFC 7468). */
#include "ferryd/supervisor/pem.h"

#include "base/text.h"

static bool ends_with(struct bytes b, struct bytes tail)
{
    return b.len >= tail.len && bytes_equal(bytes_skip(b, b.len - tail.len), tail);
}

enum ferry_error pem_without_keys(struct bytes pem, struct buf *out)
{
    static const struct bytes begin = BYTES_LIT("-----BEGIN ");
    static const struct bytes end = BYTES_LIT("-----END ");
    enum ferry_error error = FERRY_OK;
    bool shown = false;
    while (pem.len > 0 && error == FERRY_OK) {
        struct bytes line = bytes_cut(&pem, '\n');
        if (ends_with(line, BYTES_LIT("\r")))
            line = bytes_first(line, line.len - 1);
        if (bytes_starts(text_trim(line), begin))
            shown = !ends_with(text_trim(line), BYTES_LIT("PRIVATE KEY-----"));
        if (shown)
            error = buf_append(out, line);
        if (shown && error == FERRY_OK)
            error = buf_append(out, BYTES_LIT("\n"));
        if (bytes_starts(text_trim(line), end))
            shown = false;
    }
    return error;
}
