/* The channels to the workers: what they say goes to post and checks, and the answers back. */
#ifndef FERRY_FERRYD_HOOKS_DESK_H
#define FERRY_FERRYD_HOOKS_DESK_H

#include <sys/queue.h>

#include "base/compiler.h"
#include "base/log.h"
#include "ferryd/hooks/checks.h"
#include "ferryd/hooks/post.h"
#include "net/loop.h"

struct desk_worker;

struct desk {
    struct loop *loop;
    const struct log *log;
    struct post *post; /* NULL: not open yet */
    struct checks *checks;
    TAILQ_HEAD(, desk_worker) workers;
};

void desk_init(struct desk *desk, struct loop *loop, const struct log *log);

/* A worker's channel; takes `fd`, on failure too. Served once the desk is open. FERRY_E_MEMORY. */
NODISCARD enum ferry_error desk_add(struct desk *desk, int fd);

/* FERRY_E_MEMORY. */
NODISCARD enum ferry_error desk_open(struct desk *desk, struct post *post, struct checks *checks);

/* For checks_setup; the owner is a worker. */
checks_fn desk_checked;

#endif
