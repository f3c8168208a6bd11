/* Names that another process looks up: struct names_ops (net/names.h) as messages on the channel to
 * auth. A confined worker can look none up itself. */
#ifndef FERRY_FERRYD_WORKER_REMOTE_NAMES_H
#define FERRY_FERRYD_WORKER_REMOTE_NAMES_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/compiler.h"
#include "ferryd/link.h"
#include "net/names.h"

/* The `source` of these is a struct remote_names. */
extern const struct names_ops remote_names_ops;

struct remote_names {
    struct link *auth; /* borrowed; NULL: that process is not there */
    uint64_t last;     /* number that was given */
    TAILQ_HEAD(, remote_lookup) lookups;
};

void remote_names_init(struct remote_names *names);

/* Names are asked for on `auth`, borrowed, from now on; NULL: nowhere. Look-ups under way fail. */
void remote_names_connect(struct remote_names *names, struct link *auth);

/* A MESSAGE_LOOKED_UP has come. FERRY_E_PROTOCOL: it answers nothing that was asked. */
NODISCARD enum ferry_error remote_names_answer(struct remote_names *names,
                                               struct wire_reader *reader, struct fault *fault);

#endif
