/* Streams whose handshake waits for a signer: the loop turns meanwhile, and ends come at any time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/net_kit.h"
#include "tls/key.h"
#include "tls/signer.h"

struct fixture {
    struct net_kit net;
    struct tls_kit tls;
    struct tls_signer *signer;
    struct tls_key *key;
    struct tls_context *server;
    struct net_pair pair;
    unsigned asked;
    struct tls_sign_request request;
    char input[TLS_SIGN_INPUT_MAX_BYTES];
};

static bool on_ask(void *ctx, const struct tls_sign_request *request)
{
    struct fixture *f = ctx;
    f->asked++;
    f->request = *request;
    memcpy(f->input, request->input.ptr, request->input.len);
    f->request.input.ptr = f->input;
    return true;
}

static void answer(struct fixture *f)
{
    char signature[TLS_SIGNATURE_MAX_BYTES];
    size_t len = 0;
    assert_int_equal(tls_key_sign(f->key, &f->request, signature, &len), FERRY_OK);
    tls_signer_answer(f->signer, f->request.id, bytes_of(signature, len));
}

static struct tls_engine *server_engine(struct fixture *f)
{
    struct tls_engine *engine = NULL;
    const struct tls_server_role role = {.binding = f->pair.binding};
    assert_int_equal(tls_engine_new_server(f->server, &role, &engine), FERRY_OK);
    return engine;
}

static int setup(void **state)
{
    static struct fixture f;
    struct fault fault = {0};
    f = (struct fixture){0};
    net_kit_open(&f.net);
    tls_kit_open(&f.tls, &(struct tls_kit_options){0});
    f.signer = tls_signer_new(on_ask, &f);
    assert_non_null(f.signer);
    assert_int_equal(tls_key_new(buf_view(&f.tls.server_leaf.key_pem), &f.key, &fault), FERRY_OK);
    const struct tls_server_settings settings = {
        .certificate_pem = buf_view(&f.tls.server_leaf.certificate_pem), .signer = f.signer};
    assert_int_equal(tls_context_new_server(&settings, &f.server, &fault), FERRY_OK);

    net_pair_open(&f.pair, &f.net, NET_TCP);
    f.pair.binding = tls_binding_new(f.tls.master);
    assert_non_null(f.pair.binding);
    assert_int_equal(
        stream_start_tls(f.pair.client.stream, net_pair_client_engine(&f.pair, &f.tls)), FERRY_OK);
    assert_int_equal(stream_start_tls(f.pair.server.stream, server_engine(&f)), FERRY_OK);
    NET_UNTIL(&f.net, f.asked == 1);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    net_pair_close(&f->pair);
    assert_int_equal(tls_signer_waiting(f->signer), 0);
    tls_context_unref(f->server);
    tls_signer_free(f->signer);
    tls_key_free(f->key);
    tls_kit_close(&f->tls);
    net_kit_close(&f->net);
    return 0;
}

/* SEC-64: the loop sleeps, or serves others, until the answer comes. */
static void the_loop_sleeps_meanwhile(void **state)
{
    struct fixture *f = *state;
    assert_true(net_kit_is_asleep(&f->net));
    assert_false(stream_is_sealed(f->pair.server.stream));
    answer(f);
    NET_UNTIL(&f->net, f->pair.server.seals == 1 && f->pair.client.seals == 1);
    assert_int_equal(f->asked, 1);
    net_end_say(&f->pair.client, "sealed");
    net_end_expect(&f->net, &f->pair.server, "sealed");
}

static void a_refusal_ends_the_stream(void **state)
{
    struct fixture *f = *state;
    tls_signer_fail(f->signer);
    NET_UNTIL(&f->net, stream_end(f->pair.server.stream) == STREAM_END_FAILED);
    NET_UNTIL(&f->net, stream_end(f->pair.client.stream) == STREAM_END_FAILED);
}

static void the_client_goes_before_the_answer(void **state)
{
    struct fixture *f = *state;
    net_end_close(&f->pair.client);
    net_kit_idle(&f->net);
    answer(f);
    NET_UNTIL(&f->net, stream_end(f->pair.server.stream) != STREAM_OPEN);
}

static void the_stream_goes_before_the_answer(void **state)
{
    struct fixture *f = *state;
    net_end_close(&f->pair.server);
    assert_int_equal(tls_signer_waiting(f->signer), 0);
    answer(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_loop_sleeps_meanwhile),
        TEST(a_refusal_ends_the_stream),
        TEST(the_client_goes_before_the_answer),
        TEST(the_stream_goes_before_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
