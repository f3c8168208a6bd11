/* Where the log goes: the items of the directive `log`. */
#ifndef FERRY_FERRYD_DESTINATION_H
#define FERRY_FERRYD_DESTINATION_H

#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"

enum { DESTINATIONS_MAX = 8 };

enum destination_kind {
    DESTINATION_STDERR,
    DESTINATION_FILE,
    DESTINATION_JOURNAL, /* systemd's, by its native protocol */
};

#define DESTINATION_JOURNAL_SOCKET "/run/systemd/journal/socket"

struct destination {
    enum destination_kind kind;
    enum log_form form;
    const char *path; /* of the file, or the journal's socket; else NULL */
};

/* Reads "stderr", "file:/PATH", "journald" or "journald:/SOCKET", the first two with "text:" or
 * "json:" before it if its form is not `form`. `out->path` points into `text` or is static.
 * FERRY_E_ARGUMENT, with the words in `fault`. */
NODISCARD enum ferry_error destination_parse(const char *text, enum log_form form,
                                             struct destination *out, struct fault *fault);

#endif
