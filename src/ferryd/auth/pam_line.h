/* Where PAM is asked: the channel to ferryd-pam, which may be another one at any time. On any
 * thread, but for pam_line_connect and pam_line_close. */
#ifndef FERRY_FERRYD_AUTH_PAM_LINE_H
#define FERRY_FERRYD_AUTH_PAM_LINE_H

#include <pthread.h>

#include "ferryd/pam_wire.h"

struct pam_line {
    pthread_mutex_t lock;
    int fd; /* -1: there is none */
};

void pam_line_init(struct pam_line *line);
void pam_line_fini(struct pam_line *line);

/* Takes `fd`. */
void pam_line_connect(struct pam_line *line, int fd);

/* Asks, and waits for the answer `patience_ms` at most. `session`: its number, for PAM_DEED_OPEN.
 * FERRY_E_LOST: there is nobody to ask, or what was asked has ended; FERRY_E_TIMEOUT;
 * FERRY_E_LIMIT: no descriptors are left; FERRY_E_PROTOCOL. */
NODISCARD enum ferry_error pam_line_ask(struct pam_line *line, const struct pam_ask *ask,
                                        uint64_t session, int patience_ms, struct pam_answer *out,
                                        struct fault *fault);

/* A session is over. */
void pam_line_close(struct pam_line *line, uint64_t session);

#endif
