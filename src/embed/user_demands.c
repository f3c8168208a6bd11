/* What one account of a list demands of who logs in to it. */
#include "embed/user_demands.h"

#include "base/alloc.h"
#include "embed/users.h"
#include "tls/policy.h"

static enum ferry_error read_rules(struct user_demands *demands,
                                   const struct user_settings *settings, struct fault *fault)
{
    size_t count = settings->certificate_count;
    if (count == 0)
        return FERRY_OK;
    demands->certificates = alloc_resize(NULL, count, sizeof(*demands->certificates));
    if (!demands->certificates)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for an account");
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; error == FERRY_OK && i < count; i++)
        error = tls_identity_rule_parse(bytes_str(settings->certificates[i]),
                                        &demands->certificates[i], fault);
    demands->certificate_count = count;
    return error;
}

enum ferry_error user_demands_init(struct user_demands *demands,
                                   const struct user_settings *settings, struct fault *fault)
{
    *demands = (struct user_demands){.policy = settings->login, .tls = settings->tls};
    if (settings->login != ADMISSION_PASSWORD && settings->certificate_count == 0)
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "no rule says which certificate logs in to the account %s",
                         settings->name);
    enum ferry_error error = read_rules(demands, settings, fault);
    if (error != FERRY_OK)
        user_demands_fini(demands);
    return error;
}

void user_demands_fini(struct user_demands *demands)
{
    alloc_free(demands->certificates);
    *demands = (struct user_demands){0};
}

bool user_demands_certificate_fits(const struct user_demands *demands,
                                   const struct login_request *request)
{
    for (size_t i = 0; request->identity && i < demands->certificate_count; i++) {
        if (tls_identity_rule_matches(&demands->certificates[i], request->identity, request->name))
            return true;
    }
    return false;
}

/* The suites of TLS 1.2 that agree on a key of their own, by their IANA names. */
static bool has_forward_secrecy(const struct tls_facts *tls)
{
    struct bytes suite = bytes_str(tls->cipher);
    return tls->version == TLS_VERSION_1_3 || bytes_starts(suite, BYTES_LIT("TLS_ECDHE_")) ||
           bytes_starts(suite, BYTES_LIT("TLS_DHE_"));
}

const char *user_demands_tls_lacks(const struct user_demands *demands,
                                   const struct login_request *request)
{
    const struct tls_facts *tls = request->tls;
    switch (demands->tls) {
    case USER_TLS_LISTENER:
        return NULL;
    case USER_TLS_LEGACY:
        return tls ? NULL : "the account demands TLS";
    case USER_TLS_DEFAULT:
        return tls && tls->version >= TLS_VERSION_1_2 && has_forward_secrecy(tls)
                   ? NULL
                   : "the account demands TLS 1.2 with forward secrecy, or 1.3";
    case USER_TLS_MODERN:
        return tls && tls->version >= TLS_VERSION_1_3 ? NULL : "the account demands TLS 1.3";
    }
    return "the account demands a TLS that is not known";
}
