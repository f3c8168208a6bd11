/* Sealed streams, TLS 1.2 and 1.3: the handshake in the middle of a dialogue, and records under
 * back-pressure. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/stream_internal.h"
#include "support/alloc_fail.h"
#include "support/net_kit.h"

enum { BIG_BYTES = 4 * 1024 * 1024 + 77 };

/* ---- handshake ---- */

static void tls_starts_in_the_middle_of_a_dialogue(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    net_end_say(&pair.client, "AUTH TLS\r\n");
    net_end_expect(&it->net, &pair.server, "AUTH TLS\r\n");
    /* What is queued leaves first, by itself. */
    net_end_say(&pair.server, "234 now\r\n");
    struct tls_engine *engine = net_pair_server_engine(&pair, &it->tls);
    assert_int_equal(stream_start_tls(pair.server.stream, engine), FERRY_OK);
    assert_ptr_equal(stream_tls(pair.server.stream), engine);
    assert_false(stream_is_sealed(pair.server.stream));
    net_end_expect(&it->net, &pair.client, "234 now\r\n");
    engine = net_pair_client_engine(&pair, &it->tls);
    assert_int_equal(stream_start_tls(pair.client.stream, engine), FERRY_OK);

    size_t taken; /* nothing is taken before the handshake is done */
    assert_int_equal(stream_write(pair.client.stream, BYTES_LIT("PBSZ 0\r\n"), &taken), FERRY_OK);
    assert_int_equal(taken, 0);
    NET_UNTIL(&it->net, pair.client.seals == 1 && pair.server.seals == 1 && pair.client.rooms == 1);
    net_end_say(&pair.client, "PBSZ 0\r\n");
    net_end_expect(&it->net, &pair.server, "PBSZ 0\r\n");
    net_end_say(&pair.server, "200 ");
    net_end_say(&pair.server, "done\r\n");
    net_end_expect(&it->net, &pair.client, "200 done\r\n");
    assert_true(stream_is_sealed(pair.server.stream));
    assert_int_equal(tls_engine_facts(stream_tls(pair.client.stream))->version,
                     tls_engine_facts(stream_tls(pair.server.stream))->version);
    assert_int_equal(pair.client.seals, 1);
    net_pair_close(&pair);
}

static void a_client_speaks_first_and_at_once(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    int fds[2];
    net_sockets(NET_TCP, fds);
    struct net_end client, server;
    net_end_open(&client, &it->net, fds[0]);
    assert_int_equal(stream_start_tls(client.stream, net_pair_client_engine(&pair, &it->tls)),
                     FERRY_OK);
    char hello[2000];
    ssize_t got = recv(fds[1], hello, sizeof(hello), MSG_DONTWAIT); /* the loop has not turned */
    assert_true(got > 100);
    assert_int_equal(hello[0], 0x16);
    net_end_close(&client);
    close(fds[1]);

    net_sockets(NET_TCP, fds);
    net_end_open(&server, &it->net, fds[0]);
    assert_int_equal(stream_start_tls(server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_OK);
    net_kit_idle(&it->net);
    assert_int_equal(recv(fds[1], hello, sizeof(hello), MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    net_end_close(&server);
    close(fds[1]);
    net_pair_close(&pair);
}

static void tls_is_not_started_over_what_waits(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    size_t taken;
    do
        assert_int_equal(stream_write(pair.server.stream, bytes_of(bytes, BIG_BYTES), &taken),
                         FERRY_OK);
    while (taken == BIG_BYTES);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_E_STATE);
    assert_null(stream_tls(pair.server.stream));
    net_pair_close(&pair);

    net_tls_open(it, &pair); /* nor twice */
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_E_STATE);
    assert_true(stream_is_sealed(pair.server.stream));
    stream_finish(pair.client.stream); /* nor at the end */
    NET_UNTIL(&it->net, stream_end(pair.server.stream) == STREAM_END_CLOSED);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_E_STATE);
    net_pair_close(&pair);
    free(bytes);
}

/* TLS-131, SEC-2: a reply that somebody put between the 234 and the handshake is not heard. */
static void tls_131_clear_text_before_the_handshake_ends_it(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    net_end_say(&pair.server, "230 you are in\r\n");
    NET_UNTIL(&it->net, pair.server.flushes == 1);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_OK);
    assert_int_equal(stream_start_tls(pair.client.stream, net_pair_client_engine(&pair, &it->tls)),
                     FERRY_OK);
    NET_UNTIL(&it->net, pair.client.inputs > 0);
    assert_int_equal(stream_end(pair.client.stream), STREAM_END_FAILED);
    assert_int_equal(stream_fault(pair.client.stream)->kind, FERRY_E_TLS);
    assert_int_equal(buf_len(&pair.client.received), 0);
    assert_int_equal(pair.client.seals, 0);
    net_pair_close(&pair);
}

/* The alert reaches the peer although we close: what the peer sent is read before (one-port.md). */
static void a_refusal_arrives_as_an_alert(void **state)
{
    struct net_tls *it = *state;
    struct tls_kit stranger;
    tls_kit_open(&stranger, &(struct tls_kit_options){0});
    struct net_pair pair, other = {0};
    net_pair_open(&pair, &it->net, NET_TCP);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_OK);
    assert_int_equal(
        stream_start_tls(pair.client.stream, net_pair_client_engine(&other, &stranger)), FERRY_OK);
    NET_UNTIL(&it->net, stream_end(pair.client.stream) != STREAM_OPEN);
    assert_int_equal(stream_fault(pair.client.stream)->kind, FERRY_E_TRUST);
    stream_close(pair.client.stream, 10 * CLOCK_NS_PER_S);
    NET_UNTIL(&it->net, stream_end(pair.server.stream) != STREAM_OPEN);
    assert_int_equal(stream_end(pair.server.stream), STREAM_END_FAILED);
    assert_string_equal(stream_fault(pair.server.stream)->peer_said, "unknown_ca (TLS alert 48)");
    stream_close(pair.server.stream, 10 * CLOCK_NS_PER_S);
    NET_UNTIL(&it->net, pair.client.closes == 1 && pair.server.closes == 1);
    net_pair_close(&pair);
    tls_sessions_free(other.sessions);
    tls_kit_close(&stranger);
}

/* ---- records ---- */

static void the_wire_may_carry_a_byte_at_a_time(void **state)
{
    struct net_tls *it = *state;
    int left[2], right[2];
    net_sockets(NET_UNIX, left);
    net_sockets(NET_UNIX, right);
    struct net_pair pair = {0};
    net_end_open(&pair.client, &it->net, left[0]);
    net_end_open(&pair.server, &it->net, right[0]);
    assert_int_equal(stream_start_tls(pair.server.stream, net_pair_server_engine(&pair, &it->tls)),
                     FERRY_OK);
    assert_int_equal(stream_start_tls(pair.client.stream, net_pair_client_engine(&pair, &it->tls)),
                     FERRY_OK);
    bool said = false;
    net_kit_begin(&it->net);
    while (stream_end(pair.server.stream) == STREAM_OPEN) {
        char byte;
        if (recv(left[1], &byte, 1, MSG_DONTWAIT) == 1)
            assert_int_equal(send(right[1], &byte, 1, 0), 1);
        if (recv(right[1], &byte, 1, MSG_DONTWAIT) == 1)
            assert_int_equal(send(left[1], &byte, 1, 0), 1);
        loop_turn(it->net.loop, false);
        if (pair.client.seals == 1 && !said) {
            said = true;
            net_end_say(&pair.client, "LIST\r\n");
            stream_finish(pair.client.stream);
        }
    }
    assert_int_equal(stream_end(pair.server.stream), STREAM_END_CLOSED);
    net_end_expect(&it->net, &pair.server, "LIST\r\n");
    close(left[1]);
    close(right[1]);
    net_pair_close(&pair);
}

/* The wire here keeps packets apart. */
static void writes_of_one_turn_leave_together(void **state)
{
    struct net_tls *it = *state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    struct net_pair pair = {0};
    net_end_open(&pair.client, &it->net, fds[0]);
    net_end_open(&pair.server, &it->net, fds[1]);
    net_pair_seal(&pair, &it->net, &it->tls);
    stream_pause(pair.client.stream, true);
    unsigned char packet[2000];
    while (recv(fds[0], packet, sizeof(packet), MSG_DONTWAIT) > 0)
        continue; /* the first tickets */
    for (int i = 0; i < 3; i++)
        net_end_say(&pair.server, "213-line\r\n");
    stream_finish(pair.server.stream);
    assert_int_equal(recv(fds[0], packet, sizeof(packet), MSG_DONTWAIT), -1);
    NET_UNTIL(&it->net, pair.server.flushes == 1);
    ssize_t len = recv(fds[0], packet, sizeof(packet), MSG_DONTWAIT);
    unsigned records = 0;
    for (ssize_t at = 0; at < len; at += 5 + (packet[at + 3] << 8) + packet[at + 4])
        records++;
    assert_int_equal(records, 4); /* the lines and close_notify */
    assert_int_equal(recv(fds[0], packet, sizeof(packet), MSG_DONTWAIT), 0);
    net_pair_close(&pair);
}

/* Writes as much of `bytes` as there is room for; `done` counts. */
static void write_some(struct net_end *end, const char *bytes, size_t *done)
{
    size_t taken;
    struct bytes rest = bytes_of(bytes + *done, BIG_BYTES - *done);
    assert_int_equal(stream_write(end->stream, rest, &taken), FERRY_OK);
    *done += taken;
}

static void much_crosses_both_ways_at_once(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_tls_open(it, &pair);
    char *up = malloc(BIG_BYTES), *down = malloc(BIG_BYTES);
    assert_true(up && down);
    net_noise(up, BIG_BYTES, 3);
    net_noise(down, BIG_BYTES, 4);
    size_t sent_up = 0, sent_down = 0;
    net_kit_begin(&it->net);
    while (buf_len(&pair.server.received) < BIG_BYTES ||
           buf_len(&pair.client.received) < BIG_BYTES) {
        if (stream_room(pair.client.stream) > 0)
            write_some(&pair.client, up, &sent_up);
        if (stream_room(pair.server.stream) > 0)
            write_some(&pair.server, down, &sent_down);
        net_kit_turn(&it->net);
    }
    assert_memory_equal(buf_view(&pair.server.received).ptr, up, BIG_BYTES);
    assert_memory_equal(buf_view(&pair.client.received).ptr, down, BIG_BYTES);
    net_pair_close(&pair);
    free(up);
    free(down);
}

static void a_slow_reader_holds_up_the_writer(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_tls_open(it, &pair);
    char *bytes = malloc(BIG_BYTES);
    assert_non_null(bytes);
    net_noise(bytes, BIG_BYTES, 5);
    pair.client.lazy = true;
    size_t done = 0, before = 1;
    while (done != before) { /* until nothing more is taken, however long we wait */
        before = done;
        write_some(&pair.server, bytes, &done);
        net_kit_idle(&it->net);
    }
    unsigned rooms = pair.server.rooms;
    pair.client.lazy = false;
    net_end_read(&pair.client);
    if (done < BIG_BYTES)
        NET_UNTIL(&it->net, pair.server.rooms > rooms);
    net_kit_begin(&it->net);
    while (buf_len(&pair.client.received) < BIG_BYTES) {
        if (done < BIG_BYTES && stream_room(pair.server.stream) > 0)
            write_some(&pair.server, bytes, &done);
        net_kit_turn(&it->net);
    }
    assert_memory_equal(buf_view(&pair.client.received).ptr, bytes, BIG_BYTES);
    net_pair_close(&pair);
    free(bytes);
}

/* Pausing stops the owner's bytes, not the handshake; and nobody spins. */
static void a_paused_stream_reads_nothing(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_pair_open(&pair, &it->net, NET_TCP);
    stream_pause(pair.server.stream, true);
    net_pair_seal(&pair, &it->net, &it->tls);
    net_end_say(&pair.client, "PWD\r\n");
    NET_UNTIL(&it->net, pair.client.flushes == 1);
    assert_true(net_kit_is_asleep(&it->net));
    net_end_read(&pair.server);
    assert_int_equal(buf_len(&pair.server.received), 0);
    stream_pause(pair.server.stream, false);
    net_end_expect(&it->net, &pair.server, "PWD\r\n");

    stream_pause(pair.server.stream, true); /* closing reads all the same */
    stream_close(pair.server.stream, 60 * CLOCK_NS_PER_S);
    stream_close(pair.client.stream, 60 * CLOCK_NS_PER_S);
    NET_UNTIL(&it->net, pair.server.closes == 1);
    net_pair_close(&pair);
}

/* The memory that ciphertext is received into is shared by all streams of a loop: what one leaves
 * unread must survive the others. */
static void streams_that_read_in_turns_do_not_mix(void **state)
{
    struct net_tls *it = *state;
    enum { PAIRS = 3, BYTES = 100000 };
    struct net_pair pairs[PAIRS];
    static char bytes[PAIRS][BYTES];
    for (int i = 0; i < PAIRS; i++) {
        net_tls_open(it, &pairs[i]);
        pairs[i].server.lazy = true;
        net_noise(bytes[i], BYTES, 10 + (uint64_t)i);
        size_t taken;
        assert_int_equal(stream_write(pairs[i].client.stream, bytes_of(bytes[i], BYTES), &taken),
                         FERRY_OK);
        assert_int_equal(taken, BYTES);
        NET_UNTIL(&it->net, pairs[i].client.flushes == 1);
    }
    size_t at[PAIRS] = {0};
    net_kit_begin(&it->net);
    while (at[0] < BYTES || at[1] < BYTES || at[2] < BYTES) {
        for (int i = 0; i < PAIRS; i++) {
            static const size_t sizes[PAIRS] = {1000, 17000, 40000};
            char piece[40000];
            size_t got;
            stream_read(pairs[i].server.stream, piece, sizes[i], &got);
            assert_memory_equal(piece, bytes[i] + at[i], got);
            at[i] += got;
        }
        loop_turn(it->net.loop, false);
    }
    for (int i = 0; i < PAIRS; i++)
        net_pair_close(&pairs[i]);
}

/* What waits is no longer in the socket, which would tell of it by itself. */
static void a_new_owner_is_told_of_what_was_received(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_tls_open(it, &pair);
    pair.server.lazy = true;
    net_end_say(&pair.client, "STOR a\r\nQUIT\r\n");
    NET_UNTIL(&it->net, pair.server.inputs == 1);
    char line[8];
    size_t got;
    stream_read(pair.server.stream, line, sizeof(line), &got);
    assert_int_equal(got, sizeof(line));
    assert_true(net_kit_is_asleep(&it->net));

    struct net_end other;
    net_end_adopt(&other, pair.server.stream);
    pair.server.stream = NULL;
    net_end_expect(&it->net, &other, "QUIT\r\n");
    net_end_close(&other);
    net_pair_close(&pair);
}

/* architecture.md, "Budgets": an idle session holds no buffers. */
static void an_idle_stream_holds_no_memory_for_bytes(void **state)
{
    struct net_tls *it = *state;
    struct net_pair pair;
    net_tls_open(it, &pair);
    char *bytes = calloc(1, BIG_BYTES);
    assert_non_null(bytes);
    size_t done = 0;
    pair.server.lazy = true;
    write_some(&pair.client, bytes, &done);
    NET_UNTIL(&it->net, pair.server.inputs == 1);
    char piece[1000];
    size_t got;
    stream_read(pair.server.stream, piece, sizeof(piece), &got);
    assert_int_equal(got, sizeof(piece));
    assert_non_null(pair.server.stream->kept.data); /* what it has not read */
    pair.server.lazy = false;
    net_end_read(&pair.server);
    NET_UNTIL(&it->net, buf_len(&pair.server.received) + sizeof(piece) == done);
    net_kit_idle(&it->net);
    assert_null(pair.server.stream->kept.data);
    assert_null(pair.server.stream->out.data);
    assert_int_equal(tls_engine_output(pair.client.stream->engine).len, 0);
    net_pair_close(&pair);
    free(bytes);
}

static void a_hundred_sealed_streams_at_once(void **state)
{
    struct net_tls *it = *state;
    enum { PAIRS = 100 };
    struct net_pair *pairs = calloc(PAIRS, sizeof(*pairs));
    assert_non_null(pairs);
    size_t before = net_descriptors();
    for (int i = 0; i < PAIRS; i++)
        net_tls_open(it, &pairs[i]);
    for (int i = 0; i < PAIRS; i++)
        net_end_say(&pairs[i].client, "NOOP\r\n");
    for (int i = 0; i < PAIRS; i++)
        net_end_expect(&it->net, &pairs[i].server, "NOOP\r\n");
    for (int i = 0; i < PAIRS; i++) {
        stream_close(pairs[i].client.stream, 10 * CLOCK_NS_PER_S);
        stream_close(pairs[i].server.stream, 10 * CLOCK_NS_PER_S);
    }
    for (int i = 0; i < PAIRS; i++) {
        NET_UNTIL(&it->net, pairs[i].client.closes == 1 && pairs[i].server.closes == 1);
        net_pair_close(&pairs[i]);
    }
    assert_int_equal(net_descriptors(), before);
    free(pairs);
}

static void an_event_may_free_its_stream(void **state)
{
    struct net_tls *it = *state;
    static const struct stream_events events[] = {
        {.sealed = net_victim_free},
        {.input = net_victim_free}, /* by the end of the other */
        {.flushed = net_victim_free},
    };
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        struct net_pair pair;
        net_pair_open(&pair, &it->net, NET_TCP);
        struct net_victim victim = {.stream = pair.server.stream};
        pair.server.stream = NULL;
        stream_set_events(victim.stream, &events[i], &victim);
        assert_int_equal(stream_start_tls(victim.stream, net_pair_server_engine(&pair, &it->tls)),
                         FERRY_OK);
        assert_int_equal(
            stream_start_tls(pair.client.stream, net_pair_client_engine(&pair, &it->tls)),
            FERRY_OK);
        if (!events[i].sealed) {
            NET_UNTIL(&it->net, stream_is_sealed(victim.stream));
            size_t taken;
            assert_int_equal(stream_write(victim.stream, BYTES_LIT("x"), &taken), FERRY_OK);
            if (!events[i].flushed)
                stream_abort(pair.client.stream);
        }
        NET_UNTIL(&it->net, victim.calls == 1);
        net_kit_idle(&it->net);
        assert_int_equal(victim.calls, 1);
        net_pair_close(&pair);
    }
}

/* ---- no memory ---- */

static enum ferry_error seal_and_say(void *ctx)
{
    struct net_tls *it = ctx;
    int fds[2];
    net_sockets(NET_UNIX, fds);
    struct net_pair roles = {.binding = tls_binding_new(it->tls.master),
                             .sessions = tls_sessions_new()};
    struct stream *client = stream_new(it->net.loop, fds[0], NULL, NULL);
    struct stream *server = stream_new(it->net.loop, fds[1], NULL, NULL);
    enum ferry_error error =
        roles.binding && roles.sessions && client && server ? FERRY_OK : FERRY_E_MEMORY;
    struct tls_engine *engine;
    const struct tls_server_role server_role = {.binding = roles.binding};
    const struct tls_client_role client_role = {
        .sessions = roles.sessions, .server_name = TLS_KIT_HOST, .trust = &roles.trust};
    if (error == FERRY_OK)
        error = tls_engine_new_server(it->tls.server, &server_role, &engine);
    if (error == FERRY_OK)
        error = stream_start_tls(server, engine);
    if (error == FERRY_OK)
        error = tls_engine_new_client(it->tls.client, &client_role, &engine);
    if (error == FERRY_OK)
        error = stream_start_tls(client, engine);

    size_t taken = 0, got = 0;
    static char words[60000], piece[1000];
    net_kit_begin(&it->net);
    while (error == FERRY_OK && got == 0) {
        loop_turn(it->net.loop, false);
        if (taken == 0 && stream_is_sealed(client))
            error = stream_write(client, bytes_of(words, sizeof(words)), &taken);
        stream_read(server, piece, sizeof(piece), &got); /* and keeps what it does not read */
        if (stream_end(client) != STREAM_OPEN || stream_end(server) != STREAM_OPEN)
            error = FERRY_E_LOST;
    }
    /* Whichever end ran out of memory knows why. */
    if (error == FERRY_E_LOST) {
        bool known = stream_fault(client)->kind == FERRY_E_MEMORY ||
                     stream_fault(server)->kind == FERRY_E_MEMORY;
        error = known ? FERRY_E_MEMORY : FERRY_E_LOST;
    }
    stream_free(client);
    stream_free(server);
    tls_sessions_free(roles.sessions);
    tls_binding_free(roles.binding);
    return error;
}

static void memory_may_be_short_anywhere(void **state)
{
    alloc_fail_each(seal_and_say, *state, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_BOTH_VERSIONS(tls_starts_in_the_middle_of_a_dialogue),
        NET_BOTH_VERSIONS(a_client_speaks_first_and_at_once),
        NET_BOTH_VERSIONS(tls_is_not_started_over_what_waits),
        NET_BOTH_VERSIONS(tls_131_clear_text_before_the_handshake_ends_it),
        NET_BOTH_VERSIONS(a_refusal_arrives_as_an_alert),
        NET_BOTH_VERSIONS(the_wire_may_carry_a_byte_at_a_time),
        NET_BOTH_VERSIONS(writes_of_one_turn_leave_together),
        NET_BOTH_VERSIONS(much_crosses_both_ways_at_once),
        NET_BOTH_VERSIONS(a_slow_reader_holds_up_the_writer),
        NET_BOTH_VERSIONS(a_paused_stream_reads_nothing),
        NET_BOTH_VERSIONS(streams_that_read_in_turns_do_not_mix),
        NET_BOTH_VERSIONS(a_new_owner_is_told_of_what_was_received),
        NET_BOTH_VERSIONS(an_idle_stream_holds_no_memory_for_bytes),
        NET_BOTH_VERSIONS(a_hundred_sealed_streams_at_once),
        NET_BOTH_VERSIONS(an_event_may_free_its_stream),
        NET_BOTH_VERSIONS(memory_may_be_short_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
