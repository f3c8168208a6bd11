/* One data connection: where it goes is agreed with the server, it is made or awaited, and sealed
 * with the control connection's TLS session (tls.md sections 6 and 9). */
#ifndef FERRY_CLIENT_DATA_H
#define FERRY_CLIENT_DATA_H

#include "base/compiler.h"
#include "base/fault.h"
#include "client/session.h"

struct client_data;

/* Called from the loop, never from inside a client_data_* call. Each may free the data connection.
 */
struct client_data_events {
    /* Both sides know where: the command that uses the connection is to be sent now, without
     * waiting for `opened` (TLS-63, DEV-26). */
    void (*prepared)(void *ctx);
    /* It is up, under TLS if it was to be: client_data_stream may be used. */
    void (*opened)(void *ctx);
    /* It will not come to be; client_data_fault says why. Before `prepared`, nothing is under way
     * on the control connection. */
    void (*failed)(void *ctx);
};

/* Begins one, passive or active as the session's options say: EPSV, and PASV where that is refused
 * (FTP-52, TLS-152, DEV-23), of whose answer only the port is used (TLS-153, SEC-8); or PORT, EPRT
 * and a listener that takes only the server's own address (SEC-6). Under PROTECTION_PRIVATE it
 * becomes a TLS client either way (TLS-60) and offers the control connection's session (TLS-103).
 * FERRY_E_MEMORY, and those of client_session_send; the words are in the session's fault. */
NODISCARD enum ferry_error client_data_open(struct client_session *session, enum protection level,
                                            const struct client_data_events *events, void *ctx,
                                            struct client_data **out);

/* The server has begun the transfer (1xx): from now on the connection must come up within 20 s
 * (TLS-65). */
void client_data_expect(struct client_data *data);

/* The connection, after `opened`; belongs to `data`. */
struct stream *client_data_stream(const struct client_data *data);

const struct fault *client_data_fault(const struct client_data *data);

/* Ends it at once; under TLS the session stays good. Not before `prepared` or `failed`. NULL is
 * fine. */
void client_data_free(struct client_data *data);

#endif
