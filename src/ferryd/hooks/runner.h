/* Programs that are told of an event, or asked about an upload. */
#ifndef FERRY_FERRYD_HOOKS_RUNNER_H
#define FERRY_FERRYD_HOOKS_RUNNER_H

#include "ferryd/hooks/target.h"

struct runner;

/* As target_start. The program gets the event, or the upload, as its standard input, the upload as
 * descriptor 3, too; what it writes is read, and passed by but for the beginning. It and all that
 * it has started is killed when the time is up, and what it left behind when it ends. */
NODISCARD enum ferry_error runner_start(const struct target_order *order, struct runner **out,
                                        struct fault *fault);

/* As target_free. */
void runner_free(struct runner *runner);

#endif
