/* Uploads that are checked before they take their name. Those of the account's checks are asked one
 * after the other, each as many at once as its jobs. */
#ifndef FERRY_FERRYD_HOOKS_CHECKS_H
#define FERRY_FERRYD_HOOKS_CHECKS_H

#include "base/log.h"
#include "conf/read.h"
#include "ferryd/hook_wire.h"
#include "net/loop.h"

struct checks;

/* From the loop, never from inside checks_ask. `words`: for the client, of a refusal. */
typedef void checks_fn(void *owner, uint64_t number, enum hook_verdict verdict, const char *words,
                       const char *why);

struct checks_setup {
    struct loop *loop;
    const struct log *log;
    const struct conf *conf; /* outlives it */
    const char *temporary;   /* folder */
    checks_fn *done;
};

/* NULL: no memory. */
struct checks *checks_new(const struct checks_setup *setup);

/* Takes `fd`, the upload, on failure too. `done` is told with `owner` and `number`.
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error checks_ask(struct checks *checks, void *owner, uint64_t number,
                                      const struct hook_event *event, int fd);

/* Nobody waits for that one, or for any of that owner's. */
void checks_cancel(struct checks *checks, const void *owner, uint64_t number);
void checks_forget(struct checks *checks, const void *owner);

#endif
