/* A configuration as text: what holds, and the manual page's list of directives. */
#ifndef FERRY_CONF_PRINT_H
#define FERRY_CONF_PRINT_H

#include "conf/read.h"

enum { PRINT_MAX_BYTES = 16 * 1024 * 1024 };

enum print_secrets { PRINT_NO_SECRETS, PRINT_SECRETS };

/* Appends a block with every directive, its value and where it comes from, as text that means the
 * same when it is read again, wherever it then stands: paths are printed as they were resolved.
 * Errors as buf_append. */
NODISCARD enum ferry_error print_effective(const struct conf_instance *instance,
                                           enum print_secrets secrets, struct buf *out);

/* As print_effective, of what is set alone. */
NODISCARD enum ferry_error print_given(const struct conf_instance *instance,
                                       enum print_secrets secrets, struct buf *out);

/* Appends the directives of all blocks in mdoc. Errors as buf_append. */
NODISCARD enum ferry_error print_manual(const struct conf_schema *schema, struct buf *out);

#endif
