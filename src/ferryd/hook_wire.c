/* What a worker and ferryd-hooks say to each other. */
#include "ferryd/hook_wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "ferryd/messages.h"
#include "ferryd/settings_hooks.h"

enum { TLS_WORD_BYTES = 64 };

#define WORKER ROLE_BIT(ROLE_WORKER)
#define HOOKS ROLE_BIT(ROLE_HOOKS)
#define ID WIRE_BYTES(HOOK_ID_BYTES)
#define NAME WIRE_TEXT(MESSAGE_NAME_BYTES)
#define PATH WIRE_TEXT(MESSAGE_PATH_BYTES)
#define WORDS WIRE_TEXT(MESSAGE_WORDS_BYTES)
#define EVENT                                                                                      \
    ID, WIRE_U8, WIRE_I64, WIRE_U64, NAME, NAME, WIRE_TEXT(MESSAGE_HOST_BYTES), PATH, PATH,        \
        WIRE_U64, WIRE_U64, WIRE_U64, WIRE_TEXT(TLS_WORD_BYTES), WIRE_TEXT(TLS_WORD_BYTES),        \
        WIRE_TEXT(MESSAGE_HOST_BYTES)

static const struct wire_message to_hooks[] = {
    {HOOK_RECORD, "record", WORKER, WIRE_ANY_STATE, 0, {WIRE_U8, EVENT}},
    {HOOK_SETTLE, "settle", WORKER, WIRE_ANY_STATE, 0, {ID, WIRE_U8}},
    {HOOK_CHECK, "check", WORKER, WIRE_ANY_STATE, 1, {WIRE_U64, EVENT}},
    {HOOK_CANCEL, "cancel", WORKER, WIRE_ANY_STATE, 0, {WIRE_U64}},
};

static const struct wire_message to_worker[] = {
    {HOOK_RECORDED, "recorded", HOOKS, WIRE_ANY_STATE, 0, {ID, WIRE_U8}},
    {HOOK_SETTLED, "settled", HOOKS, WIRE_ANY_STATE, 0, {ID}},
    {HOOK_CHECKED, "checked", HOOKS, WIRE_ANY_STATE, 0, {WIRE_U64, WIRE_U8, WORDS, WORDS}},
};

static const char *const states[] = {"connected"};

const struct wire_table hook_messages_to_hooks = {to_hooks, ARRAY_LEN(to_hooks), states, 1};
const struct wire_table hook_messages_to_worker = {to_worker, ARRAY_LEN(to_worker), states, 1};

/* ---- events ---- */

static void put_text(struct wire_writer *writer, struct bytes text, size_t max)
{
    wire_put_bytes(writer, bytes_first(text, max));
}

void hook_wire_put_event(struct wire_writer *writer, const struct hook_event *event)
{
    wire_put_bytes(writer, bytes_of(event->id, HOOK_ID_BYTES));
    wire_put_u8(writer, event->kind);
    wire_put_i64(writer, event->time_ns);
    wire_put_u64(writer, event->session);
    put_text(writer, event->account, MESSAGE_NAME_BYTES);
    put_text(writer, event->peer, MESSAGE_NAME_BYTES);
    put_text(writer, event->host, MESSAGE_HOST_BYTES);
    put_text(writer, event->path, MESSAGE_PATH_BYTES);
    put_text(writer, event->from, MESSAGE_PATH_BYTES);
    wire_put_u64(writer, event->bytes);
    wire_put_u64(writer, event->offset_bytes);
    wire_put_u64(writer, event->took_ns);
    put_text(writer, event->tls_version, TLS_WORD_BYTES);
    put_text(writer, event->cipher, TLS_WORD_BYTES);
    put_text(writer, event->certificate, MESSAGE_HOST_BYTES);
}

enum ferry_error hook_wire_get_id(struct wire_reader *reader, uint8_t out[static HOOK_ID_BYTES],
                                  struct fault *fault)
{
    struct bytes id = wire_get_bytes(reader);
    if (id.len != HOOK_ID_BYTES)
        return fault_set(fault, FERRY_E_PROTOCOL, "an event without an id");
    memcpy(out, id.ptr, HOOK_ID_BYTES);
    return FERRY_OK;
}

enum ferry_error hook_wire_get_event(struct wire_reader *reader, struct hook_event *out,
                                     struct fault *fault)
{
    enum ferry_error error = hook_wire_get_id(reader, out->id, fault);
    if (error != FERRY_OK)
        return error;
    out->kind = wire_get_u8(reader);
    out->time_ns = wire_get_i64(reader);
    out->session = wire_get_u64(reader);
    out->account = wire_get_bytes(reader);
    out->peer = wire_get_bytes(reader);
    out->host = wire_get_bytes(reader);
    out->path = wire_get_bytes(reader);
    out->from = wire_get_bytes(reader);
    out->bytes = wire_get_u64(reader);
    out->offset_bytes = wire_get_u64(reader);
    out->took_ns = wire_get_u64(reader);
    out->tls_version = wire_get_bytes(reader);
    out->cipher = wire_get_bytes(reader);
    out->certificate = wire_get_bytes(reader);
    return out->kind < HOOK_KINDS ? FERRY_OK
                                  : fault_set(fault, FERRY_E_PROTOCOL, "an event of no kind");
}

/* ---- ids ---- */

void hook_id_new(int64_t wall_ns, uint8_t out[static HOOK_ID_BYTES])
{
    uint64_t ms = (uint64_t)wall_ns / 1000000;
    /* Short of random numbers, which the kernel never is, the time must do. */
    if (getrandom(out, HOOK_ID_BYTES, 0) != HOOK_ID_BYTES)
        memcpy(out + 8, &wall_ns, sizeof(wall_ns));
    for (int i = 0; i < 6; i++)
        out[i] = (uint8_t)(ms >> (40 - 8 * i));
    out[6] = (uint8_t)(0x70 | (out[6] & 0x0f));
    out[8] = (uint8_t)(0x80 | (out[8] & 0x3f));
}

void hook_id_text(const uint8_t id[static HOOK_ID_BYTES], char out[static HOOK_ID_TEXT_BYTES])
{
    for (int i = 0; i < HOOK_ID_BYTES; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        out += snprintf(out, 4, "%s%02x", dash ? "-" : "", id[i]);
    }
}
