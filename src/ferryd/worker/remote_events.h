/* Events on their way to ferryd-hooks: each is kept until all that there is to say of it is on disk
 * there, and sent again if that process was started again (ferryd/hook_wire.h). */
#ifndef FERRY_FERRYD_WORKER_REMOTE_EVENTS_H
#define FERRY_FERRYD_WORKER_REMOTE_EVENTS_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "base/log.h"
#include "ferryd/hook_wire.h"
#include "ferryd/link.h"
#include "net/address.h"
#include "server/backend.h"

struct letter;
TAILQ_HEAD(letters, letter);

struct remote_events {
    const struct log *log;
    struct link *link;                      /* borrowed; NULL: that process is not there */
    struct letters to_send, sent, recorded; /* in order */
    unsigned letter_count;
    uint64_t last_number;
    uint64_t lost; /* events since the channel was made */
};

void remote_events_init(struct remote_events *events, const struct log *log);
void remote_events_fini(struct remote_events *events);

/* `out` with a new id; `peer` is the space of its text. */
void remote_event_of(const struct deed *deed, char peer[static ADDRESS_TEXT_BYTES],
                     struct hook_event *out);

/* record, note, settle and cancel of struct hook_ops; a record fails with FERRY_E_TEMPORARY at
 * `deadline_ns`, on the scale of remote_events_tell_late. */
NODISCARD enum ferry_error remote_events_record(struct remote_events *events,
                                                const struct deed *deed, uint64_t deadline_ns,
                                                hook_fn *done, void *ctx, uint64_t *record);
void remote_events_note(struct remote_events *events, const struct deed *deed);
void remote_events_settle(struct remote_events *events, uint64_t record, enum hook_outcome outcome);
void remote_events_cancel(struct remote_events *events, const void *ctx);

/* The next time to call remote_events_tell_late; CLOCK_NEVER. */
uint64_t remote_events_deadline(const struct remote_events *events);
void remote_events_tell_late(struct remote_events *events, uint64_t now_ns);

/* Another process is there (`link`), or none (NULL). */
void remote_events_connect(struct remote_events *events, struct link *link);

/* HOOK_RECORDED and HOOK_SETTLED. FERRY_E_PROTOCOL. */
NODISCARD enum ferry_error remote_events_recorded(struct remote_events *events,
                                                  struct wire_reader *reader, struct fault *fault);
NODISCARD enum ferry_error remote_events_settled(struct remote_events *events,
                                                 struct wire_reader *reader, struct fault *fault);

/* Sends what had to wait for room in the channel. */
void remote_events_send(struct remote_events *events);

#endif
