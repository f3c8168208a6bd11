/* The address of a client, as a text field between two processes. */
#ifndef FERRY_FERRYD_PEER_WIRE_H
#define FERRY_FERRYD_PEER_WIRE_H

#include "base/compiler.h"
#include "base/fault.h"
#include "net/address.h"
#include "proc/wire.h"

void peer_wire_put(struct wire_writer *writer, const struct address *peer);

/* Reads what was put; without a port. FERRY_E_PROTOCOL: it is no address. */
NODISCARD enum ferry_error peer_wire_get(struct wire_reader *reader, struct address *out,
                                         struct fault *fault);

#endif
