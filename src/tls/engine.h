/* One TLS session as a transformer of bytes: ciphertext in and out on one side, plaintext on the
 * other. It owns no socket and reads no clock. Many records are sealed into one output; input is
 * borrowed, never copied (openssl-notes.md section 2).
 *
 * The owner's loop: feed what was received, call handshake until DONE and then read until
 * WANT_INPUT; write; send output. */
#ifndef FERRY_TLS_ENGINE_H
#define FERRY_TLS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "tls/context.h"
#include "tls/describe.h"
#include "tls/hosts.h"
#include "tls/identity.h"
#include "tls/resume.h"
#include "tls/verify.h"

struct tls_engine;

enum {
    TLS_RECORD_MAX_BYTES = 16384,          /* plaintext of one record */
    TLS_OUTPUT_MAX_BYTES = 17 * 16 * 1024, /* sealed bytes that may wait: 256 KiB of records and 16
                                              KiB for alerts, tickets and KeyUpdate */
};

enum tls_status {
    TLS_DONE,           /* did what was asked; for read: *got > 0 */
    TLS_WANT_INPUT,     /* needs more ciphertext; all that was fed is used up */
    TLS_WANT_OUTPUT,    /* the output is full: send some of it first */
    TLS_WANT_SIGNATURE, /* handshake: the signer has not answered; call again when it wakes */
    TLS_CLOSED,         /* the peer's close_notify came, in order */
    TLS_FAILED, /* over; see tls_engine_fault. A fatal alert may wait in the output: send it */
};

/* A server's engine. `binding` belongs to the control connection. On a control connection (`data`
 * false) nothing is ever resumed and tickets are issued under the binding; on a data connection
 * sessions of the binding resume and no ticket is issued (TLS-101, TLS-111). Takes a reference to
 * `context`, or to `hosts`; `binding` must outlive it. */
struct tls_server_role {
    struct tls_binding *binding;
    bool data;
    struct tls_hosts *hosts; /* or NULL; with them, the context given apart is not looked at */
    const char *host;        /* a host that is chosen already: by HOST before AUTH, or for a data
                                connection the control connection's facts.host. An SNI that names
                                another is refused. NULL or "": by SNI */
    const struct tls_peers *peers; /* on a data connection: asks for a certificate, too, so that
                                      one of these servers gives TLS_PROOF_PEER; or NULL. It must
                                      outlive the engine. */
};
/* FERRY_E_ARGUMENT: `host` is none of `hosts`; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_engine_new_server(struct tls_context *context,
                                                 const struct tls_server_role *role,
                                                 struct tls_engine **out);

/* A client's engine. On a control connection `sessions` collects what the server issues; on a data
 * connection (`data` true) the newest of them is offered, as a duplicate, and tickets issued there
 * are collected, too (TLS-103, TLS-112). */
struct tls_client_role {
    struct tls_sessions *sessions; /* must outlive it */
    bool data;
    const char *server_name; /* SNI and the name to verify; an IP literal is verified, not sent
                                (TLS-90, TLS-123) */
    struct tls_trust *trust; /* must outlive it; see verify.h */
    const struct tls_peers *peers; /* a data connection to one of these servers, which must outlive
                                      it: all else but `data` is left out; or NULL */
};
/* FERRY_E_ARGUMENT: no server name, or one over 255 bytes; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_engine_new_client(struct tls_context *context,
                                                 const struct tls_client_role *role,
                                                 struct tls_engine **out);

/* Frees it at any moment, whatever its state; the session stays good for resumption. NULL is fine.
 */
void tls_engine_free(struct tls_engine *engine);

/* Gives it ciphertext. `in` is borrowed until one of the calls below says TLS_WANT_INPUT (then it
 * is used up) or the next feed. It takes the place of what is left of the last feed, which
 * tls_engine_unused tells: feed a copy of that to give the first memory back. */
void tls_engine_feed(struct tls_engine *engine, struct bytes in);

/* What of the last feed is not used yet: after TLS_WANT_INPUT nothing. After the peer's
 * close_notify: what follows it (CCC, TLS-135). */
struct bytes tls_engine_unused(const struct tls_engine *engine);

/* Whether the last record was begun and is not whole yet. */
bool tls_engine_is_inside_record(const struct tls_engine *engine);

/* The transport ended, after what was fed. Without a close_notify before it, the next read is
 * TLS_FAILED with FERRY_E_CUT (TLS-183); in the handshake it is FERRY_E_TLS. */
void tls_engine_eof(struct tls_engine *engine);

/* Takes the handshake as far as the input allows: DONE, WANT_INPUT, WANT_OUTPUT, WANT_SIGNATURE or
 * FAILED. DONE again afterwards. */
NODISCARD enum tls_status tls_engine_handshake(struct tls_engine *engine);

/* Who is called when a handshake that said WANT_SIGNATURE can go on; from where tls_signer_answer
 * is called. The engine may be freed in it. */
void tls_engine_set_wake(struct tls_engine *engine, void (*wake)(void *ctx), void *ctx);

/* Opens records into `out`, as many as fit, until the input is used up. DONE with *got > 0, else
 * *got is 0: WANT_INPUT, CLOSED, FAILED, or WANT_OUTPUT if a ticket waits for room. Output may
 * appear. Only after the handshake. */
NODISCARD enum tls_status tls_engine_read(struct tls_engine *engine, char *out, size_t size,
                                          size_t *got);

/* Seals as much of `in` as the output has room for; *taken says how much. DONE: all of it.
 * WANT_OUTPUT: less. CLOSED: nothing, since tls_engine_close was called. Only after the
 * handshake. */
NODISCARD enum tls_status tls_engine_write(struct tls_engine *engine, struct bytes in,
                                           size_t *taken);

/* How much plaintext can be written now; 0 before the handshake is done and after
 * tls_engine_close. */
size_t tls_engine_room(const struct tls_engine *engine);

/* Queues close_notify, once; reading goes on. */
void tls_engine_close(struct tls_engine *engine);

/* Whom the client's certificate names; also after resumption. FERRY_E_NOT_FOUND: it showed none, or
 * the handshake is not done; FERRY_E_MEMORY. Only what was verified is told (TLS-75). */
NODISCARD enum ferry_error tls_engine_identity(const struct tls_engine *engine,
                                               struct tls_identity *out);

/* Server, TLS 1.3, control connection: marks a fresh ticket to leave with the next write (TLS-108).
 * Nothing in TLS 1.2. */
void tls_engine_refill(struct tls_engine *engine);

/* As tls_engine_refill, but the ticket goes into the output at once: a sign of life on an idle
 * control connection that no user-PI sees (TLS-158). false: there is nothing to send, as always in
 * TLS 1.2, or the output is full. */
NODISCARD bool tls_engine_keepalive(struct tls_engine *engine);

/* Ciphertext to be sent, borrowed until the engine is next changed; and how much of it was sent. */
struct bytes tls_engine_output(const struct tls_engine *engine);
void tls_engine_wrote(struct tls_engine *engine, size_t len);

/* What was negotiated; valid after the handshake, until the engine is freed. */
const struct tls_facts *tls_engine_facts(const struct tls_engine *engine);

/* Server, data connection, after the handshake: whose session was resumed. */
enum tls_proof tls_engine_proof(const struct tls_engine *engine);

/* Why TLS_FAILED: FERRY_E_TLS, FERRY_E_TRUST (verify.h), FERRY_E_CUT, FERRY_E_LIMIT (the peer
 * floods or its certificates are too many; SEC-57, SEC-59) or FERRY_E_MEMORY. An alert of the
 * peer's stands in peer_said, by name and number. */
const struct fault *tls_engine_fault(const struct tls_engine *engine);

#endif
