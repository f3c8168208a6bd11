/* One event per line, as text or JSON. */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/text.h"

enum {
    LINE_MAX_BYTES = 64 * 1024,
    VALUE_BYTES = 4096, /* of one field, as shown; the rest is left out */
    TIME_BYTES = 64,
    NAME_LINE_BYTES = 128,
};

struct event {
    char time[TIME_BYTES];
    enum log_level level;
    const char *name;
    const struct log_field *fields;
    size_t count;
};

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_DEBUG] = "debug",
};

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
    *log = (struct log){
        .write = write_fd,
        .ctx = (void *)(intptr_t)fd,
        .level = level,
        .form = form,
        .clock = clock,
    };
}

/* RFC 3339, UTC, milliseconds. */
static void format_time(int64_t wall_ns, char text[static TIME_BYTES])
{
    time_t seconds = (time_t)(wall_ns / (int64_t)CLOCK_NS_PER_S);
    int64_t rest_ns = wall_ns % (int64_t)CLOCK_NS_PER_S;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t used = strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + used, TIME_BYTES - used, ".%03dZ", (int)(rest_ns / (int64_t)CLOCK_NS_PER_MS));
}

/* The value as it is written, before any quotes; returns its length. */
static size_t format_value(const struct log_field *field, char text[static VALUE_BYTES])
{
    switch (field->type) {
    case LOG_FIELD_STR:
        return text_visible_into(text, VALUE_BYTES, field->str);
    case LOG_FIELD_VISIBLE:
        return (size_t)snprintf(text, VALUE_BYTES, "%.*s",
                                BYTES_FMT(bytes_first(field->str, VALUE_BYTES - 1)));
    case LOG_FIELD_U64:
        return (size_t)snprintf(text, VALUE_BYTES, "%" PRIu64, field->number);
    case LOG_FIELD_DURATION:
        return (size_t)snprintf(text, VALUE_BYTES, "%" PRIu64 ".%03" PRIu64,
                                field->number / CLOCK_NS_PER_S,
                                field->number % CLOCK_NS_PER_S / CLOCK_NS_PER_MS);
    }
    return 0;
}

/* name=value, in quotes where a reader could not see the end of the value otherwise. */
static enum ferry_error append_text_field(struct buf *line, const struct log_field *field)
{
    char text[VALUE_BYTES];
    struct bytes value = bytes_of(text, format_value(field, text));
    bool plain = value.len > 0 && !strpbrk(text, " \"=");

    enum ferry_error error = buf_printf(line, " %s=%s", field->name, plain ? text : "\"");
    if (plain || error != FERRY_OK)
        return error;
    while (error == FERRY_OK && value.len > 0) {
        bool quote = value.ptr[0] == '"';
        error = buf_append(line, quote ? BYTES_LIT("\\x22") : bytes_first(value, 1));
        value = bytes_skip(value, 1);
    }
    return error == FERRY_OK ? buf_append(line, BYTES_LIT("\"")) : error;
}

static enum ferry_error append_text(struct buf *line, const struct event *event)
{
    enum ferry_error error =
        buf_printf(line, "%s %s %s", event->time, level_names[event->level], event->name);
    for (size_t i = 0; i < event->count && error == FERRY_OK; i++)
        error = append_text_field(line, &event->fields[i]);
    return error;
}

static json_t *json_value(const struct log_field *field)
{
    char text[VALUE_BYTES];
    size_t len = format_value(field, text);
    switch (field->type) {
    case LOG_FIELD_STR:
    case LOG_FIELD_VISIBLE:
        break;
    case LOG_FIELD_U64:
        if (field->number <= INT64_MAX)
            return json_integer((json_int_t)field->number);
        break; /* jansson has no such integer: its digits as a string */
    case LOG_FIELD_DURATION:
        return json_real((double)(field->number / CLOCK_NS_PER_MS) / 1000);
    }
    return json_stringn(text, len);
}

static int append_chunk(const char *text, size_t len, void *line)
{
    return buf_append(line, bytes_of(text, len)) == FERRY_OK ? 0 : -1;
}

static enum ferry_error append_json(struct buf *line, const struct event *event)
{
    json_t *object = json_pack("{s:s, s:s, s:s}", "time", event->time, "level",
                               level_names[event->level], "event", event->name);
    bool whole = object != NULL;
    for (size_t i = 0; i < event->count && whole; i++) {
        const struct log_field *field = &event->fields[i];
        whole = json_object_set_new(object, field->name, json_value(field)) == 0;
    }
    /* 15 digits: what a double always holds, so that 0.1 is not 0.10000000000000001. */
    size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(15);
    whole = whole && json_dump_callback(object, append_chunk, line, flags) == 0;
    json_decref(object);
    return whole ? FERRY_OK : FERRY_E_MEMORY;
}

void log_write(const struct log *log, enum log_level level, const char *name,
               const struct log_field *fields, size_t count)
{
    if (!log || level > log->level)
        return;
    struct event event = {.level = level, .name = name, .fields = fields, .count = count};
    format_time(clock_wall_ns(log->clock), event.time);

    CLEANUP(buf_fini) struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    bool json = log->form == LOG_FORM_JSON;
    enum ferry_error error = json ? append_json(&line, &event) : append_text(&line, &event);
    if (error == FERRY_OK) {
        log->write(log->ctx, level, buf_view(&line));
        return;
    }
    char alone[NAME_LINE_BYTES];
    snprintf(alone, sizeof(alone), json ? "{\"event\":\"%s\"}" : "%s", name);
    log->write(log->ctx, level, bytes_str(alone));
}
