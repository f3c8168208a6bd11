/* Sample files beneath tests/, read whole. */
#ifndef FERRY_TESTS_SAMPLE_H
#define FERRY_TESTS_SAMPLE_H

#include "base/buf.h"

/* Appends to `out` the file `name`, a path from tests/: "listings/unix.txt". Asserts that it is
 * there (cmocka). */
void sample_read(struct buf *out, const char *name);

#endif
