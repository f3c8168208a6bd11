/* One end of a channel to another process, on a loop: every message is checked against the table of
 * what may come before anybody reads it. */
#ifndef FERRY_FERRYD_LINK_H
#define FERRY_FERRYD_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "net/loop.h"
#include "proc/channel.h"
#include "proc/wire.h"

struct link;

/* A message of `row`, whole and permitted: `reader` gives its fields in order, `raw` its
 * descriptors, to be taken with fd_take. From the loop; may free the link. Anything but FERRY_OK
 * ends the link, with the words in `fault`. */
typedef enum ferry_error link_message_fn(void *ctx, const struct wire_message *row,
                                         struct wire_reader *reader, struct channel_message *raw,
                                         struct fault *fault);

/* The link is over: the peer has closed its end or died (`why` is not set), or it has said what it
 * may not. Once, from the loop; may free the link. */
typedef void link_closed_fn(void *ctx, const struct fault *why);

struct link_setup {
    struct loop *loop;
    const struct wire_table *table; /* of what may come */
    enum role peer;
    unsigned state; /* of the table, to begin with */
    link_message_fn *message;
    link_closed_fn *closed;
    void *ctx;
};

/* Takes `fd`, on failure too. FERRY_E_MEMORY. */
NODISCARD enum ferry_error link_new(const struct link_setup *setup, int fd, struct link **out);
void link_free(struct link *link);

void link_set_state(struct link *link, unsigned state);

/* A message of up to CHANNEL_MESSAGE_BYTES: begin it, put its fields with wire_put_*, send it. One
 * at a time, in one go: the memory is the loop's scratch. link_send takes the descriptors, on
 * failure too. FERRY_E_LOST: the link is over; FERRY_E_LIMIT: it does not fit, or too much waits
 * already. */
struct wire_writer *link_begin(struct link *link, uint16_t type);
NODISCARD enum ferry_error link_send(struct link *link, const int *fds, size_t fd_count,
                                     struct fault *fault);

#endif
