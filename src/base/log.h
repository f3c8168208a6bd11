/* One event per line, as text or JSON: a name from the program's list and typed fields. Values are
 * made visible (text_visible), once, so no peer can forge a line (SEC-80). */
#ifndef FERRY_BASE_LOG_H
#define FERRY_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "ferry/error.h"

struct buf;

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_NOTICE, LOG_LEVEL_DEBUG };
enum log_form {
    LOG_FORM_TEXT,
    LOG_FORM_JSON,
    LOG_FORM_JOURNAL, /* a datagram of systemd's journal, fields as FERRY_SESSION=, many lines */
};
enum { LOG_LINE_MAX_BYTES = 64 * 1024, LOG_NAME_LINE_BYTES = 128 };

enum log_type {
    LOG_FIELD_STR,
    LOG_FIELD_VISIBLE, /* made visible before, as a fault's words are: written as it is */
    LOG_FIELD_U64,
    LOG_FIELD_DURATION,
};

struct log_field {
    const char *name;
    enum log_type type;
    struct bytes str;
    uint64_t number; /* LOG_FIELD_DURATION: nanoseconds, written as seconds with three digits */
};

#define F_STR(field, value)                                                                        \
    ((struct log_field){.name = (field), .type = LOG_FIELD_STR, .str = bytes_str(value)})
#define F_BYTES(field, value)                                                                      \
    ((struct log_field){.name = (field), .type = LOG_FIELD_STR, .str = (value)})
#define F_VISIBLE(field, value)                                                                    \
    ((struct log_field){.name = (field), .type = LOG_FIELD_VISIBLE, .str = bytes_str(value)})
#define F_U64(field, value)                                                                        \
    ((struct log_field){.name = (field), .type = LOG_FIELD_U64, .number = (value)})
#define F_DUR(field, value_ns)                                                                     \
    ((struct log_field){.name = (field), .type = LOG_FIELD_DURATION, .number = (value_ns)})

/* What happened, as the writer of an event gave it. */
struct log_event {
    int64_t wall_ns; /* since 1970-01-01 UTC */
    enum log_level level;
    const char *name;
    const struct log_field *fields;
    size_t count;
};

/* Appends the event in that form, without a newline behind it. Errors as buf_append; what was
 * appended is then of no use. */
NODISCARD enum ferry_error log_format(enum log_form form, const struct log_event *event,
                                      struct buf *line);

/* Its name alone, for when that fails; NUL-terminated. */
void log_format_name(enum log_form form, const char *name, char line[static LOG_NAME_LINE_BYTES]);

/* The number that syslog(3) has for the level. */
int log_priority(enum log_level level);

/* Receives one whole line without its newline. */
typedef void log_write_fn(void *ctx, enum log_level level, struct bytes line);

/* Receives an event as it is. */
typedef void log_record_fn(void *ctx, const struct log_event *event);

struct log {
    log_write_fn *write;
    log_record_fn *record; /* instead of `write`, where it is set */
    void *ctx;
    enum log_level level; /* the most that is written */
    enum log_form form;
    const struct clock *clock;
};

/* A log whose lines go to descriptor `fd` (kept by the caller), which is the ctx of the writer. */
void log_init_fd(struct log *log, int fd, enum log_level level, enum log_form form,
                 const struct clock *clock);

/* Writes one event. `log` may be NULL: nothing happens. Use it as
 *   log_event(log, LOG_LEVEL_NOTICE, "transfer.end", F_STR("path", path), F_U64("bytes", n));
 * The text form is `time level event name=value ...`, the value in double quotes if it is empty or
 * holds a blank, `"` (shown as \x22) or `=`; the JSON form is an object with time, level, event and
 * the fields. Times are RFC 3339, UTC. A value longer than 4095 bytes is cut. A line that cannot be
 * made (no memory) is written with its name alone. */
#define log_event(log, level, name, ...)                                                           \
    log_write((log), (level), (name), (const struct log_field[]){__VA_ARGS__},                     \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

void log_write(const struct log *log, enum log_level level, const char *name,
               const struct log_field *fields, size_t count);

#endif
