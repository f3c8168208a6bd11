/* MODE B: the data connection between two transfers (RFC 959 section 3.4.2, FTP-44). It stays open
 * for the next one, with the level and the proof that it had: it belongs to its session and to
 * nobody else. It closes in order when it is freed, when the client ends it, and when nothing has
 * been asked of it for as long as a transfer may stall. */
#ifndef FERRY_SERVER_KEPT_H
#define FERRY_SERVER_KEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "ftp/mode_b.h"
#include "net/loop.h"
#include "net/stream.h"
#include "server/binding.h"
#include "server/data.h"
#include "server/linger.h"

/* What has been read of the next transfer: a piece of its first block's header, so that an end of
 * the connection is noticed behind it. */
struct server_ahead {
    char bytes[MODE_B_HEADER_BYTES];
    size_t len;
};

/* Reads ahead as far as that goes. */
void server_ahead_read(struct server_ahead *ahead, struct stream *stream);

struct server_kept;

/* Everything is borrowed as long as the server_kept lives. */
struct server_kept_setup {
    struct loop *loop;
    struct server_linger *linger;
    uint64_t idle_ns; /* it closes after so long without a transfer */
    const struct server_data_events *events;
    void *ctx;
};

/* Takes `stream`, on failure too (it is then closed in order); its engine uses `binding`, NULL in
 * clear, of which it becomes a holder. NULL: no memory. */
struct server_kept *server_kept_new(const struct server_kept_setup *setup, struct stream *stream,
                                    struct server_binding *binding, enum tls_proof proof,
                                    const struct server_ahead *ahead);

/* Closes it in order, if that is still to be done, and frees it. NULL is fine. */
void server_kept_free(struct server_kept *kept);

/* Whether it can serve a transfer. false for NULL. */
bool server_kept_is_open(const struct server_kept *kept);

/* Whether server_kept_begin was called. false for NULL. */
bool server_kept_is_begun(const struct server_kept *kept);

/* Whether it is under TLS; only if it is open. */
bool server_kept_is_sealed(const struct server_kept *kept);

const struct server_ahead *server_kept_ahead(const struct server_kept *kept);

/* As server_data_begin: `ready` follows, or `failed` if the client has ended it meanwhile. */
void server_kept_begin(struct server_kept *kept);

#endif
