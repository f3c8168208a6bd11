/* Why a transfer failed, in words: of all that went wrong at once, the cause. */
#ifndef FERRY_CLIENT_TRANSFER_WORDS_H
#define FERRY_CLIENT_TRANSFER_WORDS_H

#include <stdbool.h>

#include "base/fault.h"
#include "ftp/command.h"
#include "ftp/transfer.h"
#include "net/pump.h"

/* What was seen of a transfer beside the facts that it is judged by. */
struct transfer_story {
    const char *path; /* borrowed */
    enum verb verb;
    struct fault answer; /* the final reply: `reply` and `peer_said`; or why there was none */
    struct fault data;   /* why the data connection failed, if it did here */
    bool opened;         /* the data connection came up */
    bool resumed;        /* and resumed the control connection's TLS session */
    bool cancelled;
    enum pump_outcome outcome; /* if the pump came to an end */
    int os_error;
};

/* Sets `fault` and returns its kind. `why` is what transfer_judge says. */
enum ferry_error transfer_words(const struct transfer_story *story,
                                const struct transfer_facts *facts, const struct fault *why,
                                struct fault *fault);

#endif
