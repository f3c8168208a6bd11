/* A private key and the signatures that are made with it in handshakes: what the process that holds
 * the keys does for those that do not (signer.h). */
#ifndef FERRY_TLS_KEY_H
#define FERRY_TLS_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "tls/signer.h"

struct tls_key;

/* The secret numbers of keys that are made from now on lie in memory of their own, as far as
 * the system can kept out of swap and of core dumps (SEC-64). Once, before the first key and before
 * there are threads; there is no way back. FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_key_protect_memory(void);

/* `pem` holds a key, not encrypted. FERRY_E_ARGUMENT with the words; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_key_new(struct bytes pem, struct tls_key **out, struct fault *fault);
void tls_key_free(struct tls_key *key);

/* Whether the key is that of the first certificate in `pem`. FERRY_E_ARGUMENT: it is not, or there
 * is no certificate; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_key_check(const struct tls_key *key, struct bytes pem,
                                         struct fault *fault);

/* Signs `request->input`, if that is what is signed in a handshake, and nothing else: the
 * CertificateVerify of TLS 1.3 (RFC 8446 section 4.4.3), the parameters of an ephemeral key
 * exchange (RFC 5246 section 7.4.3, RFC 8422 section 5.4), or a client's messages (RFC 5246
 * section 7.4.8), for a server is the client of another one in FXP. So whoever may only ask gets no
 * certificate signed. `out` holds at least TLS_SIGNATURE_MAX_BYTES. FERRY_E_DENIED: it is something
 * else; FERRY_E_ARGUMENT: the scheme does not fit the key; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_key_sign(const struct tls_key *key,
                                        const struct tls_sign_request *request, char *out,
                                        size_t *len);

/* Whether `input` is what is signed in a handshake. */
bool tls_key_may_sign(struct bytes input);

#endif
