/* Connections to fuzz: two engines that no byte has passed between yet. */
#ifndef FERRY_TESTS_FUZZ_CONNECTION_H
#define FERRY_TESTS_FUZZ_CONNECTION_H

#include <stdbool.h>

#include "support/tls_kit.h"

struct connection {
    struct tls_pair *pair;
    const struct tls_binding *binding; /* the server's */
    struct tls_login fresh;            /* of a control connection */
    struct tls_pair of_data;           /* of a data connection */
};

/* A control connection, or a data connection whose client has a session to offer; with TLS 1.3 or
 * up to TLS 1.2. Keys and certificates are made once and last as long as the program. */
void connection_open(struct connection *connection, bool data, bool up_to_1_2);
void connection_close(struct connection *connection);

#endif
