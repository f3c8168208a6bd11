/* Messages between processes as typed fields, and the table of what is permitted (SEC-63). A
 * message is a type (u16) and its fields in order, little endian; bytes and text have their length
 * (u32) before them. What is short, long, trailing or out of bounds is an error, never a cast. */
#ifndef FERRY_PROC_WIRE_H
#define FERRY_PROC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferry/error.h"
#include "proc/role.h"

/* ---- writing ---- */

/* A message being written; fields are private to wire.c. What does not fit is told once, by
 * wire_end. */
struct wire_writer {
    char *space;
    size_t size_bytes, len;
    bool full;
};

/* Begins a message of `type` in `space`, which must outlive the writer. */
void wire_begin(struct wire_writer *writer, uint16_t type, char *space, size_t size_bytes);

void wire_put_u8(struct wire_writer *writer, uint8_t value);
void wire_put_u16(struct wire_writer *writer, uint16_t value);
void wire_put_u32(struct wire_writer *writer, uint32_t value);
void wire_put_u64(struct wire_writer *writer, uint64_t value);
void wire_put_i64(struct wire_writer *writer, int64_t value);

/* Both bytes and text. */
void wire_put_bytes(struct wire_writer *writer, struct bytes value);

/* The whole message, in the writer's space. FERRY_E_LIMIT: it did not fit. */
NODISCARD enum ferry_error wire_end(const struct wire_writer *writer, struct bytes *out);

/* ---- reading ---- */

/* A message being read. A field that is not there is read as 0 or empty, and wire_done says so. */
struct wire_reader {
    uint16_t type; /* 0 if the message is too short to have one */
    size_t fd_count;
    struct bytes rest;
    bool failed;
};

/* Opens a message and reads its type. `message` must outlive what is read from it; `fd_count`
 * descriptors came with it. */
void wire_open(struct wire_reader *reader, struct bytes message, size_t fd_count);

uint8_t wire_get_u8(struct wire_reader *reader);
uint16_t wire_get_u16(struct wire_reader *reader);
uint32_t wire_get_u32(struct wire_reader *reader);
uint64_t wire_get_u64(struct wire_reader *reader);
int64_t wire_get_i64(struct wire_reader *reader);

/* Points into the message. */
struct bytes wire_get_bytes(struct wire_reader *reader);

/* Every field was there and nothing is left. After wire_check, reading just the fields of the row
 * cannot fail. */
bool wire_done(const struct wire_reader *reader);

/* ---- what is permitted ---- */

enum wire_kind {
    WIRE_KIND_END, /* after the last field */
    WIRE_KIND_U8,
    WIRE_KIND_U16,
    WIRE_KIND_U32,
    WIRE_KIND_U64,
    WIRE_KIND_I64,
    WIRE_KIND_BYTES,
    WIRE_KIND_TEXT, /* bytes without NUL (SEC-70) */
};

struct wire_field {
    enum wire_kind kind;
    uint32_t max_bytes; /* of bytes and text */
};

/* The fields of a row. */
#define WIRE_U8                                                                                    \
    {                                                                                              \
        WIRE_KIND_U8, 0                                                                            \
    }
#define WIRE_U16                                                                                   \
    {                                                                                              \
        WIRE_KIND_U16, 0                                                                           \
    }
#define WIRE_U32                                                                                   \
    {                                                                                              \
        WIRE_KIND_U32, 0                                                                           \
    }
#define WIRE_U64                                                                                   \
    {                                                                                              \
        WIRE_KIND_U64, 0                                                                           \
    }
#define WIRE_I64                                                                                   \
    {                                                                                              \
        WIRE_KIND_I64, 0                                                                           \
    }
#define WIRE_BYTES(max)                                                                            \
    {                                                                                              \
        WIRE_KIND_BYTES, (max)                                                                     \
    }
#define WIRE_TEXT(max)                                                                             \
    {                                                                                              \
        WIRE_KIND_TEXT, (max)                                                                      \
    }

enum { WIRE_FIELDS = 16 };

/* One kind of message. */
struct wire_message {
    uint16_t type; /* not 0 */
    const char *name;
    unsigned senders; /* ROLE_BITs */
    unsigned states;  /* WIRE_STATEs of the receiver's table in which it may come */
    size_t fd_count;  /* descriptors that come with it, no more and no less */
    struct wire_field fields[WIRE_FIELDS];
};

/* A set of states is an unsigned with these bits; a state is a number below 32. */
#define WIRE_STATE(state) (1U << (unsigned)(state))
#define WIRE_ANY_STATE (~0U)

/* All that a process may ever receive on one kind of channel. */
struct wire_table {
    const struct wire_message *messages;
    size_t message_count;
    const char *const *state_names; /* for the words of a fault */
    size_t state_count;
};

/* Says whether the message in `reader`, opened and not read, may come from `sender` while the
 * receiver is in `state` (below the table's state_count), and is whole: every field there and
 * within its bounds, nothing behind the last, as many descriptors as its row says. `*out` is the
 * row.
 * FERRY_E_PROTOCOL: it may not or is not. The receiver then ends the sender. */
NODISCARD enum ferry_error wire_check(const struct wire_table *table, enum role sender,
                                      unsigned state, const struct wire_reader *reader,
                                      const struct wire_message **out, struct fault *fault);

#endif
