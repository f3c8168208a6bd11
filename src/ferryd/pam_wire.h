/* What is asked of PAM and what it answers: one packet each way on a channel of its own, which the
 * asker makes, and one process at the other end, which serves nobody else. */
#ifndef FERRY_FERRYD_PAM_WIRE_H
#define FERRY_FERRYD_PAM_WIRE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/messages.h"

enum pam_deed {
    PAM_DEED_CHECK, /* the password, then whether the account may be used */
    PAM_DEED_OPEN,  /* a session */
    PAM_DEED_CLOSE,
};

enum pam_verdict { PAM_VERDICT_YES, PAM_VERDICT_NO, PAM_VERDICT_UNAVAILABLE };

/* All texts are views. */
struct pam_ask {
    enum pam_deed deed;
    struct bytes service, name, password;
    struct bytes host; /* numeric address of who asks */
};

struct pam_answer {
    enum pam_verdict verdict;
    char words[MESSAGE_WORDS_BYTES + 1]; /* why not */
};

/* `fd`: one end of a channel (proc/channel.h), blocking or not. FERRY_E_LOST: it cannot be sent, or
 * the other end is closed. */
NODISCARD enum ferry_error pam_wire_send_ask(int fd, const struct pam_ask *ask,
                                             struct fault *fault);
NODISCARD enum ferry_error pam_wire_send_answer(int fd, enum pam_verdict verdict, const char *words,
                                                struct fault *fault);

enum { PAM_ASK_BYTES = 8 * 1024 };

/* Waits for it `patience_ms` at most (-1: for ever). The texts lie in `space`, which the caller
 * wipes. FERRY_E_TIMEOUT; FERRY_E_LOST; FERRY_E_PROTOCOL: it is no ask, or no answer. */
NODISCARD enum ferry_error pam_wire_get_ask(int fd, char space[static PAM_ASK_BYTES],
                                            int patience_ms, struct pam_ask *out,
                                            struct fault *fault);
NODISCARD enum ferry_error pam_wire_get_answer(int fd, int patience_ms, struct pam_answer *out,
                                               struct fault *fault);

#endif
