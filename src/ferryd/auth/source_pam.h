/* The users of the system, whose passwords PAM checks, as a source. */
#ifndef FERRY_FERRYD_AUTH_SOURCE_PAM_H
#define FERRY_FERRYD_AUTH_SOURCE_PAM_H

#include "ferryd/auth/pam_line.h"
#include "ferryd/auth/source.h"
#include "ferryd/settings.h"

/* Logins that are with PAM at once: each has a thread of the pool (auth/confine), lest a module
 * that hangs holds up those who have nothing to do with PAM. */
enum { SOURCE_PAM_TURNS = 8 };

/* `line` outlives it. FERRY_E_MEMORY. */
NODISCARD enum ferry_error source_pam_open(const struct settings_global *settings,
                                           struct pam_line *line, struct source **out,
                                           struct fault *fault);

#endif
