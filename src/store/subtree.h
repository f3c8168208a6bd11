/* A directory with all that is beneath it: added up or removed, in steps that are short, so that a
 * thread is not held, and with an end to how much it may be (FTP-180, FTP-181, SEC-55). Links are
 * never followed; what changes meanwhile may be counted or not. */
#ifndef FERRY_STORE_SUBTREE_H
#define FERRY_STORE_SUBTREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "store/root.h"

enum { SUBTREE_STEP_ENTRIES = 2000 }; /* about what a step looks at */

/* Where it is too much. */
struct subtree_limits {
    unsigned entries_max;
    uint64_t time_ns; /* from the beginning, by `clock` */
    const struct clock *clock;
};

/* 100,000 entries, 10 s. */
extern const struct subtree_limits subtree_limits_default;

struct subtree;

/* Adds up the sizes of the files beneath the directory `path`. `limits` is copied. What may not be
 * listed counts as nothing. */
NODISCARD enum ferry_error subtree_sum(const struct root *root, struct bytes path,
                                       const struct subtree_limits *limits, struct subtree **out,
                                       struct fault *fault);

/* Removes the directory `path`, which is no link and not the root, and all beneath it. What was
 * removed when it fails stays so. FERRY_E_TEMPORARY also: an upload into it is under way. */
NODISCARD enum ferry_error subtree_remove(const struct root *root, struct bytes path,
                                          const struct subtree_limits *limits, struct subtree **out,
                                          struct fault *fault);

/* Goes on with it for a while, on any thread. FERRY_E_TEMPORARY: it is more than the limits.
 */
NODISCARD enum ferry_error subtree_step(struct subtree *subtree, bool *done, struct fault *fault);

/* The sum so far; of a removal, how many bytes and names are gone. */
uint64_t subtree_bytes(const struct subtree *subtree);
uint64_t subtree_names(const struct subtree *subtree);

void subtree_free(struct subtree *subtree);

#endif
