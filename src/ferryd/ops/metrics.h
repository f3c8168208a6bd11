/* The state as Prometheus reads it (text format 0.0.4). */
#ifndef FERRY_FERRYD_OPS_METRICS_H
#define FERRY_FERRYD_OPS_METRICS_H

#include "base/buf.h"
#include "base/compiler.h"
#include "ferryd/ops/http.h"
#include "ferryd/ops/state.h"

/* Appends all metrics. Errors as buf_append. */
NODISCARD enum ferry_error metrics_write(const struct state *state, struct buf *out);

/* For a route; `ctx` is a struct state. */
http_handler metrics_handle;

#endif
