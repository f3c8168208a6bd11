/* Removing the parts that nobody will go on with (SEC-38). */
#ifndef FERRY_STORE_SWEEP_H
#define FERRY_STORE_SWEEP_H

#include <stdint.h>
#include <time.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "store/root.h"

/* Removes, in the whole tree beneath `root`, the parts of this user that nobody is writing and that
 * were last written before `before`: those kept, and those a crash left. Follows no link; what it
 * may not read, or is more than 64 directories deep, it passes by. Reads every directory, so call
 * it at start-up and then now and again. `*removed` counts them, on failure too. Returns FERRY_OK,
 * or the failure to read the root itself. */
NODISCARD enum ferry_error sweep_parts(const struct root *root, struct timespec before,
                                       uint64_t *removed, struct fault *fault);

#endif
