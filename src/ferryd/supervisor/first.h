/* The first process of a container. Whatever loses its parent there becomes its child, and signals
 * that it does not handle do not reach it: a process apart does that, and the supervisor is its
 * child. */
#ifndef FERRY_FERRYD_SUPERVISOR_FIRST_H
#define FERRY_FERRYD_SUPERVISOR_FIRST_H

/* Returns in the process that is to be the supervisor: this one, or, if this is process 1, a child
 * of it. Process 1 passes signals on to that child, collects every process that ends, and ends with
 * the child's status, by which the kernel ends what is left. */
void first_begin(void);

#endif
