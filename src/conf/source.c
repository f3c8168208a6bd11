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

static enum ferry_error clean(const char *path, struct bytes raw, struct check *check,
                              struct buf *out)
{
    enum ferry_error error = FERRY_OK;
    unsigned line = 1;
    unsigned told = 0;
    while (raw.len > 0 && error == FERRY_OK) {
        struct bytes before = raw;
        int32_t point = utf8_next(&raw);
        if (is_text(before.ptr[0], point)) {
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
