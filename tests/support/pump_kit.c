/* Pumps between the streams of a pair and files. */
#include "support/pump_kit.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

char *pump_kit_noise;

static int setup(void **state, bool sealed, enum tls_version version)
{
    static struct pump_kit kit;
    kit = (struct pump_kit){.sealed = sealed};
    net_kit_open(&kit.net);
    tls_kit_open(&kit.tls, &(struct tls_kit_options){.min = version, .max = version});
    tempdir_make(&kit.dir);
    *state = &kit;
    return 0;
}

int pump_kit_setup_clear(void **state)
{
    return setup(state, false, TLS_VERSION_ANY);
}

int pump_kit_setup_1_2(void **state)
{
    return setup(state, true, TLS_VERSION_1_2);
}

int pump_kit_setup_1_3(void **state)
{
    return setup(state, true, TLS_VERSION_1_3);
}

int pump_kit_teardown(void **state)
{
    struct pump_kit *kit = *state;
    tempdir_remove(&kit->dir);
    tls_kit_close(&kit->tls);
    net_kit_close(&kit->net);
    return 0;
}

void pump_kit_open(struct pump_kit *kit)
{
    net_pair_open(&kit->pair, &kit->net, NET_TCP);
    if (kit->sealed)
        net_pair_seal(&kit->pair, &kit->net, &kit->tls);
}

void pump_kit_close(struct pump_kit *kit)
{
    net_pair_close(&kit->pair);
}

/* ---- files ---- */

int pump_kit_file(struct pump_kit *kit, const char *name)
{
    int fd = openat(kit->dir.fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

int pump_kit_noise_file(struct pump_kit *kit, size_t len)
{
    int fd = pump_kit_file(kit, "source");
    assert_int_equal(pwrite(fd, pump_kit_noise, len, 0), (ssize_t)len);
    return fd;
}

void pump_kit_assert_noise(int fd, off_t at, size_t from, size_t len)
{
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    assert_int_equal(facts.st_size, len > 0 ? at + (off_t)len : facts.st_size);
    static char piece[1024 * 1024];
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(fd, piece, sizeof(piece), at + (off_t)done);
        assert_true(got > 0);
        assert_memory_equal(piece, pump_kit_noise + from + done, (size_t)got);
        done += (size_t)got;
    }
}

/* ---- pumps ---- */

void pump_flow_freed(void *ctx)
{
    struct pump_flow *flow = ctx;
    flow->freed++;
}

void pump_flow_done(void *ctx, const struct pump_result *result)
{
    struct pump_flow *flow = ctx;
    flow->done++;
    flow->result = *result;
    if (flow->free_in_done)
        pump_free(flow->pump, pump_flow_freed, flow);
}

static void flow_progress(void *ctx, uint64_t bytes)
{
    struct pump_flow *flow = ctx;
    assert_true(bytes > flow->last_progress);
    flow->last_progress = bytes;
    flow->progress++;
    if (flow->free_in_progress)
        pump_free(flow->pump, pump_flow_freed, flow);
}

struct pump_flow pump_sending(struct pump_kit *kit, int fd)
{
    return (struct pump_flow){
        .settings = {
            .loop = kit->net.loop, .stream = kit->pair.client.stream, .to_stream = true, .fd = fd}};
}

struct pump_flow pump_receiving(struct pump_kit *kit, int fd)
{
    return (struct pump_flow){
        .settings = {.loop = kit->net.loop, .stream = kit->pair.server.stream, .fd = fd}};
}

void pump_flow_start(struct pump_flow *flow)
{
    flow->settings.done = pump_flow_done;
    flow->settings.progress = flow_progress;
    flow->settings.ctx = flow;
    assert_int_equal(pump_new(&flow->settings, &flow->pump), FERRY_OK);
}

void pump_flow_free(struct pump_kit *kit, struct pump_flow *flow)
{
    pump_free(flow->pump, pump_flow_freed, flow);
    NET_UNTIL(&kit->net, flow->freed == 1);
}

void pump_flow_expect(struct pump_kit *kit, struct pump_flow *flow, enum pump_outcome outcome,
                      uint64_t bytes)
{
    NET_UNTIL(&kit->net, flow->done > 0);
    assert_int_equal(flow->result.outcome, outcome);
    assert_int_equal(flow->result.bytes, bytes);
    assert_int_equal(pump_bytes(flow->pump), bytes);
    net_kit_idle(&kit->net);
    assert_int_equal(flow->done, 1);
}

int pump_kit_make_noise(void **state)
{
    (void)state;
    pump_kit_noise = malloc(PUMP_KIT_NOISE_BYTES);
    if (!pump_kit_noise)
        return -1;
    net_noise(pump_kit_noise, PUMP_KIT_NOISE_BYTES, 6);
    return 0;
}

int pump_kit_drop_noise(void **state)
{
    (void)state;
    free(pump_kit_noise);
    return 0;
}
