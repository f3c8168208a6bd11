/* What a worker and ferryd-hooks say to each other (SEC-63): what happened in sessions, and whether
 * an upload may take its name.
 *
 * How an upload's event comes to be told at least once, and what exactly that means:
 *
 *   1. The upload is written and synced to its part, which nobody sees.
 *   2. The worker sends HOOK_RECORD, marked as provisional: the event, with an id of its own.
 *      Hooks writes it to the outbox, together with others that came meanwhile, and answers
 *      HOOK_RECORDED when the transaction is on disk (synchronous = FULL).
 *   3. The part takes its name.
 *   4. The client is told 226; the worker sends HOOK_SETTLE. Only now is the event delivered.
 *
 * An event whose 226 was sent is thus on disk before it, and is delivered:
 * - Hooks dies at any moment: the worker sends again, with the same id, whatever was not answered:
 *   records that wait for (2) and settlements that may have been lost. An upload waits at (2) for
 *   hooks_wait at most and is then refused (451): its part never takes its name.
 * - The worker dies between (2) and (4): whether the part took its name is known to nobody who
 *   could tell. The event is delivered all the same after a while, with "certain": false: whoever
 *   gets it looks for himself. So do the events of commits whose process died over them. An event
 *   with "certain": true is always of a file that took its name.
 * - The worker dies before (2) has reached the disk: no event, no name, no 226.
 * - The system loses its power: the same, as far as the disk keeps what it has synced. A name that
 *   was taken a moment before may be gone again (store/part.h, PART_SYNC_DATA): its event is not.
 *
 * What else is told (logins, downloads, removals, ...) is sent when it has been done, and nobody
 * waits for it. The worker keeps it until it is on disk: it outlives the death of hooks, but is
 * lost with the worker if that dies within those milliseconds, and beyond a bounded number if hooks
 * stays away; the latter is logged.
 *
 * Events are delivered more than once if hooks dies between their being taken and its noting that:
 * their id tells. Those of an account are delivered to a hook in the order in which they were
 * recorded, each after the one before was taken, or given up. */
#ifndef FERRY_FERRYD_HOOK_WIRE_H
#define FERRY_FERRYD_HOOK_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "proc/wire.h"

/* The types of messages, a numbering of their own. */
enum hook_message {
    HOOK_MESSAGE_NONE,
    /* worker -> hooks */
    HOOK_RECORD, /* flags u8 and an event */
    HOOK_SETTLE, /* id, outcome u8 (enum hook_settled) */
    HOOK_CHECK,  /* ask u64 in the flags' place, an event, + the part, for reading */
    HOOK_CANCEL, /* ask u64 of a check */
    /* hooks -> worker */
    HOOK_RECORDED, /* id, answer u8 (enum hook_answer) */
    HOOK_SETTLED,  /* id: that is on disk as well */
    HOOK_CHECKED,  /* ask u64, verdict u8 (enum hook_verdict), words for the client, why */
};

enum { HOOK_ID_BYTES = 16 };

enum hook_flag {
    HOOK_PROVISIONAL = 1 << 0, /* to be settled */
};

enum hook_settled { HOOK_SETTLED_DONE, HOOK_SETTLED_NOT_DONE, HOOK_SETTLED_UNKNOWN };

enum hook_answer {
    HOOK_ON_DISK,
    HOOK_IS_FULL,   /* too many wait */
    HOOK_NOT_TAKEN, /* it cannot be written: the log tells why */
};

enum hook_verdict { HOOK_ALLOWED, HOOK_REFUSED, HOOK_FAILED };

extern const struct wire_table hook_messages_to_hooks;
extern const struct wire_table hook_messages_to_worker;

/* An event; texts are NUL-free, the views the caller's or into the message. */
struct hook_event {
    uint8_t id[HOOK_ID_BYTES];
    uint8_t kind;    /* enum hook_kind */
    int64_t time_ns; /* since 1970 */
    uint64_t session;
    struct bytes account, peer, host, path, from;
    uint64_t bytes, offset_bytes, took_ns;
    struct bytes tls_version, cipher, certificate; /* "": in clear; none */
};

/* Texts that are too long are cut. */
void hook_wire_put_event(struct wire_writer *writer, const struct hook_event *event);

/* The message has been let pass by wire_check. FERRY_E_PROTOCOL: an id of another length, or a kind
 * that there is none of. */
NODISCARD enum ferry_error hook_wire_get_event(struct wire_reader *reader, struct hook_event *out,
                                               struct fault *fault);
NODISCARD enum ferry_error hook_wire_get_id(struct wire_reader *reader,
                                            uint8_t out[static HOOK_ID_BYTES], struct fault *fault);

/* A new id: a UUID of version 7 (RFC 9562). */
void hook_id_new(int64_t wall_ns, uint8_t out[static HOOK_ID_BYTES]);

enum { HOOK_ID_TEXT_BYTES = 37 };

/* "0197...-....", NUL-terminated. */
void hook_id_text(const uint8_t id[static HOOK_ID_BYTES], char out[static HOOK_ID_TEXT_BYTES]);

#endif
