/* The users of the system, whose passwords PAM checks, as a source. */
#ifndef FERRY_FERRYD_AUTH_SOURCE_PAM_H
#define FERRY_FERRYD_AUTH_SOURCE_PAM_H

#include "ferryd/auth/pam_line.h"
#include "ferryd/auth/source.h"
#include "ferryd/settings.h"

/* `line` outlives it. FERRY_E_MEMORY. */
NODISCARD enum ferry_error source_pam_open(const struct settings_global *settings,
                                           struct pam_line *line, struct source **out,
                                           struct fault *fault);

#endif
