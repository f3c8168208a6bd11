/* tls/context: what it is built from, and what is said of what it cannot be built from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "support/alloc_fail.h"
#include "support/tls_kit.h"

static struct tls_kit kit;

static int open_kit(void **state)
{
    (void)state;
    tls_kit_open(&kit, &(struct tls_kit_options){0});
    return 0;
}

static int close_kit(void **state)
{
    (void)state;
    tls_kit_close(&kit);
    return 0;
}

static struct bytes leaf_pem(void)
{
    return buf_view(&kit.server_leaf.certificate_pem);
}

static struct bytes leaf_key(void)
{
    return buf_view(&kit.server_leaf.key_pem);
}

/* Expects a server's settings to be refused in these words. */
static void assert_server_refused(const struct tls_server_settings *settings, const char *what)
{
    struct tls_context *context = NULL;
    struct fault fault = {0};
    assert_int_equal(tls_context_new_server(settings, &context, &fault), FERRY_E_ARGUMENT);
    assert_int_equal(fault.kind, FERRY_E_ARGUMENT);
    assert_string_equal(fault.what, what);
    assert_null(context);
}

static void a_server_needs_a_certificate_and_its_key(void **state)
{
    (void)state;
    struct bytes half = bytes_first(leaf_pem(), leaf_pem().len / 2);
    const struct {
        struct bytes certificate, key;
        const char *what;
    } cases[] = {
        {bytes_of(NULL, 0), leaf_key(), "the certificate holds no certificate in PEM form"},
        {BYTES_LIT("no PEM at all"), leaf_key(),
         "the certificate holds no certificate in PEM form"},
        {leaf_key(), leaf_key(), "the certificate holds no certificate in PEM form"},
        {half, leaf_key(), "read the certificate as PEM: bad end line"},
        {leaf_pem(), bytes_of(NULL, 0), "there is no usable private key in PEM form"},
        {leaf_pem(), leaf_pem(), "there is no usable private key in PEM form"},
        {leaf_pem(), buf_view(&kit.client_leaf.key_pem),
         "the private key does not belong to the certificate"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tls_server_settings settings = {
            .certificate_pem = cases[i].certificate,
            .key_pem = cases[i].key,
        };
        assert_server_refused(&settings, cases[i].what);
    }
}

static void certificate_and_key_may_stand_in_one_text(void **state)
{
    (void)state;
    struct buf both;
    buf_init(&both, TLS_MINT_PEM_MAX_BYTES);
    assert_int_equal(buf_append(&both, leaf_key()), FERRY_OK);
    assert_int_equal(buf_append(&both, BYTES_LIT("and a remark\n")), FERRY_OK);
    assert_int_equal(buf_append(&both, leaf_pem()), FERRY_OK);
    const struct tls_server_settings settings = {.certificate_pem = buf_view(&both),
                                                 .key_pem = buf_view(&both)};
    struct tls_context *context = NULL;
    assert_int_equal(tls_context_new_server(&settings, &context, NULL), FERRY_OK);
    tls_context_unref(context);
    buf_fini(&both);
}

static void versions_stay_inside_the_policy(void **state)
{
    (void)state;
    static const struct {
        enum tls_policy_name policy;
        enum tls_version min, max;
        const char *what; /* NULL: fine */
    } cases[] = {
        {TLS_POLICY_DEFAULT, TLS_VERSION_ANY, TLS_VERSION_ANY, NULL},
        {TLS_POLICY_DEFAULT, TLS_VERSION_1_2, TLS_VERSION_1_2, NULL},
        {TLS_POLICY_DEFAULT, TLS_VERSION_1_3, TLS_VERSION_ANY, NULL},
        {TLS_POLICY_LEGACY, TLS_VERSION_1_0, TLS_VERSION_1_1, NULL},
        {TLS_POLICY_DEFAULT, TLS_VERSION_1_1, TLS_VERSION_ANY,
         "the TLS policy \"default\" has no TLSv1.1"},
        {TLS_POLICY_MODERN, TLS_VERSION_1_2, TLS_VERSION_ANY,
         "the TLS policy \"modern\" has no TLSv1.2"},
        {TLS_POLICY_MODERN, TLS_VERSION_ANY, TLS_VERSION_1_2,
         "no TLS version is at least TLSv1.3 and at most TLSv1.2"},
        {TLS_POLICY_DEFAULT, TLS_VERSION_1_3, TLS_VERSION_1_2,
         "no TLS version is at least TLSv1.3 and at most TLSv1.2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tls_client_settings settings = {
            .policy = cases[i].policy, .min = cases[i].min, .max = cases[i].max};
        struct tls_context *context = NULL;
        struct fault fault = {0};
        enum ferry_error error = tls_context_new_client(&settings, &context, &fault);
        assert_int_equal(error, cases[i].what ? FERRY_E_ARGUMENT : FERRY_OK);
        assert_string_equal(fault.what, cases[i].what ? cases[i].what : "");
        tls_context_unref(context);
    }
}

/* The client's key of the kit, sealed with "secret". */
static void encrypt_key(struct buf *out)
{
    struct bytes pem = buf_view(&kit.client_leaf.key_pem);
    BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    BIO *sealed = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    char passphrase[] = "secret";
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(sealed, key, EVP_aes_256_cbc(), passphrase, 6, NULL, NULL),
        1);
    char *text = NULL;
    long len = BIO_get_mem_data(sealed, &text);
    assert_int_equal(buf_append(out, bytes_of(text, (size_t)len)), FERRY_OK);
    EVP_PKEY_free(key);
    BIO_free(sealed);
    BIO_free(in);
}

static void an_encrypted_key_needs_its_passphrase(void **state)
{
    (void)state;
    static const struct {
        const char *passphrase; /* NULL: none */
        const char *what;       /* NULL: fine */
    } cases[] = {
        {"secret", NULL},
        {NULL, "the private key is encrypted and no passphrase was given"},
        {"Secret", "the passphrase does not open the private key"},
        {"", "the passphrase does not open the private key"},
    };
    CLEANUP(buf_fini) struct buf key;
    buf_init(&key, TLS_MINT_PEM_MAX_BYTES);
    encrypt_key(&key);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(secret_drop) struct secret *passphrase = NULL;
        if (cases[i].passphrase)
            assert_int_equal(secret_new(bytes_str(cases[i].passphrase), &passphrase), FERRY_OK);
        const struct tls_client_settings settings = {
            .certificate_pem = buf_view(&kit.client_leaf.certificate_pem),
            .key_pem = buf_view(&key),
            .key_passphrase = passphrase,
        };
        struct tls_context *context = NULL;
        struct fault fault = {0};
        enum ferry_error error = tls_context_new_client(&settings, &context, &fault);
        assert_int_equal(error, cases[i].what ? FERRY_E_ARGUMENT : FERRY_OK);
        assert_string_equal(fault.what, cases[i].what ? cases[i].what : "");
        tls_context_unref(context);
    }
}

static void a_server_that_asks_for_certificates_needs_a_ca(void **state)
{
    (void)state;
    const struct tls_server_settings settings = {
        .certificate_pem = leaf_pem(),
        .key_pem = leaf_key(),
        .client_certificates = TLS_CLIENT_CERT_OPTIONAL,
    };
    assert_server_refused(&settings,
                          "the CA of client certificates holds no certificate in PEM form");
}

static void a_ca_that_is_none_is_refused_by_a_client(void **state)
{
    (void)state;
    const struct tls_client_settings settings = {.ca_pem = BYTES_LIT("rubbish")};
    struct tls_context *context = NULL;
    struct fault fault = {0};
    assert_int_equal(tls_context_new_client(&settings, &context, &fault), FERRY_E_ARGUMENT);
    assert_string_equal(fault.what, "the CA file holds no certificate in PEM form");
}

static void the_system_trust_can_be_loaded_and_does_not_know_us(void **state)
{
    (void)state;
    const struct tls_client_settings settings = {.system_trust = true};
    struct tls_context *context = NULL;
    struct fault fault = {0};
    assert_int_equal(tls_context_new_client(&settings, &context, &fault), FERRY_OK);
    struct tls_context *trusting = kit.client;
    kit.client = context;
    struct tls_login login;
    tls_login_init(&login, &kit);
    tls_pair_run(&login.control);
    assert_int_equal(tls_engine_fault(login.control.client.engine)->kind, FERRY_E_TRUST);
    tls_login_fini(&login);
    kit.client = trusting;
    tls_context_unref(context);
}

static void live_sessions_keep_their_context(void **state)
{
    (void)state;
    struct tls_kit other;
    struct tls_login login;
    tls_kit_open(&other, &(struct tls_kit_options){0});
    tls_login_open(&login, &other);
    struct tls_context *old = other.server;
    const struct tls_server_settings settings = {
        .certificate_pem = buf_view(&other.server_leaf.certificate_pem),
        .key_pem = buf_view(&other.server_leaf.key_pem),

    };
    assert_int_equal(tls_context_new_server(&settings, &other.server, NULL), FERRY_OK);
    tls_context_unref(old);

    /* A reload: the session of the old context goes on, and resumes on the new one. */
    tls_pair_say(&login.control, &login.control.client, "NOOP\r\n");
    assert_int_equal(tls_login_proof(&login, &login), TLS_PROOF_OWN);
    tls_login_fini(&login);
    tls_kit_close(&other);
    tls_context_unref(NULL);
}

/* A data connection between the login's client and a server of `context`. */
static enum tls_proof proof_with(struct tls_login *login, struct tls_context *context)
{
    struct tls_context *kept = login->kit->server;
    login->kit->server = context;
    enum tls_proof proof = tls_login_proof(login, login);
    login->kit->server = kept;
    return proof;
}

/* A reload brings another certificate: whoever logged in before goes on with the old context, which
 * nobody else holds, and would not even notice the new one. */
static void old_sessions_resume_after_a_reload(void **state)
{
    (void)state;
    struct tls_kit other, next;
    struct tls_login before, after;
    tls_kit_open(&other, &(struct tls_kit_options){0});
    tls_kit_open(&next, &(struct tls_kit_options){0});
    tls_login_open(&before, &other);
    struct tls_context *old = tls_context_ref(other.server); /* as the session's rules do */
    tls_context_unref(other.server);
    other.server = tls_context_ref(next.server);

    tls_pair_say(&before.control, &before.control.client, "NOOP\r\n");
    assert_int_equal(proof_with(&before, old), TLS_PROOF_OWN);
    assert_int_equal(proof_with(&before, other.server), TLS_PROOF_OWN);

    /* The new certificate is shown to those who come now; it is of another CA here. */
    tls_login_init(&after, &other);
    tls_pair_run(&after.control);
    assert_int_equal(tls_engine_fault(after.control.client.engine)->kind, FERRY_E_TRUST);
    tls_login_fini(&after);
    tls_context_unref(old);
    tls_login_fini(&before);
    tls_kit_close(&next);
    tls_kit_close(&other);
}

static enum ferry_error make_server(void *ctx)
{
    (void)ctx;
    const struct tls_server_settings settings = {.certificate_pem = leaf_pem(),
                                                 .key_pem = leaf_key()};
    struct tls_context *context = NULL;
    enum ferry_error error = tls_context_new_server(&settings, &context, NULL);
    tls_context_unref(context);
    return error;
}

static void short_memory_is_reported(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(make_server, NULL, 10), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_needs_a_certificate_and_its_key),
        cmocka_unit_test(certificate_and_key_may_stand_in_one_text),
        cmocka_unit_test(versions_stay_inside_the_policy),
        cmocka_unit_test(an_encrypted_key_needs_its_passphrase),
        cmocka_unit_test(a_server_that_asks_for_certificates_needs_a_ca),
        cmocka_unit_test(a_ca_that_is_none_is_refused_by_a_client),
        cmocka_unit_test(the_system_trust_can_be_loaded_and_does_not_know_us),
        cmocka_unit_test(live_sessions_keep_their_context),
        cmocka_unit_test(old_sessions_resume_after_a_reload),
        cmocka_unit_test(short_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
