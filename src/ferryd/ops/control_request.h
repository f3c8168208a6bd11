/* What ferryctl asks: one JSON object a line, {"v": 1, "word": "status", ...}. Hostile until it is
 * read: whoever may connect is not trusted to be ferryctl. */
#ifndef FERRY_FERRYD_OPS_CONTROL_REQUEST_H
#define FERRY_FERRYD_OPS_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

enum {
    CONTROL_VERSION = 1,
    CONTROL_LINE_BYTES = 4096, /* of a request */
    CONTROL_TARGET_BYTES = 256,
};

enum control_word {
    CONTROL_STATUS,
    CONTROL_SESSIONS,
    CONTROL_KICK, /* target */
    CONTROL_RELOAD,
    CONTROL_DRAIN, /* grace, optional */
    CONTROL_ACCOUNTS,
    CONTROL_LOG, /* follow, failures, count: all optional */
    CONTROL_BANS,
    CONTROL_BAN,   /* target, seconds */
    CONTROL_UNBAN, /* target */
    CONTROL_WORDS
};

struct control_request {
    enum control_word word;
    char target[CONTROL_TARGET_BYTES]; /* session, account or address */
    bool has_grace;
    uint64_t grace_s;
    uint64_t seconds;      /* of a ban */
    bool follow, failures; /* of the log */
    uint64_t count;        /* events that are told at once, at most */
};

/* FERRY_E_PROTOCOL: it is no request, or not of this version; FERRY_E_ARGUMENT: there is no such
 * word, or an argument is missing, unknown or of no use; FERRY_E_MEMORY. The words are in `fault`.
 */
NODISCARD enum ferry_error control_request_parse(struct bytes line, struct control_request *out,
                                                 struct fault *fault);

#endif
