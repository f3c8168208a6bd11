/* The rules of one listener. */
#include "server/rules.h"

#include "base/alloc.h"
#include "base/clock.h"

static void default_to(uint64_t *value_ns, uint64_t seconds)
{
    if (*value_ns == 0)
        *value_ns = seconds * CLOCK_NS_PER_S;
}

static void fill_defaults(struct server_rules *rules)
{
    default_to(&rules->login_timeout_ns, 60);
    default_to(&rules->idle_timeout_ns, 600);
    default_to(&rules->handshake_timeout_ns, 20);
    default_to(&rules->passive_timeout_ns, 60);
    default_to(&rules->data_timeout_ns, 20);
    default_to(&rules->stall_timeout_ns, 120);
    default_to(&rules->login_delay_ns, 1);
}

static enum ferry_error check(const struct server_rules *rules, struct fault *fault)
{
    if (!rules->tls && rules->kind == LISTEN_IMPLICIT)
        return fault_set(fault, FERRY_E_ARGUMENT, "implicit TLS needs a certificate");
    if (!rules->tls && !rules->plaintext_allowed)
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "a server without a certificate can only serve in clear, which must be "
                         "allowed expressly");
    bool range = rules->passive_low || rules->passive_high;
    if (range && (rules->passive_low == 0 || rules->passive_low > rules->passive_high))
        return fault_set(fault, FERRY_E_ARGUMENT, "the passive ports are no range");
    return FERRY_OK;
}

enum ferry_error server_rules_new(const struct server_rules *from, struct server_rules **out,
                                  struct fault *fault)
{
    enum ferry_error error = check(from, fault);
    if (error != FERRY_OK)
        return error;
    struct server_rules *rules = alloc_zero(sizeof(*rules));
    if (!rules)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the rules of a listener");
    *rules = *from;
    rules->refs = 1;
    if (rules->tls)
        tls_context_ref(rules->tls);
    fill_defaults(rules);
    *out = rules;
    return FERRY_OK;
}

struct server_rules *server_rules_ref(struct server_rules *rules)
{
    rules->refs++;
    return rules;
}

void server_rules_unref(struct server_rules *rules)
{
    if (!rules || --rules->refs > 0)
        return;
    tls_context_unref(rules->tls);
    alloc_free(rules);
}
