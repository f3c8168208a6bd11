/* The worker's end and that of keys, over a channel, in one process (SEC-64). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ferryd/keys/signing.h"
#include "ferryd/worker/remote_signer.h"
#include "proc/channel.h"
#include "support/net_kit.h"

static const char settings[] =
    "listen \"127.0.0.1:1\" { plaintext = allow }\n"
    "listen \"127.0.0.1:2\" { certificate = \"/leaf.pem\" key = \"/leaf.key\" }\n";
enum { KEY = 1 }; /* the number of the block that has one */

struct fixture {
    struct net_kit net;
    struct tls_kit tls;
    struct given given;
    struct keyring ring;
    struct remote_signer *signer;
    struct tls_context *server;
    struct net_pair pair;
};

static int file_of(struct bytes content)
{
    int fd = memfd_create("given", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.ptr, content.len), content.len);
    return fd;
}

static void open_keys(struct fixture *f)
{
    struct bytes key = buf_view(&f->tls.server_leaf.key_pem);
    given_init(&f->given);
    assert_int_equal(given_settings(&f->given, file_of(bytes_str(settings)), NULL), FERRY_OK);
    assert_int_equal(given_file(&f->given, BYTES_LIT("/leaf.key"), file_of(key), NULL), FERRY_OK);
    struct bytes certificate = buf_view(&f->tls.server_leaf.certificate_pem);
    assert_int_equal(given_file(&f->given, BYTES_LIT("/leaf.pem"), file_of(certificate), NULL),
                     FERRY_OK);
    assert_int_equal(keyring_init(&f->ring, &f->given, NULL), FERRY_OK);
}

/* Two sockets that wait for a handshake. */
static void open_pair(struct fixture *f)
{
    struct tls_engine *engine = NULL;
    net_pair_open(&f->pair, &f->net, NET_TCP);
    f->pair.binding = tls_binding_new(f->tls.master);
    assert_non_null(f->pair.binding);
    const struct tls_server_role role = {.binding = f->pair.binding};
    assert_int_equal(tls_engine_new_server(f->server, &role, &engine), FERRY_OK);
    assert_int_equal(
        stream_start_tls(f->pair.client.stream, net_pair_client_engine(&f->pair, &f->tls)),
        FERRY_OK);
    assert_int_equal(stream_start_tls(f->pair.server.stream, engine), FERRY_OK);
}

static int setup(void **state)
{
    static struct fixture f;
    struct fault fault = {0};
    f = (struct fixture){0};
    net_kit_open(&f.net);
    tls_kit_open(&f.tls, &(struct tls_kit_options){0});
    open_keys(&f);
    f.signer = remote_signer_new(f.net.loop, NULL);
    assert_non_null(f.signer);
    const struct tls_server_settings server = {
        .certificate_pem = buf_view(&f.tls.server_leaf.certificate_pem),
        .signer = remote_signer_tls(f.signer),
        .signer_key = KEY,
    };
    assert_int_equal(tls_context_new_server(&server, &f.server, &fault), FERRY_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tls_context_unref(f->server);
    remote_signer_free(f->signer);
    net_kit_idle(&f->net); /* keys sees the end of its channels */
    keyring_fini(&f->ring);
    given_fini(&f->given);
    tls_kit_close(&f->tls);
    net_kit_close(&f->net);
    return 0;
}

/* A channel to keys; the end that is its own. */
static int connect_keys(struct fixture *f)
{
    int ends[2];
    assert_int_equal(channel_pair(ends, NULL), FERRY_OK);
    assert_int_equal(remote_signer_connect(f->signer, ends[0]), FERRY_OK);
    return ends[1];
}

static void serve(struct fixture *f, int fd)
{
    const struct signing_setup setup = {.loop = f->net.loop, .ring = &f->ring};
    assert_int_equal(signing_serve(&setup, 0, fd), FERRY_OK);
}

static void expect_sealed(struct fixture *f)
{
    open_pair(f);
    NET_UNTIL(&f->net, f->pair.server.seals == 1 && f->pair.client.seals == 1);
    net_pair_close(&f->pair);
}

static void expect_failure(struct fixture *f)
{
    NET_UNTIL(&f->net, stream_end(f->pair.server.stream) == STREAM_END_FAILED);
    NET_UNTIL(&f->net, stream_end(f->pair.client.stream) == STREAM_END_FAILED);
    net_pair_close(&f->pair);
}

static unsigned waiting(struct fixture *f)
{
    return tls_signer_waiting(remote_signer_tls(f->signer));
}

static void sec_64_a_handshake_is_signed_by_another_process(void **state)
{
    struct fixture *f = *state;
    serve(f, connect_keys(f));
    expect_sealed(f);
    expect_sealed(f);
}

static void without_keys_a_handshake_fails(void **state)
{
    struct fixture *f = *state;
    open_pair(f);
    expect_failure(f);
}

static void keys_goes_while_a_handshake_waits(void **state)
{
    struct fixture *f = *state;
    int keys = connect_keys(f);
    open_pair(f);
    NET_UNTIL(&f->net, waiting(f) == 1);
    net_kit_idle(&f->net);
    assert_int_equal(waiting(f), 1);
    close(keys);
    expect_failure(f);
    serve(f, connect_keys(f));
    expect_sealed(f);
}

/* What waits by the old channel is refused; what comes then goes by the new one. */
static void a_new_channel_takes_the_place_of_the_old_one(void **state)
{
    struct fixture *f = *state;
    int old = connect_keys(f);
    open_pair(f);
    NET_UNTIL(&f->net, waiting(f) == 1);
    serve(f, connect_keys(f));
    expect_failure(f);
    expect_sealed(f);
    close(old);
}

/* The worker dies while keys signs for it: the job is over before what it writes to is freed. */
static void the_worker_goes_while_keys_signs(void **state)
{
    struct fixture *f = *state;
    serve(f, connect_keys(f));
    open_pair(f);
    NET_UNTIL(&f->net, waiting(f) == 1);
    net_kit_turn(&f->net);
    net_pair_close(&f->pair);
    int another = connect_keys(f);
    net_kit_idle(&f->net);
    close(another);
}

static void a_listener_without_a_key_gets_no_signature(void **state)
{
    struct fixture *f = *state;
    assert_null(keyring_key(&f->ring, 0));
    assert_non_null(keyring_key(&f->ring, KEY));
    assert_null(keyring_key(&f->ring, 2));
    tls_key_free(f->ring.keys[KEY]);
    f->ring.keys[KEY] = NULL;
    serve(f, connect_keys(f));
    open_pair(f);
    expect_failure(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sec_64_a_handshake_is_signed_by_another_process),
        TEST(without_keys_a_handshake_fails),
        TEST(keys_goes_while_a_handshake_waits),
        TEST(a_new_channel_takes_the_place_of_the_old_one),
        TEST(the_worker_goes_while_keys_signs),
        TEST(a_listener_without_a_key_gets_no_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
