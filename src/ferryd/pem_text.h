/* PEM texts as lines: where private keys stand in them. For those that must not see any, and know
 * no TLS library. */
#ifndef FERRY_FERRYD_PEM_TEXT_H
#define FERRY_FERRYD_PEM_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"

/* Whether a private key, encrypted or not, begins anywhere in the text. */
bool pem_has_key(struct bytes pem);

/* Appends the text without its private keys: what a worker may have of a certificate's file
 * (SEC-64). Errors as buf_append. */
NODISCARD enum ferry_error pem_without_keys(struct bytes pem, struct buf *out);

#endif
