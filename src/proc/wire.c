/* Typed fields in a bounded message, and the table of what is permitted. */
#include "proc/wire.h"

/* ---- writing ---- */

static void put(struct wire_writer *writer, struct bytes raw)
{
    if (writer->full || raw.len > writer->size_bytes - writer->len) {
        writer->full = true;
        return;
    }
    if (raw.len > 0)
        memcpy(writer->space + writer->len, raw.ptr, raw.len);
    writer->len += raw.len;
}

/* The low `width_bytes` of `value`, the lowest first. */
static void put_number(struct wire_writer *writer, uint64_t value, size_t width_bytes)
{
    char raw[sizeof(value)];
    for (size_t i = 0; i < width_bytes; i++)
        raw[i] = (char)(unsigned char)(value >> (8 * i));
    put(writer, bytes_of(raw, width_bytes));
}

void wire_begin(struct wire_writer *writer, uint16_t type, char *space, size_t size_bytes)
{
    *writer = (struct wire_writer){.space = space, .size_bytes = size_bytes};
    wire_put_u16(writer, type);
}

void wire_put_u8(struct wire_writer *writer, uint8_t value)
{
    put_number(writer, value, sizeof(value));
}

void wire_put_u16(struct wire_writer *writer, uint16_t value)
{
    put_number(writer, value, sizeof(value));
}

void wire_put_u32(struct wire_writer *writer, uint32_t value)
{
    put_number(writer, value, sizeof(value));
}

void wire_put_u64(struct wire_writer *writer, uint64_t value)
{
    put_number(writer, value, sizeof(value));
}

void wire_put_i64(struct wire_writer *writer, int64_t value)
{
    put_number(writer, (uint64_t)value, sizeof(value));
}

void wire_put_bytes(struct wire_writer *writer, struct bytes value)
{
    if (value.len > UINT32_MAX) {
        writer->full = true;
        return;
    }
    wire_put_u32(writer, (uint32_t)value.len);
    put(writer, value);
}

enum ferry_error wire_end(const struct wire_writer *writer, struct bytes *out)
{
    if (writer->full)
        return FERRY_E_LIMIT;
    *out = bytes_of(writer->space, writer->len);
    return FERRY_OK;
}

/* ---- reading ---- */

/* The next `len` bytes; empty, and the reader has failed, if they are not there. */
static struct bytes get(struct wire_reader *reader, size_t len)
{
    if (reader->failed || len > reader->rest.len) {
        reader->failed = true;
        return (struct bytes){0};
    }
    struct bytes raw = bytes_first(reader->rest, len);
    reader->rest = bytes_skip(reader->rest, len);
    return raw;
}

static uint64_t get_number(struct wire_reader *reader, size_t width_bytes)
{
    struct bytes raw = get(reader, width_bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < raw.len; i++)
        value |= (uint64_t)(unsigned char)raw.ptr[i] << (8 * i);
    return value;
}

void wire_open(struct wire_reader *reader, struct bytes message, size_t fd_count)
{
    *reader = (struct wire_reader){.rest = message, .fd_count = fd_count};
    reader->type = wire_get_u16(reader);
}

uint8_t wire_get_u8(struct wire_reader *reader)
{
    return (uint8_t)get_number(reader, sizeof(uint8_t));
}

uint16_t wire_get_u16(struct wire_reader *reader)
{
    return (uint16_t)get_number(reader, sizeof(uint16_t));
}

uint32_t wire_get_u32(struct wire_reader *reader)
{
    return (uint32_t)get_number(reader, sizeof(uint32_t));
}

uint64_t wire_get_u64(struct wire_reader *reader)
{
    return get_number(reader, sizeof(uint64_t));
}

int64_t wire_get_i64(struct wire_reader *reader)
{
    return (int64_t)wire_get_u64(reader);
}

struct bytes wire_get_bytes(struct wire_reader *reader)
{
    return get(reader, wire_get_u32(reader));
}

bool wire_done(const struct wire_reader *reader)
{
    return !reader->failed && reader->rest.len == 0;
}

/* ---- what is permitted ---- */

static const struct wire_message *find(const struct wire_table *table, uint16_t type)
{
    for (size_t i = 0; i < table->message_count; i++) {
        if (table->messages[i].type == type)
            return &table->messages[i];
    }
    return NULL;
}

/* Reads one field; false if it is not there or not within its bounds. */
static bool field_is_right(struct wire_reader *reader, struct wire_field field)
{
    struct bytes value = {0};
    switch (field.kind) {
    case WIRE_KIND_END:
        break;
    case WIRE_KIND_U8:
        wire_get_u8(reader);
        break;
    case WIRE_KIND_U16:
        wire_get_u16(reader);
        break;
    case WIRE_KIND_U32:
        wire_get_u32(reader);
        break;
    case WIRE_KIND_U64:
    case WIRE_KIND_I64:
        wire_get_u64(reader);
        break;
    case WIRE_KIND_BYTES:
        value = wire_get_bytes(reader);
        break;
    case WIRE_KIND_TEXT:
        value = wire_get_bytes(reader);
        if (bytes_find(value, '\0') < value.len)
            return false;
        break;
    }
    return !reader->failed && value.len <= field.max_bytes;
}

static enum ferry_error check_fields(const struct wire_message *message, struct wire_reader reader,
                                     enum role sender, struct fault *fault)
{
    for (size_t i = 0; i < WIRE_FIELDS && message->fields[i].kind != WIRE_KIND_END; i++) {
        if (!field_is_right(&reader, message->fields[i]))
            return fault_set(fault, FERRY_E_PROTOCOL, "%s sent %s with a bad field %zu",
                             role_name(sender), message->name, i + 1);
    }
    if (!wire_done(&reader))
        return fault_set(fault, FERRY_E_PROTOCOL, "%s sent %s with %zu bytes too many",
                         role_name(sender), message->name, reader.rest.len);
    return FERRY_OK;
}

enum ferry_error wire_check(const struct wire_table *table, enum role sender, unsigned state,
                            const struct wire_reader *reader, const struct wire_message **out,
                            struct fault *fault)
{
    *out = NULL;
    const struct wire_message *message = reader->failed ? NULL : find(table, reader->type);
    if (!message)
        return fault_set(fault, FERRY_E_PROTOCOL, "%s sent a message of no known type (%u)",
                         role_name(sender), (unsigned)reader->type);
    if (!(message->senders & ROLE_BIT(sender)))
        return fault_set(fault, FERRY_E_PROTOCOL, "%s sent %s, which is not its to send",
                         role_name(sender), message->name);
    if (state >= table->state_count || !(message->states & WIRE_STATE(state)))
        return fault_set(fault, FERRY_E_PROTOCOL, "%s sent %s in state %s", role_name(sender),
                         message->name,
                         state < table->state_count ? table->state_names[state] : "unknown");
    if (reader->fd_count != message->fd_count)
        return fault_set(fault, FERRY_E_PROTOCOL, "%s sent %s with %zu descriptors instead of %zu",
                         role_name(sender), message->name, reader->fd_count, message->fd_count);
    enum ferry_error error = check_fields(message, *reader, sender, fault);
    if (error == FERRY_OK)
        *out = message;
    return error;
}
