/* What a certificate says, for people: whose it is and until when. */
#ifndef FERRY_TLS_CERTIFICATE_FACTS_H
#define FERRY_TLS_CERTIFICATE_FACTS_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

/* Strings are NUL-terminated and visible; what does not fit is left out. */
struct tls_certificate_facts {
    char subject[256];
    char names[1024];                  /* DNS names and addresses, with ", " between them */
    char key[40];                      /* "EC prime256v1", "RSA 2048", "ED25519" */
    int64_t not_before_s, not_after_s; /* since 1970 UTC; 0: it cannot be said */
};

/* Of the first certificate in `pem`. FERRY_E_ARGUMENT: there is none; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_certificate_facts_read(struct bytes pem,
                                                      struct tls_certificate_facts *out);

#endif
