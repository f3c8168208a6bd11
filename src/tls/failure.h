/* Why a TLS session failed, in words: alerts, bytes that are not TLS, OpenSSL's errors. Private to
 * the room. */
#ifndef FERRY_TLS_FAILURE_H
#define FERRY_TLS_FAILURE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "tls/connection.h"

/* Whether `first`, the first bytes of a connection (at least one), cannot be TLS. Then sets the
 * fault (TLS-8, TLS-57). */
NODISCARD bool failure_is_foreign(struct tls_connection *connection, struct bytes first);

/* Sets the fault for a call of OpenSSL that failed, if no callback did; empties OpenSSL's queue.
 * `handshaking`: the handshake is not over. */
void failure_explain(struct tls_connection *connection, bool handshaking);

#endif
