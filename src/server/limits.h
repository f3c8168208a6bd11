/* The limits of a listener, and what the sessions of an account share in this process. */
#ifndef FERRY_SERVER_LIMITS_H
#define FERRY_SERVER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "net/crowd.h"
#include "net/ledger.h"

/* 0: no limit. */
struct server_limit_rules {
    struct crowd_rules crowd;       /* who may come */
    uint64_t handshakes_max;        /* TLS handshakes of control connections at once */
    uint64_t commands_per_second;   /* of a session; more of them wait */
    uint64_t log_events_per_minute; /* of an address and of one kind (SEC-60) */
};

/* Zeroed: nothing counted yet, but for what server_limits_init sets. */
struct server_limits {
    struct ledger ledger;
};

void server_limits_init(struct server_limits *limits);
void server_limits_fini(struct server_limits *limits);

/* A session of the account begins; false: it has `most` already (0: no limit), or memory is short.
 */
bool server_limits_join(struct server_limits *limits, struct bytes account, uint64_t most);
/* The rates of its transfers, which all its sessions share; there as long as it has one. */
struct ledger_entry *server_limits_account(struct server_limits *limits, struct bytes account);
void server_limits_part(struct server_limits *limits, struct bytes account);

#endif
