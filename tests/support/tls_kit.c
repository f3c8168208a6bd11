/* TLS without sockets. */
#include "support/tls_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

enum { RECEIVED_MAX_BYTES = 16 * 1024 * 1024, DAY_S = 24 * 3600 };

int64_t tls_kit_now_s(void)
{
    return clock_wall_ns(&clock_system) / (int64_t)CLOCK_NS_PER_S;
}

static void mint_all(struct tls_kit *kit)
{
    static const char *const dns_names[] = {TLS_KIT_HOST, NULL};
    static const char *const ip_addresses[] = {"192.0.2.7", "2001:db8::7", NULL};
    int64_t now = tls_kit_now_s();
    struct fault fault = {0};
    const struct tls_mint_request server = {
        .common_name = "ferry test server",
        .dns_names = dns_names,
        .ip_addresses = ip_addresses,
        .not_before_s = now - DAY_S,
        .not_after_s = now + DAY_S,
    };
    const struct tls_mint_request client = {
        .common_name = "alice",
        .client = true,
        .not_before_s = now - DAY_S,
        .not_after_s = now + DAY_S,
    };
    assert_int_equal(tls_mint_ca("ferry test CA", now - DAY_S, now + DAY_S, &kit->ca, &fault),
                     FERRY_OK);
    assert_int_equal(tls_mint_leaf(&kit->ca, &server, &kit->server_leaf, &fault), FERRY_OK);
    assert_int_equal(tls_mint_leaf(&kit->ca, &client, &kit->client_leaf, &fault), FERRY_OK);
}

void tls_kit_open(struct tls_kit *kit, const struct tls_kit_options *options)
{
    *kit = (struct tls_kit){0};
    mint_all(kit);
    kit->master = tls_master_new();
    assert_non_null(kit->master);

    struct bytes ca = buf_view(&kit->ca.certificate_pem);
    struct fault fault = {0};
    const struct tls_server_settings server = {
        .policy = options->policy,
        .min = options->min,
        .max = options->max,
        .certificate_pem = buf_view(&kit->server_leaf.certificate_pem),
        .key_pem = buf_view(&kit->server_leaf.key_pem),
        .client_certificates = options->client_certificates,
        .client_ca_pem = ca,

    };
    struct tls_client_settings client = {
        .policy = options->policy,
        .min = options->min,
        .max = options->max,
        .ca_pem = ca,
    };
    if (options->client_has_certificate) {
        client.certificate_pem = buf_view(&kit->client_leaf.certificate_pem);
        client.key_pem = buf_view(&kit->client_leaf.key_pem);
    }
    assert_int_equal(tls_context_new_server(&server, &kit->server, &fault), FERRY_OK);
    assert_int_equal(tls_context_new_client(&client, &kit->client, &fault), FERRY_OK);
}

void tls_kit_close(struct tls_kit *kit)
{
    tls_context_unref(kit->server);
    tls_context_unref(kit->client);
    tls_master_free(kit->master);
    tls_minted_fini(&kit->ca);
    tls_minted_fini(&kit->server_leaf);
    tls_minted_fini(&kit->client_leaf);
}

void tls_kit_for_each_version(void (*body)(struct tls_kit *kit))
{
    static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_kit kit;
        tls_kit_open(&kit, &(struct tls_kit_options){.min = versions[i], .max = versions[i]});
        body(&kit);
        tls_kit_close(&kit);
    }
}

void tls_end_init(struct tls_end *end, struct tls_engine *engine)
{
    *end = (struct tls_end){.engine = engine};
    buf_init(&end->received, RECEIVED_MAX_BYTES);
    buf_init(&end->stray, RECEIVED_MAX_BYTES);
    buf_init(&end->held, RECEIVED_MAX_BYTES);
}

void tls_end_fini(struct tls_end *end)
{
    tls_engine_free(end->engine);
    buf_fini(&end->received);
    buf_fini(&end->stray);
    buf_fini(&end->held);
}

void tls_pair_init(struct tls_pair *pair, struct tls_engine *client, struct tls_engine *server)
{
    pair->chunk_bytes = 0;
    tls_end_init(&pair->client, client);
    tls_end_init(&pair->server, server);
}

void tls_pair_fini(struct tls_pair *pair)
{
    tls_end_fini(&pair->client);
    tls_end_fini(&pair->server);
}

static void keep_stray(struct tls_end *end)
{
    struct bytes stray = tls_engine_unused(end->engine);
    assert_int_equal(buf_append(&end->stray, stray), FERRY_OK);
    tls_engine_feed(end->engine, bytes_of(NULL, 0));
}

void tls_end_turn(struct tls_end *end)
{
    if (!end->open) {
        end->status = tls_engine_handshake(end->engine);
        if (end->status != TLS_DONE)
            return;
        end->open = true;
    }
    static char space[5000]; /* no multiple of a record, so that records are read in pieces */
    size_t got = 0;
    do {
        end->status = tls_engine_read(end->engine, space, sizeof(space), &got);
        assert_true(end->status == TLS_DONE ? got > 0 : got == 0);
        assert_int_equal(buf_append(&end->received, bytes_of(space, got)), FERRY_OK);
    } while (end->status == TLS_DONE);
    if (end->status == TLS_WANT_INPUT)
        assert_int_equal(tls_engine_unused(end->engine).len, 0);
    if (end->status == TLS_CLOSED)
        keep_stray(end);
}

void tls_end_feed(struct tls_end *end, struct bytes in)
{
    /* Of its own size, so that the sanitizer sees a byte read too far or too late. */
    char *copy = malloc(in.len);
    assert_true(copy != NULL || in.len == 0);
    if (in.len > 0)
        memcpy(copy, in.ptr, in.len);
    tls_engine_feed(end->engine, bytes_of(copy, in.len));
    tls_end_turn(end);
    buf_consume(&end->held, buf_len(&end->held));
    if (end->status == TLS_WANT_SIGNATURE)
        assert_int_equal(buf_append(&end->held, tls_engine_unused(end->engine)), FERRY_OK);
    tls_engine_feed(end->engine, buf_view(&end->held));
    free(copy);
}

/* Moves what one end has to send, or a chunk of it, to the other. false: there was nothing. */
static bool move(struct tls_pair *pair, struct tls_end *from, struct tls_end *to)
{
    struct bytes out = tls_engine_output(from->engine);
    if (out.len == 0)
        return false;
    if (pair->chunk_bytes > 0)
        out = bytes_first(out, pair->chunk_bytes);
    tls_end_feed(to, out);
    tls_engine_wrote(from->engine, out.len);
    return true;
}

void tls_pair_run(struct tls_pair *pair)
{
    tls_end_turn(&pair->client);
    tls_end_turn(&pair->server);
    bool moved = true;
    while (moved) {
        moved = move(pair, &pair->client, &pair->server);
        moved |= move(pair, &pair->server, &pair->client);
    }
}

void tls_pair_handshake(struct tls_pair *pair)
{
    tls_pair_run(pair);
    if (!pair->client.open || !pair->server.open)
        fail_msg("client: %s; server: %s", tls_engine_fault(pair->client.engine)->what,
                 tls_engine_fault(pair->server.engine)->what);
}

void tls_pair_say(struct tls_pair *pair, struct tls_end *from, const char *text)
{
    struct tls_end *to = from == &pair->client ? &pair->server : &pair->client;
    size_t taken = 0;
    assert_int_equal(tls_engine_write(from->engine, bytes_str(text), &taken), TLS_DONE);
    assert_int_equal(taken, strlen(text));
    tls_pair_run(pair);
    struct bytes got = buf_view(&to->received);
    assert_int_equal(got.len, strlen(text));
    assert_memory_equal(got.ptr, text, got.len);
    buf_consume(&to->received, got.len);
}

static struct tls_engine *new_server(struct tls_login *login, bool data)
{
    struct tls_engine *engine = NULL;
    const struct tls_server_role role = {.binding = login->binding, .data = data};
    assert_int_equal(tls_engine_new_server(login->kit->server, &role, &engine), FERRY_OK);
    return engine;
}

static struct tls_engine *new_client(struct tls_login *login, bool data)
{
    struct tls_engine *engine = NULL;
    const struct tls_client_role role = {
        .sessions = login->sessions,
        .data = data,
        .server_name = TLS_KIT_HOST,
        .trust = &login->trust,
    };
    assert_int_equal(tls_engine_new_client(login->kit->client, &role, &engine), FERRY_OK);
    return engine;
}

void tls_login_server_end(struct tls_login *login, bool data, struct tls_end *out)
{
    tls_end_init(out, new_server(login, data));
}

void tls_login_client_end(struct tls_login *login, bool data, struct tls_end *out)
{
    tls_end_init(out, new_client(login, data));
}

void tls_login_init(struct tls_login *login, struct tls_kit *kit)
{
    *login = (struct tls_login){.kit = kit};
    login->binding = tls_binding_new(kit->master);
    login->sessions = tls_sessions_new();
    assert_non_null(login->binding);
    assert_non_null(login->sessions);
    tls_pair_init(&login->control, new_client(login, false), new_server(login, false));
}

void tls_login_fini(struct tls_login *login)
{
    tls_pair_fini(&login->control);
    tls_sessions_free(login->sessions);
    tls_binding_free(login->binding);
}

void tls_login_open(struct tls_login *login, struct tls_kit *kit)
{
    tls_login_init(login, kit);
    tls_pair_handshake(&login->control);
    tls_pair_say(&login->control, &login->control.server, "220 ready\r\n");
}

void tls_login_for_each_version(void (*body)(struct tls_login *login))
{
    for (enum tls_version version = TLS_VERSION_1_2; version <= TLS_VERSION_1_3; version++) {
        struct tls_kit kit;
        struct tls_login login;
        tls_kit_open(&kit, &(struct tls_kit_options){.min = version, .max = version});
        tls_login_open(&login, &kit);
        body(&login);
        tls_login_fini(&login);
        tls_kit_close(&kit);
    }
}

void tls_login_data(struct tls_login *client, struct tls_login *server, struct tls_pair *out)
{
    tls_pair_init(out, new_client(client, true), new_server(server, true));
}

enum tls_proof tls_login_proof(struct tls_login *client, struct tls_login *server)
{
    struct tls_pair data;
    tls_login_data(client, server, &data);
    tls_pair_handshake(&data);
    enum tls_proof proof = tls_engine_proof(data.server.engine);
    bool resumed = proof == TLS_PROOF_OWN || proof == TLS_PROOF_OTHER;
    assert_int_equal(tls_engine_facts(data.server.engine)->resumed, resumed);
    assert_int_equal(tls_engine_facts(data.client.engine)->resumed, resumed);
    tls_pair_say(&data, &data.client, "upload");
    tls_engine_close(data.client.engine);
    tls_pair_run(&data);
    assert_int_equal(data.server.status, TLS_CLOSED);
    tls_pair_fini(&data);
    return proof;
}

enum ferry_error tls_login_full_data(struct tls_login *login, struct tls_kit *kit)
{
    struct tls_sessions *none = tls_sessions_new();
    const struct tls_client_role client_role = {
        .sessions = none, .data = true, .server_name = TLS_KIT_HOST, .trust = &login->trust};
    const struct tls_server_role server_role = {.binding = login->binding, .data = true};
    struct tls_engine *client, *server;
    assert_int_equal(tls_engine_new_client(login->kit->client, &client_role, &client), FERRY_OK);
    assert_int_equal(tls_engine_new_server(kit->server, &server_role, &server), FERRY_OK);
    struct tls_pair data;
    tls_pair_init(&data, client, server);
    tls_pair_run(&data);
    enum ferry_error kind = tls_engine_fault(client)->kind;
    if (kind == FERRY_OK)
        kind = tls_engine_fault(server)->kind;
    tls_pair_fini(&data);
    tls_sessions_free(none);
    return kind;
}
