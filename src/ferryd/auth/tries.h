/* A login's password as one of many tries: whether it may be tried, and what follows if it was
 * wrong (SEC-50). */
#ifndef FERRY_FERRYD_AUTH_TRIES_H
#define FERRY_FERRYD_AUTH_TRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "ferryd/auth/login.h"
#include "ferryd/auth/throttle.h"

struct tries {
    struct throttle throttle;
    const struct log *log;
};

/* Whether the login may be decided; false: its address is banned, or too many failed, and `fault`
 * says so. A password counts as a failure from here until tries_settle. */
bool tries_begin(struct tries *tries, struct login *login, struct fault *fault);

/* It is decided, or nobody waits for that any more. One that was refused stays counted. */
void tries_settle(struct tries *tries, struct login *login, bool decided);

/* Whether its address is banned by now, which `fault` then says. */
bool tries_are_banned(const struct tries *tries, const struct login *login, struct fault *fault);

/* The password was wrong. Returns for how long, in ns, to hold the refusal back; a ban that it
 * brings is logged. */
uint64_t tries_failed(struct tries *tries, const struct login *login);

#endif
