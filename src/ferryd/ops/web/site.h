/* The operator's page at its socket. */
#ifndef FERRY_FERRYD_OPS_WEB_SITE_H
#define FERRY_FERRYD_OPS_WEB_SITE_H

#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/ops/refresh.h"
#include "ferryd/ops/web/web.h"

struct site;

/* Serves the listening socket `fd`, which it takes, on failure too. Before confinement.
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error site_new(const struct web_setup *setup, struct refresh *refresh, int fd,
                                    struct site **out, struct fault *fault);

/* Closes all connections. NULL is fine. */
void site_free(struct site *site);

#endif
