/* Other servers that may be at the far end of a data connection, in server-to-server transfers:
 * there is no session to resume and no name to compare, so certificates alone say who they are
 * (TLS-168). Made once, never changed. */
#ifndef FERRY_TLS_PEERS_H
#define FERRY_TLS_PEERS_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "tls/verify.h"

struct tls_peers;

/* Servers whose certificates these CAs have signed, and those with one of these keys; at least one
 * of either kind must be named. A certificate must be one for servers, also where its holder is TLS
 * client. FERRY_E_ARGUMENT with the words in `fault`; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_peers_new(struct bytes ca_pem, const struct tls_pin *pins,
                                         size_t pin_count, struct tls_peers **out,
                                         struct fault *fault);

/* One more holder, and one fewer; the last one frees it. NULL is fine for unref. */
struct tls_peers *tls_peers_ref(struct tls_peers *peers);
void tls_peers_unref(struct tls_peers *peers);

#endif
