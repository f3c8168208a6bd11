/* The fields of a posted form. */
#include "ferryd/ops/web/form.h"

#include "base/text.h"

/* A blank is sent as "+", a plus as %2B. */
static enum ferry_error decode(struct bytes in, struct buf *out)
{
    enum ferry_error error = FERRY_OK;
    while (in.len > 0 && error == FERRY_OK) {
        struct bytes plain = bytes_first(in, bytes_find(in, '+'));
        error = text_percent_decode(out, plain);
        if (error == FERRY_OK && plain.len < in.len)
            error = buf_append(out, BYTES_LIT(" "));
        in = bytes_skip(in, plain.len + 1);
    }
    return error;
}

static enum ferry_error is_named(struct bytes encoded, const char *name, bool *out)
{
    CLEANUP(buf_fini) struct buf decoded;
    buf_init(&decoded, FORM_MAX_BYTES);
    enum ferry_error error = decode(encoded, &decoded);
    *out = error == FERRY_OK && bytes_equal(buf_view(&decoded), bytes_str(name));
    return error;
}

static enum ferry_error take_value(struct bytes encoded, struct buf *out)
{
    CLEANUP(buf_wipe) struct buf value;
    buf_init(&value, FORM_MAX_BYTES);
    enum ferry_error error = decode(encoded, &value);
    struct bytes decoded = buf_view(&value);
    if (error == FERRY_OK && bytes_find(decoded, '\0') < decoded.len)
        error = FERRY_E_ARGUMENT;
    return error == FERRY_OK ? buf_append(out, decoded) : error;
}

enum ferry_error form_field(struct bytes form, const char *name, struct buf *out)
{
    if (form.len > FORM_MAX_BYTES)
        return FERRY_E_LIMIT;
    bool found = false;
    while (form.len > 0) {
        struct bytes value = bytes_cut(&form, '&');
        struct bytes key = bytes_cut(&value, '=');
        bool same;
        enum ferry_error error = is_named(key, name, &same);
        if (error == FERRY_OK && same)
            error = found ? FERRY_E_ARGUMENT : take_value(value, out);
        if (error != FERRY_OK)
            return error;
        found |= same;
    }
    return found ? FERRY_OK : FERRY_E_NOT_FOUND;
}
