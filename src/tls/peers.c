/* Other servers that may be at the far end of a data connection. */
#include "tls/peers.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "tls/certificate.h"
#include "tls/connection.h"
#include "tls/library.h"
#include "tls/pem.h"

struct tls_peers {
    unsigned refs;
    X509_STORE *authorities; /* NULL: none */
    struct tls_pin pins[TLS_PINS_MAX];
    size_t pin_count;
};

/* ---- making and freeing ---- */

static void drop_peers(struct tls_peers **peers)
{
    tls_peers_unref(*peers);
}

static enum ferry_error add_authorities(struct tls_peers *peers, struct bytes pem,
                                        struct fault *fault)
{
    CLEANUP(pem_drop_certificates) STACK_OF(X509) *found = NULL;
    enum ferry_error error = pem_certificates(pem, "the CA of other servers", &found, fault);
    if (error != FERRY_OK)
        return error;
    peers->authorities = X509_STORE_new();
    if (!peers->authorities ||
        X509_STORE_set_purpose(peers->authorities, X509_PURPOSE_SSL_SERVER) != 1)
        return library_no_memory(fault);
    for (int i = 0; i < sk_X509_num(found); i++)
        if (X509_STORE_add_cert(peers->authorities, sk_X509_value(found, i)) != 1)
            return library_fault(fault, FERRY_E_ARGUMENT, "use the CA of other servers");
    return FERRY_OK;
}

enum ferry_error tls_peers_new(struct bytes ca_pem, const struct tls_pin *pins, size_t pin_count,
                               struct tls_peers **out, struct fault *fault)
{
    ERR_clear_error();
    if ((ca_pem.len == 0 && pin_count == 0) || pin_count > TLS_PINS_MAX)
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "server-to-server transfers need a CA or up to %d pins of other servers",
                         (int)TLS_PINS_MAX);
    CLEANUP(drop_peers) struct tls_peers *peers = alloc_zero(sizeof(*peers));
    if (!peers)
        return library_no_memory(fault);
    peers->refs = 1;
    peers->pin_count = pin_count;
    if (pin_count > 0)
        memcpy(peers->pins, pins, pin_count * sizeof(*pins));
    enum ferry_error error = ca_pem.len > 0 ? add_authorities(peers, ca_pem, fault) : FERRY_OK;
    if (error != FERRY_OK)
        return error;
    *out = peers;
    peers = NULL;
    return FERRY_OK;
}

struct tls_peers *tls_peers_ref(struct tls_peers *peers)
{
    peers->refs++;
    return peers;
}

void tls_peers_unref(struct tls_peers *peers)
{
    if (!peers || --peers->refs > 0)
        return;
    X509_STORE_free(peers->authorities);
    alloc_free(peers);
}

/* ---- checking ---- */

static bool is_pinned(const struct tls_peers *peers, const X509 *certificate)
{
    uint8_t sha256[LIBRARY_SHA256_BYTES];
    if (peers->pin_count == 0 || !certificate_key_sha256(certificate, sha256))
        return false;
    for (size_t i = 0; i < peers->pin_count; i++)
        if (memcmp(peers->pins[i].bytes, sha256, sizeof(sha256)) == 0)
            return true;
    return false;
}

static bool is_signed(const struct tls_peers *peers, X509 *certificate, STACK_OF(X509) * chain)
{
    if (!peers->authorities)
        return false;
    X509_STORE_CTX *check = X509_STORE_CTX_new_ex(library_context(), NULL);
    bool ok = check && X509_STORE_CTX_init(check, peers->authorities, certificate, chain) == 1 &&
              X509_verify_cert(check) == 1;
    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return ok;
}

bool tls_peers_know(const struct tls_peers *peers, X509_STORE_CTX *store)
{
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    return is_pinned(peers, certificate) ||
           is_signed(peers, certificate, X509_STORE_CTX_get0_untrusted(store));
}
