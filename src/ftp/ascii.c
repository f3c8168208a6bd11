/* TYPE A: LF to CRLF and back, across the borders of blocks. */
#include "ftp/ascii.h"

size_t ascii_to_wire(struct ascii *ascii, struct bytes *in, char *out, size_t room)
{
    size_t used = 0;
    size_t written = 0;
    while (used < in->len) {
        char c = in->ptr[used];
        bool bare_lf = c == '\n' && (ascii->strict || !ascii->after_cr);
        if (room - written < (bare_lf ? 2 : 1))
            break;
        if (bare_lf)
            out[written++] = '\r';
        out[written++] = c;
        ascii->after_cr = c == '\r';
        used++;
    }
    *in = bytes_skip(*in, used);
    return written;
}

/* after_cr: a CR was taken in and is not written yet. */
size_t ascii_from_wire(struct ascii *ascii, struct bytes *in, char *out, size_t room)
{
    size_t used = 0;
    size_t written = 0;
    while (used < in->len) {
        char c = in->ptr[used];
        bool held = ascii->after_cr && c != '\n';
        bool writes = c != '\r';
        if (room - written < (size_t)held + (size_t)writes)
            break;
        if (held)
            out[written++] = '\r';
        if (writes)
            out[written++] = c;
        ascii->after_cr = c == '\r';
        used++;
    }
    *in = bytes_skip(*in, used);
    return written;
}

size_t ascii_from_wire_end(struct ascii *ascii, char out[1])
{
    if (!ascii->after_cr)
        return 0;
    ascii->after_cr = false;
    out[0] = '\r';
    return 1;
}
