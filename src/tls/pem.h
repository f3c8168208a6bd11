/* PEM texts to certificates and keys. Private to the room. */
#ifndef FERRY_TLS_PEM_H
#define FERRY_TLS_PEM_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/secret.h"

/* Every certificate of `pem`, at least one; `what` names it in the fault ("the client CA").
 * The caller frees `*out` (sk_X509_pop_free). FERRY_E_ARGUMENT: not a PEM of certificates;
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error pem_certificates(struct bytes pem, const char *what,
                                            struct stack_st_X509 **out, struct fault *fault);

/* Every CRL of `pem`, at least one. As pem_certificates. */
NODISCARD enum ferry_error pem_crls(struct bytes pem, const char *what,
                                    struct stack_st_X509_CRL **out, struct fault *fault);

/* The private key of `pem`, opened with `passphrase` (NULL: there is none). Never asks at a
 * terminal. The caller frees `*out`. Errors as above. */
NODISCARD enum ferry_error pem_private_key(struct bytes pem, const struct secret *passphrase,
                                           EVP_PKEY **out, struct fault *fault);

/* For CLEANUP. */
void pem_drop_certificates(struct stack_st_X509 **certificates);
void pem_drop_crls(struct stack_st_X509_CRL **crls);

#endif
