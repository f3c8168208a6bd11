/* A relay between a client and a server on loopback: it splits what passes, and cuts a connection
 * at a chosen byte. It runs in a thread of its own. It listens on 127.0.0.2 and leads to the same
 * ports of 127.0.0.1, so that passive data connections pass through it, too. */
#ifndef FERRY_TESTS_SUPPORT_RELAY_H
#define FERRY_TESTS_SUPPORT_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_ADDRESS "127.0.0.2"

enum relay_kind { RELAY_CONTROL, RELAY_DATA, RELAY_KINDS };
enum relay_way { RELAY_TO_SERVER, RELAY_TO_CLIENT, RELAY_WAYS };

#define RELAY_NEVER SIZE_MAX

/* What happens to connections accepted from now on. */
struct relay_rules {
    size_t chunk_bytes;       /* passes at most this many at a time; 0: as it comes */
    enum relay_kind cut_kind; /* where and in which direction bytes are counted for the cut */
    enum relay_way cut_way;
    size_t cut_at; /* both ends are cut once this many bytes have passed; RELAY_NEVER */
    bool reset;    /* by RST, else by FIN */
};

struct relay;

/* Relays the `count` ports. NULL: one of them cannot be had. */
struct relay *relay_start(enum relay_kind kind_of_first, const uint16_t *ports, size_t count);
void relay_stop(struct relay *relay);

void relay_set_rules(struct relay *relay, const struct relay_rules *rules);

/* Bytes that passed on the last connection of this kind. */
size_t relay_passed(struct relay *relay, enum relay_kind kind, enum relay_way way);

#endif
