/* Amounts as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "account/amount.h"
#include "base/compiler.h"

static void amounts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max, amount;
    } rows[] = {
        {"0", 0, 0},
        {"4096", UINT64_MAX, 4096},
        {"512K", UINT64_MAX, 512 << 10},
        {"10M", UINT64_MAX, 10 << 20},
        {"2G", UINT64_MAX, UINT64_C(2) << 30},
        {"1T", UINT64_MAX, UINT64_C(1) << 40},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX},
        {"16777215T", UINT64_MAX, UINT64_C(16777215) << 40},
        {"1K", 1024, 1024},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t amount = 1;
        if (!amount_parse(bytes_str(rows[i].text), rows[i].max, &amount) ||
            amount != rows[i].amount)
            fail_msg("%s", rows[i].text);
    }
}

static void what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
    } rows[] = {
        {"", UINT64_MAX},          {"K", UINT64_MAX},    {"-1", UINT64_MAX},
        {"+1", UINT64_MAX},        {"1.5M", UINT64_MAX}, {"1k", UINT64_MAX},
        {"1 K", UINT64_MAX},       {"1KK", UINT64_MAX},  {"18446744073709551616", UINT64_MAX},
        {"16777216T", UINT64_MAX}, {"1025", 1024},       {"2K", 2047},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t amount = 0;
        if (amount_parse(bytes_str(rows[i].text), rows[i].max, &amount))
            fail_msg("%s", rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(amounts), cmocka_unit_test(what_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
