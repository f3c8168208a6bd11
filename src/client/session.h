/* One control connection: the user-PI and its stream joined, each command with who waits for its
 * reply, and what was learnt of the server. All calls come from one thread; callbacks come from the
 * loop, never from inside a call. At most one deed (login, get, list, …) runs at a time.
 *
 * A deed, in every file of this room: client_x_start begins it; if that returns FERRY_OK, `done` is
 * called once, later, with what became of it, and the words of a failure are in the session's
 * fault. Nothing is to be freed. */
#ifndef FERRY_CLIENT_SESSION_H
#define FERRY_CLIENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "client/options.h"
#include "ftp/reply.h"
#include "ftp/user_pi.h"
#include "net/connect.h"
#include "net/loop.h"
#include "net/stream.h"
#include "tls/resume.h"
#include "tls/verify.h"

/* The end of a deed. */
typedef void client_done_fn(void *ctx, enum ferry_error result);

/* Sees the final reply to a command, and before it the preliminary ones if the command begins a
 * transfer. NULL: none will come, the connection has failed; client_session_refuse then knows what
 * to return. */
typedef void client_reply_fn(void *ctx, const struct reply *reply);

enum {
    CLIENT_WAITING_MAX = 16,       /* commands without their final reply */
    CLIENT_HANDSHAKE_SECONDS = 20, /* SEC-51 */
};

/* What was learnt of the server and agreed with it; empty on a new connection. */
struct client_peer {
    unsigned features;       /* enum feature, from FEAT */
    bool epsv_refused;       /* ask for PASV (DEV-23) */
    bool mlst_refused;       /* although FEAT has it (DEV-52), or because it has not */
    bool protection_refused; /* PROT P was not accepted: no transfer will be tried (TLS-55) */
    char level; /* of data connections, 'P' or 'C' as last agreed by PROT; 0: not agreed */
    char type;  /* the TYPE last accepted, or 0 */
};

struct client_waiting {
    enum verb verb; /* VERB_NONE: the greeting */
    client_reply_fn *fn;
    void *ctx;
};

struct client_session {
    /* For all of this room. */
    const struct client_options *options; /* borrowed */
    struct loop *loop;
    struct fault fault; /* of the deed that runs; its caller clears it before */
    struct client_peer peer;
    struct stream *control;  /* NULL: not connected */
    char *host;              /* as it was connected to: a name in ASCII form, or an address */
    struct tls_context *tls; /* NULL: in clear */
    struct tls_sessions *tls_sessions;
    struct tls_trust trust;

    /* A deed that must be told of an interrupt sets these while it runs (client_session_interrupt).
     */
    void (*cancel)(void *ctx);
    void *cancel_ctx;

    /* Private to session.c. */
    struct user_pi *pi;
    struct connect *connect;
    struct loop_timer *timer;
    struct loop_task *task;
    int interrupt_fd;
    struct loop_watch *interrupt;
    uint64_t handshake_deadline_ns;
    bool unread;             /* there may be more to read, after what was read in this turn */
    enum ferry_error failed; /* FERRY_OK: the connection is usable, or there is none */
    struct client_waiting waiting[CLIENT_WAITING_MAX];
    size_t waiting_first, waiting_count;
};

/* Makes a session that is not connected; `options` must outlive it. NULL: no memory or no
 * descriptors. */
struct client_session *client_session_new(const struct client_options *options);

/* Ends it at once, without a word to the server; NULL is fine. No deed may be running. */
void client_session_free(struct client_session *session);

/* Begins to connect to `host` and `port`. `greeting` gets the server's first reply, on an implicit
 * connection under TLS. FERRY_E_STATE: connected already; FERRY_E_ARGUMENT: not a host name;
 * FERRY_E_MEMORY, and the errors of tls_context_new_client. */
NODISCARD enum ferry_error client_session_open(struct client_session *session, const char *host,
                                               uint16_t port, client_reply_fn *greeting, void *ctx);

/* Sends a command. After AUTH a 234 is reported when the handshake is done, and the connection is
 * then sealed; anything else is reported as it comes. FERRY_E_ARGUMENT: CR, LF or NUL in the
 * argument, and nothing is sent (SEC-17); the error that the connection has failed with; as
 * user_pi_send. The words are in the session's fault. */
NODISCARD enum ferry_error client_session_send(struct client_session *session, enum verb verb,
                                               struct bytes argument, client_reply_fn *fn,
                                               void *ctx);

/* Whether `path` can be the argument of a command: FERRY_E_ARGUMENT for one that holds LF or NUL.
 * For deeds of several commands, of which none is to be sent in vain (SEC-17, FTP-117). */
NODISCARD enum ferry_error client_session_check_path(struct client_session *session,
                                                     struct bytes path);

/* While true, final replies have no deadline: a transfer's data show that it lives (PAIN 6). */
void client_session_hold(struct client_session *session, bool hold);

/* Takes in what the server has sent up to now, so that tickets among it can be used (TLS-107). Who
 * waits for replies hears of them later, not from inside this call. */
void client_session_fetch(struct client_session *session);

/* A final reply that is not the wanted one, told as a failure: "the server refused to " and the
 * formatted words, a verb in the infinitive first. Returns the kind; without a reply that which the
 * connection failed with. */
enum ferry_error client_session_refuse(struct client_session *session, const struct reply *reply,
                                       const char *format, ...) PRINTF_LIKE(3, 4);

/* A refusal that says that the command, or its argument, is not known there: another may be. */
static inline bool client_session_is_unknown(int code)
{
    return code == 500 || code == 502 || code == 504;
}

/* The connection is of no more use, for the reason that is in the session's fault (set it before).
 * It is dropped, and all who wait hear of it, soon. Returns `kind`. */
enum ferry_error client_session_fail(struct client_session *session, enum ferry_error kind);

/* true while commands may be sent. */
bool client_session_is_up(const struct client_session *session);
bool client_session_is_sealed(const struct client_session *session);

/* Drops the connection at once, without a word. Nobody may be waiting. */
void client_session_close(struct client_session *session);

/* Stops what runs, or what is begun next, by `cancel`, or by dropping the connection. May be called
 * from a signal handler or another thread. */
void client_session_interrupt(struct client_session *session);

#endif
