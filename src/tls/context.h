/* What many TLS sessions share: an OpenSSL SSL_CTX built from a policy, certificates and trust.
 * Made once, never changed; a reload makes a new one, and live sessions keep the old alive
 * (openssl-notes.md). */
#ifndef FERRY_TLS_CONTEXT_H
#define FERRY_TLS_CONTEXT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "base/secret.h"
#include "tls/policy.h"
#include "tls/resume.h"
#include "tls/signer.h"
#include "tls/verify.h"

struct tls_context;

enum tls_client_certificates {
    TLS_CLIENT_CERT_NONE,
    TLS_CLIENT_CERT_OPTIONAL,
    TLS_CLIENT_CERT_REQUIRED
};

enum { TLS_CLIENT_PINS_MAX = 4096, TLS_STAPLE_MAX_BYTES = 16 * 1024 };

/* Certificates of clients that are trusted for their own sake, self-signed or not: by the SHA-256
 * of the key, or of the whole certificate (DER). Their dates and their use are checked as ever. */
struct tls_client_pins {
    const struct tls_pin *keys;
    size_t key_count;
    const struct tls_pin *certificates;
    size_t certificate_count;
};

/* PEM texts, not paths: this room opens nothing. */
struct tls_server_settings {
    enum tls_policy_name policy;
    enum tls_version min, max;    /* TLS_VERSION_ANY: the policy's */
    struct bytes certificate_pem; /* the server's, then its intermediates */
    struct bytes key_pem;      /* its private key, not encrypted; nothing if there is a `signer` */
    struct tls_signer *signer; /* who has the key, or NULL; must outlive the context */
    uint32_t signer_key;       /* its number there */
    enum tls_client_certificates client_certificates;
    struct bytes client_ca_pem; /* those who may sign clients' certificates; may be empty if there
                                   are client_pins */
    struct bytes
        client_crl_pem;    /* CRLs of those CAs; empty: revocation is not looked at. With them, a
                              certificate whose CA has no current CRL here is refused */
    bool client_crl_chain; /* intermediate CAs are looked up, too: there is a CRL of every CA */
    struct tls_client_pins client_pins;
    struct bytes ocsp_der; /* the OCSP response to staple (DER), or empty: refused if it is not
                              about this certificate, not current, or says that it is revoked
                              (TLS-208); no longer sent once it is stale */
    bool alpn_required;    /* a control connection without ALPN is refused (TLS-120) */
};

/* FERRY_E_ARGUMENT with the words in `fault`: a PEM that cannot be read, a key that does not fit (a
 * signer's cannot be looked at), one of a kind that no signer has; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_context_new_server(const struct tls_server_settings *settings,
                                                  struct tls_context **out, struct fault *fault);

struct tls_client_settings {
    enum tls_policy_name policy;
    enum tls_version min, max;
    bool system_trust;            /* the system's CA store; see also ca_pem */
    struct bytes ca_pem;          /* further CAs to trust, or empty */
    struct bytes certificate_pem; /* the client's own, or empty */
    struct bytes key_pem;         /* its key; nothing if there is a `signer` */
    struct tls_signer *signer;    /* as of a server */
    uint32_t signer_key;
    const struct secret *key_passphrase; /* or NULL */
};

/* Errors as tls_context_new_server; an encrypted key without its passphrase is FERRY_E_ARGUMENT
 * that says so. */
NODISCARD enum ferry_error tls_context_new_client(const struct tls_client_settings *settings,
                                                  struct tls_context **out, struct fault *fault);

/* Whether a server's certificate is for `host`, a name, in any case, or a numeric address. */
bool tls_context_is_for(const struct tls_context *context, const char *host);

/* One more holder / one fewer; the last one frees it. NULL is fine for unref. */
struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context);

#endif
