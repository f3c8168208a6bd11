/* A database of PostgreSQL as a source of accounts: a postgresql block of ferryd.conf. */
#ifndef FERRY_FERRYD_AUTH_SOURCE_POSTGRESQL_H
#define FERRY_FERRYD_AUTH_SOURCE_POSTGRESQL_H

#include "conf/read.h"
#include "ferryd/auth/source.h"
#include "ferryd/given.h"

/* Asks nobody yet. `block` and `given`, whose conf it is of, must outlive the source. Errors as
 * source_ldap_open. */
NODISCARD enum ferry_error source_postgresql_open(const struct conf_instance *block,
                                                  struct given *given, struct source **out,
                                                  struct fault *fault);

#endif
