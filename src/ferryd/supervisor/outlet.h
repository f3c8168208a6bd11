/* One destination of the log. It never blocks: what cannot be written now waits, up to
 * OUTLET_WAITING_BYTES; more is counted, and the count told when there is room again. */
#ifndef FERRY_FERRYD_SUPERVISOR_OUTLET_H
#define FERRY_FERRYD_SUPERVISOR_OUTLET_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "ferryd/destination.h"
#include "net/loop.h"

enum { OUTLET_WAITING_BYTES = 4 * 1024 * 1024 };

struct outlet;

/* Opens it. A file is made with mode 0640 if there is none, and only ever appended to.
 * FERRY_E_MEMORY, or what the system said: FERRY_E_DENIED, FERRY_E_NOT_FOUND, … */
NODISCARD enum ferry_error outlet_new(struct loop *loop, const struct destination *destination,
                                      struct outlet **out, struct fault *fault);

/* Tries for a moment to write what waits. NULL is fine. */
void outlet_free(struct outlet *outlet);

/* Whether it is that destination, in that form. */
bool outlet_is(const struct outlet *outlet, const struct destination *destination);

void outlet_event(struct outlet *outlet, const struct log_event *event);

/* A line without its newline, as it is. */
void outlet_line(struct outlet *outlet, struct bytes line);

/* The file of that name may be another now: it is opened again, and what waits goes there. On
 * failure the old one stays. Nothing happens to others than files. */
NODISCARD enum ferry_error outlet_reopen(struct outlet *outlet, struct fault *fault);

/* For the log; static or the outlet's. */
const char *outlet_name(const struct outlet *outlet);

#endif
