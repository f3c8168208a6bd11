/* The environment of a program that is told of an event: FERRY_ variables of its fields. */
#ifndef FERRY_FERRYD_HOOKS_ENVIRONMENT_H
#define FERRY_FERRYD_HOOKS_ENVIRONMENT_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferryd/hooks/target.h"

enum { ENVIRONMENT_MAX = 40 };

struct environment {
    char *list[ENVIRONMENT_MAX + 1]; /* ends with NULL */
    size_t count;
};

/* PATH, TMPDIR, FERRY_HOOK, FERRY_TRY, and each field of the event: FERRY_ID, FERRY_EVENT,
 * FERRY_PATH, ... FERRY_E_MEMORY; FERRY_E_ARGUMENT: the event is no object. Free it with
 * environment_fini, on failure too. */
NODISCARD enum ferry_error environment_init(struct environment *environment,
                                            const struct target_order *order);
void environment_fini(struct environment *environment);

#endif
