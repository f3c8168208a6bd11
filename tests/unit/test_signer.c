/* Handshakes whose private key is elsewhere: each kind of key, late answers, refusals, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "support/tls_kit.h"
#include "tls/key.h"
#include "tls/signer.h"

enum { ASKED_MAX = 128, CROWD = 100, KEY_NUMBER = 7 };

/* A request as it was asked. */
struct asked {
    struct tls_sign_request request;
    char input[TLS_SIGN_INPUT_MAX_BYTES];
};

/* A server whose key is with a signer, and a client that trusts its certificate. */
struct fixture {
    struct tls_signer *signer;
    struct tls_key *key;
    struct tls_context *server, *client;
    struct tls_master *master;
    bool at_once, deaf;
    struct asked asked[ASKED_MAX];
    size_t asked_count;
};

/* One handshake under way. */
struct crossing {
    struct tls_binding *binding;
    struct tls_sessions *sessions;
    struct tls_trust trust;
    struct tls_pair pair;
    unsigned wakes;
};

/* ---- set-up ---- */

static void answer(struct fixture *f, const struct asked *asked)
{
    char signature[TLS_SIGNATURE_MAX_BYTES];
    size_t len = 0;
    assert_int_equal(tls_key_sign(f->key, &asked->request, signature, &len), FERRY_OK);
    tls_signer_answer(f->signer, asked->request.id, bytes_of(signature, len));
}

static bool on_ask(void *ctx, const struct tls_sign_request *request)
{
    struct fixture *f = ctx;
    if (f->deaf)
        return false;
    assert_int_equal(request->key, KEY_NUMBER);
    assert_true(f->asked_count < ASKED_MAX && request->input.len <= TLS_SIGN_INPUT_MAX_BYTES);
    struct asked *asked = &f->asked[f->asked_count++];
    asked->request = *request;
    memcpy(asked->input, request->input.ptr, request->input.len);
    asked->request.input.ptr = asked->input;
    if (f->at_once)
        answer(f, asked);
    return true;
}

static X509 *self_signed(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"signed afar", -1,
                               -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:" TLS_KIT_HOST);
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    bool ed25519 = EVP_PKEY_is_a(key, "ED25519");
    assert_true(X509_sign(certificate, key, ed25519 ? NULL : EVP_sha256()) > 0);
    return certificate;
}

static void pem_of(EVP_PKEY *key, struct buf *certificate_pem, struct buf *key_pem)
{
    X509 *certificate = self_signed(key);
    BIO *text = BIO_new(BIO_s_mem());
    char *start = NULL;
    assert_int_equal(PEM_write_bio_X509(text, certificate), 1);
    assert_int_equal(
        buf_append(certificate_pem, bytes_of(start, (size_t)BIO_get_mem_data(text, &start))),
        FERRY_OK);
    BIO_free(text);
    text = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(buf_append(key_pem, bytes_of(start, (size_t)BIO_get_mem_data(text, &start))),
                     FERRY_OK);
    BIO_free(text);
    X509_free(certificate);
}

static void fixture_open(struct fixture *f, EVP_PKEY *key, enum tls_version version)
{
    memset(f, 0, sizeof(*f));
    struct buf certificate_pem, key_pem;
    struct fault fault = {0};
    buf_init(&certificate_pem, 65536);
    buf_init(&key_pem, 65536);
    pem_of(key, &certificate_pem, &key_pem);
    EVP_PKEY_free(key);
    f->signer = tls_signer_new(on_ask, f);
    f->master = tls_master_new();
    assert_non_null(f->signer);
    assert_int_equal(tls_key_new(buf_view(&key_pem), &f->key, &fault), FERRY_OK);
    const struct tls_server_settings server = {
        .min = version,
        .max = version,
        .certificate_pem = buf_view(&certificate_pem),
        .signer = f->signer,
        .signer_key = KEY_NUMBER,
    };
    const struct tls_client_settings client = {
        .min = version, .max = version, .ca_pem = buf_view(&certificate_pem)};
    assert_int_equal(tls_context_new_server(&server, &f->server, &fault), FERRY_OK);
    assert_int_equal(tls_context_new_client(&client, &f->client, &fault), FERRY_OK);
    buf_fini(&certificate_pem);
    buf_fini(&key_pem);
}

static void fixture_close(struct fixture *f)
{
    tls_context_unref(f->server);
    tls_context_unref(f->client);
    assert_int_equal(tls_signer_waiting(f->signer), 0);
    tls_signer_free(f->signer);
    tls_key_free(f->key);
    tls_master_free(f->master);
}

static EVP_PKEY *p256(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

static void on_wake(void *ctx)
{
    struct crossing *crossing = ctx;
    crossing->wakes++;
}

static void crossing_open(struct crossing *c, struct fixture *f)
{
    *c = (struct crossing){.binding = tls_binding_new(f->master), .sessions = tls_sessions_new()};
    struct tls_engine *server = NULL, *client = NULL;
    const struct tls_server_role server_role = {.binding = c->binding};
    const struct tls_client_role client_role = {
        .sessions = c->sessions, .server_name = TLS_KIT_HOST, .trust = &c->trust};
    assert_int_equal(tls_engine_new_server(f->server, &server_role, &server), FERRY_OK);
    assert_int_equal(tls_engine_new_client(f->client, &client_role, &client), FERRY_OK);
    tls_engine_set_wake(server, on_wake, c);
    tls_pair_init(&c->pair, client, server);
}

static void crossing_close(struct crossing *c)
{
    tls_pair_fini(&c->pair);
    tls_binding_free(c->binding);
    tls_sessions_free(c->sessions);
}

/* ---- tests ---- */

/* SEC-64: RSA by PKCS#1 and PSS, ECDSA and Ed25519, under TLS 1.2 and 1.3, each signed by who has
 * the key while the server does not. */
static void sec_64_every_kind_of_key(void **state)
{
    (void)state;
    static const struct {
        const char *type, *curve;
        size_t bits;
    } kinds[] = {{"RSA", NULL, 2048}, {"EC", "P-256", 0}, {"EC", "P-384", 0}, {"ED25519", NULL, 0}};
    static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
    for (size_t i = 0; i < ARRAY_LEN(kinds) * ARRAY_LEN(versions); i++) {
        const char *curve = kinds[i / 2].curve;
        EVP_PKEY *key = kinds[i / 2].bits ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", kinds[i / 2].bits)
                        : curve           ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve)
                                          : EVP_PKEY_Q_keygen(NULL, NULL, kinds[i / 2].type);
        struct fixture f;
        struct crossing c;
        fixture_open(&f, key, versions[i % 2]);
        crossing_open(&c, &f);
        tls_pair_run(&c.pair);
        assert_int_equal(c.pair.server.status, TLS_WANT_SIGNATURE);
        assert_int_equal(f.asked_count, 1);
        assert_int_equal(tls_signer_waiting(f.signer), 1);
        tls_pair_run(&c.pair); /* asked again, it waits on */
        assert_int_equal(f.asked_count, 1);
        answer(&f, &f.asked[0]);
        assert_int_equal(c.wakes, 1);
        tls_end_turn(&c.pair.server);
        tls_pair_handshake(&c.pair);
        tls_pair_say(&c.pair, &c.pair.client, "sealed");
        crossing_close(&c);
        fixture_close(&f);
    }
}

static void an_answer_that_comes_at_once(void **state)
{
    (void)state;
    struct fixture f;
    struct crossing c;
    fixture_open(&f, p256(), TLS_VERSION_1_3);
    f.at_once = true;
    crossing_open(&c, &f);
    tls_pair_handshake(&c.pair);
    assert_int_equal(c.wakes, 0);
    crossing_close(&c);
    fixture_close(&f);
}

static void assert_failed(const struct crossing *c)
{
    assert_int_equal(c->pair.server.status, TLS_FAILED);
    assert_int_equal(tls_engine_fault(c->pair.server.engine)->kind, FERRY_E_TLS);
    assert_int_equal(c->pair.client.status, TLS_FAILED);
}

static void refusals(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct fixture f;
        struct crossing c;
        fixture_open(&f, p256(), TLS_VERSION_1_3);
        f.deaf = how == 0; /* cannot even be asked */
        crossing_open(&c, &f);
        tls_pair_run(&c.pair);
        if (how == 1)
            tls_signer_answer(f.signer, f.asked[0].request.id, bytes_str(NULL));
        if (how == 2)
            tls_signer_fail(f.signer);
        if (how == 3) { /* longer than any signature */
            static char endless[TLS_SIGNATURE_MAX_BYTES + 1];
            tls_signer_answer(f.signer, f.asked[0].request.id, bytes_of(endless, sizeof(endless)));
        }
        tls_end_turn(&c.pair.server);
        tls_pair_run(&c.pair);
        assert_failed(&c);
        crossing_close(&c);
        fixture_close(&f);
    }
}

/* A session that goes in the middle of its handshake leaves nothing behind, and the answer that
 * comes after it reaches nobody. */
static void freed_while_it_waits(void **state)
{
    (void)state;
    struct fixture f;
    struct crossing c;
    fixture_open(&f, p256(), TLS_VERSION_1_3);
    crossing_open(&c, &f);
    tls_pair_run(&c.pair);
    assert_int_equal(tls_signer_waiting(f.signer), 1);
    crossing_close(&c);
    assert_int_equal(tls_signer_waiting(f.signer), 0);
    answer(&f, &f.asked[0]);
    tls_signer_answer(f.signer, 12345, BYTES_LIT("never asked"));
    fixture_close(&f);
}

/* More handshakes than may wait at once: the others queue, and all end well. */
static void a_crowd(void **state)
{
    (void)state;
    static struct fixture f;
    static struct crossing crowd[CROWD];
    fixture_open(&f, p256(), TLS_VERSION_1_3);
    for (size_t i = 0; i < CROWD; i++) {
        crossing_open(&crowd[i], &f);
        tls_pair_run(&crowd[i].pair);
    }
    assert_true(f.asked_count > 0 && f.asked_count < CROWD);
    crossing_close(&crowd[CROWD - 1]); /* one that had to queue goes */
    for (size_t done = 0; done < f.asked_count; done++) {
        answer(&f, &f.asked[done]);
        for (size_t i = 0; i < CROWD - 1; i++) {
            if (crowd[i].wakes == 0)
                continue;
            crowd[i].wakes = 0;
            tls_end_turn(&crowd[i].pair.server);
            tls_pair_run(&crowd[i].pair);
        }
    }
    assert_int_equal(f.asked_count, CROWD - 1);
    for (size_t i = 0; i < CROWD - 1; i++) {
        assert_true(crowd[i].pair.server.open && crowd[i].pair.client.open);
        crossing_close(&crowd[i]);
    }
    fixture_close(&f);
}

/* SEC-64: whoever may ask for signatures gets none on a certificate, or on anything else that TLS
 * does not sign in a handshake. */
static void sec_64_what_is_signed(void **state)
{
    (void)state;
    char verify[64 + 34 + 32];
    memset(verify, ' ', 64);
    memcpy(verify + 64, "TLS 1.3, server CertificateVerify", 34);
    memset(verify + 98, 'h', 32);
    char curve[64 + 4 + 32] = {0};
    curve[64] = 3;
    curve[66] = 29;
    curve[67] = 32;
    assert_true(tls_key_may_sign(bytes_of(verify, sizeof(verify))));
    assert_true(tls_key_may_sign(bytes_of(curve, sizeof(curve))));
    assert_false(tls_key_may_sign(bytes_of(verify, sizeof(verify) - 1)));
    assert_false(tls_key_may_sign(bytes_of(verify + 1, sizeof(verify) - 1)));
    assert_false(tls_key_may_sign(bytes_of(curve, sizeof(curve) - 1)));
    assert_false(tls_key_may_sign(BYTES_LIT("")));
    verify[64 + 9] = 'c'; /* of a client */
    assert_false(tls_key_may_sign(bytes_of(verify, sizeof(verify))));
    curve[64] = 1;
    assert_false(tls_key_may_sign(bytes_of(curve, sizeof(curve))));

    struct fixture f;
    fixture_open(&f, p256(), TLS_VERSION_1_3);
    char out[TLS_SIGNATURE_MAX_BYTES];
    size_t len = 0;
    struct tls_sign_request request = {.scheme = TLS_SIGN_ECDSA,
                                       .digest = TLS_SIGN_SHA256,
                                       .input = BYTES_LIT("\x30\x82 a certificate")};
    assert_int_equal(tls_key_sign(f.key, &request, out, &len), FERRY_E_DENIED);
    request.input = bytes_of(curve, sizeof(curve));
    curve[64] = 3;
    assert_int_equal(tls_key_sign(f.key, &request, out, &len), FERRY_OK);
    request.scheme = TLS_SIGN_RSA_PSS;
    assert_int_equal(tls_key_sign(f.key, &request, out, &len), FERRY_E_ARGUMENT);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_64_every_kind_of_key),
        cmocka_unit_test(an_answer_that_comes_at_once),
        cmocka_unit_test(refusals),
        cmocka_unit_test(freed_while_it_waits),
        cmocka_unit_test(a_crowd),
        cmocka_unit_test(sec_64_what_is_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
