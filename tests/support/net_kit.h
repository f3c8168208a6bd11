/* A loop with a deadline, and streams over a pair of sockets in one process. Whatever should not
 * happen fails the cmocka test. */
#ifndef FERRY_TESTS_NET_KIT_H
#define FERRY_TESTS_NET_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/loop.h"
#include "net/stream.h"
#include "support/tls_kit.h"

/* No condition of a test may take longer. */
enum { NET_LIMIT_S = 20 };

/* A loop that fails the test when it waits too long. */
struct net_kit {
    struct loop *loop;
    struct loop_timer *limit;
};
void net_kit_open(struct net_kit *kit);
void net_kit_close(struct net_kit *kit);

/* For cmocka: `*state` is a struct net_kit. */
int net_kit_setup(void **state);
int net_kit_teardown(void **state);

/* Gives the next condition its time; one turn of the loop, waiting for an event. */
void net_kit_begin(struct net_kit *kit);
void net_kit_turn(struct net_kit *kit);

/* Turns until `condition` is true. */
#define NET_UNTIL(kit, condition)                                                                  \
    do {                                                                                           \
        net_kit_begin(kit);                                                                        \
        while (!(condition))                                                                       \
            net_kit_turn(kit);                                                                     \
    } while (0)

/* A few turns, not waiting: for what must not happen. */
void net_kit_idle(struct net_kit *kit);

/* The loop has nothing to do: after a few turns it would sleep. */
bool net_kit_is_asleep(struct net_kit *kit);

/* How many descriptors this process has open. */
size_t net_descriptors(void);

enum net_wire { NET_UNIX, NET_TCP };

/* Two connected sockets; NET_TCP: on loopback, fds[0] is the one that connected. */
void net_sockets(enum net_wire wire, int fds[2]);

/* Closes with RST. */
void net_reset(int fd);

/* A stream and what came of it. */
struct net_end {
    struct stream *stream; /* owned */
    struct buf received;
    bool lazy; /* leaves input unread */
    unsigned inputs, rooms, flushes, seals, closes;
};

/* Takes `fd`. All input is read into `received`. */
void net_end_open(struct net_end *end, struct net_kit *kit, int fd);
void net_end_close(struct net_end *end);

/* As net_end_open, of a stream that is there already. */
void net_end_adopt(struct net_end *end, struct stream *stream);

/* How many events there were. */
unsigned net_end_events(const struct net_end *end);

/* Reads all there is now. */
void net_end_read(struct net_end *end);

/* Writes all of `text`, for which there is room. */
void net_end_say(struct net_end *end, const char *text);

/* Waits until exactly `text` has been received, and takes it. */
void net_end_expect(struct net_kit *kit, struct net_end *end, const char *text);

/* Two streams and what lies between them. */
struct net_pair {
    struct net_end client, server;
    struct tls_binding *binding; /* sealed */
    struct tls_sessions *sessions;
    struct tls_trust trust;
};
void net_pair_open(struct net_pair *pair, struct net_kit *kit, enum net_wire wire);
void net_pair_close(struct net_pair *pair);

/* New engines of both ends, as of a control connection. */
struct tls_engine *net_pair_client_engine(struct net_pair *pair, struct tls_kit *tls);
struct tls_engine *net_pair_server_engine(struct net_pair *pair, struct tls_kit *tls);

/* Starts TLS on both ends and waits until both are sealed. */
void net_pair_seal(struct net_pair *pair, struct net_kit *kit, struct tls_kit *tls);

/* A stream that its event frees: net_victim_free with the victim as ctx. */
struct net_victim {
    struct stream *stream;
    unsigned calls;
};
void net_victim_free(void *ctx);

/* For tests with both versions of TLS: `*state` is a struct net_tls. */
struct net_tls {
    struct net_kit net;
    struct tls_kit tls;
};
int net_tls_setup_1_2(void **state);
int net_tls_setup_1_3(void **state);
int net_tls_teardown(void **state);

/* As net_pair_open over TCP and net_pair_seal. */
void net_tls_open(struct net_tls *it, struct net_pair *pair);

#define NET_BOTH_VERSIONS(test)                                                                    \
    {#test " (TLS 1.2)", test, net_tls_setup_1_2, net_tls_teardown, NULL},                         \
    {                                                                                              \
#test " (TLS 1.3)", test, net_tls_setup_1_3, net_tls_teardown, NULL                        \
    }

/* `len` bytes that do not repeat soon; the same for the same `seed`. */
void net_noise(char *out, size_t len, uint64_t seed);

#endif
