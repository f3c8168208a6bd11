/* What a worker asks of a login. */
#include "ferryd/auth/login_wire.h"

#include <string.h>

#include "base/alloc.h"
#include "ferryd/identity_wire.h"
#include "ferryd/peer_wire.h"

static enum ferry_error take_identity(struct bytes from, struct login *login, struct fault *fault)
{
    if (from.len == 0)
        return FERRY_OK;
    login->identity = alloc_zero(sizeof(*login->identity));
    if (!login->identity)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a login");
    return identity_wire_get(from, login->identity, fault);
}

enum ferry_error login_wire_name(struct wire_reader *reader,
                                 char out[static ACCOUNT_NAME_BYTES + 1], struct fault *fault)
{
    struct bytes from = wire_get_bytes(reader);
    if (from.len > ACCOUNT_NAME_BYTES)
        return fault_set(fault, FERRY_E_PROTOCOL, "a name of %zu bytes", from.len);
    memcpy(out, from.ptr ? from.ptr : "", from.len);
    out[from.len] = '\0';
    return FERRY_OK;
}

/* The host that was asked with decides nothing; it is passed by. */
enum ferry_error login_wire_get(struct wire_reader *reader, uint64_t *number, struct login *login,
                                struct fault *fault)
{
    *number = wire_get_u64(reader);
    enum ferry_error error = login_wire_name(reader, login->name, fault);
    bool has_password = wire_get_u8(reader) != 0;
    struct bytes password = wire_get_bytes(reader);
    if (error == FERRY_OK && has_password && secret_new(password, &login->password) != FERRY_OK)
        error = fault_set(fault, FERRY_E_MEMORY, "no memory for a login");
    if (error == FERRY_OK)
        error = peer_wire_get(reader, &login->peer, fault);
    if (error != FERRY_OK)
        return error;
    (void)wire_get_bytes(reader);
    login->tls = (enum demand_tls)wire_get_u16(reader);
    return take_identity(wire_get_bytes(reader), login, fault);
}
