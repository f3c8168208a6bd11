/* The one allocator of libferry's rooms. Tests make its n-th call fail. */
#ifndef FERRY_BASE_ALLOC_H
#define FERRY_BASE_ALLOC_H

#include <stddef.h>

#include "base/bytes.h"

/* As calloc(1, size_bytes). NULL if memory is short. */
void *alloc_zero(size_t size_bytes);

/* As reallocarray, for more than 0 bytes: NULL if memory is short or the product overflows, and
 * `old` is then untouched. */
void *alloc_resize(void *old, size_t count, size_t size_bytes);

/* A NUL-terminated copy; NULL if memory is short. */
char *alloc_str(const char *text);
char *alloc_bytes(struct bytes in);

/* Frees what one of the above returned; NULL is fine. */
void alloc_free(void *memory);

/* Frees `*memory` and sets it to NULL; for CLEANUP on `char *`. */
void alloc_free_str(char **memory);

/* Zeroed memory in pages of its own, kept out of core dumps and of swap where the system can.
 * NULL if memory is short. Freed by alloc_free_pages with the same size. */
void *alloc_pages(size_t size_bytes);
void alloc_free_pages(void *memory, size_t size_bytes);

/* For tests: the `nth` allocation from now (1 = the next) returns NULL, and so does every one after
 * it; 0 turns this off. */
void alloc_fail_from(unsigned long nth);

/* For tests: how many allocations were asked for, failed ones too, since alloc_fail_from was last
 * called with `nth` above 0. */
unsigned long alloc_count(void);

#endif
