/* One file made of others inside the store (COMB, SITE CPTO): copied into a part, in steps that are
 * short, and named in one step when all of it is there. */
#ifndef FERRY_STORE_COMBINE_H
#define FERRY_STORE_COMBINE_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "store/root.h"

struct combine;

struct combine_want {
    struct bytes target;
    struct bytes sources; /* paths, each with a NUL behind it; at least one */
    bool remove_sources;  /* when the target has its name; one that is the target stays */
    bool no_replace;      /* FERRY_E_EXISTS if there is something by the target's name */
};

/* Begins; `want` is copied, `root` must outlive it. FERRY_E_DENIED: a source is no regular file, or
 * it cannot be read, or, if it is to be removed, not removed. Else as part_begin. */
NODISCARD enum ferry_error combine_new(const struct root *root, const struct combine_want *want,
                                       struct combine **out, struct fault *fault);

/* Copies some more (COMBINE_STEP_BYTES at most), or ends it. */
NODISCARD enum ferry_error combine_step(struct combine *combine, bool *done, struct fault *fault);

enum { COMBINE_STEP_BYTES = 16 * 1024 * 1024 };

/* Whatever was copied and has no name yet goes. */
void combine_free(struct combine *combine);

#endif
