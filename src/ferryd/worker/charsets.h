/* The charsets that names of an account may come in (ftp/charset.h). All are made before the
 * process is confined, since iconv(3) looks at files for each. */
#ifndef FERRY_FERRYD_WORKER_CHARSETS_H
#define FERRY_FERRYD_WORKER_CHARSETS_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/log.h"
#include "ferry/error.h"
#include "ftp/charset.h"

struct charsets;

/* Those that this system lacks are not there. FERRY_E_MEMORY. */
NODISCARD enum ferry_error charsets_new(struct charsets **out);
void charsets_free(struct charsets *charsets);

/* Looks one up, in any case; lives as long as `charsets`. NULL: it is not there. */
struct charset *charsets_find(const struct charsets *charsets, struct bytes name);

/* What an account names, as charsets_find; "" is none, and the log is told of one that is not
 * known. */
struct charset *charsets_of_account(const struct charsets *charsets, struct bytes name,
                                    const struct log *log);

#endif
