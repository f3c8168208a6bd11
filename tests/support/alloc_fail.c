/* Every allocation of a piece of code failed in turn. */
#include "support/alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"

unsigned long alloc_fail_each(alloc_fail_fn *body, void *ctx, unsigned long max_allocations)
{
    for (unsigned long nth = 1; nth <= max_allocations + 1; nth++) {
        alloc_fail_from(nth);
        enum ferry_error error = body(ctx);
        unsigned long used = alloc_count();
        alloc_fail_from(0);

        if (used < nth) {
            assert_int_equal(error, FERRY_OK);
            return used;
        }
        if (error != FERRY_E_MEMORY)
            print_error("allocation %lu failed\n", nth);
        assert_int_equal(error, FERRY_E_MEMORY);
    }
    fail_msg("more than %lu allocations", max_allocations);
    return 0;
}
