/* The bytes of a control connection to lines. */
#include "ftp/line.h"

void line_init(struct line_reader *reader, size_t max_bytes)
{
    *reader = (struct line_reader){.max_bytes = max_bytes ? max_bytes : LINE_DEFAULT_MAX_BYTES};
    buf_init(&reader->text, reader->max_bytes);
}

void line_fini(struct line_reader *reader)
{
    buf_wipe(&reader->text);
}

/* Adds a byte to the line. Two are kept back for the line end, so that the cap counts it whether it
 * is CRLF or LF. */
static enum ferry_error add(struct line_reader *reader, char c)
{
    if (reader->too_long)
        return FERRY_OK;
    if (buf_len(&reader->text) + 2 >= reader->max_bytes) {
        reader->too_long = true;
        buf_wipe(&reader->text);
        return FERRY_OK;
    }
    return buf_append(&reader->text, bytes_of(&c, 1));
}

static enum line_result end_line(struct line_reader *reader, struct bytes *line)
{
    if (reader->too_long) {
        reader->too_long = false;
        return LINE_TOO_LONG;
    }
    reader->taken = true;
    *line = buf_view(&reader->text);
    return LINE_READY;
}

/* Takes one byte of data. */
static enum line_result take(struct line_reader *reader, char c, struct bytes *line)
{
    bool after_cr = reader->after_cr;
    reader->after_cr = false;
    if (c == '\n')
        return end_line(reader, line);
    if (after_cr && add(reader, '\r') != FERRY_OK)
        return LINE_NO_MEMORY;
    if (after_cr && c == '\0')
        return LINE_WANTED;
    if (c == '\r') {
        reader->after_cr = true;
        return LINE_WANTED;
    }
    return add(reader, c) == FERRY_OK ? LINE_WANTED : LINE_NO_MEMORY;
}

enum line_result line_next(struct line_reader *reader, struct bytes *in, struct bytes *line,
                           struct buf *answers)
{
    if (reader->taken) {
        reader->taken = false;
        buf_wipe(&reader->text); /* it may have been a PASS (SEC-81) */
    }
    while (in->len > 0) {
        char data[2];
        size_t len;
        enum ferry_error error = telnet_decode(&reader->telnet, in->ptr[0], data, &len, answers);
        *in = bytes_skip(*in, 1);
        if (error != FERRY_OK)
            return error == FERRY_E_PROTOCOL ? LINE_BROKEN : LINE_NO_MEMORY;

        enum line_result result = LINE_WANTED;
        for (size_t i = 0; i < len && result == LINE_WANTED; i++)
            result = take(reader, data[i], line);
        if (result != LINE_WANTED)
            return result;
    }
    return LINE_WANTED;
}

bool line_is_partial(const struct line_reader *reader)
{
    bool has_text = !reader->taken && buf_len(&reader->text) > 0;
    return has_text || reader->after_cr || reader->too_long || reader->telnet.state != TELNET_DATA;
}
