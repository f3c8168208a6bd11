/* How much may come from where: sessions and connections by address and network, sessions by
 * account, failed logins by both (SEC-50, SEC-52). */
#ifndef FERRY_SERVER_LIMITS_H
#define FERRY_SERVER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "net/address.h"
#include "server/ledger.h"

/* Of one listener; what is counted is counted for the whole worker. 0: no limit. */
struct server_limit_rules {
    uint64_t sessions_per_address;   /* IPv4 address, or /64 of IPv6 */
    uint64_t sessions_per_network;   /* /24 of IPv4, /48 of IPv6 */
    uint64_t connections_per_minute; /* of an address */
    uint64_t handshakes_max;         /* TLS handshakes of control connections at once */
    uint64_t commands_per_second;    /* of a session; more of them wait */
    uint64_t login_failures; /* in login_failures_ns, of an address for one account; four times as
                                many of an address, sixteen times as many for an account */
    uint64_t login_failures_ns;     /* 0: 600 s */
    uint64_t log_events_per_minute; /* of an address and of one kind (SEC-60) */
};

/* Zeroed: nothing counted yet, but for what server_limits_init sets. */
struct server_limits {
    struct server_ledger ledger;
};

enum server_limit {
    SERVER_LIMIT_NONE, /* it may */
    SERVER_LIMIT_ADDRESS,
    SERVER_LIMIT_NETWORK,
    SERVER_LIMIT_RATE,
    SERVER_LIMIT_TABLE, /* memory, or the table is full of sessions */
};

void server_limits_init(struct server_limits *limits);
void server_limits_fini(struct server_limits *limits);

/* A connection of `peer` came: counts its session, or says what forbids it. */
enum server_limit server_limits_enter(struct server_limits *limits,
                                      const struct server_limit_rules *rules,
                                      const struct address *peer, uint64_t now_ns);

/* A session that was let in is over. */
void server_limits_leave(struct server_limits *limits, const struct address *peer);

/* What a client is told, and what its operator is advised; static. */
const char *server_limit_words(enum server_limit limit);
const char *server_limit_advice(enum server_limit limit);

/* A session of the account begins; false: it has `most` already (0: no limit), or memory is short.
 */
bool server_limits_join(struct server_limits *limits, struct bytes account, uint64_t most);
/* The rates of its transfers, which all its sessions share; there as long as it has one. */
struct server_ledger_entry *server_limits_account(struct server_limits *limits,
                                                  struct bytes account);
void server_limits_part(struct server_limits *limits, struct bytes account);

/* A password is to be tried; false: too many failed. Others who fail at an account do not lock it
 * for addresses that it was logged in from before. */
bool server_limits_try(struct server_limits *limits, const struct server_limit_rules *rules,
                       const struct address *peer, struct bytes account, uint64_t now_ns);

/* The password that was tried was `right`, or could not be decided of: it counts as no failure. */
void server_limits_tried(struct server_limits *limits, const struct server_limit_rules *rules,
                         const struct address *peer, struct bytes account, bool right);

#endif
