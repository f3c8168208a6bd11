/* The address of a client, as a text field between two processes. */
#include "ferryd/peer_wire.h"

#include <string.h>

void peer_wire_put(struct wire_writer *writer, const struct address *peer)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(peer, text);
    wire_put_bytes(writer, bytes_str(text));
}

enum ferry_error peer_wire_get(struct wire_reader *reader, struct address *out, struct fault *fault)
{
    char text[ADDRESS_TEXT_BYTES];
    struct bytes from = wire_get_bytes(reader);
    if (from.len < sizeof(text)) {
        memcpy(text, from.ptr ? from.ptr : "", from.len);
        text[from.len] = '\0';
        if (address_parse(text, 0, out) == FERRY_OK)
            return FERRY_OK;
    }
    return fault_set(fault, FERRY_E_PROTOCOL, "the peer's address is none");
}
