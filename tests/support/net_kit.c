/* A loop with a deadline, and streams over a pair of sockets. */
#include "support/net_kit.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/socket.h"

enum { RECEIVED_MAX_BYTES = 128 * 1024 * 1024, IDLE_TURNS = 20 };

static void took_too_long(void *ctx)
{
    (void)ctx;
    fail_msg("nothing more happened for %d s", NET_LIMIT_S);
}

void net_kit_open(struct net_kit *kit)
{
    kit->loop = loop_new();
    assert_non_null(kit->loop);
    kit->limit = loop_timer_new(kit->loop, took_too_long, kit);
    assert_non_null(kit->limit);
}

void net_kit_close(struct net_kit *kit)
{
    loop_timer_free(kit->limit);
    loop_free(kit->loop);
}

int net_kit_setup(void **state)
{
    static struct net_kit kit;
    net_kit_open(&kit);
    *state = &kit;
    return 0;
}

int net_kit_teardown(void **state)
{
    net_kit_close(*state);
    return 0;
}

void net_kit_begin(struct net_kit *kit)
{
    loop_timer_at(kit->limit, loop_now_ns(kit->loop) + NET_LIMIT_S * CLOCK_NS_PER_S);
}

void net_kit_turn(struct net_kit *kit)
{
    loop_turn(kit->loop, true);
}

void net_kit_idle(struct net_kit *kit)
{
    for (int i = 0; i < IDLE_TURNS; i++)
        loop_turn(kit->loop, false);
}

bool net_kit_is_asleep(struct net_kit *kit)
{
    net_kit_idle(kit);
    struct pollfd ready = {.fd = loop_fd(kit->loop), .events = POLLIN};
    return poll(&ready, 1, 0) == 0 && loop_timeout_ms(kit->loop) != 0;
}

size_t net_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    size_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 3; /* ".", ".." and this one */
}

/* ---- sockets ---- */

static void tcp_sockets(int fds[2])
{
    struct address at, peer;
    struct fault fault = {0};
    int listener;
    assert_int_equal(address_parse("127.0.0.1", 0, &at), FERRY_OK);
    assert_int_equal(socket_listen(&at, 1, &listener, &fault), FERRY_OK);
    assert_int_equal(socket_local(listener, &at), FERRY_OK);
    assert_int_equal(socket_connect(&at, NULL, &fds[0], &fault), FERRY_OK);
    /* On loopback the connection is complete when connect returns. */
    assert_int_equal(socket_accept(listener, &fds[1], &peer), FERRY_OK);
    close(listener);
}

void net_sockets(enum net_wire wire, int fds[2])
{
    if (wire == NET_TCP)
        tcp_sockets(fds);
    else
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

void net_reset(int fd)
{
    const struct linger reset = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    close(fd);
}

/* ---- one end ---- */

unsigned net_end_events(const struct net_end *end)
{
    return end->inputs + end->rooms + end->flushes + end->seals + end->closes;
}

void net_end_read(struct net_end *end)
{
    char piece[10000];
    size_t got;
    do {
        stream_read(end->stream, piece, sizeof(piece), &got);
        assert_int_equal(buf_append(&end->received, bytes_of(piece, got)), FERRY_OK);
    } while (got > 0);
}

static void on_input(void *ctx)
{
    struct net_end *end = ctx;
    end->inputs++;
    if (!end->lazy)
        net_end_read(end);
}

static void on_room(void *ctx)
{
    struct net_end *end = ctx;
    end->rooms++;
}

static void on_flushed(void *ctx)
{
    struct net_end *end = ctx;
    end->flushes++;
}

static void on_sealed(void *ctx)
{
    struct net_end *end = ctx;
    end->seals++;
}

static void on_closed(void *ctx)
{
    struct net_end *end = ctx;
    end->closes++;
}

static const struct stream_events end_events = {
    .input = on_input,
    .room = on_room,
    .flushed = on_flushed,
    .sealed = on_sealed,
    .closed = on_closed,
};

void net_end_adopt(struct net_end *end, struct stream *stream)
{
    *end = (struct net_end){.stream = stream};
    buf_init(&end->received, RECEIVED_MAX_BYTES);
    stream_set_events(stream, &end_events, end);
}

void net_end_open(struct net_end *end, struct net_kit *kit, int fd)
{
    struct stream *stream = stream_new(kit->loop, fd, NULL, NULL);
    assert_non_null(stream);
    net_end_adopt(end, stream);
}

void net_end_close(struct net_end *end)
{
    stream_free(end->stream);
    end->stream = NULL;
    buf_fini(&end->received);
}

void net_end_say(struct net_end *end, const char *text)
{
    size_t taken;
    assert_int_equal(stream_write(end->stream, bytes_str(text), &taken), FERRY_OK);
    assert_int_equal(taken, strlen(text));
}

void net_end_expect(struct net_kit *kit, struct net_end *end, const char *text)
{
    NET_UNTIL(kit, buf_len(&end->received) >= strlen(text));
    struct bytes got = buf_view(&end->received);
    assert_int_equal(got.len, strlen(text));
    assert_memory_equal(got.ptr, text, got.len);
    buf_consume(&end->received, got.len);
}

/* ---- both ends ---- */

void net_pair_open(struct net_pair *pair, struct net_kit *kit, enum net_wire wire)
{
    *pair = (struct net_pair){0};
    int fds[2];
    net_sockets(wire, fds);
    net_end_open(&pair->client, kit, fds[0]);
    net_end_open(&pair->server, kit, fds[1]);
}

void net_pair_close(struct net_pair *pair)
{
    net_end_close(&pair->client);
    net_end_close(&pair->server);
    tls_sessions_free(pair->sessions);
    tls_binding_free(pair->binding);
}

struct tls_engine *net_pair_client_engine(struct net_pair *pair, struct tls_kit *tls)
{
    if (!pair->sessions)
        pair->sessions = tls_sessions_new();
    assert_non_null(pair->sessions);
    const struct tls_client_role role = {
        .sessions = pair->sessions,
        .server_name = TLS_KIT_HOST,
        .trust = &pair->trust,
    };
    struct tls_engine *engine;
    assert_int_equal(tls_engine_new_client(tls->client, &role, &engine), FERRY_OK);
    return engine;
}

struct tls_engine *net_pair_server_engine(struct net_pair *pair, struct tls_kit *tls)
{
    if (!pair->binding)
        pair->binding = tls_binding_new(tls->master);
    assert_non_null(pair->binding);
    const struct tls_server_role role = {.binding = pair->binding};
    struct tls_engine *engine;
    assert_int_equal(tls_engine_new_server(tls->server, &role, &engine), FERRY_OK);
    return engine;
}

void net_pair_seal(struct net_pair *pair, struct net_kit *kit, struct tls_kit *tls)
{
    assert_int_equal(stream_start_tls(pair->server.stream, net_pair_server_engine(pair, tls)),
                     FERRY_OK);
    assert_int_equal(stream_start_tls(pair->client.stream, net_pair_client_engine(pair, tls)),
                     FERRY_OK);
    NET_UNTIL(kit, stream_is_sealed(pair->client.stream) && stream_is_sealed(pair->server.stream));
}

void net_victim_free(void *ctx)
{
    struct net_victim *victim = ctx;
    victim->calls++;
    stream_free(victim->stream);
}

/* ---- both versions ---- */

static int setup_version(void **state, enum tls_version version)
{
    static struct net_tls it;
    net_kit_open(&it.net);
    tls_kit_open(&it.tls, &(struct tls_kit_options){.min = version, .max = version});
    *state = &it;
    return 0;
}

int net_tls_setup_1_2(void **state)
{
    return setup_version(state, TLS_VERSION_1_2);
}

int net_tls_setup_1_3(void **state)
{
    return setup_version(state, TLS_VERSION_1_3);
}

void net_tls_open(struct net_tls *it, struct net_pair *pair)
{
    net_pair_open(pair, &it->net, NET_TCP);
    net_pair_seal(pair, &it->net, &it->tls);
}

int net_tls_teardown(void **state)
{
    struct net_tls *it = *state;
    tls_kit_close(&it->tls);
    net_kit_close(&it->net);
    return 0;
}

void net_noise(char *out, size_t len, uint64_t seed)
{
    uint64_t state = seed * 2 + 1;
    for (size_t i = 0; i < len; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (char)(state >> 56);
    }
}
