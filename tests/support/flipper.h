/* A thread that exchanges two names as fast as it can, for tests of races (SEC-33). */
#ifndef FERRY_TESTS_FLIPPER_H
#define FERRY_TESTS_FLIPPER_H

#include <pthread.h>
#include <stdatomic.h>

struct flipper {
    int dir_fd; /* borrowed */
    const char *a, *b;
    atomic_bool stop;
    pthread_t thread;
};

/* Starts to exchange the names `a` and `b` in `dir_fd`, both of which exist. All are borrowed until
 * flipper_stop. Asserts (cmocka). */
void flipper_start(struct flipper *flipper, int dir_fd, const char *a, const char *b);

void flipper_stop(struct flipper *flipper);

#endif
