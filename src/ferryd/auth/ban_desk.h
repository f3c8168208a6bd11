/* Where ferryd-ops asks for bans, on behalf of an operator. */
#ifndef FERRY_FERRYD_AUTH_BAN_DESK_H
#define FERRY_FERRYD_AUTH_BAN_DESK_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "ferryd/auth/throttle.h"
#include "ferryd/link.h"

struct ban_desk {
    struct throttle *throttle;
    const struct log *log;
};

/* MESSAGE_BANS_ASK, _BAN or _UNBAN has come by `ops`, where the answer goes. FERRY_E_LOST: it has
 * gone. */
NODISCARD enum ferry_error ban_desk_message(const struct ban_desk *desk, struct link *ops,
                                            uint16_t type, struct wire_reader *reader,
                                            struct fault *fault);

/* MESSAGE_BAN_DONE under that number; `why_not` NULL: it is done. FERRY_E_LOST, FERRY_E_LIMIT. */
NODISCARD enum ferry_error ban_desk_done(struct link *ops, uint64_t number, const char *why_not,
                                         struct fault *fault);

#endif
