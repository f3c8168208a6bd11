/* One file made of others (store/combine.h), within the quota of the home. */
#ifndef FERRY_STORE_HOME_COMBINE_H
#define FERRY_STORE_HOME_COMBINE_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "store/combine.h"
#include "store/home.h"

struct home_combine;

/* `home` and what `want` points to must outlive it. Errors as combine_new, home_check_name,
 * home_take. */
NODISCARD enum ferry_error home_combine_new(const struct home *home,
                                            const struct combine_want *want,
                                            struct home_combine **out, struct fault *fault);

/* As combine_step. */
NODISCARD enum ferry_error home_combine_step(struct home_combine *combine, bool *done,
                                             struct fault *fault);

/* May have to remove a large file. NULL is fine. */
void home_combine_free(struct home_combine *combine);

#endif
