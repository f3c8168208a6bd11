/* An event as JSON. */
#ifndef FERRY_FERRYD_HOOKS_EVENT_JSON_H
#define FERRY_FERRYD_HOOKS_EVENT_JSON_H

#include "base/buf.h"
#include "base/compiler.h"
#include "ferryd/hook_wire.h"

/* Appends an object in one line of ASCII, which begins with the id. A path that is no UTF-8 is
 * there in its visible form (text_visible), and its bytes in hexadecimal beside it.
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error event_json(const struct hook_event *event, struct buf *out);

/* Appends the same with "certain" before all else: whether it is sure that it happened. */
NODISCARD enum ferry_error event_json_certain(struct bytes body, bool certain, struct buf *out);

#endif
