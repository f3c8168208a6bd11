/* Pumps between the streams of a pair and files in a directory of their own. Whatever should not
 * happen fails the cmocka test. */
#ifndef FERRY_TESTS_PUMP_KIT_H
#define FERRY_TESTS_PUMP_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/pump.h"
#include "support/net_kit.h"
#include "support/tempdir.h"

struct pump_kit {
    struct net_kit net;
    struct tls_kit tls;
    struct tempdir dir;
    bool sealed;
    struct net_pair pair; /* client and server */
};

/* For cmocka: `*state` is a struct pump_kit, its pair not yet open. */
int pump_kit_setup_clear(void **state);
int pump_kit_setup_1_2(void **state);
int pump_kit_setup_1_3(void **state);
int pump_kit_teardown(void **state);

/* A test in the clear; or three: in the clear and with both versions of TLS. */
#define PUMP_IN_CLEAR(test)                                                                        \
    cmocka_unit_test_setup_teardown(test, pump_kit_setup_clear, pump_kit_teardown)
#define PUMP_EVERY_WAY(test)                                                                       \
    {#test " (clear)", test, pump_kit_setup_clear, pump_kit_teardown, NULL},                       \
        {#test " (TLS 1.2)", test, pump_kit_setup_1_2, pump_kit_teardown, NULL},                   \
    {                                                                                              \
#test " (TLS 1.3)", test, pump_kit_setup_1_3, pump_kit_teardown, NULL                      \
    }

/* A new pair, sealed if the kit is. */
void pump_kit_open(struct pump_kit *kit);
void pump_kit_close(struct pump_kit *kit);

/* ---- files ---- */

/* What the files hold; made and dropped by the group's setup and teardown. */
enum { PUMP_KIT_NOISE_BYTES = 64 * 1024 * 1024 };
extern char *pump_kit_noise;
int pump_kit_make_noise(void **state);
int pump_kit_drop_noise(void **state);

/* An empty file, which the caller closes; or one of `len` bytes of noise. */
int pump_kit_file(struct pump_kit *kit, const char *name);
int pump_kit_noise_file(struct pump_kit *kit, size_t len);

/* The file holds exactly `len` bytes of noise, `from` on, at its offset `at`. */
void pump_kit_assert_noise(int fd, off_t at, size_t from, size_t len);

/* ---- pumps ---- */

/* A pump and what came of it. */
struct pump_flow {
    struct pump_settings settings;
    struct pump *pump;
    struct pump_result result;
    unsigned done, progress, freed; /* calls */
    uint64_t last_progress;
    bool free_in_done, free_in_progress;
};

/* From `fd` to the client's stream, or from the server's stream to `fd`; the settings may be
 * changed before pump_flow_start. */
struct pump_flow pump_sending(struct pump_kit *kit, int fd);
struct pump_flow pump_receiving(struct pump_kit *kit, int fd);

void pump_flow_start(struct pump_flow *flow);

/* Frees the pump and waits until the descriptor is no longer in use. */
void pump_flow_free(struct pump_kit *kit, struct pump_flow *flow);

/* Waits for the end, which must be this one. */
void pump_flow_expect(struct pump_kit *kit, struct pump_flow *flow, enum pump_outcome outcome,
                      uint64_t bytes);

/* The callbacks of pump_free and of the settings, for pumps that are started otherwise; `ctx` is
 * the flow. */
void pump_flow_freed(void *ctx);
void pump_flow_done(void *ctx, const struct pump_result *result);

#endif
