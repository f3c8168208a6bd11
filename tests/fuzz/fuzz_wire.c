/* proc/wire (SEC-63): any bytes as a message from any role in any state. What passes the table can
 * be read field by field and is the very message that writing these fields makes. */
#include "fuzz/fuzz.h"
#include "proc/wire.h"

enum { SPACE_BYTES = 4096 };

static const char *const state_names[] = {"idle", "asked", "granted"};
static const struct wire_message messages[] = {
    {
        .type = 1,
        .name = "login",
        .senders = ROLE_BIT(ROLE_WORKER),
        .states = WIRE_STATE(0),
        .fields = {WIRE_U32, WIRE_TEXT(64), WIRE_BYTES(1024), WIRE_TEXT(46)},
    },
    {
        .type = 2,
        .name = "grant",
        .senders = ROLE_BIT(ROLE_AUTH) | ROLE_BIT(ROLE_SUPERVISOR),
        .states = WIRE_STATE(1) | WIRE_STATE(2),
        .fd_count = 1,
        .fields = {WIRE_U8, WIRE_U16, WIRE_U64, WIRE_I64},
    },
    {
        .type = 0x0100,
        .name = "stop",
        .senders = ~0U,
        .states = WIRE_ANY_STATE,
    },
    {
        .type = 3,
        .name = "facts",
        .senders = ROLE_BIT(ROLE_FILES),
        .states = WIRE_ANY_STATE,
        .fields = {WIRE_TEXT(255), WIRE_U8, WIRE_I64, WIRE_U64, WIRE_U32, WIRE_U32, WIRE_U16,
                   WIRE_BYTES(32), WIRE_BYTES(0), WIRE_TEXT(1), WIRE_U8, WIRE_U8, WIRE_U8, WIRE_U8,
                   WIRE_U8, WIRE_U8}, /* as many as there may be */
    },
};
static const struct wire_table table = {messages, ARRAY_LEN(messages), state_names,
                                        ARRAY_LEN(state_names)};

/* Reads one field and writes it again. */
static void copy_field(struct wire_field field, struct wire_reader *reader,
                       struct wire_writer *writer)
{
    struct bytes value;
    switch (field.kind) {
    case WIRE_KIND_END:
        return;
    case WIRE_KIND_U8:
        wire_put_u8(writer, wire_get_u8(reader));
        return;
    case WIRE_KIND_U16:
        wire_put_u16(writer, wire_get_u16(reader));
        return;
    case WIRE_KIND_U32:
        wire_put_u32(writer, wire_get_u32(reader));
        return;
    case WIRE_KIND_U64:
        wire_put_u64(writer, wire_get_u64(reader));
        return;
    case WIRE_KIND_I64:
        wire_put_i64(writer, wire_get_i64(reader));
        return;
    case WIRE_KIND_BYTES:
    case WIRE_KIND_TEXT:
        value = wire_get_bytes(reader);
        must(value.len <= field.max_bytes);
        must(field.kind == WIRE_KIND_BYTES || bytes_find(value, '\0') == value.len);
        wire_put_bytes(writer, value);
        return;
    }
}

static void check_permitted(const struct wire_message *row, struct wire_reader *reader,
                            struct bytes message)
{
    char space[SPACE_BYTES];
    struct wire_writer writer;
    struct bytes again;
    wire_begin(&writer, row->type, space, sizeof(space));
    for (size_t i = 0; i < WIRE_FIELDS; i++)
        copy_field(row->fields[i], reader, &writer);
    must(wire_done(reader));
    must(wire_end(&writer, &again) == FERRY_OK);
    must(bytes_equal(again, message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    enum role sender = (enum role)(data[0] % ROLE_COUNT);
    unsigned state = data[1] % 4; /* one of which is none */
    size_t fd_count = data[2] % 3;
    struct bytes message = bytes_of(data + 3, size - 3);

    struct wire_reader reader;
    const struct wire_message *row;
    struct fault fault = {0};
    wire_open(&reader, message, fd_count);
    enum ferry_error error = wire_check(&table, sender, state, &reader, &row, &fault);
    must((error == FERRY_OK) == (row != NULL) && (error == FERRY_OK) == !fault_is_set(&fault));
    if (!row)
        return 0;
    must(row->senders & ROLE_BIT(sender) && state < ARRAY_LEN(state_names));
    must(row->states & WIRE_STATE(state) && row->fd_count == fd_count);
    check_permitted(row, &reader, message);
    return 0;
}
