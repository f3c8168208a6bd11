/* Warns at the start of a listener of passive rules by which no data connection can come: what is
 * told, and what can be listened on. Only what can be seen from here: a firewall cannot. */
#ifndef FERRY_SERVER_REACH_H
#define FERRY_SERVER_REACH_H

#include <stdint.h>

#include "base/log.h"
#include "server/rules.h"

/* `at`: the address that the listener is bound to. One event for each warning. */
void server_reach_warn(const struct log *log, const struct server_rules *rules,
                       const struct address *at);

#endif
