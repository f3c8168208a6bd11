/* PEM texts as lines. */
#include "ferryd/pem_text.h"

#include "base/text.h"

/* "-----BEGIN RSA PRIVATE KEY-----", and whatever else ends so (RFC 7468 section 2). */
static bool begins_key(struct bytes line)
{
    static const struct bytes end = BYTES_LIT("PRIVATE KEY-----");
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    line = text_trim(line);
    return bytes_starts(line, BYTES_LIT("-----BEGIN ")) && line.len >= end.len &&
           bytes_equal(bytes_skip(line, line.len - end.len), end);
}

static bool ends_block(struct bytes line)
{
    return bytes_starts(text_trim(line), BYTES_LIT("-----END "));
}

bool pem_has_key(struct bytes pem)
{
    while (pem.len > 0)
        if (begins_key(bytes_cut(&pem, '\n')))
            return true;
    return false;
}

enum ferry_error pem_without_keys(struct bytes pem, struct buf *out)
{
    bool in_key = false;
    enum ferry_error error = FERRY_OK;
    while (pem.len > 0 && error == FERRY_OK) {
        struct bytes line = bytes_cut(&pem, '\n');
        bool last_of_key = in_key && ends_block(line);
        in_key = in_key || begins_key(line);
        if (!in_key)
            error = buf_append(out, line);
        if (!in_key && error == FERRY_OK)
            error = buf_append(out, BYTES_LIT("\n"));
        in_key = in_key && !last_of_key;
    }
    return error;
}
