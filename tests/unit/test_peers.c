/* tls/peers: two servers at the ends of one data connection (TLS-168). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "support/tls_kit.h"
#include "tls/peers.h"

static struct tls_peers *peers_of(struct bytes ca_pem, const char *pin_text)
{
    struct tls_pin pin;
    struct tls_peers *peers = NULL;
    struct fault fault = {0};
    if (pin_text)
        assert_int_equal(tls_pin_parse(bytes_str(pin_text), &pin), FERRY_OK);
    assert_int_equal(tls_peers_new(ca_pem, &pin, pin_text ? 1 : 0, &peers, &fault), FERRY_OK);
    return peers;
}

/* A client context as a server has it for the other end: with this certificate, without any CA. */
static struct tls_context *context_of(const struct tls_minted *leaf)
{
    struct tls_client_settings settings = {0};
    if (leaf) {
        settings.certificate_pem = buf_view(&leaf->certificate_pem);
        settings.key_pem = buf_view(&leaf->key_pem);
    }
    struct tls_context *context = NULL;
    struct fault fault = {0};
    assert_int_equal(tls_context_new_client(&settings, &context, &fault), FERRY_OK);
    return context;
}

/* The other server is TLS client, knows us by `theirs` and shows `leaf`; we know it by `ours`. */
struct meeting {
    struct tls_login *login;
    struct tls_peers *ours, *theirs;
    const struct tls_minted *leaf;
};

static void meet(const struct meeting *meeting, struct tls_pair *pair)
{
    struct tls_login *login = meeting->login;
    struct tls_engine *server = NULL, *client = NULL;
    const struct tls_server_role server_role = {
        .binding = login->binding, .data = true, .peers = meeting->ours};
    const struct tls_client_role client_role = {.data = true, .peers = meeting->theirs};
    struct tls_context *context = context_of(meeting->leaf);
    assert_int_equal(tls_engine_new_server(login->kit->server, &server_role, &server), FERRY_OK);
    assert_int_equal(tls_engine_new_client(context, &client_role, &client), FERRY_OK);
    tls_context_unref(context);
    tls_pair_init(pair, client, server);
    tls_pair_run(pair);
}

static void check_known(struct tls_login *login)
{
    struct bytes ca = buf_view(&login->kit->ca.certificate_pem);
    char pin[64];
    strcpy(pin, tls_engine_facts(login->control.client.engine)->peer_spki_pin);
    for (int pinned = 0; pinned < 2; pinned++) {
        struct tls_peers *peers = pinned ? peers_of((struct bytes){0}, pin) : peers_of(ca, NULL);
        const struct meeting meeting = {login, peers, peers, &login->kit->server_leaf};
        struct tls_pair pair;
        meet(&meeting, &pair);
        assert_true(pair.client.open && pair.server.open);
        assert_int_equal(tls_engine_proof(pair.server.engine), TLS_PROOF_PEER);
        tls_pair_say(&pair, &pair.client, "from server to server");
        tls_pair_say(&pair, &pair.server, "and back");
        tls_pair_fini(&pair);
        tls_peers_unref(peers);
    }
}

static void tls_168_servers_know_each_other_by_ca_or_key(void **state)
{
    (void)state;
    tls_login_for_each_version(check_known);
}

static void check_unknown(struct tls_login *login)
{
    struct tls_minted stranger_ca, stranger;
    struct fault fault = {0};
    int64_t now = tls_kit_now_s();
    const struct tls_mint_request request = {
        .common_name = "stranger", .not_before_s = now - 3600, .not_after_s = now + 3600};
    assert_int_equal(tls_mint_ca("other CA", now - 3600, now + 3600, &stranger_ca, &fault),
                     FERRY_OK);
    assert_int_equal(tls_mint_leaf(&stranger_ca, &request, &stranger, &fault), FERRY_OK);
    struct tls_peers *known = peers_of(buf_view(&login->kit->ca.certificate_pem), NULL);
    struct tls_peers *other = peers_of(buf_view(&stranger_ca.certificate_pem), NULL);

    /* As TLS server we see who it is not: nobody's certificate, an unknown one, a person's. */
    const struct tls_minted *const shown[] = {NULL, &stranger, &login->kit->client_leaf};
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        const struct meeting meeting = {login, known, known, shown[i]};
        struct tls_pair pair;
        meet(&meeting, &pair);
        assert_true(pair.server.open);
        assert_int_equal(tls_engine_proof(pair.server.engine), TLS_PROOF_NONE);
        tls_pair_fini(&pair);
    }
    /* As TLS client we go no further. */
    const struct meeting meeting = {login, known, other, &login->kit->server_leaf};
    struct tls_pair pair;
    meet(&meeting, &pair);
    assert_false(pair.client.open);
    assert_int_equal(tls_engine_fault(pair.client.engine)->kind, FERRY_E_TRUST);
    tls_pair_fini(&pair);

    tls_peers_unref(known);
    tls_peers_unref(other);
    tls_minted_fini(&stranger);
    tls_minted_fini(&stranger_ca);
}

static void tls_168_others_are_not_taken_for_servers(void **state)
{
    (void)state;
    tls_login_for_each_version(check_unknown);
}

/* Clients go on resuming where other servers may come. */
static void check_client(struct tls_login *login)
{
    struct tls_peers *peers = peers_of(buf_view(&login->kit->ca.certificate_pem), NULL);
    const struct tls_server_role role = {.binding = login->binding, .data = true, .peers = peers};
    struct tls_end client;
    struct tls_engine *server = NULL;
    tls_login_client_end(login, true, &client);
    assert_int_equal(tls_engine_new_server(login->kit->server, &role, &server), FERRY_OK);
    struct tls_pair pair;
    tls_pair_init(&pair, client.engine, server);
    tls_pair_handshake(&pair);
    assert_int_equal(tls_engine_proof(pair.server.engine), TLS_PROOF_OWN);
    tls_pair_fini(&pair);
    tls_peers_unref(peers);
}

static void clients_resume_as_before(void **state)
{
    (void)state;
    tls_login_for_each_version(check_client);
}

static void peers_must_be_named(void **state)
{
    (void)state;
    struct tls_peers *peers = NULL;
    struct fault fault = {0};
    assert_int_equal(tls_peers_new((struct bytes){0}, NULL, 0, &peers, &fault), FERRY_E_ARGUMENT);
    assert_int_equal(tls_peers_new(BYTES_LIT("no PEM"), NULL, 0, &peers, &fault), FERRY_E_ARGUMENT);
    struct tls_pin pins[TLS_PINS_MAX + 1] = {0};
    assert_int_equal(tls_peers_new((struct bytes){0}, pins, ARRAY_LEN(pins), &peers, &fault),
                     FERRY_E_ARGUMENT);
    assert_null(peers);
    tls_peers_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_168_servers_know_each_other_by_ca_or_key),
        cmocka_unit_test(tls_168_others_are_not_taken_for_servers),
        cmocka_unit_test(clients_resume_as_before),
        cmocka_unit_test(peers_must_be_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
