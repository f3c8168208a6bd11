/* A thread that exchanges two names. */
#include "support/flipper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void *flip(void *ctx)
{
    struct flipper *flipper = ctx;
    while (!atomic_load(&flipper->stop))
        (void)renameat2(flipper->dir_fd, flipper->a, flipper->dir_fd, flipper->b, RENAME_EXCHANGE);
    return NULL;
}

void flipper_start(struct flipper *flipper, int dir_fd, const char *a, const char *b)
{
    flipper->dir_fd = dir_fd;
    flipper->a = a;
    flipper->b = b;
    atomic_init(&flipper->stop, false);
    assert_int_equal(pthread_create(&flipper->thread, NULL, flip, flipper), 0);
}

void flipper_stop(struct flipper *flipper)
{
    atomic_store(&flipper->stop, true);
    pthread_join(flipper->thread, NULL);
}
