/* tls/engine: two of them on a wire in memory; whole, in chunks and byte by byte. What a client of
 * another make may try is in test_hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/alloc_fail.h"
#include "support/tls_kit.h"

enum { MIB = 1024 * 1024, BATCH_BYTES = 256 * 1024 };

static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
static const size_t chunks[] = {0, 1, 1024};

static void fill(char *out, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        out[i] = (char)(seed >> 16);
    }
}

static void handshake_words_and_closure(struct tls_kit *kit, size_t chunk_bytes)
{
    struct tls_login login;
    tls_login_init(&login, kit);
    struct tls_pair *pair = &login.control;
    pair->chunk_bytes = chunk_bytes;
    tls_pair_handshake(pair);
    tls_pair_say(pair, &pair->server, "220 ready\r\n");
    tls_pair_say(pair, &pair->client, "NOOP\r\n");

    tls_engine_close(pair->client.engine);
    tls_pair_run(pair);
    assert_int_equal(pair->server.status, TLS_CLOSED);
    assert_int_equal(pair->client.status, TLS_WANT_INPUT);
    tls_engine_close(pair->server.engine);
    tls_pair_run(pair);
    assert_int_equal(pair->client.status, TLS_CLOSED);
    assert_int_equal(tls_engine_fault(pair->client.engine)->kind, FERRY_OK);
    assert_int_equal(tls_engine_fault(pair->server.engine)->kind, FERRY_OK);
    tls_login_fini(&login);
}

static void a_session_works_however_its_bytes_arrive(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_kit kit;
        tls_kit_open(&kit, &(struct tls_kit_options){.min = versions[i], .max = versions[i]});
        for (size_t j = 0; j < ARRAY_LEN(chunks); j++)
            handshake_words_and_closure(&kit, chunks[j]);
        tls_kit_close(&kit);
    }
}

/* Seals all of `in` on one end, sending only when the output is full; then compares. */
static void pump(struct tls_pair *pair, struct tls_end *from, struct tls_end *to, struct bytes in)
{
    struct bytes rest = in;
    unsigned full = 0;
    for (;;) {
        size_t room = tls_engine_room(from->engine);
        size_t taken = 0;
        enum tls_status status = tls_engine_write(from->engine, rest, &taken);
        assert_int_equal(taken, room < rest.len ? room : rest.len);
        rest = bytes_skip(rest, taken);
        assert_in_range(tls_engine_output(from->engine).len, 1, TLS_OUTPUT_MAX_BYTES);
        if (status == TLS_DONE)
            break;
        assert_int_equal(status, TLS_WANT_OUTPUT);
        full++;
        tls_pair_run(pair);
    }
    assert_int_equal(rest.len, 0);
    assert_true(in.len < BATCH_BYTES || full >= in.len / BATCH_BYTES - 1);
    tls_pair_run(pair);
    assert_true(bytes_equal(buf_view(&to->received), in));
    buf_consume(&to->received, in.len);
}

static void a_mebibyte_crosses_both_ways_through_a_full_output(void **state)
{
    (void)state;
    static char content[MIB];
    fill(content, sizeof(content), 1);
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_kit kit;
        struct tls_login login;
        tls_kit_open(&kit, &(struct tls_kit_options){.min = versions[i], .max = versions[i]});
        tls_login_open(&login, &kit);
        struct tls_pair *pair = &login.control;
        for (size_t j = 0; j < ARRAY_LEN(chunks); j++) {
            pair->chunk_bytes = chunks[j];
            size_t len = chunks[j] == 1 ? 40000 : MIB;
            pump(pair, &pair->client, &pair->server, bytes_of(content, len));
            pump(pair, &pair->server, &pair->client, bytes_of(content, len));
        }
        tls_login_fini(&login);
        tls_kit_close(&kit);
    }
}

static void a_whole_batch_is_taken_at_once(struct tls_login *login)
{
    static char content[BATCH_BYTES];
    fill(content, sizeof(content), 2);
    struct tls_pair *pair = &login->control;
    struct tls_engine *server = pair->server.engine;
    size_t taken = 0;
    assert_int_equal(tls_engine_room(server), BATCH_BYTES);
    assert_int_equal(tls_engine_write(server, bytes_of(content, BATCH_BYTES), &taken), TLS_DONE);
    assert_int_equal(taken, BATCH_BYTES);
    assert_in_range(tls_engine_output(server).len, BATCH_BYTES + 16 * 22, BATCH_BYTES + 16 * 29);

    /* What is left of the room is no whole record: nothing more is taken than fits. */
    size_t room = tls_engine_room(server);
    assert_in_range(room, 0, TLS_RECORD_MAX_BYTES - 1);
    assert_int_equal(tls_engine_write(server, bytes_of(content, BATCH_BYTES), &taken),
                     TLS_WANT_OUTPUT);
    assert_int_equal(taken, room);
    assert_int_equal(tls_engine_room(server), 0);
    assert_int_equal(tls_engine_write(server, BYTES_LIT("x"), &taken), TLS_WANT_OUTPUT);
    assert_int_equal(taken, 0);
    assert_in_range(tls_engine_output(server).len, 1, TLS_OUTPUT_MAX_BYTES);

    tls_pair_run(pair);
    assert_int_equal(buf_len(&pair->client.received), BATCH_BYTES + room);
    assert_memory_equal(buf_view(&pair->client.received).ptr, content, BATCH_BYTES);
    assert_int_equal(tls_engine_room(server), BATCH_BYTES);
}

static void a_batch_fits_and_what_does_not_fit_is_left(void **state)
{
    (void)state;
    tls_login_for_each_version(a_whole_batch_is_taken_at_once);
}

static void partly_sent(struct tls_login *login)
{
    static char content[3 * TLS_RECORD_MAX_BYTES];
    fill(content, sizeof(content), 3);
    struct tls_pair *pair = &login->control;
    struct bytes rest = bytes_of(content, sizeof(content));
    /* Write a little, send a little: the output is never empty, never over its cap. */
    while (rest.len > 0) {
        size_t taken = 0;
        struct bytes part = bytes_first(rest, 1000);
        assert_int_equal(tls_engine_write(pair->client.engine, part, &taken), TLS_DONE);
        rest = bytes_skip(rest, taken);
        struct bytes out = bytes_first(tls_engine_output(pair->client.engine), 700);
        tls_end_feed(&pair->server, out);
        tls_engine_wrote(pair->client.engine, out.len);
    }
    tls_pair_run(pair);
    assert_true(bytes_equal(buf_view(&pair->server.received), bytes_of(content, sizeof(content))));
}

static void writing_and_sending_interleave(void **state)
{
    (void)state;
    tls_login_for_each_version(partly_sent);
}

/* A small `out` gets what fits, and the rest later, without further input. */
static void small_reads(struct tls_login *login)
{
    struct tls_pair *pair = &login->control;
    size_t taken = 0, got = 0;
    char c;
    assert_int_equal(tls_engine_write(pair->server.engine, BYTES_LIT("abc"), &taken), TLS_DONE);
    assert_int_equal(tls_engine_write(pair->server.engine, BYTES_LIT("de"), &taken), TLS_DONE);
    struct bytes out = tls_engine_output(pair->server.engine);
    tls_engine_feed(pair->client.engine, out);
    for (const char *expected = "abcde"; *expected; expected++) {
        assert_int_equal(tls_engine_read(pair->client.engine, &c, 1, &got), TLS_DONE);
        assert_int_equal(got, 1);
        assert_int_equal(c, *expected);
    }
    assert_int_equal(tls_engine_read(pair->client.engine, &c, 1, &got), TLS_WANT_INPUT);
    assert_int_equal(got, 0);
    assert_int_equal(tls_engine_unused(pair->client.engine).len, 0);
}

static void reading_in_small_pieces_loses_nothing(void **state)
{
    (void)state;
    tls_login_for_each_version(small_reads);
}

/* ---- damage ---- */

/* One login, with the byte at `at` of all that one side sends changed. */
static void flip(struct tls_kit *kit, bool from_server, size_t at, size_t *sent_total)
{
    struct tls_login login;
    tls_login_init(&login, kit);
    struct tls_pair *pair = &login.control;
    struct tls_end *ends[] = {&pair->client, &pair->server};
    size_t sent = 0;
    bool moved = true;
    tls_end_turn(&pair->client);
    while (moved) {
        moved = false;
        for (size_t i = 0; i < 2; i++) {
            struct bytes out = tls_engine_output(ends[i]->engine);
            if (out.len == 0)
                continue;
            char *copy = malloc(out.len);
            assert_non_null(copy);
            memcpy(copy, out.ptr, out.len);
            if (from_server == (i == 1)) {
                if (at >= sent && at < sent + out.len)
                    copy[at - sent] ^= 0x20;
                sent += out.len;
            }
            tls_end_feed(ends[1 - i], bytes_of(copy, out.len));
            tls_engine_wrote(ends[i]->engine, out.len);
            free(copy);
            moved = true;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        const struct fault *fault = tls_engine_fault(ends[i]->engine);
        assert_true((ends[i]->status == TLS_FAILED) == fault_is_set(fault));
        if (fault_is_set(fault))
            assert_string_not_equal(fault->what, "");
    }
    *sent_total = sent;
    tls_login_fini(&login);
}

static void a_changed_byte_anywhere_in_the_handshake_ends_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_kit kit;
        tls_kit_open(&kit, &(struct tls_kit_options){.min = versions[i], .max = versions[i]});
        for (int from_server = 0; from_server < 2; from_server++) {
            size_t total = 1;
            for (size_t at = 0; at < total; at += at < 20 ? 1 : 13)
                flip(&kit, from_server, at, &total);
        }
        tls_kit_close(&kit);
    }
}

static void damaged_record(struct tls_login *login)
{
    struct tls_pair *pair = &login->control;
    size_t taken = 0;
    assert_int_equal(tls_engine_write(pair->client.engine, BYTES_LIT("RETR x\r\n"), &taken),
                     TLS_DONE);
    char copy[100];
    struct bytes out = tls_engine_output(pair->client.engine);
    assert_in_range(out.len, 1, sizeof(copy));
    memcpy(copy, out.ptr, out.len);
    copy[out.len - 1] ^= 1;
    tls_end_feed(&pair->server, bytes_of(copy, out.len));
    tls_engine_wrote(pair->client.engine, out.len);
    assert_int_equal(pair->server.status, TLS_FAILED);
    assert_int_equal(buf_len(&pair->server.received), 0);
    assert_string_equal(tls_engine_fault(pair->server.engine)->what,
                        "a record arrived damaged or forged");

    /* The other end learns it by an alert, which it names (TLS-184). */
    tls_pair_run(pair);
    assert_int_equal(pair->client.status, TLS_FAILED);
    const struct fault *fault = tls_engine_fault(pair->client.engine);
    assert_int_equal(fault->kind, FERRY_E_TLS);
    assert_string_equal(fault->what, "the server ended TLS with an alert");
    assert_string_equal(fault->peer_said, "bad_record_mac (TLS alert 20)");
}

static void tls_184_a_damaged_record_ends_in_an_alert_by_name(void **state)
{
    (void)state;
    tls_login_for_each_version(damaged_record);
}

static void plain_inside(struct tls_login *login)
{
    struct tls_pair *pair = &login->control;
    tls_end_feed(&pair->client, BYTES_LIT("230 logged in\r\n"));
    assert_int_equal(pair->client.status, TLS_FAILED);
    assert_int_equal(buf_len(&pair->client.received), 0);
    assert_int_equal(tls_engine_fault(pair->client.engine)->kind, FERRY_E_TLS);
}

static void plain_text_inside_a_session_is_never_read(void **state)
{
    (void)state;
    tls_login_for_each_version(plain_inside);
}

/* ---- memory ---- */

static enum ferry_error fault_kind(const struct tls_pair *pair)
{
    const struct fault *client = tls_engine_fault(pair->client.engine);
    return fault_is_set(client) ? client->kind : tls_engine_fault(pair->server.engine)->kind;
}

/* A login from nothing, as far as memory goes. */
static enum ferry_error try_login(void *ctx)
{
    struct tls_kit *kit = ctx;
    struct tls_binding *binding = tls_binding_new(kit->master);
    struct tls_sessions *sessions = tls_sessions_new();
    struct tls_trust trust = {0};
    struct tls_engine *client = NULL, *server = NULL;
    enum ferry_error error = binding && sessions ? FERRY_OK : FERRY_E_MEMORY;
    if (error == FERRY_OK)
        error = tls_engine_new_client(kit->client,
                                      &(struct tls_client_role){.sessions = sessions,
                                                                .server_name = TLS_KIT_HOST,
                                                                .trust = &trust},
                                      &client);
    if (error == FERRY_OK)
        error = tls_engine_new_server(kit->server, &(struct tls_server_role){.binding = binding},
                                      &server);
    if (error == FERRY_OK) {
        struct tls_pair pair;
        tls_pair_init(&pair, client, server);
        tls_pair_run(&pair);
        error = fault_kind(&pair);
        tls_pair_fini(&pair);
    } else {
        tls_engine_free(client);
    }
    tls_sessions_free(sessions);
    tls_binding_free(binding);
    return error;
}

static void short_memory_is_reported_at_each_point_of_a_login(void **state)
{
    (void)state;
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    assert_in_range(alloc_fail_each(try_login, &kit, 100), 5, 100);
    tls_kit_close(&kit);
}

static void no_memory_to_write(struct tls_login *login)
{
    size_t taken = 0;
    alloc_fail_from(1);
    enum tls_status status = tls_engine_write(login->control.client.engine, BYTES_LIT("x"), &taken);
    alloc_fail_from(0);
    assert_int_equal(status, TLS_FAILED);
    assert_int_equal(tls_engine_fault(login->control.client.engine)->kind, FERRY_E_MEMORY);
}

static void short_memory_for_output_is_reported(void **state)
{
    (void)state;
    tls_login_for_each_version(no_memory_to_write);
}

static void names_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct tls_kit kit;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    struct tls_sessions *sessions = tls_sessions_new();
    char longest[257];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[256] = '\0';
    const char *const names[] = {NULL, "", ".", longest};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct tls_trust trust = {0};
        struct tls_engine *engine = NULL;
        const struct tls_client_role role = {
            .sessions = sessions, .server_name = names[i], .trust = &trust};
        assert_int_equal(tls_engine_new_client(kit.client, &role, &engine), FERRY_E_ARGUMENT);
        assert_null(engine);
    }
    tls_sessions_free(sessions);
    tls_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_works_however_its_bytes_arrive),
        cmocka_unit_test(a_mebibyte_crosses_both_ways_through_a_full_output),
        cmocka_unit_test(a_batch_fits_and_what_does_not_fit_is_left),
        cmocka_unit_test(writing_and_sending_interleave),
        cmocka_unit_test(reading_in_small_pieces_loses_nothing),
        cmocka_unit_test(a_changed_byte_anywhere_in_the_handshake_ends_in_words),
        cmocka_unit_test(tls_184_a_damaged_record_ends_in_an_alert_by_name),
        cmocka_unit_test(plain_text_inside_a_session_is_never_read),
        cmocka_unit_test(short_memory_is_reported_at_each_point_of_a_login),
        cmocka_unit_test(short_memory_for_output_is_reported),
        cmocka_unit_test(names_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
