/* A private key and the signatures that are made with it in handshakes. */
#include "tls/key.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/alloc.h"
#include "tls/library.h"
#include "tls/pem.h"

struct tls_key {
    EVP_PKEY *key;
};

enum {
    SECURE_HEAP_BYTES = 1024 * 1024, /* some hundred keys */
    SECURE_HEAP_STEP_BYTES = 32,
};

enum ferry_error tls_key_protect_memory(void)
{
    /* 2: it may not be locked; guarded and left out of core dumps it is all the same. */
    int made = CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SECURE_HEAP_STEP_BYTES);
    return made != 0 ? FERRY_OK : FERRY_E_MEMORY;
}

enum ferry_error tls_key_new(struct bytes pem, struct tls_key **out, struct fault *fault)
{
    struct tls_key *key = alloc_zero(sizeof(*key));
    if (!key)
        return library_no_memory(fault);
    enum ferry_error error = pem_private_key(pem, NULL, &key->key, fault);
    if (error != FERRY_OK) {
        tls_key_free(key);
        return error;
    }
    *out = key;
    return FERRY_OK;
}

void tls_key_free(struct tls_key *key)
{
    if (key)
        EVP_PKEY_free(key->key); /* which wipes it */
    alloc_free(key);
}

enum ferry_error tls_key_check(const struct tls_key *key, struct bytes pem, struct fault *fault)
{
    CLEANUP(pem_drop_certificates) STACK_OF(X509) *chain = NULL;
    enum ferry_error error = pem_certificates(pem, "the certificate", &chain, fault);
    if (error != FERRY_OK || X509_check_private_key(sk_X509_value(chain, 0), key->key) == 1)
        return error;
    ERR_clear_error();
    return fault_set(fault, FERRY_E_ARGUMENT, "the private key does not belong to the certificate");
}

/* ---- what may be signed ---- */

enum {
    RANDOMS_BYTES = 64, /* both, before the parameters of TLS 1.2 */
    NAMED_CURVE = 3,    /* RFC 8422 section 5.4 */
};

enum { VERIFY_WORDS_BYTES = 34 }; /* with their NUL */
static const char server_words[VERIFY_WORDS_BYTES] = "TLS 1.3, server CertificateVerify";
static const char client_words[VERIFY_WORDS_BYTES] = "TLS 1.3, client CertificateVerify";

/* RFC 8446 section 4.4.3: 64 spaces, the words with their NUL, the hash of the messages. */
static bool is_certificate_verify(struct bytes input)
{
    struct bytes rest = input;
    for (int i = 0; i < 64; i++) {
        if (rest.len == 0 || rest.ptr[0] != ' ')
            return false;
        rest = bytes_skip(rest, 1);
    }
    size_t hash = rest.len < VERIFY_WORDS_BYTES ? 0 : rest.len - VERIFY_WORDS_BYTES;
    return (bytes_starts(rest, bytes_of(server_words, VERIFY_WORDS_BYTES)) ||
            bytes_starts(rest, bytes_of(client_words, VERIFY_WORDS_BYTES))) &&
           (hash == 32 || hash == 48 || hash == 64);
}

/* Both randoms, the kind of curve, its name, and a point with its length before it. */
static bool is_curve_params(struct bytes input)
{
    struct bytes params = bytes_skip(input, RANDOMS_BYTES);
    return params.len > 4 && params.ptr[0] == NAMED_CURVE &&
           (size_t)(unsigned char)params.ptr[3] == params.len - 4;
}

/* The next number with its length before it; nothing if it is not whole. */
static struct bytes cut_number(struct bytes *rest)
{
    if (rest->len < 2)
        return bytes_str(NULL);
    size_t len = (size_t)(unsigned char)rest->ptr[0] << 8 | (unsigned char)rest->ptr[1];
    struct bytes number = bytes_first(bytes_skip(*rest, 2), len);
    *rest = bytes_skip(*rest, 2 + len);
    return number.len == len ? number : bytes_str(NULL);
}

/* Both randoms; prime, generator and public value of a finite field. */
static bool is_field_params(struct bytes input)
{
    struct bytes rest = bytes_skip(input, RANDOMS_BYTES);
    bool whole = cut_number(&rest).len > 0;
    whole = whole && cut_number(&rest).len > 0;
    return whole && cut_number(&rest).len > 0 && rest.len == 0;
}

/* What a client of TLS 1.2 signs: all messages so far, of which the first is its hello
 * (RFC 5246 sections 7.4.1.2 and 7.4.8). No certificate and no parameters begin like that. */
static bool is_client_messages(struct bytes input)
{
    enum { HELLO = 1, HEADER_BYTES = 4, MAJOR = 3 };
    const unsigned char *byte = (const unsigned char *)input.ptr;
    if (input.len <= HEADER_BYTES || byte[0] != HELLO)
        return false;
    size_t hello = (size_t)byte[1] << 16 | (size_t)byte[2] << 8 | byte[3];
    return byte[HEADER_BYTES] == MAJOR && hello < input.len - HEADER_BYTES;
}

bool tls_key_may_sign(struct bytes input)
{
    return is_certificate_verify(input) || is_curve_params(input) || is_field_params(input) ||
           is_client_messages(input);
}

/* ---- signing ---- */

static const char *const digests[] = {
    [TLS_SIGN_NO_DIGEST] = NULL,  [TLS_SIGN_SHA1] = "SHA1",     [TLS_SIGN_SHA256] = "SHA256",
    [TLS_SIGN_SHA384] = "SHA384", [TLS_SIGN_SHA512] = "SHA512",
};

static bool fits(const struct tls_key *key, const struct tls_sign_request *request)
{
    bool digest = request->digest != TLS_SIGN_NO_DIGEST;
    switch (request->scheme) {
    case TLS_SIGN_RSA_PKCS1:
    case TLS_SIGN_RSA_PSS:
        return digest && EVP_PKEY_is_a(key->key, "RSA");
    case TLS_SIGN_ECDSA:
        return digest && EVP_PKEY_is_a(key->key, "EC");
    case TLS_SIGN_ED25519:
        return !digest && EVP_PKEY_is_a(key->key, "ED25519");
    }
    return false;
}

static bool sign(const struct tls_key *key, const struct tls_sign_request *request, char *out,
                 size_t *len)
{
    EVP_PKEY_CTX *options = NULL; /* the context's */
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestSignInit_ex(context, &options, digests[request->digest],
                                                 library_context(), NULL, key->key, NULL) == 1;
    if (done && request->scheme == TLS_SIGN_RSA_PSS)
        done = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
    *len = TLS_SIGNATURE_MAX_BYTES;
    done =
        done && EVP_DigestSign(context, (unsigned char *)out, len,
                               (const unsigned char *)request->input.ptr, request->input.len) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

enum ferry_error tls_key_sign(const struct tls_key *key, const struct tls_sign_request *request,
                              char *out, size_t *len)
{
    ERR_clear_error();
    if (!tls_key_may_sign(request->input))
        return FERRY_E_DENIED;
    if (!fits(key, request))
        return FERRY_E_ARGUMENT;
    bool done = sign(key, request, out, len);
    ERR_clear_error();
    return done ? FERRY_OK : FERRY_E_MEMORY;
}
