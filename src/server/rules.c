/* The rules of one listener. */
#include "server/rules.h"

#include <netinet/in.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "server/external.h"

const char *listen_kind_name(enum listen_kind kind)
{
    static const char *const names[] = {
        [LISTEN_EXPLICIT] = "explicit",
        [LISTEN_IMPLICIT] = "implicit",
        [LISTEN_EITHER] = "either",
    };
    return names[kind];
}

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
    default_to(&rules->control_keepalive_ns, 60);
    default_to(&rules->login_delay_ns, 1);
    default_to(&rules->passive_lookup_ns, 300);
    if (rules->first_bytes_ns == 0)
        rules->first_bytes_ns = 300 * CLOCK_NS_PER_MS;
}

/* ---- checking ---- */

bool server_rules_can_tell(const struct address *address)
{
    static const struct network nobody = {.family = 1, .bits = 8};
    return address->storage.ss_family == AF_INET && !network_contains(&nobody, address);
}

static enum ferry_error check_told(const struct address *address, struct fault *fault)
{
    char text[ADDRESS_TEXT_BYTES];
    if (address->len == 0 || server_rules_can_tell(address))
        return FERRY_OK;
    address_text(address, text);
    return fault_set(fault, FERRY_E_ARGUMENT,
                     "%s cannot be a passive address: PASV tells an IPv4 address of a host", text);
}

static enum ferry_error check_passive(const struct server_rules *rules, struct fault *fault)
{
    bool range = rules->passive_low || rules->passive_high;
    if (range && (rules->passive_low == 0 || rules->passive_low > rules->passive_high))
        return fault_set(fault, FERRY_E_ARGUMENT, "the passive ports are no range");
    if (rules->passive_name && rules->passive_address.len)
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "the passive address is told by a name and by a number");
    enum ferry_error error = check_told(&rules->passive_address, fault);
    for (size_t i = 0; error == FERRY_OK && i < rules->passive_rule_count; i++)
        error = check_told(&rules->passive_rules[i].address, fault);
    return error;
}

static enum ferry_error check(const struct server_rules *rules, struct fault *fault)
{
    if (rules->kind == LISTEN_EITHER && rules->dialect.greet_before_tls)
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "where the first bytes decide, no greeting can come before TLS");
    if (!rules->tls && rules->kind != LISTEN_EXPLICIT)
        return fault_set(fault, FERRY_E_ARGUMENT, "implicit TLS needs a certificate");
    if (!rules->tls && rules->hosts)
        return fault_set(fault, FERRY_E_ARGUMENT, "hosts need a default one among them");
    if (!rules->tls && !rules->plaintext_allowed)
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "a server without a certificate can only serve in clear, which must be "
                         "allowed expressly");
    if (rules->dialect.fxp && (!rules->tls || !rules->fxp.tls || !rules->fxp.peers))
        return fault_set(
            fault, FERRY_E_ARGUMENT,
            "server-to-server transfers need TLS and a CA or pins of the other servers");
    return check_passive(rules, fault);
}

/* ---- life ---- */

/* Copies `count` things of `from`, which may be none. false: memory is short. */
static bool copy(void **to, const void *from, size_t count, size_t size_bytes)
{
    *to = count ? alloc_resize(NULL, count, size_bytes) : NULL;
    if (*to)
        memcpy(*to, from, count * size_bytes);
    return *to || count == 0;
}

/* Copies what was borrowed. */
static bool make_own(struct server_rules *rules)
{
    const char *name = rules->passive_name;
    void **copies = rules->copies;
    memset(rules->copies, 0, sizeof(rules->copies));
    if (!copy(&copies[0], name, name ? strlen(name) + 1 : 0, 1) ||
        !copy(&copies[1], rules->passive_rules, rules->passive_rule_count,
              sizeof(*rules->passive_rules)) ||
        !copy(&copies[2], rules->proxies, rules->proxy_count, sizeof(*rules->proxies)) ||
        !copy(&copies[3], rules->fxp.networks, rules->fxp.network_count,
              sizeof(*rules->fxp.networks)))
        return false;
    rules->passive_name = copies[0];
    rules->passive_rules = copies[1];
    rules->proxies = copies[2];
    rules->fxp.networks = copies[3];
    return true;
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
    rules->external = NULL;
    if (rules->tls)
        tls_context_ref(rules->tls);
    if (rules->hosts)
        tls_hosts_ref(rules->hosts);
    if (rules->fxp.tls)
        tls_context_ref(rules->fxp.tls);
    if (rules->fxp.peers)
        tls_peers_ref(rules->fxp.peers);
    fill_defaults(rules);
    if (!make_own(rules)) {
        server_rules_unref(rules);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the rules of a listener");
    }
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
    server_external_free(rules->external);
    for (size_t i = 0; i < ARRAY_LEN(rules->copies); i++)
        alloc_free(rules->copies[i]);
    tls_context_unref(rules->tls);
    tls_hosts_unref(rules->hosts);
    tls_context_unref(rules->fxp.tls);
    tls_peers_unref(rules->fxp.peers);
    alloc_free(rules);
}

/* ---- use ---- */

void server_rules_serve(struct server_rules *rules, struct loop *loop, const struct names *names,
                        const struct log *log)
{
    if (!rules->passive_name || rules->external)
        return;
    rules->external =
        server_external_new(loop, names, log, rules->passive_name, rules->passive_lookup_ns);
    if (!rules->external)
        log_event(log, LOG_LEVEL_ERROR, "passive.lookup", F_STR("name", rules->passive_name),
                  F_STR("reason", "memory is short"), F_STR("side", "server"),
                  F_STR("advice", "give the server more memory, and reload"));
}

const struct address *server_rules_passive_address(const struct server_rules *rules,
                                                   const struct address *peer,
                                                   const struct address *reached)
{
    for (size_t i = 0; i < rules->passive_rule_count; i++) {
        const struct server_passive_rule *rule = &rules->passive_rules[i];
        if (network_contains(&rule->network, peer))
            return rule->address.len ? &rule->address : reached;
    }
    if (rules->passive_name)
        return rules->external ? server_external_address(rules->external) : NULL;
    return rules->passive_address.len ? &rules->passive_address : reached;
}
