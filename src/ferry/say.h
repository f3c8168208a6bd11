/* Words for the user on standard error, made visible whoever they come from (SEC-91). */
#ifndef FERRY_FERRY_SAY_H
#define FERRY_FERRY_SAY_H

#include "base/compiler.h"
#include "ferry/ferry.h"

/* "ferry: " and the formatted words; what is in them is made visible. */
void say(const char *format, ...) PRINTF_LIKE(1, 2);

/* A failure: what was tried, what the server said, what to do. */
void say_failure(const struct ferry_failure *failure);

#endif
