/* Hashes over a stream. */
#include "tls/digest.h"

#include <openssl/evp.h>

#include "base/alloc.h"
#include "tls/library.h"

struct digest {
    EVP_MD_CTX *hash;
    bool ended;
};

static const char *const algorithms[] = {
    [DIGEST_SHA256] = "SHA256",
    [DIGEST_SHA512] = "SHA512",
    [DIGEST_SHA1] = "SHA1",
    [DIGEST_MD5] = "MD5",
};

struct digest *digest_new(enum digest_kind kind)
{
    struct digest *digest = alloc_zero(sizeof(*digest));
    if (!digest)
        return NULL;
    EVP_MD *algorithm = EVP_MD_fetch(library_context(), algorithms[kind], NULL);
    digest->hash = EVP_MD_CTX_new();
    bool ready =
        algorithm && digest->hash && EVP_DigestInit_ex2(digest->hash, algorithm, NULL) == 1;
    EVP_MD_free(algorithm); /* the context holds it */
    if (ready)
        return digest;
    digest_free(digest);
    return NULL;
}

void digest_free(struct digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->hash);
    alloc_free(digest);
}

enum ferry_error digest_update(struct digest *digest, struct bytes in)
{
    if (digest->ended)
        return FERRY_E_STATE;
    return EVP_DigestUpdate(digest->hash, in.ptr, in.len) == 1 ? FERRY_OK : FERRY_E_MEMORY;
}

enum ferry_error digest_final(struct digest *digest, uint8_t out[DIGEST_MAX_BYTES], size_t *len)
{
    if (digest->ended)
        return FERRY_E_STATE;
    digest->ended = true;
    unsigned written = 0;
    if (EVP_DigestFinal_ex(digest->hash, out, &written) != 1)
        return FERRY_E_MEMORY;
    *len = written;
    return FERRY_OK;
}

enum ferry_error digest_hmac(struct bytes key, struct bytes in,
                             uint8_t out[static DIGEST_HMAC_BYTES])
{
    size_t len = 0;
    bool made =
        EVP_Q_mac(library_context(), "HMAC", NULL, "SHA256", NULL, key.ptr ? key.ptr : "", key.len,
                  (const unsigned char *)in.ptr, in.len, out, DIGEST_HMAC_BYTES, &len) != NULL;
    return made && len == DIGEST_HMAC_BYTES ? FERRY_OK : FERRY_E_MEMORY;
}
