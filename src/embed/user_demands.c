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
    if (settings->login != ADMISSION_PASSWORD && settings->login != ADMISSION_ANONYMOUS &&
        settings->certificate_count == 0)
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

const char *user_demands_tls_lacks(const struct user_demands *demands,
                                   const struct login_request *request)
{
    return demand_tls_lacks(demands->tls, demand_tls_met(request->tls));
}
