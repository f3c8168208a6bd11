/* Resumption of data connections: the client's side keeps the sessions of one control connection
 * and offers them; the server's side gives each control connection a random tag, which its tickets
 * and session ids carry, and a key of its own (TLS-100 to TLS-111; architecture.md "One data
 * port"). */
#ifndef FERRY_TLS_RESUME_H
#define FERRY_TLS_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum { TLS_TAG_BYTES = 16 };

struct tls_tag {
    uint8_t bytes[TLS_TAG_BYTES];
};

/* ---- server ---- */

/* The master ticket key (TLS-205), random at the start of the process; per-connection keys are
 * derived from it. A binding keeps the keys it was made with to its own end, which is that of all
 * its tickets: those of a long control connection open however often the master changes (TLS-105).
 */
struct tls_master;
struct tls_master *tls_master_new(void);
void tls_master_free(struct tls_master *master);

/* How long a master key may be used, in seconds: the owner of the clock rotates it before. */
enum { TLS_MASTER_PERIOD_S = 12 * 3600 };

/* Makes a new master key for the bindings to come. The one before is kept until the next rotation,
 * only to tell session ids that were made with it from a client's noise; the one before that is
 * overwritten. false: there is no randomness, and nothing has changed. */
NODISCARD bool tls_master_rotate(struct tls_master *master);

/* One control connection as resumption sees it: tag, ticket key, and the TLS 1.2 session for
 * clients that send ids only. The tickets are dead once it is freed. */
struct tls_binding;

/* Finds a live binding by its tag, for `data_resume_scope = user`: another control connection of
 * the same account and address, or NULL. `ctx` is the one given to tls_binding_allow_others. */
typedef struct tls_binding *tls_binding_find_fn(void *ctx, const struct tls_tag *tag);

/* NULL: no memory or no randomness. `master` must outlive it. */
struct tls_binding *tls_binding_new(struct tls_master *master);
void tls_binding_free(struct tls_binding *binding);

const struct tls_tag *tls_binding_tag(const struct tls_binding *binding);

/* Data connections of `binding` may also resume the sessions that `find` approves of. NULL: only
 * its own (default). */
void tls_binding_allow_others(struct tls_binding *binding, tls_binding_find_fn *find, void *ctx);

/* What a data connection's handshake proved about whose it is. */
enum tls_proof {
    TLS_PROOF_NONE,    /* no session was offered: a client that does not resume */
    TLS_PROOF_OWN,     /* resumed the session of its own control connection */
    TLS_PROOF_OTHER,   /* resumed that of another one which the binding allows */
    TLS_PROOF_FOREIGN, /* offered one that is not of this control connection: not resumed */
    TLS_PROOF_PEER,    /* is another server that is known by its certificate (peers.h) */
    TLS_PROOF_STALE,   /* offered one of this control connection that no longer opens (expired,
                          damaged): not resumed */
};

/* "no TLS session was offered", …: for the 522's text and the log; a static string. */
const char *tls_proof_words(enum tls_proof proof);

/* ---- client ---- */

/* The sessions that one control connection received: newest first, the last one never thrown away
 * (TLS-107 to TLS-109). */
struct tls_sessions;
struct tls_sessions *tls_sessions_new(void);
void tls_sessions_free(struct tls_sessions *sessions);

/* How many tickets (1.3) or sessions (1.2) are at hand that were not used yet; 0 also if only used
 * ones are left. */
unsigned tls_sessions_fresh(const struct tls_sessions *sessions);
bool tls_sessions_any(const struct tls_sessions *sessions);

#endif
