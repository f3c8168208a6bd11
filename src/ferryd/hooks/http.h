/* Events and uploads by HTTP. */
#ifndef FERRY_FERRYD_HOOKS_HTTP_H
#define FERRY_FERRYD_HOOKS_HTTP_H

#include "ferryd/hooks/target.h"

struct http;

/* Once, before the process is confined: what libcurl and its TLS need of files. false: it cannot be
 * had. */
bool http_prepare(struct loop *loop);

/* As target_start. */
NODISCARD enum ferry_error http_start(const struct target_order *order, struct http **out,
                                      struct fault *fault);

/* As target_free. */
void http_free(struct http *http);

#endif
