/* Telling one thing to one program or address, once: what hooks and checks have in common. Its
 * outcome comes later, from the loop, and always in time. */
#ifndef FERRY_FERRYD_HOOKS_TARGET_H
#define FERRY_FERRYD_HOOKS_TARGET_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/settings_hooks.h"
#include "net/loop.h"

enum target_verdict { TARGET_TAKEN, TARGET_REFUSED, TARGET_FAILED };

/* `why`: what happened, for the log; `words`: the first line that came back, visible. */
struct target_outcome {
    enum target_verdict verdict;
    char why[FAULT_TEXT_BYTES];
    char words[256];
};

/* From the loop, once; may free the run. */
typedef void target_fn(void *ctx, const struct target_outcome *outcome);

/* Borrowed for the call alone, but for `to` and `temporary`. */
struct target_order {
    struct loop *loop;
    const struct settings_target *to;
    const char *name;      /* of its block */
    const char *temporary; /* folder for temporary files of programs */
    uint64_t timeout_ns;
    struct bytes event;    /* JSON: an object of texts, numbers and flags */
    struct bytes id, kind; /* of the event */
    uint32_t tries;        /* before this one */
    int file;              /* an upload to be checked, the caller's; -1: none. It is the body */
    target_fn *done;
    void *ctx;
};

struct target_run;

/* FERRY_E_MEMORY and whatever keeps a program from starting: `done` is not called. */
NODISCARD enum ferry_error target_start(const struct target_order *order, struct target_run **out,
                                        struct fault *fault);

/* Ends it if it still runs; `done` is not called. NULL is fine. */
void target_free(struct target_run *run);

#endif
