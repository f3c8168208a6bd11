/* Texts of the configuration with a login's name to be put in: filters of LDAP (RFC 4515) and
 * distinguished names (RFC 4514). In both, %u stands for the name, %d (in a filter) for the DN of
 * the entry that was found by it, %% for a percent sign; what is put in is escaped so that it is
 * one value and nothing else. */
#ifndef FERRY_FERRYD_DIRECTORY_PATTERN_H
#define FERRY_FERRYD_DIRECTORY_PATTERN_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

enum { PATTERN_MAX_BYTES = 16 * 1024, PATTERN_DEPTH_MAX = 32 };

/* Whether `text` is a filter. `which` is what it must hold one of: "u" or "ud". FERRY_E_ARGUMENT:
 * `fault` says where it goes wrong. */
NODISCARD enum ferry_error pattern_check_filter(struct bytes text, const char *which,
                                                struct fault *fault);

/* Whether `text` looks like a DN; %u need not be in it. FERRY_E_ARGUMENT. */
NODISCARD enum ferry_error pattern_check_dn(struct bytes text, struct fault *fault);

/* Appends a text that was checked. `dn`: what %d stands for. Errors as buf_append. */
NODISCARD enum ferry_error pattern_filter(struct bytes text, struct bytes name, struct bytes dn,
                                          struct buf *out);
NODISCARD enum ferry_error pattern_dn(struct bytes text, struct bytes name, struct buf *out);

/* As it is, without any escape: for the path of a home. */
NODISCARD enum ferry_error pattern_plain(struct bytes text, struct bytes name, struct buf *out);

/* Whether every % in `text` begins one of %%, and %u if `name` may be put in. */
NODISCARD enum ferry_error pattern_check_plain(struct bytes text, struct fault *fault);

#endif
