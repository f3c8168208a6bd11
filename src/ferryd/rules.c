/* A listen block as the rules of a listener. */
#include "ferryd/rules.h"

#include "base/buf.h"

/* The PEM files of a block; each is empty if it names none. */
struct pem {
    struct buf certificate, key, client_ca;
};

static void pem_init(struct pem *pem)
{
    buf_init(&pem->certificate, CONF_FILE_MAX_BYTES);
    buf_init(&pem->key, CONF_FILE_MAX_BYTES);
    buf_init(&pem->client_ca, CONF_FILE_MAX_BYTES);
}

static void pem_fini(struct pem *pem)
{
    buf_wipe(&pem->certificate); /* a key may stand in it */
    buf_wipe(&pem->key);
    buf_fini(&pem->client_ca);
}

/* Returns whether it is there, or is not named. */
static enum ferry_error read_pem(struct conf *conf, const struct conf_instance *listen,
                                 const char *directive, const char *path, struct buf *out)
{
    struct fault fault = {0};
    enum ferry_error error = path ? conf_load_file(NULL, path, out, &fault) : FERRY_OK;
    if (error != FERRY_OK && error != FERRY_E_MEMORY)
        conf_mistake(conf, listen, directive, "%s: %s", path, fault.what);
    return error;
}

static enum ferry_error read_pems(struct conf *conf, const struct conf_instance *instance,
                                  struct pem *pem)
{
    const struct settings_listen *listen = instance->values;
    enum ferry_error error =
        read_pem(conf, instance, "certificate", listen->certificate, &pem->certificate);
    enum ferry_error of_key = read_pem(conf, instance, "key", listen->key, &pem->key);
    enum ferry_error of_ca =
        read_pem(conf, instance, "client_ca", listen->client_ca, &pem->client_ca);
    if (error != FERRY_OK)
        return error;
    return of_key != FERRY_OK ? of_key : of_ca;
}

static enum ferry_error make_context(struct conf *conf, const struct conf_instance *instance,
                                     const struct pem *pem, struct tls_context **out)
{
    const struct settings_listen *listen = instance->values;
    struct fault fault = {0};
    const struct tls_server_settings settings = {
        .policy = listen->policy,
        .min = listen->tls_min,
        .max = listen->tls_max,
        .certificate_pem = buf_view(&pem->certificate),
        .key_pem = buf_view(listen->key ? &pem->key : &pem->certificate),
        .client_certificates = listen->client_certificates,
        .client_ca_pem = buf_view(&pem->client_ca),
    };
    enum ferry_error error = tls_context_new_server(&settings, out, &fault);
    if (error != FERRY_OK && error != FERRY_E_MEMORY)
        conf_mistake(conf, instance, "certificate", "%s", fault.what);
    return error;
}

static void set_addresses(const struct settings_listen *listen, struct server_rules *rules)
{
    rules->passive_low = listen->passive_ports.low;
    rules->passive_high = listen->passive_ports.high;
    /* The text was checked when it was read; an empty one is none. */
    if (listen->passive_address.text[0])
        (void)!address_parse(listen->passive_address.text, 0, &rules->passive_address);
}

static enum ferry_error make(struct conf *conf, const struct conf_instance *instance,
                             struct tls_context *tls, struct server_rules **out)
{
    const struct settings_listen *listen = instance->values;
    struct fault fault = {0};
    struct server_rules rules = listen->rules;
    rules.tls = tls;
    set_addresses(listen, &rules);
    enum ferry_error error = server_rules_new(&rules, out, &fault);
    if (error != FERRY_OK && error != FERRY_E_MEMORY)
        conf_mistake(conf, instance, NULL, "%s", fault.what);
    return error;
}

enum ferry_error rules_make(struct conf *conf, const struct conf_instance *instance,
                            struct server_rules **out)
{
    const struct settings_listen *listen = instance->values;
    struct tls_context *tls = NULL;
    struct pem pem;
    pem_init(&pem);
    *out = NULL;
    enum ferry_error error = read_pems(conf, instance, &pem);
    if (error == FERRY_OK && listen->certificate)
        error = make_context(conf, instance, &pem, &tls);
    pem_fini(&pem);
    if (error == FERRY_OK)
        error = make(conf, instance, tls, out);
    tls_context_unref(tls);
    return error == FERRY_E_MEMORY ? error : FERRY_OK;
}
