/* Distinguished names as text, written in one way (RFC 4514). Private to the room. */
#ifndef FERRY_TLS_DN_H
#define FERRY_TLS_DN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

struct X509_name_st;

/* Writes `name` whole, in ASCII; "" if it is empty or does not fit: a name that was cut could be
 * another's. false: no memory. */
NODISCARD bool dn_write(const struct X509_name_st *name, char *out, size_t size_bytes);

/* Reads a name that a person wrote, with any of RFC 4514's escapes and attribute types by name or
 * by number, and writes it as dn_write does. FERRY_E_ARGUMENT with the words in `fault`: it is
 * none, or longer than `size_bytes`; a value in the form #hex is not understood. FERRY_E_MEMORY. */
NODISCARD enum ferry_error dn_normalise(struct bytes text, char *out, size_t size_bytes,
                                        struct fault *fault);

#endif
