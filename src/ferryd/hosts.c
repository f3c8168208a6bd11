/* The hosts of ferryd.conf, with the files that they name. */
#include "ferryd/hosts.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *directive;
    size_t offset; /* of the path */
} rows[] = {
    [HOST_CERTIFICATE] = {"certificate", offsetof(struct settings_host, certificate)},
    [HOST_KEY] = {"key", offsetof(struct settings_host, key)},
    [HOST_CLIENT_CA] = {"client_ca", offsetof(struct settings_host, client_ca)},
    [HOST_CLIENT_CRL] = {"client_crl", offsetof(struct settings_host, client_crl)},
    [HOST_OCSP_RESPONSE] = {"ocsp_response", offsetof(struct settings_host, ocsp_response)},
};

const char *hosts_file_path(const struct settings_host *host, enum host_file file)
{
    return *(char *const *)(const void *)((const char *)host + rows[file].offset);
}

const char *hosts_file_directive(enum host_file file)
{
    return rows[file].directive;
}

static bool is_listen(const struct conf_instance *block)
{
    return strcmp(block->block->name, SETTINGS_LISTEN) == 0;
}

const struct conf_instance *hosts_next(const struct conf *conf, const struct conf_instance *last)
{
    const struct conf_instance *next = NULL;
    if (!last || is_listen(last))
        next = conf_next(conf, SETTINGS_LISTEN, last);
    return next ? next : conf_next(conf, SETTINGS_HOST, last && !is_listen(last) ? last : NULL);
}

const struct settings_host *hosts_of(const struct conf_instance *block)
{
    return is_listen(block) ? &((const struct settings_listen *)block->values)->host
                            : block->values;
}

uint32_t hosts_key_number(const struct conf *conf, const struct conf_instance *block)
{
    uint32_t number = 0;
    const struct conf_instance *other = NULL;
    while ((other = hosts_next(conf, other)) && other != block)
        number++;
    return number;
}
