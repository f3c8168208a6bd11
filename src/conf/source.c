/* The text of one file. */
#include "conf/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "base/utf8.h"

enum { READ_BYTES = 4096 };

enum ferry_error conf_load_file(void *ctx, const char *path, struct buf *out, struct fault *fault)
{
    (void)ctx;
    /* Non-blocking, lest a FIFO is waited for. */
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0) {
        char *space;
        enum ferry_error error = buf_reserve(out, READ_BYTES, &space);
        if (error != FERRY_OK)
            return fault_set(fault, error, "it is larger than %d bytes", CONF_FILE_MAX_BYTES);
        got = read(fd, space, READ_BYTES);
        if (got > 0)
            buf_commit(out, (size_t)got);
    }
    if (got < 0)
        return fault_set(fault, fault_kind_of_errno(errno), "it cannot be read: %s",
                         strerror(errno));
    return FERRY_OK;
}

static bool is_text(char first, int32_t point)
{
    if (point < 0)
        return false;
    return !text_is_control(first) || first == '\n' || first == '\t' || first == '\r';
}

/* What a character belongs to. */
enum part {
    PART_CODE,
    PART_LINE_COMMENT,
    PART_BLOCK_COMMENT,
    PART_DOUBLE_QUOTE,
    PART_SINGLE_QUOTE
};

struct place {
    enum part part;
    bool in_word; /* of code: where "//" is no comment */
    bool escaped; /* what comes is taken as it is */
    bool ending;  /* a block comment, of which this is the last but one character */
};

static bool ends_in(struct bytes rest, struct bytes end)
{
    for (size_t i = 0; i + end.len <= rest.len; i++)
        if (bytes_starts(bytes_skip(rest, i), end))
            return true;
    return false;
}

static void begin_in_code(struct place *place, struct bytes rest)
{
    char c = rest.ptr[0];
    bool starts = !place->in_word;
    place->in_word = !strchr(" \t\r\n={}(),+\"'", c);
    if (c == '#' || (starts && bytes_starts(rest, BYTES_LIT("//"))))
        place->part = PART_LINE_COMMENT;
    else if (starts && bytes_starts(rest, BYTES_LIT("/*")) &&
             ends_in(bytes_skip(rest, 2), BYTES_LIT("*/")))
        *place = (struct place){.part = PART_BLOCK_COMMENT, .escaped = true};
    else if (c == '"')
        place->part = PART_DOUBLE_QUOTE;
    else if (c == '\'')
        place->part = PART_SINGLE_QUOTE;
}

/* Goes on by the first character of `rest`. Returns whether that is of a comment. */
static bool is_comment(struct place *place, struct bytes rest)
{
    char c = rest.ptr[0];
    switch (place->part) {
    case PART_CODE:
        begin_in_code(place, rest);
        return place->part == PART_LINE_COMMENT || place->part == PART_BLOCK_COMMENT;
    case PART_LINE_COMMENT:
        if (c == '\n')
            *place = (struct place){0};
        return c != '\n';
    case PART_BLOCK_COMMENT:
        if (place->escaped)
            place->escaped = false; /* the star that it begins with does not end it */
        else if (place->ending)
            *place = (struct place){0};
        else
            place->ending = bytes_starts(rest, BYTES_LIT("*/"));
        return true;
    case PART_DOUBLE_QUOTE:
    case PART_SINGLE_QUOTE:
        if (!place->escaped && c == (place->part == PART_DOUBLE_QUOTE ? '"' : '\''))
            *place = (struct place){0};
        else
            place->escaped = c == '\\' && !place->escaped;
        return false;
    }
    return false;
}

/* Comments are left out: libconfuse counts their lines twice, and mistakes are to be told of where
 * they are. */
static enum ferry_error clean(const char *path, struct bytes raw, struct check *check,
                              struct buf *out)
{
    enum ferry_error error = FERRY_OK;
    struct place place = {0};
    unsigned line = 1;
    unsigned told = 0;
    while (raw.len > 0 && error == FERRY_OK) {
        struct bytes before = raw;
        int32_t point = utf8_next(&raw);
        bool comment = is_comment(&place, before) && point != '\n';
        if (comment && is_text(before.ptr[0], point)) {
            error = buf_append(out, BYTES_LIT(" "));
        } else if (is_text(before.ptr[0], point)) {
            error = buf_append(out, bytes_first(before, before.len - raw.len));
        } else {
            if (told != line)
                check_add(check, path, line, "byte 0x%02x does not belong into a text",
                          (unsigned)(unsigned char)before.ptr[0]);
            told = line;
            error = buf_append(out, BYTES_LIT("?"));
        }
        line += point == '\n';
    }
    return error;
}

enum ferry_error source_read(const char *path, conf_load_fn *load, void *ctx, struct bytes end,
                             struct check *check, struct buf *out, struct fault *fault)
{
    CLEANUP(buf_fini) struct buf raw;
    buf_init(&raw, CONF_FILE_MAX_BYTES);
    enum ferry_error error = load(ctx, path, &raw, fault);
    if (error != FERRY_OK)
        return error;
    error = clean(path, buf_view(&raw), check, out);
    if (error == FERRY_OK)
        error = buf_append(out, end);
    return error == FERRY_OK ? FERRY_OK : fault_set(fault, error, "memory is short");
}

struct bytes source_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return bytes_of(path, 0);
    return bytes_of(path, slash == path ? 1 : (size_t)(slash - path));
}
