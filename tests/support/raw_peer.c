/* A TLS peer made of OpenSSL alone. */
#include "support/raw_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>

SSL_CTX *raw_client_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(context);
    return context;
}

static BIO *open_text(const struct buf *pem)
{
    struct bytes text = buf_view(pem);
    return BIO_new_mem_buf(text.ptr, (int)text.len);
}

SSL_CTX *raw_server_context(const struct tls_kit *kit)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    BIO *certificate_text = open_text(&kit->server_leaf.certificate_pem);
    BIO *key_text = open_text(&kit->server_leaf.key_pem);
    X509 *certificate = PEM_read_bio_X509(certificate_text, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_text);
    BIO_free(key_text);
    return context;
}

void raw_peer_init(struct raw_peer *peer, SSL_CTX *context, struct tls_end *ours)
{
    *peer = (struct raw_peer){.context = context, .ours = ours};
    buf_init(&peer->received, 1024 * 1024);
    peer->ssl = SSL_new(peer->context);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    assert_true(peer->ssl && peer->in && peer->out);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    if (SSL_CTX_get0_privatekey(context))
        SSL_set_accept_state(peer->ssl);
    else
        SSL_set_connect_state(peer->ssl);
}

void raw_peer_fini(struct raw_peer *peer)
{
    SSL_set_shutdown(peer->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(peer->ssl);
    buf_fini(&peer->received);
    ERR_clear_error();
}

static void turn(struct raw_peer *peer)
{
    ERR_clear_error();
    if (!peer->open) {
        peer->open = SSL_do_handshake(peer->ssl) == 1;
        if (!peer->open)
            return;
    }
    char space[4096];
    size_t got = 0;
    while (SSL_read_ex(peer->ssl, space, sizeof(space), &got) == 1)
        assert_int_equal(buf_append(&peer->received, bytes_of(space, got)), FERRY_OK);
}

void raw_peer_run(struct raw_peer *peer)
{
    bool moved = true;
    turn(peer);
    tls_end_turn(peer->ours);
    while (moved) {
        moved = false;
        char space[16384];
        size_t got = 0;
        while (BIO_read_ex(peer->out, space, sizeof(space), &got) == 1) {
            tls_end_feed(peer->ours, bytes_of(space, got));
            moved = true;
        }
        struct bytes answer = tls_engine_output(peer->ours->engine);
        if (answer.len == 0)
            continue;
        assert_int_equal(BIO_write(peer->in, answer.ptr, (int)answer.len), answer.len);
        tls_engine_wrote(peer->ours->engine, answer.len);
        turn(peer);
        moved = true;
    }
}

enum tls_proof raw_connection(struct tls_login *login, bool data, struct raw_kind kind,
                              SSL_SESSION *offer, SSL_SESSION **session)
{
    SSL_CTX *context = raw_client_context();
    struct tls_end server;
    struct raw_peer client;
    tls_login_server_end(login, data, &server);
    raw_peer_init(&client, context, &server);
    if (kind.ids_only)
        SSL_set_options(client.ssl, SSL_OP_NO_TICKET);
    SSL_SESSION *copy = offer ? SSL_SESSION_dup(offer) : NULL;
    if (copy) {
        assert_int_equal(SSL_set_session(client.ssl, copy), 1);
        if (!kind.modern_hello)
            SSL_set_max_proto_version(client.ssl, SSL_SESSION_get_protocol_version(copy));
    }
    raw_peer_run(&client);
    assert_true(client.open);
    assert_true(server.open);
    enum tls_proof proof = tls_engine_proof(server.engine);
    assert_int_equal(SSL_session_reused(client.ssl),
                     proof == TLS_PROOF_OWN || proof == TLS_PROOF_OTHER);
    if (session)
        *session = SSL_get1_session(client.ssl);
    SSL_SESSION_free(copy);
    raw_peer_fini(&client);
    tls_end_fini(&server);
    SSL_CTX_free(context);
    return proof;
}
