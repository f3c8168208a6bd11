/* A listen block as the rules of a listener. */
#include "ferryd/rules.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "tls/peers.h"

static const struct {
    const char *directive;
    size_t offset; /* of the path */
} file_rows[] = {
    [RULES_CERTIFICATE] = {"certificate", offsetof(struct settings_listen, certificate)},
    [RULES_KEY] = {"key", offsetof(struct settings_listen, key)},
    [RULES_CLIENT_CA] = {"client_ca", offsetof(struct settings_listen, client_ca)},
    [RULES_CLIENT_CRL] = {"client_crl", offsetof(struct settings_listen, client_crl)},
    [RULES_OCSP_RESPONSE] = {"ocsp_response", offsetof(struct settings_listen, ocsp_response)},
    [RULES_FXP_CA] = {"fxp_ca", offsetof(struct settings_listen, fxp_ca)},
};

const char *rules_file_path(const struct settings_listen *listen, enum rules_file file)
{
    return *(char *const *)(const void *)((const char *)listen + file_rows[file].offset);
}

/* ---- files ---- */

/* What is in them; empty for those that are not named. */
struct files {
    struct buf text[RULES_FILES];
};

static void files_init(struct files *files)
{
    for (size_t i = 0; i < RULES_FILES; i++)
        buf_init(&files->text[i], CONF_FILE_MAX_BYTES);
}

/* A key may stand in any of them. */
static void files_fini(struct files *files)
{
    for (size_t i = 0; i < RULES_FILES; i++)
        buf_wipe(&files->text[i]);
}

/* Tells of all that cannot be read; returns the last error. */
static enum ferry_error files_read(struct files *files, struct conf *conf,
                                   const struct conf_instance *instance, conf_load_fn *load,
                                   void *ctx)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < RULES_FILES; i++) {
        struct fault fault = {0};
        const char *path = rules_file_path(instance->values, (enum rules_file)i);
        if (!path)
            continue;
        enum ferry_error of_this = load(ctx, path, &files->text[i], &fault);
        if (of_this == FERRY_E_MEMORY)
            return of_this;
        if (of_this == FERRY_OK)
            continue;
        conf_mistake(conf, instance, file_rows[i].directive, "%s: %s", path, fault.what);
        error = of_this;
    }
    return error;
}

/* ---- rules ---- */

/* FERRY_E_ARGUMENT: some are none, and were told of. */
static enum ferry_error read_pins(struct conf *conf, const struct conf_instance *instance,
                                  const char *directive, const struct conf_texts *from,
                                  struct tls_pin **out)
{
    if (from->count == 0)
        return FERRY_OK;
    *out = alloc_resize(NULL, from->count, sizeof(**out));
    if (!*out)
        return FERRY_E_MEMORY;
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < from->count; i++) {
        if (tls_pin_parse(bytes_str(from->list[i]), &(*out)[i]) == FERRY_OK)
            continue;
        conf_mistake(conf, instance, directive, "\"%s\" is not sha256// and 44 letters of base64",
                     from->list[i]);
        error = FERRY_E_ARGUMENT;
    }
    return error;
}

static enum ferry_error make_context(struct conf *conf, const struct conf_instance *instance,
                                     const struct files *files, struct tls_context **out)
{
    const struct settings_listen *listen = instance->values;
    struct fault fault = {0};
    struct tls_pin *pins = NULL;
    enum ferry_error error = read_pins(conf, instance, "client_pins", &listen->client_pins, &pins);
    if (error == FERRY_OK) {
        const struct tls_server_settings settings = {
            .policy = listen->policy,
            .min = listen->tls_min,
            .max = listen->tls_max,
            .certificate_pem = buf_view(&files->text[RULES_CERTIFICATE]),
            .key_pem = buf_view(&files->text[listen->key ? RULES_KEY : RULES_CERTIFICATE]),
            .client_certificates = listen->client_certificates,
            .client_ca_pem = buf_view(&files->text[RULES_CLIENT_CA]),
            .client_crl_pem = buf_view(&files->text[RULES_CLIENT_CRL]),
            .client_crl_chain = listen->client_crl_chain,
            .client_pins = {.keys = pins, .key_count = listen->client_pins.count},
            .ocsp_der = buf_view(&files->text[RULES_OCSP_RESPONSE]),
            .alpn_required = listen->alpn_required,
        };
        error = tls_context_new_server(&settings, out, &fault);
        if (error != FERRY_OK && error != FERRY_E_MEMORY)
            conf_mistake(conf, instance, "certificate", "%s", fault.what);
    }
    alloc_free(pins);
    return error;
}

/* What the rules point to until they are made. */
struct lists {
    struct network *proxies, *servers;
    struct server_passive_rule *passive;
    struct tls_context *fxp;
    struct tls_peers *peers;
};

static void lists_fini(struct lists *lists)
{
    alloc_free(lists->proxies);
    alloc_free(lists->servers);
    tls_context_unref(lists->fxp);
    tls_peers_unref(lists->peers);
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

/* Who other servers are, and who we are to them: TLS client with the certificate we serve with. */
static enum ferry_error set_fxp(struct conf *conf, const struct conf_instance *instance,
                                const struct files *files, struct lists *lists,
                                struct server_rules *rules)
{
    const struct settings_listen *listen = instance->values;
    const struct tls_client_settings settings = {
        .policy = listen->policy,
        .certificate_pem = buf_view(&files->text[RULES_CERTIFICATE]),
        .key_pem = buf_view(&files->text[listen->key ? RULES_KEY : RULES_CERTIFICATE]),
    };
    struct fault fault = {0};
    struct tls_pin *pins = NULL;
    if (!listen->rules.dialect.fxp || !listen->certificate)
        return FERRY_OK;
    enum ferry_error error = read_pins(conf, instance, "fxp_pins", &listen->fxp_pins, &pins);
    if (error == FERRY_OK) {
        error = tls_peers_new(buf_view(&files->text[RULES_FXP_CA]), pins, listen->fxp_pins.count,
                              &lists->peers, &fault);
        if (error == FERRY_OK)
            error = tls_context_new_client(&settings, &lists->fxp, &fault);
        if (error != FERRY_OK && error != FERRY_E_MEMORY)
            conf_mistake(conf, instance, "fxp", "%s", fault.what);
    }
    alloc_free(pins);
    rules->fxp.tls = lists->fxp;
    rules->fxp.peers = lists->peers;
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
                             const struct files *files, struct tls_context *tls,
                             struct server_rules **out)
{
    const struct settings_listen *listen = instance->values;
    CLEANUP(lists_fini) struct lists lists = {0};
    struct fault fault = {0};
    struct server_rules rules = listen->rules;
    rules.tls = tls;
    set_plain(listen, &rules);
    enum ferry_error error = set_networks(listen, &lists, &rules);
    if (error == FERRY_OK)
        error = set_fxp(conf, instance, files, &lists, &rules);
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
    return !listen->certificate &&
           (listen->rules.kind != LISTEN_EXPLICIT || !listen->rules.plaintext_allowed);
}

enum ferry_error rules_make(struct conf *conf, const struct conf_instance *instance,
                            conf_load_fn *load, void *ctx, struct server_rules **out)
{
    const struct settings_listen *listen = instance->values;
    struct tls_context *tls = NULL;
    struct files files;
    *out = NULL;
    if (is_hopeless(listen))
        return FERRY_OK;
    files_init(&files);
    enum ferry_error error = files_read(&files, conf, instance, load, ctx);
    if (error == FERRY_OK && listen->certificate)
        error = make_context(conf, instance, &files, &tls);
    if (error == FERRY_OK)
        error = make(conf, instance, &files, tls, out);
    files_fini(&files);
    tls_context_unref(tls);
    return error == FERRY_E_MEMORY ? error : FERRY_OK;
}
