/* Runs code again and again, each time with the next allocation failing, until it gets through. */
#ifndef FERRY_TESTS_ALLOC_FAIL_H
#define FERRY_TESTS_ALLOC_FAIL_H

#include "ferry/error.h"

/* One whole use of the code under test, from nothing to nothing: it frees what it made, on failure
 * too, and returns what the code returned. Check inside it what must hold after a failure (the
 * object is unchanged, can still be freed, ...). */
typedef enum ferry_error alloc_fail_fn(void *ctx);

/* Calls `body` with the first allocation and all later ones failing, then from the second on, and
 * so on, until it returns FERRY_OK because it needed no more. Fails the cmocka test if `body`
 * returns anything but FERRY_E_MEMORY before, if it returns FERRY_OK although an allocation failed,
 * or if it still fails after `max_allocations`. Leaks are the leak sanitizer's to find. Returns how
 * many allocations `body` makes. */
unsigned long alloc_fail_each(alloc_fail_fn *body, void *ctx, unsigned long max_allocations);

#endif
