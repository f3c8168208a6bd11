/* The hosts of ferryd.conf, those of listen blocks and those that have a block of their own, with
 * the files that they name. */
#ifndef FERRY_FERRYD_HOSTS_H
#define FERRY_FERRYD_HOSTS_H

#include "ferryd/settings.h"

enum host_file {
    HOST_CERTIFICATE,
    HOST_KEY,
    HOST_CLIENT_CA,
    HOST_CLIENT_CRL,
    HOST_OCSP_RESPONSE,
    HOST_FILES
};

/* The path of one; NULL: it is not named. */
const char *hosts_file_path(const struct settings_host *host, enum host_file file);

/* The directive that names it; static. */
const char *hosts_file_directive(enum host_file file);

/* The first block that describes a host (`last` NULL), or the next one: all listen blocks, then all
 * host blocks. NULL: there are no more. */
const struct conf_instance *hosts_next(const struct conf *conf, const struct conf_instance *last);

/* The host of such a block. */
const struct settings_host *hosts_of(const struct conf_instance *block);

/* The number of the private key of such a block, by which it is asked of the process that has it:
 * that of the block in the order of hosts_next, from 0. */
uint32_t hosts_key_number(const struct conf *conf, const struct conf_instance *block);

#endif
