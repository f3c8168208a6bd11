/* A listen block as the rules of a listener. */
#include "ferryd/rules.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "ferryd/contexts.h"

/* What the rules point to until they are made. */
struct lists {
    struct network *proxies, *servers;
    struct server_passive_rule *passive;
};

static void lists_fini(struct lists *lists)
{
    alloc_free(lists->proxies);
    alloc_free(lists->servers);
    alloc_free(lists->passive);
}

/* NULL if there are none. */
static enum ferry_error read_networks(const struct conf_networks *from, struct network **out)
{
    if (from->count == 0)
        return FERRY_OK;
    struct network *list = alloc_resize(NULL, from->count, sizeof(*list));
    if (!list)
        return FERRY_E_MEMORY;
    for (size_t i = 0; i < from->count; i++) {
        const struct conf_network *network = &from->list[i];
        list[i] =
            (struct network){.family = network->len == 4 ? 1 : 2, .bits = network->prefix_bits};
        memcpy(list[i].bytes, network->bytes, sizeof(network->bytes));
    }
    *out = list;
    return FERRY_OK;
}

static enum ferry_error set_networks(const struct settings_listen *listen, struct lists *lists,
                                     struct server_rules *rules)
{
    enum ferry_error error = read_networks(&listen->proxies, &lists->proxies);
    if (error == FERRY_OK)
        error = read_networks(&listen->fxp_networks, &lists->servers);
    rules->proxies = lists->proxies;
    rules->proxy_count = listen->proxies.count;
    rules->fxp.networks = lists->servers;
    rules->fxp.network_count = listen->fxp_networks.count;
    return error;
}

/* "10.0.0.0/8 192.0.2.1" or "10.0.0.0/8 local". */
static enum ferry_error read_passive_rule(const char *text, struct server_passive_rule *out,
                                          struct fault *fault)
{
    char network[ADDRESS_TEXT_BYTES + 4] = "";
    char address[ADDRESS_TEXT_BYTES] = "";
    struct bytes rest = bytes_str(text);
    struct bytes first = bytes_cut(&rest, ' ');
    rest = text_trim(rest);
    *out = (struct server_passive_rule){0};
    if (first.len >= sizeof(network) || rest.len == 0 || rest.len >= sizeof(address))
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "\"%s\" is not a network and an address, or local, behind it", text);
    snprintf(network, sizeof(network), "%.*s", BYTES_FMT(first));
    snprintf(address, sizeof(address), "%.*s", BYTES_FMT(rest));
    enum ferry_error error = network_parse(network, &out->network, fault);
    if (error != FERRY_OK || bytes_equal(rest, BYTES_LIT("local")))
        return error;
    if (address_parse(address, 0, &out->address) != FERRY_OK)
        return fault_set(fault, FERRY_E_ARGUMENT, "\"%s\" is not a numeric address, and not local",
                         address);
    return FERRY_OK;
}

static enum ferry_error set_passive_networks(struct conf *conf,
                                             const struct conf_instance *instance,
                                             struct lists *lists, struct server_rules *rules)
{
    const struct conf_texts *from =
        &((const struct settings_listen *)instance->values)->passive_networks;
    if (from->count == 0)
        return FERRY_OK;
    lists->passive = alloc_resize(NULL, from->count, sizeof(*lists->passive));
    if (!lists->passive)
        return FERRY_E_MEMORY;
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < from->count; i++) {
        struct fault fault = {0};
        if (read_passive_rule(from->list[i], &lists->passive[i], &fault) == FERRY_OK)
            continue;
        conf_mistake(conf, instance, "passive_networks", "%s", fault.what);
        error = FERRY_E_ARGUMENT;
    }
    rules->passive_rules = lists->passive;
    rules->passive_rule_count = from->count;
    return error;
}

static void set_plain(const struct settings_listen *listen, struct server_rules *rules)
{
    rules->passive_low = listen->passive_ports.low;
    rules->passive_high = listen->passive_ports.high;
    rules->passive_name = listen->passive_name;
    /* The text was checked when it was read; an empty one is none. */
    if (listen->passive_address.text[0])
        (void)!address_parse(listen->passive_address.text, 0, &rules->passive_address);
}

static enum ferry_error make(struct conf *conf, const struct conf_instance *instance,
                             const struct contexts *contexts, struct server_rules **out)
{
    const struct settings_listen *listen = instance->values;
    CLEANUP(lists_fini) struct lists lists = {0};
    struct fault fault = {0};
    struct server_rules rules = listen->rules;
    rules.tls = contexts->tls;
    rules.hosts = contexts->hosts;
    rules.fxp.tls = contexts->fxp;
    rules.fxp.peers = contexts->peers;
    set_plain(listen, &rules);
    enum ferry_error error = set_networks(listen, &lists, &rules);
    if (error == FERRY_OK)
        error = set_passive_networks(conf, instance, &lists, &rules);
    if (error != FERRY_OK)
        return error;
    error = server_rules_new(&rules, out, &fault);
    if (error != FERRY_OK && error != FERRY_E_MEMORY)
        conf_mistake(conf, instance, NULL, "%s", fault.what);
    return error;
}

/* Whether settings_read has told already what server_rules_new would say. */
static bool is_hopeless(const struct settings_listen *listen)
{
    return !listen->host.certificate &&
           (listen->rules.kind != LISTEN_EXPLICIT || !listen->rules.plaintext_allowed);
}

enum ferry_error rules_make(struct conf *conf, const struct conf_instance *instance,
                            conf_load_fn *load, void *ctx, struct server_rules **out)
{
    const struct settings_listen *listen = instance->values;
    CLEANUP(contexts_fini) struct contexts contexts = {0};
    *out = NULL;
    if (is_hopeless(listen))
        return FERRY_OK;
    enum ferry_error error = FERRY_OK;
    if (listen->host.certificate)
        error = contexts_make(conf, instance, load, ctx, &contexts);
    if (error == FERRY_OK)
        error = make(conf, instance, &contexts, out);
    return error == FERRY_E_MEMORY ? error : FERRY_OK;
}
