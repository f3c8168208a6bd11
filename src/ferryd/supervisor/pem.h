/* PEM files as far as the supervisor must know them: it looks into none. */
#ifndef FERRY_FERRYD_SUPERVISOR_PEM_H
#define FERRY_FERRYD_SUPERVISOR_PEM_H

#include "base/buf.h"

/* Appends what is between BEGIN and END lines whose label does not end in "PRIVATE KEY", these
 * lines with it; nothing else. Errors as buf_append. */
NODISCARD enum ferry_error pem_without_keys(struct bytes pem, struct buf *out);

#endif
