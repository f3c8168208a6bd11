/* One end of a channel between two processes: whole messages, each with up to a few descriptors,
 * over a SOCK_SEQPACKET pair (SEC-62, SEC-63). Never blocks, knows no loop: the owner watches the
 * descriptor, calls channel_receive when it is readable and channel_flush when it is writable and
 * channel_wants_write says so. What is in a message is proc/wire's. */
#ifndef FERRY_PROC_CHANNEL_H
#define FERRY_PROC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferry/error.h"

enum {
    CHANNEL_MESSAGE_BYTES = 32 * 1024, /* the longest message */
    CHANNEL_FDS = 4,                   /* the most descriptors in one */
};

/* What channel_receive found. */
enum channel_got {
    CHANNEL_NOTHING, /* come again when it is readable */
    CHANNEL_MESSAGE,
    CHANNEL_END, /* the peer has closed its end, or the channel was ended here */
};

/* A message that has come. The bytes lie in the caller's space. The descriptors, all close-on-exec,
 * belong to the caller, who takes them with fd_take and calls channel_message_fini. */
struct channel_message {
    struct bytes data;
    int fds[CHANNEL_FDS]; /* -1 from fd_count on */
    size_t fd_count;
};

struct channel_pending;

/* Fields are private to channel.c. */
struct channel {
    int fd;
    bool ended;
    size_t queued_bytes, queue_cap_bytes;
    STAILQ_HEAD(, channel_pending) queue;
};

/* Makes the two ends, close-on-exec and non-blocking. FERRY_E_LIMIT: no descriptors left. */
NODISCARD enum ferry_error channel_pair(int ends[static 2], struct fault *fault);

/* Takes `fd`, an end of a pair, and makes it non-blocking and close-on-exec. At most
 * `queue_cap_bytes` wait to be sent. */
void channel_init(struct channel *channel, int fd, size_t queue_cap_bytes);

/* Closes the end, wipes and drops what was not sent, closes its descriptors. */
void channel_fini(struct channel *channel);

/* To be watched; stays the same until channel_fini. */
int channel_fd(const struct channel *channel);

/* Something waits until the descriptor is writable. */
bool channel_wants_write(const struct channel *channel);

/* Sends a copy of `data`, 1 to CHANNEL_MESSAGE_BYTES long, or queues it behind what waits already.
 * Takes the descriptors, on failure too; the peer gets duplicates of them.
 * FERRY_E_LIMIT: too long, too many descriptors, or the queue is full: the message is not sent, the
 * channel is as before. FERRY_E_ARGUMENT: no bytes. FERRY_E_MEMORY. FERRY_E_LOST: the channel has
 * ended. */
NODISCARD enum ferry_error channel_send(struct channel *channel, struct bytes data, const int *fds,
                                        size_t fd_count, struct fault *fault);

/* Sends what is queued as far as it goes. FERRY_E_LOST: the channel has ended. */
NODISCARD enum ferry_error channel_flush(struct channel *channel, struct fault *fault);

/* Takes the next message into `space`, CHANNEL_MESSAGE_BYTES long. `*got` says what there was; only
 * after CHANNEL_MESSAGE is there something in `out` to be freed.
 * FERRY_E_PROTOCOL: a message too long, with too many descriptors, or empty. FERRY_E_LIMIT: this
 * process had no descriptor left for one that was sent. Either ends the channel, and no descriptor
 * that came with the message is left open. */
NODISCARD enum ferry_error channel_receive(struct channel *channel,
                                           char space[static CHANNEL_MESSAGE_BYTES],
                                           struct channel_message *out, enum channel_got *got,
                                           struct fault *fault);

/* Ends the channel for both sides, for good: a message that is not permitted, say. The descriptor
 * stays open until channel_fini. */
void channel_end(struct channel *channel);

/* Closes the descriptors that were not taken. */
void channel_message_fini(struct channel_message *message);

#endif
