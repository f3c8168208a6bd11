/* What of ferryd.conf contradicts itself. */
#include "ferryd/settings.h"

#include <string.h>

#include "ferryd/destination.h"
#include "ferryd/settings_check_web.h"
#include "ferryd/sources.h"

static void check_tls(struct conf *conf, const struct conf_instance *instance)
{
    const struct settings_listen *listen = instance->values;
    if (!listen->host.certificate) {
        if (listen->rules.kind != LISTEN_EXPLICIT)
            conf_mistake(conf, instance, "tls", "implicit TLS needs a certificate");
        else if (!listen->rules.plaintext_allowed)
            conf_mistake(conf, instance, NULL,
                         "listen \"%s\" lacks certificate; to serve in clear, write plaintext = "
                         "allow",
                         instance->label);
        if (listen->host.key)
            conf_mistake(conf, instance, "key", "there is no certificate that it is for");
    }
    if (listen->tls_min != TLS_VERSION_ANY && listen->tls_max != TLS_VERSION_ANY &&
        listen->tls_min > listen->tls_max)
        conf_mistake(conf, instance, "tls_min", "it is above tls_max");
}

/* Of a listen block or a host block. */
static void check_client_certificates(struct conf *conf, const struct conf_instance *instance,
                                      const struct settings_host *host)
{
    static const char *const about_them[] = {"client_ca", "client_pins", "client_crl"};
    bool asked = host->client_certificates != TLS_CLIENT_CERT_NONE;
    for (size_t i = 0; i < ARRAY_LEN(about_them) && !asked; i++)
        if (conf_is_given(instance, about_them[i]))
            conf_mistake(conf, instance, about_them[i],
                         "nobody is asked for a certificate: write client_certificates = optional "
                         "or required");
    if (asked && !host->certificate)
        conf_mistake(conf, instance, "client_certificates", "without certificate there is no TLS");
    if (asked && !host->client_ca && host->client_pins.count == 0)
        conf_mistake(conf, instance, "client_certificates",
                     "client_ca must tell who signs them, or client_pins which are trusted");
    if (host->client_crl && !host->client_ca)
        conf_mistake(conf, instance, "client_crl", "there is no client_ca that it is of");
}

static void check_hosts(struct conf *conf, const struct conf_instance *instance)
{
    const struct settings_listen *listen = instance->values;
    if (listen->sni_unknown == TLS_UNKNOWN_HOST_REJECT && listen->host.names.count == 0 &&
        !conf_next(conf, SETTINGS_HOST, NULL))
        conf_mistake(conf, instance, "sni_unknown",
                     "no host has a name that SNI could be: write names, or host blocks");
}

static bool asks(const struct settings_host *host)
{
    return host->client_certificates != TLS_CLIENT_CERT_NONE;
}

/* Whether a certificate can be shown anywhere. */
static bool is_asked_for_certificates(const struct conf *conf)
{
    bool found = false;
    const struct conf_instance *instance = NULL;
    while ((instance = conf_next(conf, SETTINGS_LISTEN, instance)))
        found |= asks(&((const struct settings_listen *)instance->values)->host);
    while ((instance = conf_next(conf, SETTINGS_HOST, instance)))
        found |= asks(instance->values);
    return found;
}

/* ---- accounts ---- */

static void check_account(struct conf *conf, const struct conf_instance *instance)
{
    const struct settings_account *account = instance->values;
    bool by_certificate =
        account->login != ADMISSION_PASSWORD && account->login != ADMISSION_ANONYMOUS;
    if (by_certificate && !is_asked_for_certificates(conf))
        conf_mistake(conf, instance, "login",
                     "no listener asks for certificates: write client_certificates = optional or "
                     "required in its block");
    bool shares = conf_is_given(instance, "group") || conf_is_given(instance, "template");
    if (!by_certificate && account->certificates.count > 0 && !shares)
        conf_mistake(conf, instance, "certificates",
                     "the account logs in by password alone: write login = cert, cert-or-password "
                     "or cert-and-password");
}

/* PAM takes it for the name of a file. */
static void check_pam(struct conf *conf, const struct conf_instance *global)
{
    const char *service = settings_global(conf)->pam_service;
    if (service && (!service[0] || strchr(service, '/') || strlen(service) > MESSAGE_NAME_BYTES))
        conf_mistake(conf, global, "pam_service",
                     "it must be the name of a file in /etc/pam.d, of %d bytes at most",
                     MESSAGE_NAME_BYTES);
}

static void check_log(struct conf *conf, const struct conf_instance *global)
{
    const struct settings_global *values = global->values;
    struct destination destination;
    for (size_t i = 0; i < values->log.count; i++) {
        struct fault fault = {0};
        if (destination_parse(values->log.list[i], values->log_form, &destination, &fault) !=
            FERRY_OK)
            conf_mistake(conf, global, "log", "%s", fault.what);
    }
    if (values->log.count > DESTINATIONS_MAX)
        conf_mistake(conf, global, "log", "these are more than %d", DESTINATIONS_MAX);
}

enum ferry_error settings_read(const char *path, conf_load_fn *load, void *ctx, struct conf **out)
{
    struct conf *conf = NULL;
    enum ferry_error error = conf_read(&settings_schema, path, load, ctx, &conf);
    if (error != FERRY_OK)
        return error;
    error = sources_settle(conf);
    if (error != FERRY_OK) {
        conf_free(conf);
        return error;
    }
    const struct conf_instance *instance = NULL;
    while ((instance = conf_next(conf, SETTINGS_LISTEN, instance))) {
        check_tls(conf, instance);
        check_client_certificates(conf, instance,
                                  &((const struct settings_listen *)instance->values)->host);
        check_hosts(conf, instance);
    }
    while ((instance = conf_next(conf, SETTINGS_HOST, instance)))
        check_client_certificates(conf, instance, instance->values);
    while ((instance = conf_next(conf, SETTINGS_ACCOUNT, instance)))
        check_account(conf, instance);
    settings_check_web(conf);
    settings_hooks_check(conf);
    const struct conf_instance *global = conf_next(conf, NULL, NULL);
    check_pam(conf, global);
    check_log(conf, global);
    if (conf->check.count == 0 && !conf_next(conf, SETTINGS_LISTEN, NULL))
        conf_mistake(conf, global, NULL, "there is no listen block: nobody could connect");
    if (conf->check.count == 0 && !conf_next(conf, SETTINGS_ACCOUNT, NULL) &&
        settings_global(conf)->accounts.count == 0)
        conf_mistake(conf, global, NULL,
                     "there is no account block, and accounts is not set: nobody could log in");
    *out = conf;
    return FERRY_OK;
}
