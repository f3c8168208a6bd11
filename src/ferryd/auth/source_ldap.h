/* A directory as a source of accounts: an ldap block of ferryd.conf. */
#ifndef FERRY_FERRYD_AUTH_SOURCE_LDAP_H
#define FERRY_FERRYD_AUTH_SOURCE_LDAP_H

#include "conf/read.h"
#include "ferryd/auth/source.h"
#include "ferryd/given.h"

/* Asks nobody yet. `block` and `given`, whose conf it is of, must outlive the source.
 * FERRY_E_ARGUMENT: its password file is of no use; FERRY_E_NOT_FOUND: a file was not given;
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error source_ldap_open(const struct conf_instance *block, struct given *given,
                                            struct source **out, struct fault *fault);

#endif
