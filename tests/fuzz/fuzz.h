/* What every fuzz target has: fuzz_<module>.c defines the one function, libFuzzer or replay_main.c
 * calls it. */
#ifndef FERRY_TESTS_FUZZ_H
#define FERRY_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Tries one input. Returns 0. `data` is exactly `size` bytes long, so that the address sanitizer
 * sees one byte read too far. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for any input; ends the program if it does not. */
static inline void must(bool holds)
{
    if (!holds)
        abort();
}

#endif
