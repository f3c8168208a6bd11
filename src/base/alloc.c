/* The one allocator: the C library's, with a count that tests can make it fail by. */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Counted only while a test asks for it, so that threads share no hot cache line otherwise. */
static atomic_ulong fail_from;
static atomic_ulong asked;

static bool may_allocate(void)
{
    unsigned long limit = atomic_load_explicit(&fail_from, memory_order_relaxed);
    if (limit == 0)
        return true;
    return atomic_fetch_add(&asked, 1) + 1 < limit;
}

void *alloc_zero(size_t size_bytes)
{
    return may_allocate() ? calloc(1, size_bytes) : NULL;
}

void *alloc_resize(void *old, size_t count, size_t size_bytes)
{
    return may_allocate() ? reallocarray(old, count, size_bytes) : NULL;
}

char *alloc_str(const char *text)
{
    return alloc_bytes(bytes_str(text));
}

char *alloc_bytes(struct bytes in)
{
    char *copy = alloc_resize(NULL, in.len + 1, 1);
    if (!copy)
        return NULL;
    if (in.len > 0)
        memcpy(copy, in.ptr, in.len);
    copy[in.len] = '\0';
    return copy;
}

void alloc_free(void *memory)
{
    free(memory);
}

void alloc_free_str(char **memory)
{
    free(*memory);
    *memory = NULL;
}

void *alloc_pages(size_t size_bytes)
{
    if (!may_allocate())
        return NULL;
    void *memory =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    /* Both may be refused (an old kernel, RLIMIT_MEMLOCK); the memory serves without them. */
    (void)madvise(memory, size_bytes, MADV_DONTDUMP);
    (void)mlock(memory, size_bytes);
    return memory;
}

void alloc_free_pages(void *memory, size_t size_bytes)
{
    if (memory)
        munmap(memory, size_bytes);
}

void alloc_fail_from(unsigned long nth)
{
    atomic_store(&asked, 0);
    atomic_store(&fail_from, nth);
}

unsigned long alloc_count(void)
{
    return atomic_load(&asked);
}
