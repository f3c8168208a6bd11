/* One control connection with all that belongs to it: server-PI, stream and backend joined. This
 * header is for the files of this room, which share the struct; the room's face is worker.h.
 *
 * Whatever answers later (accounts, store, data connection, pump) is called from the loop, queues
 * its reply in the PI and then calls server_session_turn, as its last deed: the session may be gone
 * after it. */
#ifndef FERRY_SERVER_SESSION_H
#define FERRY_SERVER_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/server_count.h"
#include "ftp/server_pi.h"
#include "net/loop.h"
#include "net/stream.h"
#include "server/backend.h"
#include "server/binding.h"
#include "server/data.h"
#include "server/floods.h"
#include "server/limits.h"
#include "server/linger.h"
#include "server/rules.h"
#include "server/settings.h"
#include "server/siblings.h"

struct server_transfer;
struct server_stat;
struct server_hash;
struct server_kept;
struct server_session;

/* What the sessions of one worker share. */
struct server_shared {
    struct loop *loop;
    struct server_settings settings; /* defaults filled in */
    struct server_linger linger;
    struct server_siblings siblings;
    TAILQ_HEAD(, server_session) sessions;
    uint32_t count;
    uint32_t hashes;    /* that are being computed */
    struct crowd crowd; /* of the sessions, unless settings.gate_ops counts them */
    struct server_limits limits;
    struct server_floods floods;
    struct server_counters counters;
    uint32_t refused;        /* sessions that are only told so */
    uint32_t handshakes;     /* of control connections */
    uint64_t last_stamp;     /* of a session's id */
    void (*gone)(void *ctx); /* a session was freed */
    void *ctx;
};

/* Of a worker. */
struct server_worker;
struct server_shared *server_worker_shared(struct server_worker *worker);

enum server_phase {
    SERVER_SERVING,
    SERVER_UNDECIDED,   /* LISTEN_EITHER: the first bytes are awaited */
    SERVER_OPENING_TLS, /* what was written before the handshake is on its way */
    SERVER_HANDSHAKE,
    SERVER_CLOSING_TLS, /* REIN, CCC: what was written, then close_notify both ways */
    SERVER_LEAVING,     /* the last replies wait for room in the stream */
    SERVER_GONE,        /* the control connection is over; an upload may still run */
};

/* What a session has done, for the log. */
struct server_totals {
    uint64_t uploads, downloads, failed; /* transfers; listings only if they failed */
    uint64_t received_bytes, sent_bytes; /* of all, listings and failed ones, too */
};

/* Of the last handshake on the control connection, for whoever watches (server/watch.h). */
struct server_tls_note {
    const char *version, *cipher; /* static; NULL: there was none */
    char kex[24], signature[40];
    bool resumed;
};

/* How many data connections moved something, by their TLS. */
struct server_data_uses {
    uint64_t resumed, full, clear;
};

struct server_session {
    TAILQ_ENTRY(server_session) link;
    struct server_shared *shared;
    struct server_rules *rules; /* of its listener, as they were when it began */
    uint64_t id;                /* server/event.h */
    uint64_t opened_ns;
    struct server_totals totals;
    struct server_tls_note tls;
    struct server_data_uses data_uses;
    struct address peer, local;
    struct address reached; /* where the client connected to: `local`, or what its proxy says */
    bool told_in_vain;      /* that PASV told what cannot be reached was logged */
    bool implicit;
    bool refused;                /* it is only told so, and not counted in the limits */
    struct backend_place *place; /* as which settings.gate_ops counts it */
    bool logged_in;              /* counted as one of its account's */
    struct rate commands;        /* commands_per_second */
    uint64_t commands_due_ns;    /* no more are read before */

    enum server_phase phase;
    uint64_t phase_deadline_ns;
    struct stream *stream; /* NULL: SERVER_GONE */
    struct server_pi *pi;
    struct server_binding *binding; /* of the TLS session that runs; NULL in clear */
    struct server_sibling *sibling; /* data_resume_scope = user, logged in under TLS */
    struct loop_timer *timer;
    struct loop_task *again; /* goes on with what one turn left */
    bool turning;            /* inside server_session_turn */
    const char *farewell;    /* it is to end, with these words: no further command after this one */
    char *farewell_copy;     /* or NULL */
    const char *parting;     /* the same for the log */
    const char *why;         /* it ended, for the log */

    /* The command whose final reply is due; its views are valid until then. */
    struct server_action command;

    char *user;   /* as USER said; NULL: none */
    char *client; /* what it says it is; NULL: nothing */
    char *host;   /* that HOST or SNI chose, by its first name; NULL: none yet */
    unsigned login_failures;
    uint64_t login_reply_ns; /* when the refusal of a login is told; CLOCK_NEVER: none is due */
    bool login_asked;        /* a call on the accounts is outstanding, */
    uint64_t login_asked_ns; /* since when, */
    uint64_t login_until_ns; /* and until it is given up */

    struct tls_facts *data_tls; /* of the last data connection; NULL: none, or in clear */

    /* Of the login; ops NULL: none. */
    struct backend_store *store;
    const struct store_ops *ops;
    bool read_only;

    struct server_data *data;         /* from PASV or PORT on */
    struct server_kept *kept;         /* MODE B: open between two transfers; then `data` is NULL */
    struct server_transfer *transfer; /* that runs */
    struct server_stat *stat;         /* STAT of a path that runs */
    struct server_hash *hash;         /* HASH or one of its kin that runs */
};

/* Who has come. */
struct server_guest {
    const struct address *peer;
    const struct address *reached; /* what it connected to; NULL: the socket's own address */
    enum crowd_limit limit;        /* that it met */
    const char *refusal;           /* it is greeted with a 421 of these words, in clear; NULL: it is
                                      served, and counted by now */
    struct backend_place *place;   /* as which it is counted; NULL: in this process */
};

/* What a verb is done by. */
typedef void server_handler(struct server_session *session, const struct server_action *action);

/* Serves a new connection by `rules`, which it holds from now on; takes `fd` and the guest's place,
 * on failure too. FERRY_E_MEMORY or FERRY_E_CONNECT: it was closed. */
NODISCARD enum ferry_error server_session_new(struct server_shared *shared,
                                              struct server_rules *rules, int fd,
                                              const struct server_guest *guest);

/* Does a command whose path is known. */
void server_session_run(struct server_session *session, const struct server_action *action);

/* Drains the PI's actions, writes its output, reads on, arms the deadline. The session may be gone
 * after it. */
void server_session_turn(struct server_session *session);

/* The transfer is over; replies are queued. */
void server_session_transfer_over(struct server_session *session);

/* The server ends: 421 and an orderly close, now or when the transfer that runs is over. */
void server_session_drain(struct server_session *session);

/* Whoever is in charge wants it to end: `farewell` (static) behind the 421, `why` (static) for the
 * log; a transfer that runs is stopped. The session may be gone after it. */
void server_session_dismiss(struct server_session *session, const char *farewell, const char *why);
/* The login ends now, for the reason `words`: a transfer gets its 426, then comes a 421. The
 * session may be gone after it. */
void server_session_evict(struct server_session *session, const char *words);

/* Ends it without a word, transfer and all, and frees it. */
void server_session_kill(struct server_session *session);

/* Forgets the login and what belongs to it, but not who is connected: REIN, and the end. */
void server_session_log_out(struct server_session *session);

/* Lets a fresh TLS 1.3 ticket leave with the next reply: a client that uses each one once must not
 * run dry (TLS-108). */
void server_session_refill(struct server_session *session);

/* Another phase, which ends by itself after `limit_ns` (0: never). */
void server_session_enter(struct server_session *session, enum server_phase phase,
                          uint64_t limit_ns);

/* The control connection is over, for the reason `why` (static). `in_order`: what was written is
 * still sent, then close_notify and FIN. The session may be gone after it. */
void server_session_end(struct server_session *session, const char *why, bool in_order);

/* One event of the log: session, peer and account, then the fields given, at most 20. As
 *   server_event(session, LOG_LEVEL_NOTICE, "transfer.end", F_STR("path", path)); */
#define server_event(session, level, name, ...)                                                    \
    server_session_log((session), (level), (name), (const struct log_field[]){__VA_ARGS__},        \
                       sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

void server_session_log(const struct server_session *session, enum log_level level,
                        const char *name, const struct log_field *fields, size_t count);

#endif
