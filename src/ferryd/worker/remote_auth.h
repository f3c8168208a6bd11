/* Accounts, kept by another process: struct account_ops (server/backend.h) as messages. A login is
 * granted when both have come: the answer of auth, and the channel to the login's files, which the
 * supervisor makes. Without auth logins are unavailable; sessions stay. */
#ifndef FERRY_FERRYD_WORKER_REMOTE_AUTH_H
#define FERRY_FERRYD_WORKER_REMOTE_AUTH_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/log.h"
#include "ferryd/worker/charsets.h"
#include "ferryd/worker/remote_gate.h"
#include "ferryd/worker/remote_names.h"
#include "net/loop.h"
#include "server/backend.h"

struct remote_auth;

/* The `accounts` of these is a struct remote_auth. */
extern const struct account_ops remote_auth_ops;

struct remote_auth_setup {
    struct loop *loop;
    const struct log *log;
    const struct charsets *charsets;
    struct remote_names *names; /* has the channel, too; NULL: nobody */
    struct remote_gate *gate;   /* the same */
};

/* What `setup` points to must outlive it. NULL: no memory. */
struct remote_auth *remote_auth_new(const struct remote_auth_setup *setup);

/* After all sessions. NULL is fine. */
void remote_auth_free(struct remote_auth *auth);

/* Takes `fd`, on failure too: logins are asked for there from now on, and that auth is told of the
 * sessions that there are. Those under way are still answered by the one that they were asked of,
 * unless that has gone. FERRY_E_MEMORY. */
NODISCARD enum ferry_error remote_auth_connect(struct remote_auth *auth, int fd);

/* The supervisor has made the channel of a grant, and `fd` is taken; or it could not, for the
 * reason `why`. */
void remote_auth_granted(struct remote_auth *auth, uint64_t grant, int fd);
void remote_auth_denied(struct remote_auth *auth, uint64_t grant, struct bytes why);

#endif
