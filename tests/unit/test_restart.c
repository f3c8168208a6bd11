/* proc/restart: a role is back at once, and does not spin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "proc/restart.h"

#define MS CLOCK_NS_PER_MS

/* One life after the other: how long each lasted, and the wait after it. */
static const struct {
    uint64_t lived_ms, wait_ms;
} lives[] = {
    {60000, 0}, /* the first death costs nothing */
    {1, 0},     {1, 100},  {1, 200},   {1, 400},   {1, 800},   {1, 1600},
    {1, 3200},  {1, 6400}, {1, 12800}, {1, 25600}, {1, 30000}, {9999, 30000}, /* the most */
    {10000, 0}, {1, 0},    {1, 100}, /* a steady run begins anew */
};

static void waits_grow_while_it_keeps_dying(void **state)
{
    (void)state;
    struct restart restart = {0};
    uint64_t now = 5 * MS;
    for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
        restart_started(&restart, now);
        now += lives[i].lived_ms * MS;
        uint64_t again = restart_died(&restart, now);
        if (again != now + lives[i].wait_ms * MS)
            fail_msg("life %zu: %lu ms", i, (unsigned long)((again - now) / MS));
        now = again;
    }
}

static void a_million_deaths_wait_the_most(void **state)
{
    (void)state;
    struct restart restart = {.quick_deaths = UINT32_MAX - 1};
    for (int i = 0; i < 3; i++)
        assert_true(restart_died(&restart, 0) == RESTART_MOST_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow_while_it_keeps_dying),
        cmocka_unit_test(a_million_deaths_wait_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
