/* A login as a question to auth. */
#include "ferryd/worker/login_ask.h"

#include "account/demand.h"
#include "ferryd/identity_wire.h"
#include "ferryd/messages.h"
#include "ferryd/peer_wire.h"

bool login_ask_send(struct link *auth, uint64_t number, const struct login_request *request)
{
    struct fault fault = {0};
    char identity[MESSAGE_IDENTITY_BYTES];
    struct wire_writer *writer = link_begin(auth, MESSAGE_LOGIN_ASK);
    wire_put_u64(writer, number);
    wire_put_bytes(writer, request->name);
    wire_put_u8(writer, request->password != NULL);
    wire_put_bytes(writer, secret_reveal(request->password));
    peer_wire_put(writer, request->peer);
    wire_put_bytes(writer, bytes_str(request->host ? request->host : ""));
    wire_put_u16(writer, (uint16_t)demand_tls_met(request->tls));
    wire_put_bytes(writer, request->identity ? identity_wire_put(request->identity, identity)
                                             : bytes_str(NULL));
    return link_send(auth, NULL, 0, &fault) == FERRY_OK;
}
