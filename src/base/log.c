/* One event per line, as text or JSON. */
#include "base/log.h"

#include <errno.h>
#include <sys/uio.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/compiler.h"

/* One system call for the line and its end, so that the lines of several processes do not mix.
 * There is nowhere to report a failure to: the line is lost. */
static void write_fd(void *ctx, enum log_level level, struct bytes line)
{
    (void)level;
    int fd = (int)(intptr_t)ctx;
    struct iovec parts[] = {
        {.iov_base = (void *)(uintptr_t)line.ptr, .iov_len = line.len},
        {.iov_base = (char[]){'\n'}, .iov_len = 1},
    };
    size_t left = line.len + 1;
    while (left > 0) {
        ssize_t written = writev(fd, parts, ARRAY_LEN(parts));
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return;
        size_t of_line = (size_t)written < parts[0].iov_len ? (size_t)written : parts[0].iov_len;
        parts[0].iov_base = (char *)parts[0].iov_base + of_line;
        parts[0].iov_len -= of_line;
        left -= (size_t)written;
    }
}

void log_init_fd(struct log *log, int fd, enum log_level level, enum log_form form,
                 const struct clock *clock)
{
    /* The first object that jansson makes reads /dev/urandom: a confined process no longer can. */
    if (form == LOG_FORM_JSON)
        json_object_seed(0);
    *log = (struct log){
        .write = write_fd,
        .ctx = (void *)(intptr_t)fd,
        .level = level,
        .form = form,
        .clock = clock,
    };
}

void log_write(const struct log *log, enum log_level level, const char *name,
               const struct log_field *fields, size_t count)
{
    if (!log || level > log->level)
        return;
    const struct log_event event = {
        .wall_ns = clock_wall_ns(log->clock),
        .level = level,
        .name = name,
        .fields = fields,
        .count = count,
    };
    if (log->record) {
        log->record(log->ctx, &event);
        return;
    }
    CLEANUP(buf_fini) struct buf line;
    buf_init(&line, LOG_LINE_MAX_BYTES);
    if (log_format(log->form, &event, &line) == FERRY_OK) {
        log->write(log->ctx, level, buf_view(&line));
        return;
    }
    char alone[LOG_NAME_LINE_BYTES];
    log_format_name(log->form, name, alone);
    log->write(log->ctx, level, bytes_str(alone));
}
