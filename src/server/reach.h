/* Warns of passive rules by which no data connection can come: what is told, and what can be
 * listened on. Only of what can be seen from here: a firewall cannot. */
#ifndef FERRY_SERVER_REACH_H
#define FERRY_SERVER_REACH_H

#include <stdbool.h>

#include "base/log.h"
#include "server/rules.h"

/* Of what PASV tells, for a listener that is bound to `at`. */
void server_reach_warn_address(const struct log *log, const struct server_rules *rules,
                               const struct address *at);

/* Of the passive ports, which are tried: for the start, when no session uses one. */
void server_reach_warn_ports(const struct log *log, const struct server_rules *rules,
                             const struct address *at);

/* Whether a client from outside is told an address that only those inside can reach. */
bool server_reach_in_vain(const struct address *told, const struct address *peer);

#endif
