/* What ferryd-ops knows of the server: filled by what the other processes tell (ops/peers, by the
 * functions below), read by `ferryctl` (ops/control), the metrics and the web page, which change
 * nothing. All times are nanoseconds since 1970 UTC; all texts are NUL-terminated, visible
 * (text_visible) and "" where there is nothing to say. */
#ifndef FERRY_FERRYD_OPS_STATE_H
#define FERRY_FERRYD_OPS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/server_count.h"
#include "ferry/error.h"
#include "proc/role.h"

/* ---- sessions ---- */

/* Of the TLS of one connection; "" throughout: it is in clear. */
struct state_tls {
    const char *version; /* "TLSv1.3" */
    const char *cipher;
    const char *kex;       /* the group of the key exchange, "x25519" */
    const char *signature; /* what the server signed the handshake with, "ecdsa_secp256r1_sha256" */
};

/* One control connection, as its worker told last. */
struct state_session {
    TAILQ_ENTRY(state_session) link;
    uint64_t id; /* as `session` in the log */
    uint32_t worker;
    int64_t since_ns;
    const char *account; /* as USER said; `logged_in` tells whether it is true */
    const char *peer;    /* the client's address */
    const char *local;   /* address and port that it connected to */
    const char *host;    /* by HOST or SNI */
    const char *client;  /* what the client says it is: CLNT or CSID */
    const char *auth;    /* how TLS began: "TLS", "SSL", …; "implicit"; "" in clear */
    struct state_tls tls;
    bool tls_resumed;
    const char *certificate; /* the client's, its subject */
    bool logged_in, read_only;
    const char *command; /* under way, "RETR"; "" if it idles */
    /* Of a transfer under way, else "" and 0. */
    const char *path;
    const char *direction; /* "up", "down", "list" */
    uint64_t bytes, rate;  /* so far; bytes a second, from its start */
    int64_t transfer_since_ns;
};

/* ---- processes ---- */

struct state_process {
    TAILQ_ENTRY(state_process) link;
    enum role role;
    uint32_t number; /* of this process, never used twice */
    pid_t pid;
    uint32_t crew;       /* of the configuration that it serves; 0: it serves all */
    const char *phase;   /* "starting", "serving", "draining" */
    const char *missing; /* of its confinement, in words; "" if nothing */
};

/* ---- events ---- */

enum { STATE_EVENTS_MAX = 2000, STATE_FAILURES_MAX = 500 };

/* One event of the log. `fields` is its object: time, level, event and its own fields (ferryd(8)).
 */
struct state_event {
    STAILQ_ENTRY(state_event) link;
    uint64_t number; /* from 1, in the order of arrival */
    bool failure;    /* something failed: it has a reason */
    json_t *fields;
};
STAILQ_HEAD(state_events, state_event);

/* The value of a text field of an event; "" if it has none of that name. */
const char *state_event_text(const struct state_event *event, const char *name);

/* ---- certificates, inventory, accounts, bans ---- */

/* A certificate that clients are shown now. */
struct state_certificate {
    TAILQ_ENTRY(state_certificate) link;
    uint32_t worker; /* who told */
    const char
        *listens; /* the block that names it: `listen "0.0.0.0:21"`, `host "ftp.a.example"` */
    const char *file;
    const char *subject;
    const char *names; /* DNS names and addresses, with ", " between them */
    const char *key;   /* "ECDSA P-256", "RSA 2048" */
    int64_t not_before_ns, not_after_ns;
};

/* What clients really used, by account and client software: one row for each combination that was
 * seen when a session ended, counted. Reset when ops starts. At most STATE_USES_MAX rows; then the
 * one that was not seen for longest is forgotten. */
enum { STATE_USES_MAX = 2000 };
struct state_use {
    TAILQ_ENTRY(state_use) link; /* the latest first */
    const char *account;         /* "" if nobody logged in */
    const char *client;          /* its software, "" if it did not say */
    const char *auth;            /* as of a session */
    struct state_tls tls;
    uint64_t sessions;
    uint64_t data_resumed, data_full, data_clear; /* data connections by their TLS */
    int64_t first_ns, last_ns;
};

/* One that auth knows; its sessions are among the sessions above. */
struct state_account {
    TAILQ_ENTRY(state_account) link;
    const char *name;
    const char *source; /* "ferryd.conf", or what it was found in */
    const char *login;  /* "password", … (account/admission.h) */
    const char *home;
    const char *expires;
    bool disabled;
};

struct state_ban {
    TAILQ_ENTRY(state_ban) link;
    const char *address;
    const char *reason;
    int64_t until_ns;
};

/* ---- all of it ---- */

struct state {
    /* The server. */
    const char *version;
    int64_t started_ns; /* the supervisor */
    char *config_file;
    int64_t config_loaded_ns;      /* when the configuration at work was read */
    char *reload_refused;          /* why the last reload was refused, in words; NULL: it was not */
    uint64_t restarts[ROLE_COUNT]; /* processes that were started again, by role */

    TAILQ_HEAD(, state_process) processes;
    TAILQ_HEAD(, state_session) sessions;
    size_t session_count, transfer_count;

    /* Of all workers since ops began, those that have gone, too. */
    struct server_counters counters;
    uint64_t events_lost; /* that did not reach ops; the log has them */

    struct state_events events, failures; /* the oldest first */
    size_t event_count, failure_count;
    uint64_t last_event;
    const struct state_event *newest; /* of `events`; NULL: there was none */

    TAILQ_HEAD(, state_certificate) certificates;
    TAILQ_HEAD(state_uses, state_use) uses;
    size_t use_count;
    TAILQ_HEAD(, state_account) accounts; /* as asked for last: ops/peers.h */
    TAILQ_HEAD(, state_ban) bans;         /* the same */
};

void state_init(struct state *state);
void state_fini(struct state *state);

/* ---- changes; each copies what it is given ---- */

/* FERRY_E_MEMORY: it is as before. */
NODISCARD enum ferry_error state_set_config(struct state *state, struct bytes file,
                                            int64_t started_ns, int64_t loaded_ns);

/* `phase` NULL: the process has ended. */
NODISCARD enum ferry_error state_set_process(struct state *state,
                                             const struct state_process *process);

NODISCARD enum ferry_error state_add_session(struct state *state,
                                             const struct state_session *session);

/* Forgets all sessions of `worker`, and with `certificates` those that it told of, too. */
void state_forget_worker(struct state *state, uint32_t worker, bool certificates);

NODISCARD enum ferry_error state_add_certificate(struct state *state,
                                                 const struct state_certificate *certificate);

/* Adds the counts of `use` to those of its row; `first_ns` is not looked at. */
NODISCARD enum ferry_error state_add_use(struct state *state, const struct state_use *use);

void state_forget_accounts(struct state *state);
NODISCARD enum ferry_error state_add_account(struct state *state,
                                             const struct state_account *account);
void state_forget_bans(struct state *state);
NODISCARD enum ferry_error state_add_ban(struct state *state, const struct state_ban *ban);

/* Takes one line of JSON, an event of the log. FERRY_E_PROTOCOL: it is none; FERRY_E_MEMORY. */
NODISCARD enum ferry_error state_add_event(struct state *state, struct bytes line);

#endif
