/* Passwords: in pages of their own, overwritten when freed. */
#include "base/secret.h"

#include <string.h>

#include "base/alloc.h"

/* On the heap, so that the leak sanitizer sees a lost one; the value is not. */
struct secret {
    char *value;
    size_t len;
};

enum ferry_error secret_new(struct bytes value, struct secret **out)
{
    if (value.len > SECRET_MAX_BYTES)
        return FERRY_E_LIMIT;
    struct secret *secret = alloc_zero(sizeof(*secret));
    if (!secret)
        return FERRY_E_MEMORY;
    secret->value = alloc_pages(value.len + 1);
    if (!secret->value) {
        alloc_free(secret);
        return FERRY_E_MEMORY;
    }
    if (value.len > 0)
        memcpy(secret->value, value.ptr, value.len);
    secret->len = value.len;
    *out = secret;
    return FERRY_OK;
}

void secret_free(struct secret *secret)
{
    if (!secret)
        return;
    secret_wipe(secret->value, secret->len);
    alloc_free_pages(secret->value, secret->len + 1);
    alloc_free(secret);
}

void secret_drop(struct secret **secret)
{
    secret_free(*secret);
    *secret = NULL;
}

struct bytes secret_reveal(const struct secret *secret)
{
    return secret ? bytes_of(secret->value, secret->len) : (struct bytes){0};
}

bool secret_equal(const struct secret *secret, struct bytes value)
{
    struct bytes own = secret_reveal(secret);
    if (own.len != value.len)
        return false;
    /* volatile: the compiler must not stop at the first difference. */
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < own.len; i++)
        difference |= (unsigned char)(own.ptr[i] ^ value.ptr[i]);
    return difference == 0;
}

void secret_wipe(void *memory, size_t len)
{
    if (len > 0)
        explicit_bzero(memory, len);
}
