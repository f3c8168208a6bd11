/* Where a server of LDAP is: "ldaps://ldap.example.org", "ldap://[2001:db8::1]:3389". */
#ifndef FERRY_FERRYD_DIRECTORY_SERVER_URL_H
#define FERRY_FERRYD_DIRECTORY_SERVER_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

struct server_url {
    bool tls;          /* from the first byte on */
    struct bytes host; /* without brackets, within the text */
    uint16_t port;
};

/* FERRY_E_ARGUMENT: it is none, or says more than where the server is. */
NODISCARD enum ferry_error server_url_read(struct bytes text, struct server_url *out,
                                           struct fault *fault);

#endif
