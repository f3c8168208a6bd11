/* Rules that say which certificate is whose, in text form (TLS-80 to TLS-83). A rule compares whole
 * values: there are no wildcards and no parts of values.
 *
 *     fingerprint:HEX              SHA-256 of the certificate (DER); colons between the bytes are
 * fine spki:sha256//BASE64          SHA-256 of its public key, as pins are written
 *     issuer-serial:DN#HEX         who signed it, and its number
 *     subject:DN                   RFC 4514
 *     email:LOCAL@DOMAIN           a subjectAltName; so are the next three
 *     dns:NAME
 *     upn:LOCAL@DOMAIN
 *     uri:URI
 *     cn:NAME                      the subject's common name, if it has exactly one
 *
 *     email-is-user                the value is the name the user gave
 *     email-local-is-user:DOMAIN   its part before the @ is, in this domain
 *     upn-is-user  upn-local-is-user:DOMAIN  dns-is-user  cn-is-user
 *
 * Case counts, but not in the letters of ASCII in a DN, a common name after "cn:" (RFC 5280
 * section 7.1), a DNS name and the domain of an e-mail address or UPN (section 7.5). A name of a
 * user is compared as it is (TLS-82). */
#ifndef FERRY_TLS_IDENTITY_RULE_H
#define FERRY_TLS_IDENTITY_RULE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "tls/identity.h"

enum tls_identity_rule_kind {
    TLS_RULE_FINGERPRINT,
    TLS_RULE_SPKI,
    TLS_RULE_ISSUER_SERIAL,
    TLS_RULE_SUBJECT,
    TLS_RULE_EMAIL,
    TLS_RULE_DNS,
    TLS_RULE_UPN,
    TLS_RULE_URI,
    TLS_RULE_CN,
    TLS_RULE_EMAIL_IS_USER,
    TLS_RULE_EMAIL_LOCAL_IS_USER,
    TLS_RULE_UPN_IS_USER,
    TLS_RULE_UPN_LOCAL_IS_USER,
    TLS_RULE_DNS_IS_USER,
    TLS_RULE_CN_IS_USER,
};

/* A rule that was read; a plain value, to be copied freely. */
struct tls_identity_rule {
    enum tls_identity_rule_kind kind;
    char value[TLS_IDENTITY_DN_BYTES];      /* normalised; "" for hashes and for -is-user */
    char serial[TLS_IDENTITY_SERIAL_BYTES]; /* of issuer-serial */
    uint8_t sha256[TLS_IDENTITY_HASH_BYTES];
};

/* FERRY_E_ARGUMENT with the words in `fault`; FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_identity_rule_parse(struct bytes text, struct tls_identity_rule *out,
                                                   struct fault *fault);

/* Whether the certificate is that of `user`, by this rule. `user` matters to the -is-user rules
 * alone; a name with NUL, '/', a control byte or over 255 bytes is nobody's there (TLS-81). */
bool tls_identity_rule_matches(const struct tls_identity_rule *rule,
                               const struct tls_identity *identity, struct bytes user);

#endif
