/* Runs what changes a process for good in a child, and tells how it ended. */
#ifndef FERRY_TESTS_IN_CHILD_H
#define FERRY_TESTS_IN_CHILD_H

#include <stdbool.h>

typedef void in_child_fn(void *ctx);

/* Runs `body` in a child. Returns 0 if it came to its end, 1 if something was not so, -n if signal
 * n killed it. */
int in_child(in_child_fn *body, void *ctx);

/* What must hold there, where cmocka's assertions cannot be used; else says so on standard error
 * and ends the child. */
#define CHILD_CHECK(holds) in_child_check((holds), __FILE__, __LINE__, #holds)
void in_child_check(bool holds, const char *file, int line, const char *what);

#endif
