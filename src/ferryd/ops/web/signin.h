/* The login of the page: one name and one hash, from ferryd.conf. The hash is computed on the pool,
 * one at a time; who guesses waits longer and longer. */
#ifndef FERRY_FERRYD_OPS_WEB_SIGNIN_H
#define FERRY_FERRYD_OPS_WEB_SIGNIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/secret.h"
#include "ferry/error.h"
#include "net/loop.h"

/* The first failures cost nothing; each further one doubles the time until the next try. Everybody
 * waits: at a loopback address all are the same peer. */
enum { SIGNIN_FREE = 3 };
#define SIGNIN_STEP_NS (UINT64_C(500) * CLOCK_NS_PER_MS)
#define SIGNIN_MOST_NS (UINT64_C(16) * CLOCK_NS_PER_S)
#define SIGNIN_KEPT_NS                                                                             \
    (UINT64_C(900) * CLOCK_NS_PER_S) /* after the last failure, all is forgotten */

struct signin;

/* From the loop, once, unless signin_free comes first. `right`: name and password are. */
typedef void signin_answer_fn(void *ctx, bool right);

/* Copies both texts. NULL: memory is short. */
struct signin *signin_new(struct loop *loop, const char *user, const char *password_hash);

/* What is being computed is dropped. NULL is fine. */
void signin_free(struct signin *signin);

/* One try; takes `password`, on failure too. A name that is wrong takes as long as a password
 * (SEC-84). FERRY_E_LIMIT: another is under way, or it comes too early: `*wait_s` says for how long
 * to wait, at least 1. FERRY_E_MEMORY. */
NODISCARD enum ferry_error signin_try(struct signin *signin, struct bytes user,
                                      struct secret *password, signin_answer_fn *answer, void *ctx,
                                      uint64_t *wait_s);

#endif
