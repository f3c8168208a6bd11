/* What a TLS session turned out to be. */
#include "tls/describe.h"

#include <stdio.h>

#include "base/text.h"
#include "tls/certificate.h"
#include "tls/connection.h"
#include "tls/library.h"

const char *tls_version_name(enum tls_version version)
{
    static const char *const names[] = {
        [TLS_VERSION_ANY] = "any version", [TLS_VERSION_1_0] = "TLSv1.0",
        [TLS_VERSION_1_1] = "TLSv1.1",     [TLS_VERSION_1_2] = "TLSv1.2",
        [TLS_VERSION_1_3] = "TLSv1.3",
    };
    return names[version];
}

static enum tls_version version_of(const SSL *ssl)
{
    switch (SSL_version(ssl)) {
    case TLS1_VERSION:
        return TLS_VERSION_1_0;
    case TLS1_1_VERSION:
        return TLS_VERSION_1_1;
    case TLS1_2_VERSION:
        return TLS_VERSION_1_2;
    case TLS1_3_VERSION:
        return TLS_VERSION_1_3;
    default:
        return TLS_VERSION_ANY;
    }
}

static void describe_kex(SSL *ssl, struct tls_facts *facts)
{
    int group = (int)SSL_get_negotiated_group(ssl);
    const char *name = group != NID_undef ? SSL_group_to_name(ssl, group) : NULL;
    int nid = SSL_CIPHER_get_kx_nid(SSL_get_current_cipher(ssl));
    if (!name && nid == NID_kx_rsa)
        name = "RSA";
    else if (!name && nid == NID_kx_dhe)
        name = "DHE";
    text_visible_into(facts->kex, sizeof(facts->kex), bytes_str(name));
}

static const char *signature_name(int nid)
{
    switch (nid) {
    case EVP_PKEY_EC:
        return "ECDSA";
    case EVP_PKEY_RSA:
        return "RSA";
    case EVP_PKEY_RSA_PSS:
        return "RSA-PSS";
    default:
        return OBJ_nid2sn(nid);
    }
}

static void describe_signature(const SSL *ssl, struct tls_facts *facts)
{
    int type = NID_undef;
    int digest = NID_undef;
    if (facts->resumed || SSL_get_signature_type_nid(ssl, &type) != 1 || type == NID_undef)
        return;
    (void)SSL_get_signature_nid((SSL *)(uintptr_t)ssl, &digest);
    snprintf(facts->signature, sizeof(facts->signature), "%s%s%s", signature_name(type),
             digest != NID_undef ? "-" : "", digest != NID_undef ? OBJ_nid2sn(digest) : "");
}

static void describe_certificate(const X509 *certificate, struct tls_facts *facts)
{
    certificate_name_text(X509_get_subject_name(certificate), facts->peer_subject,
                          sizeof(facts->peer_subject));
    uint8_t sha256[LIBRARY_SHA256_BYTES];
    if (certificate_key_sha256(certificate, sha256))
        certificate_pin_text(sha256, facts->peer_spki_pin);
    if (!certificate_sha256(certificate, sha256))
        return;
    for (size_t i = 0; i < sizeof(sha256); i++)
        snprintf(facts->peer_sha256 + 2 * i, 3, "%02x", sha256[i]);
}

void tls_facts_read(const SSL *ssl, struct tls_facts *facts)
{
    *facts = (struct tls_facts){
        .version = version_of(ssl),
        .cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)),
        .resumed = SSL_session_reused(ssl) == 1,
    };
    facts->version_name = tls_version_name(facts->version);

    describe_kex((SSL *)(uintptr_t)ssl, facts);
    describe_signature(ssl, facts);
    const unsigned char *alpn = NULL;
    unsigned alpn_len = 0;
    SSL_get0_alpn_selected(ssl, &alpn, &alpn_len);
    text_visible_into(facts->alpn, sizeof(facts->alpn), bytes_of(alpn, alpn_len));
    text_visible_into(facts->server_name, sizeof(facts->server_name),
                      bytes_str(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)));
    text_visible_into(facts->host, sizeof(facts->host),
                      bytes_str(tls_hosts_chosen(tls_connection_of(ssl))));
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate)
        describe_certificate(certificate, facts);
}
