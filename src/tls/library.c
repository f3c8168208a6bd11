/* What this room's files share of OpenSSL. */
#include "tls/library.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/rand.h>

OSSL_LIB_CTX *library_context(void)
{
    return NULL; /* OpenSSL's default */
}

bool library_random(void *out, size_t len)
{
    return RAND_priv_bytes_ex(library_context(), out, len, 0) == 1;
}

bool library_sha256(struct bytes in, uint8_t out[LIBRARY_SHA256_BYTES])
{
    return EVP_Q_digest(library_context(), "SHA256", NULL, in.ptr, in.len, out, NULL) == 1;
}

enum ferry_error library_fault(struct fault *fault, enum ferry_error kind, const char *format, ...)
{
    unsigned long first = ERR_get_error();
    ERR_clear_error();
    if (ERR_GET_REASON(first) == ERR_R_MALLOC_FAILURE)
        return library_no_memory(fault);

    char tried[FAULT_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(tried, sizeof(tried), format, args);
    va_end(args);
    const char *reason = ERR_reason_error_string(first);
    return fault_set(fault, kind, "%s: %s", tried, reason ? reason : "no reason given");
}

enum ferry_error library_no_memory(struct fault *fault)
{
    ERR_clear_error();
    return fault_set(fault, FERRY_E_MEMORY, "out of memory");
}

struct bytes library_text(BIO *bio)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    return bytes_of(text, len > 0 ? (size_t)len : 0);
}
