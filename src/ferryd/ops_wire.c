/* What ferryd-ops says to workers, and they to it. */
#include "ferryd/ops_wire.h"

#include <string.h>

#include "base/bytes.h"

#define BIT_OPS ROLE_BIT(ROLE_OPS)
#define BIT_WORKER ROLE_BIT(ROLE_WORKER)
#define ALWAYS WIRE_ANY_STATE
#define TEXTS WIRE_BYTES(OPS_TEXTS_BYTES)

static const char *const state_names[] = {"starting", "running"};

#define TABLE(rows)                                                                                \
    {                                                                                              \
        .messages = rows, .message_count = sizeof(rows) / sizeof(*(rows)),                         \
        .state_names = state_names, .state_count = 2                                               \
    }

static const struct wire_message to_worker[] = {
    {OPS_VIEW, "view", BIT_OPS, ALWAYS, 0, {WIRE_U64, WIRE_U64}},
    {OPS_KICK, "kick", BIT_OPS, ALWAYS, 0, {WIRE_U64, WIRE_U64}},
};

static const struct wire_message from_worker[] = {
    {OPS_SESSION,
     "session",
     BIT_WORKER,
     ALWAYS,
     0,
     {WIRE_U64, WIRE_I64, WIRE_U8, WIRE_U64, WIRE_U64, WIRE_I64, TEXTS}},
    {OPS_COUNTS,
     "counts",
     BIT_WORKER,
     ALWAYS,
     0,
     {WIRE_BYTES(OPS_COUNTS_BYTES), WIRE_BYTES(OPS_COUNTS_BYTES)}},
    {OPS_PAGE, "page", BIT_WORKER, ALWAYS, 0, {WIRE_U64, WIRE_U64}},
    {OPS_KICKED, "kicked", BIT_WORKER, ALWAYS, 0, {WIRE_U64, WIRE_U8}},
    {OPS_CERTIFICATE, "certificate", BIT_WORKER, ALWAYS, 0, {WIRE_I64, WIRE_I64, TEXTS}},
    {OPS_USE, "use", BIT_WORKER, ALWAYS, 0, {WIRE_U64, WIRE_U64, WIRE_U64, TEXTS}},
};

const struct wire_table ops_to_worker = TABLE(to_worker);
const struct wire_table ops_from_worker = TABLE(from_worker);

void ops_put_texts(struct wire_writer *writer, const char *const *texts, size_t count)
{
    char space[OPS_TEXTS_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        size_t left = count - i; /* each has at least its NUL */
        struct bytes text = bytes_first(bytes_str(texts[i]), (sizeof(space) - len - left) / left);
        memcpy(space + len, text.ptr ? text.ptr : "", text.len);
        len += text.len;
        space[len++] = '\0';
    }
    wire_put_bytes(writer, bytes_of(space, len));
}

bool ops_get_texts(struct bytes field, const char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = bytes_find(field, '\0');
        if (len == field.len)
            return false;
        texts[i] = field.ptr;
        field = bytes_skip(field, len + 1);
    }
    return field.len == 0;
}
