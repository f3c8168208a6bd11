/* What the roles of ferryd write for the log, as datagrams. */
#include "ferryd/logwire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

enum {
    NAME_MAX_BYTES = 64,
    VALUE_MAX_BYTES = 4096, /* no more is shown of one (base/log.h) */
};

/* ---- writing ---- */

/* Numbers are the machine's own: both ends are on it. */
struct writer {
    char *out;
    size_t used;
    bool full;
};

static void put(struct writer *writer, const void *from, size_t len)
{
    if (len > LOGWIRE_MAX_BYTES - writer->used)
        writer->full = true;
    if (writer->full || len == 0)
        return;
    memcpy(writer->out + writer->used, from, len);
    writer->used += len;
}

static void put_u8(struct writer *writer, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    put(writer, &byte, sizeof(byte));
}

/* With a NUL behind it. */
static void put_name(struct writer *writer, const char *name)
{
    size_t len = strnlen(name, NAME_MAX_BYTES);
    put_u8(writer, (unsigned)len);
    put(writer, name, len);
    put_u8(writer, 0);
}

static void put_field(struct writer *writer, const struct log_field *field)
{
    put_u8(writer, field->type);
    put_name(writer, field->name);
    if (field->type == LOG_FIELD_STR || field->type == LOG_FIELD_VISIBLE) {
        struct bytes value = bytes_first(field->str, VALUE_MAX_BYTES);
        uint16_t len = (uint16_t)value.len;
        put(writer, &len, sizeof(len));
        put(writer, value.ptr, value.len);
    } else {
        put(writer, &field->number, sizeof(field->number));
    }
}

size_t logwire_write(char out[static LOGWIRE_MAX_BYTES], const struct log_event *event)
{
    struct writer writer = {.out = out};
    put_u8(&writer, LOGWIRE_EVENT);
    put_u8(&writer, event->level);
    put(&writer, &event->wall_ns, sizeof(event->wall_ns));
    put_name(&writer, event->name);
    for (size_t i = 0; i < event->count && i < LOGWIRE_FIELDS_MAX; i++) {
        size_t before = writer.used;
        put_field(&writer, &event->fields[i]);
        if (!writer.full)
            continue;
        writer.used = before; /* the event without what is too much */
        break;
    }
    return writer.used;
}

/* ---- sending ---- */

static bool send_datagram(struct logwire *wire, struct bytes datagram)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)datagram.ptr, .iov_len = datagram.len};
    const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int flags = MSG_NOSIGNAL | (wire->away ? MSG_DONTWAIT : 0);
    ssize_t sent;
    do
        sent = sendmsg(wire->fd, &message, flags);
    while (sent < 0 && errno == EINTR);
    wire->away = sent < 0;
    return sent >= 0;
}

/* Before anything else gets through the log is told what did not. */
static void tell_lost(struct logwire *wire, const struct log_event *event)
{
    static const char name[] = "log.lost";
    const struct log_field fields[] = {
        F_U64("count", wire->lost),
        F_STR("reason", "a process could not send them to the supervisor, which did not read"),
        F_STR("side", "server"),
        F_STR("advice", "look what holds up the supervisor: a full disk, or a slow one"),
    };
    const struct log_event told = {
        .wall_ns = event->wall_ns,
        .level = LOG_LEVEL_ERROR,
        .name = name,
        .fields = fields,
        .count = ARRAY_LEN(fields),
    };
    size_t len = logwire_write(wire->scratch, &told);
    if (send_datagram(wire, bytes_of(wire->scratch, len)))
        wire->lost = 0;
}

void logwire_record(void *ctx, const struct log_event *event)
{
    struct logwire *wire = ctx;
    if (wire->lost > 0)
        tell_lost(wire, event);
    size_t len = logwire_write(wire->scratch, event);
    if (wire->lost > 0 || !send_datagram(wire, bytes_of(wire->scratch, len)))
        wire->lost++;
}

void logwire_line(struct logwire *wire, struct bytes line)
{
    line = bytes_first(line, LOGWIRE_MAX_BYTES - 1);
    wire->scratch[0] = LOGWIRE_LINE;
    memcpy(wire->scratch + 1, line.ptr, line.len);
    if (!send_datagram(wire, bytes_of(wire->scratch, line.len + 1)))
        wire->lost++;
}

/* ---- reading ---- */

struct reader {
    struct bytes rest;
    bool bad;
};

static struct bytes get(struct reader *reader, size_t len)
{
    struct bytes got = bytes_first(reader->rest, len);
    if (got.len < len)
        reader->bad = true;
    reader->rest = bytes_skip(reader->rest, len);
    return got;
}

static uint64_t get_number(struct reader *reader, size_t size)
{
    uint64_t value = 0;
    struct bytes got = get(reader, size);
    uint8_t byte = 0;
    uint16_t two = 0;
    if (reader->bad)
        return 0;
    if (size == sizeof(byte)) {
        memcpy(&byte, got.ptr, sizeof(byte));
        return byte;
    }
    if (size == sizeof(two)) {
        memcpy(&two, got.ptr, sizeof(two));
        return two;
    }
    memcpy(&value, got.ptr, sizeof(value));
    return value;
}

/* Those of our tables are small letters, digits, '.', '-' and '_'. */
static const char *get_name(struct reader *reader)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    size_t len = (size_t)get_number(reader, 1);
    struct bytes name = get(reader, len + 1);
    if (reader->bad || len == 0 || len > NAME_MAX_BYTES || name.ptr[len] != '\0' ||
        strspn(name.ptr, allowed) != len) {
        reader->bad = true;
        return "";
    }
    return name.ptr;
}

static void get_field(struct reader *reader, struct log_field *out)
{
    unsigned type = (unsigned)get_number(reader, 1);
    if (type > LOG_FIELD_DURATION)
        reader->bad = true;
    *out = (struct log_field){.type = (enum log_type)type, .name = get_name(reader)};
    if (type == LOG_FIELD_STR || type == LOG_FIELD_VISIBLE)
        out->str = get(reader, (size_t)get_number(reader, 2));
    else
        out->number = get_number(reader, 8);
    /* What a role calls visible is looked at. */
    if (type == LOG_FIELD_VISIBLE && !text_is_visible(out->str))
        out->type = LOG_FIELD_STR;
}

enum ferry_error logwire_read(struct bytes datagram, struct logwire_got *out)
{
    struct reader reader = {.rest = datagram};
    *out = (struct logwire_got){.kind = (enum logwire_kind)get_number(&reader, 1)};
    if (reader.bad || out->kind > LOGWIRE_LINE)
        return FERRY_E_PROTOCOL;
    if (out->kind == LOGWIRE_LINE) {
        out->line = reader.rest;
        return out->line.len > 0 && text_is_visible(out->line) ? FERRY_OK : FERRY_E_PROTOCOL;
    }
    struct log_event *event = &out->event;
    event->level = (enum log_level)get_number(&reader, 1);
    event->wall_ns = (int64_t)get_number(&reader, 8);
    event->name = get_name(&reader);
    event->fields = out->fields;
    if (event->level > LOG_LEVEL_DEBUG || event->wall_ns < 0)
        reader.bad = true;
    while (!reader.bad && reader.rest.len > 0 && event->count < LOGWIRE_FIELDS_MAX)
        get_field(&reader, &out->fields[event->count++]);
    return reader.bad || reader.rest.len > 0 ? FERRY_E_PROTOCOL : FERRY_OK;
}
