/* The data connection of one transfer, from PASV or PORT until the transfer has it: a passive
 * listener or an active connect, the check of the peer, the TLS handshake and what it must prove.
 *
 * A candidate (candidates.h) is not the data connection: the handshake begins as soon as the
 * ClientHello is there, also before the transfer command; only one that is finished and permitted
 * takes the slot, and a failed one leaves it free (one-port.md; SEC-5, TLS-100, TLS-101). */
#ifndef FERRY_SERVER_DATA_H
#define FERRY_SERVER_DATA_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "ftp/security.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/stream.h"
#include "server/linger.h"
#include "server/rules.h"
#include "tls/resume.h"

struct server_data;

/* Of `ready` and `failed` one comes after server_data_begin, from the loop, never from inside a
 * server_data_* call; it is the last event and may free the server_data. */
struct server_data_events {
    /* The data connection, at the level that was in force at server_data_begin; the callee owns it.
     * Its engine uses `binding`, which the server_data holds (NULL in clear). */
    void (*ready)(void *ctx, struct stream *stream, struct server_binding *binding,
                  enum tls_proof proof);
    /* None will come: `code` 425, or 522 if TLS is what is wrong, and in `fault` the words for the
     * client (`what`) and for the operator (`advice`). */
    void (*failed)(void *ctx, int code, const struct fault *fault);
    /* A candidate was turned away; others may still come. For the log. */
    void (*refused)(void *ctx, const struct address *peer, const struct fault *fault);
};

/* Everything but the struct itself is borrowed as long as the server_data lives. */
struct server_data_setup {
    struct loop *loop;
    const struct server_rules *rules;
    struct tls_master *master; /* of the tickets */
    struct server_linger *linger;
    const struct security *security; /* of the control connection, for the level in force */
    struct server_binding *binding;  /* of the control connection; NULL in clear */
    const char *host;                /* of the control connection (host.h) */
    /* Another server may be at the other end (TLS-168). Never after EPSV, by which the clients of
     * today come: their ports are for nobody else, whatever he shows. */
    bool servers;
    bool may_be_tls_client;     /* SSCN or CPSV: who is TLS client is known at server_data_begin */
    const struct address *peer; /* the control connection's ends */
    const struct address *local;
    const struct server_data_events *events;
    void *ctx;
};

/* Passive: listens on the control connection's local address and says the port in `*port`. Without
 * a transfer command it ends by itself after 60 s (FTP-24). FERRY_E_LIMIT or FERRY_E_CONNECT: no
 * port can be had; FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_data_listen(const struct server_data_setup *setup, uint16_t *port,
                                              struct server_data **out, struct fault *fault);

/* Whether another server of this address may be at the other end (TLS-168). */
bool server_data_knows(const struct server_rules *rules, const struct address *other);

/* Active: will connect to `to`, which the caller has checked (FTP-49), when the transfer begins.
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_data_active(const struct server_data_setup *setup,
                                              const struct address *to, struct server_data **out);

/* The transfer command was accepted and its 150 is queued: from now the deadlines run, and one of
 * `ready` and `failed` follows. The protection level is that of this moment (TLS-53). `tls_client`:
 * at level P be TLS client, of another server that the rules know (TLS-165). */
void server_data_begin(struct server_data *data, bool tls_client);

/* Ends it at any moment; candidates are closed in order. NULL is fine. */
void server_data_free(struct server_data *data);

#endif
