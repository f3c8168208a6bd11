/* The TLS of a listener: its certificates and those of the hosts behind it, from their files. */
#include "ferryd/contexts.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "ferryd/pem_text.h"

/* ---- files ---- */

/* What is in them; empty for those that are not named. */
struct files {
    struct buf text[HOST_FILES];
};

static void files_init(struct files *files)
{
    for (size_t i = 0; i < HOST_FILES; i++)
        buf_init(&files->text[i], CONF_FILE_MAX_BYTES);
}

/* A key may stand in any of them. */
static void files_fini(struct files *files)
{
    for (size_t i = 0; i < HOST_FILES; i++)
        buf_wipe(&files->text[i]);
}

/* Tells of all that cannot be read; returns the last error. */
static enum ferry_error files_read(struct files *files, struct conf *conf,
                                   const struct conf_instance *instance,
                                   const struct settings_host *host,
                                   const struct contexts_input *input)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < HOST_FILES; i++) {
        struct fault fault = {0};
        const char *path = hosts_file_path(host, (enum host_file)i);
        if (!path || (i == HOST_KEY && input->signer))
            continue;
        enum ferry_error of_this = input->load(input->ctx, path, &files->text[i], &fault);
        if (of_this == FERRY_E_MEMORY)
            return of_this;
        if (of_this == FERRY_OK)
            continue;
        conf_mistake(conf, instance, hosts_file_directive((enum host_file)i), "%s: %s", path,
                     fault.what);
        error = of_this;
    }
    return error;
}

/* ---- contexts ---- */

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

/* Nothing, if a signer has it. */
static struct bytes key_of(const struct settings_host *host, const struct files *files,
                           const struct contexts_input *input)
{
    if (input->signer)
        return bytes_str(NULL);
    return buf_view(&files->text[host->key ? HOST_KEY : HOST_CERTIFICATE]);
}

/* FERRY_E_ARGUMENT: there is one, and it was told of. */
static enum ferry_error refuse_key(struct conf *conf, const struct conf_instance *instance,
                                   const struct files *files, const struct contexts_input *input)
{
    if (!input->signer || !pem_has_key(buf_view(&files->text[HOST_CERTIFICATE])))
        return FERRY_OK;
    conf_mistake(conf, instance, "certificate", "a private key came with the certificate");
    return FERRY_E_ARGUMENT;
}

/* The context of `host`, whose block `instance` is, at the listener. */
static enum ferry_error build(struct conf *conf, const struct conf_instance *instance,
                              const struct settings_host *host,
                              const struct settings_listen *listen, const struct files *files,
                              const struct contexts_input *input, struct tls_context **out)
{
    struct fault fault = {0};
    struct tls_pin *pins = NULL;
    enum ferry_error error = refuse_key(conf, instance, files, input);
    if (error == FERRY_OK)
        error = read_pins(conf, instance, "client_pins", &host->client_pins, &pins);
    if (error == FERRY_OK) {
        const struct tls_server_settings settings = {
            .policy = listen->policy,
            .min = listen->tls_min,
            .max = listen->tls_max,
            .certificate_pem = buf_view(&files->text[HOST_CERTIFICATE]),
            .key_pem = key_of(host, files, input),
            .signer = input->signer,
            .signer_key = hosts_key_number(conf, instance),
            .client_certificates = host->client_certificates,
            .client_ca_pem = buf_view(&files->text[HOST_CLIENT_CA]),
            .client_crl_pem = buf_view(&files->text[HOST_CLIENT_CRL]),
            .client_crl_chain = host->client_crl_chain,
            .client_pins = {.keys = pins, .key_count = host->client_pins.count},
            .ocsp_der = buf_view(&files->text[HOST_OCSP_RESPONSE]),
            .alpn_required = listen->alpn_required,
        };
        error = tls_context_new_server(&settings, out, &fault);
        if (error != FERRY_OK && error != FERRY_E_MEMORY)
            conf_mistake(conf, instance, "certificate", "%s", fault.what);
    }
    alloc_free(pins);
    return error;
}

static enum ferry_error make_context(struct conf *conf, const struct conf_instance *instance,
                                     const struct settings_host *host,
                                     const struct settings_listen *listen,
                                     const struct contexts_input *input, struct tls_context **out)
{
    CLEANUP(files_fini) struct files files;
    files_init(&files);
    enum ferry_error error = files_read(&files, conf, instance, host, input);
    return error == FERRY_OK ? build(conf, instance, host, listen, &files, input, out) : error;
}

/* ---- hosts ---- */

/* What tls_hosts_new takes; it holds the contexts until that has them. */
struct gathered {
    struct tls_host *list;
    size_t count;
};

static void gathered_fini(struct gathered *gathered)
{
    for (size_t i = 0; i < gathered->count; i++)
        tls_context_unref(gathered->list[i].context);
    alloc_free(gathered->list);
}

static enum ferry_error gather(struct gathered *gathered, const char *name,
                               struct tls_context *context)
{
    struct tls_host *list =
        alloc_resize(gathered->list, gathered->count + 1, sizeof(*gathered->list));
    if (!list)
        return FERRY_E_MEMORY;
    gathered->list = list;
    list[gathered->count++] = (struct tls_host){.name = name, .context = tls_context_ref(context)};
    return FERRY_OK;
}

static enum ferry_error gather_names(struct gathered *gathered, const struct settings_host *host,
                                     struct tls_context *context)
{
    enum ferry_error error = host->name ? gather(gathered, host->name, context) : FERRY_OK;
    for (size_t i = 0; error == FERRY_OK && i < host->names.count; i++)
        error = gather(gathered, host->names.list[i], context);
    return error;
}

static enum ferry_error gather_blocks(struct gathered *gathered, struct conf *conf,
                                      const struct settings_listen *listen,
                                      const struct contexts_input *input)
{
    enum ferry_error error = FERRY_OK;
    const struct conf_instance *block = NULL;
    while (error != FERRY_E_MEMORY && (block = conf_next(conf, SETTINGS_HOST, block))) {
        const struct settings_host *host = block->values;
        struct tls_context *context = NULL;
        enum ferry_error of_this = host->certificate
                                       ? make_context(conf, block, host, listen, input, &context)
                                       : FERRY_E_ARGUMENT;
        if (of_this == FERRY_OK)
            of_this = gather_names(gathered, host, context);
        tls_context_unref(context);
        if (of_this != FERRY_OK)
            error = of_this;
    }
    return error;
}

/* NULL where no host has a name. */
static enum ferry_error make_hosts(struct conf *conf, const struct conf_instance *instance,
                                   const struct contexts_input *input, struct contexts *contexts)
{
    const struct settings_listen *listen = instance->values;
    CLEANUP(gathered_fini) struct gathered gathered = {0};
    struct fault fault = {0};
    enum ferry_error error = gather_names(&gathered, &listen->host, contexts->tls);
    if (error == FERRY_OK)
        error = gather_blocks(&gathered, conf, listen, input);
    if (error != FERRY_OK || gathered.count == 0)
        return error;
    const struct tls_hosts_settings settings = {
        .fallback = contexts->tls,
        .hosts = gathered.list,
        .host_count = gathered.count,
        .unknown = listen->sni_unknown,
    };
    error = tls_hosts_new(&settings, &contexts->hosts, &fault);
    if (error != FERRY_OK && error != FERRY_E_MEMORY)
        conf_mistake(conf, instance, NULL, "%s", fault.what);
    return error;
}

/* ---- other servers ---- */

static enum ferry_error make_peers(struct conf *conf, const struct conf_instance *instance,
                                   struct bytes ca_pem, struct tls_peers **out)
{
    const struct settings_listen *listen = instance->values;
    struct fault fault = {0};
    struct tls_pin *pins = NULL;
    enum ferry_error error = read_pins(conf, instance, "fxp_pins", &listen->fxp_pins, &pins);
    if (error == FERRY_OK) {
        error = tls_peers_new(ca_pem, pins, listen->fxp_pins.count, out, &fault);
        if (error != FERRY_OK && error != FERRY_E_MEMORY)
            conf_mistake(conf, instance, "fxp", "%s", fault.what);
    }
    alloc_free(pins);
    return error;
}

static enum ferry_error make_client(struct conf *conf, const struct conf_instance *instance,
                                    const struct files *files, const struct contexts_input *input,
                                    struct tls_context **out)
{
    const struct settings_listen *listen = instance->values;
    const struct tls_client_settings settings = {
        .policy = listen->policy,
        .min = listen->tls_min,
        .max = listen->tls_max,
        .certificate_pem = buf_view(&files->text[HOST_CERTIFICATE]),
        .key_pem = key_of(&listen->host, files, input),
        .signer = input->signer,
        .signer_key = hosts_key_number(conf, instance),
    };
    struct fault fault = {0};
    enum ferry_error error = tls_context_new_client(&settings, out, &fault);
    if (error != FERRY_OK && error != FERRY_E_MEMORY)
        conf_mistake(conf, instance, "fxp", "%s", fault.what);
    return error;
}

static enum ferry_error make_fxp(struct conf *conf, const struct conf_instance *instance,
                                 const struct contexts_input *input, struct contexts *contexts)
{
    const struct settings_listen *listen = instance->values;
    CLEANUP(files_fini) struct files files;
    CLEANUP(buf_fini) struct buf ca;
    struct fault fault = {0};
    files_init(&files);
    buf_init(&ca, CONF_FILE_MAX_BYTES);
    enum ferry_error error = files_read(&files, conf, instance, &listen->host, input);
    if (error == FERRY_OK && listen->fxp_ca) {
        error = input->load(input->ctx, listen->fxp_ca, &ca, &fault);
        if (error != FERRY_OK && error != FERRY_E_MEMORY)
            conf_mistake(conf, instance, "fxp_ca", "%s: %s", listen->fxp_ca, fault.what);
    }
    if (error == FERRY_OK)
        error = make_peers(conf, instance, buf_view(&ca), &contexts->peers);
    return error == FERRY_OK ? make_client(conf, instance, &files, input, &contexts->fxp) : error;
}

enum ferry_error contexts_make(struct conf *conf, const struct conf_instance *instance,
                               const struct contexts_input *input, struct contexts *out)
{
    const struct settings_listen *listen = instance->values;
    *out = (struct contexts){0};
    enum ferry_error error = make_context(conf, instance, &listen->host, listen, input, &out->tls);
    if (error == FERRY_OK)
        error = make_hosts(conf, instance, input, out);
    if (error == FERRY_OK && listen->rules.dialect.fxp)
        error = make_fxp(conf, instance, input, out);
    return error;
}

void contexts_fini(struct contexts *contexts)
{
    tls_peers_unref(contexts->peers);
    tls_context_unref(contexts->fxp);
    tls_hosts_unref(contexts->hosts);
    tls_context_unref(contexts->tls);
}
