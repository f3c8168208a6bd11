/* AUTH, PBSZ and PROT as one small machine. */
#include "ftp/security.h"

#include "base/compiler.h"
#include "base/text.h"

static const struct {
    const char *name;
    bool private;
} mechanisms[] = {
    [AUTH_UNKNOWN] = {"", false}, [AUTH_TLS] = {"TLS", false},    [AUTH_TLS_C] = {"TLS-C", false},
    [AUTH_SSL] = {"SSL", true},   [AUTH_TLS_P] = {"TLS-P", true},
};

enum auth_mechanism auth_mechanism_find(struct bytes name)
{
    for (size_t i = AUTH_UNKNOWN + 1; i < ARRAY_LEN(mechanisms); i++) {
        if (text_same(name, bytes_str(mechanisms[i].name)))
            return (enum auth_mechanism)i;
    }
    return AUTH_UNKNOWN;
}

const char *auth_mechanism_name(enum auth_mechanism mechanism)
{
    return mechanisms[mechanism].name;
}

bool auth_implies_private(enum auth_mechanism mechanism)
{
    return mechanisms[mechanism].private;
}

void security_init(struct security *security, bool implicit)
{
    *security = (struct security){.state = SECURITY_PLAIN, .level = PROTECTION_CLEAR};
    if (implicit)
        security_auth(security, AUTH_TLS_P);
}

void security_auth(struct security *security, enum auth_mechanism mechanism)
{
    security->state = SECURITY_HANDSHAKE;
    security->mechanism = mechanism;
}

void security_sealed(struct security *security)
{
    security->state = SECURITY_SEALED;
    security->pbsz_done = false;
    security->level =
        auth_implies_private(security->mechanism) ? PROTECTION_PRIVATE : PROTECTION_CLEAR;
}

void security_clear(struct security *security)
{
    security->state = SECURITY_CLEARED;
}

void security_reset(struct security *security)
{
    security_init(security, false);
}
