/* For which host a request is, and whose form it is. */
#ifndef FERRY_FERRYD_OPS_WEB_HOST_H
#define FERRY_FERRYD_OPS_WEB_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum host_kind {
    HOST_FOREIGN,
    HOST_LOOPBACK, /* localhost, 127.0.0.1, [::1], at any port: it may be forwarded */
    HOST_NAMED,    /* one of `hosts`: behind a proxy, which has TLS */
};

/* `host` is the Host header, with a port or without. */
enum host_kind host_kind(struct bytes host, char *const *hosts, size_t host_count);

/* Whether a form that names `origin` was on a page of `host`. A browser that names none (old ones,
 * and programs) is believed: there is the token, still. */
bool host_is_origin(struct bytes host, struct bytes origin);

#endif
