/* The user-PI: one control connection as the client sees it. Commands go in, replies come out
 * matched to them. No I/O, no clock. Not thread safe. No call blocks. */
#ifndef FERRY_FTP_USER_PI_H
#define FERRY_FTP_USER_PI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ftp/command.h"
#include "ftp/reply.h"
#include "ftp/security.h"

struct user_pi;

/* Sees each line of the dialogue, without CRLF, PASS and ACCT masked ("PASS ****"); '>' sent, '<'
 * received. The line is as the peer sent it: make it visible before showing it. */
typedef void user_pi_trace_fn(void *ctx, char direction, struct bytes line);

struct user_pi_settings {
    uint64_t reply_timeout_ns; /* for the greeting and each reply; 0: 60 s */
    bool implicit;             /* TLS before the greeting */
    bool accept_334; /* 334 taken for 234 also after AUTH TLS and TLS-C (TLS-16); after AUTH SSL it
                        always is */
    user_pi_trace_fn *trace; /* or NULL */
    void *trace_ctx;
};

enum pi_event_kind {
    PI_GREETING,  /* 220, or the 421/5xx in its place; a 120 before it is not reported */
    PI_REPLY,     /* a reply to `verb`; preliminary if its code is 1xx: the final one follows */
    PI_START_TLS, /* 234 came to AUTH (in place of a PI_REPLY), or the connection is implicit: hand
                     all further bytes to TLS as client, then call user_pi_tls_started. Comes only
                     with an empty input (TLS-131) */
    PI_FAILED, /* the connection is of no more use: time-out, malformed reply, injection, 421 out of
                  turn, end of stream. The last event; see user_pi_fault */
};

struct pi_event {
    enum pi_event_kind kind;
    enum verb verb;     /* PI_REPLY: the command it answers */
    struct reply reply; /* PI_GREETING, PI_REPLY; its text is valid until the PI is next fed,
                           drained or freed */
};

/* Makes a PI that waits for the greeting. `now_ns` is monotonic time. NULL if memory is short. */
struct user_pi *user_pi_new(const struct user_pi_settings *settings, uint64_t now_ns);
void user_pi_free(struct user_pi *pi);

/* Takes the peer's bytes, all of them; none are taken after PI_FAILED. Call with no bytes when
 * user_pi_deadline has come. Failures are events. Bytes between PI_START_TLS and
 * user_pi_tls_started are FERRY_E_INJECTION. */
void user_pi_feed(struct user_pi *pi, struct bytes in, uint64_t now_ns);

/* The stream ended; `clean`: by close_notify or a plain FIN. A failure unless QUIT was answered. */
void user_pi_end(struct user_pi *pi, bool clean);

/* The next event; drain until false after each feed, end and tls_started. */
bool user_pi_next(struct user_pi *pi, struct pi_event *event);

/* Queues a command; several may be queued, replies come in order (pipelining is the caller's
 * decision). After AUTH nothing may be queued before its reply. While a transfer runs (a 1xx came),
 * the reply to a NOOP or STAT may overtake the transfer's final one (FTP-23). Of the two final
 * replies after ABOR the first ends the transfer and the second answers ABOR; if no second one
 * comes within 2 s, the first counts for both, and PI_REPLY for VERB_ABOR has code 226 and no text
 * (FTP-67). FERRY_E_ARGUMENT: CR, LF or NUL (see command_format); FERRY_E_STATE: before the
 * greeting, failed, ended, in a handshake, or behind AUTH; FERRY_E_LIMIT: more than 64 commands
 * unanswered; FERRY_E_MEMORY. */
NODISCARD enum ferry_error user_pi_send(struct user_pi *pi, enum verb verb, struct bytes argument,
                                        uint64_t now_ns);

/* The handshake that PI_START_TLS asked for is done. What was learnt before it is forgotten
 * (TLS-43). */
void user_pi_tls_started(struct user_pi *pi, uint64_t now_ns);

/* Bytes to be written to the peer, borrowed until the PI is next changed. */
struct bytes user_pi_output(const struct user_pi *pi);
void user_pi_wrote(struct user_pi *pi, size_t len);

/* When to call user_pi_feed with no bytes; CLOCK_NEVER if nothing is awaited. */
uint64_t user_pi_deadline(const struct user_pi *pi);

/* While a transfer runs, its final reply has no deadline of its own: the data connection's progress
 * is the measure (PAIN 6). true: stop the clock for the final reply of what has begun with a 1xx;
 * false: it runs from now. The final reply of a transfer ends the hold. */
void user_pi_hold_deadline(struct user_pi *pi, bool hold, uint64_t now_ns);

/* Commands whose final reply has not come. */
size_t user_pi_pending(const struct user_pi *pi);

/* The security machine, to look at. */
const struct security *user_pi_security(const struct user_pi *pi);

/* Why PI_FAILED came. */
const struct fault *user_pi_fault(const struct user_pi *pi);

#endif
