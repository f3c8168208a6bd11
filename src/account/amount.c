/* Amounts as people write them. */
#include "account/amount.h"

#include <string.h>

#include "base/text.h"

bool amount_parse(struct bytes text, uint64_t max, uint64_t *out)
{
    static const char units[] = "KMGT"; /* each 1024 of the one before */
    unsigned shift = 0;
    const char *unit = text.len > 0 ? memchr(units, text.ptr[text.len - 1], 4) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        text.len--;
    }
    if (!text_u64(text, max >> shift, out))
        return false;
    *out <<= shift;
    return true;
}
