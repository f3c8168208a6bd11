/* tls/mint: a CA and certificates that other software takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "support/alloc_fail.h"
#include "tls/mint.h"

enum { NOT_BEFORE_S = 1700000000, NOW_S = 1750000000, NOT_AFTER_S = 1800000000 };

static X509 *read_certificate(const struct tls_minted *minted)
{
    struct bytes pem = buf_view(&minted->certificate_pem);
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(certificate);
    BIO_free(bio);
    return certificate;
}

static EVP_PKEY *read_key(const struct tls_minted *minted)
{
    struct bytes pem = buf_view(&minted->key_pem);
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_non_null(key);
    BIO_free(bio);
    return key;
}

static struct tls_minted mint_ca(void)
{
    struct tls_minted ca;
    struct fault fault = {0};
    assert_int_equal(tls_mint_ca("Test CA", NOT_BEFORE_S, NOT_AFTER_S, &ca, &fault), FERRY_OK);
    return ca;
}

/* What X509_verify_cert says of `leaf` under `ca` at a given time, for a use of certificates. */
static int verify(const struct tls_minted *ca, const struct tls_minted *leaf, int purpose,
                  time_t when)
{
    X509 *root = read_certificate(ca);
    X509 *certificate = read_certificate(leaf);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, certificate, NULL), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, when);
    X509_VERIFY_PARAM_set_purpose(param, purpose);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_verify_cert(context);
    int error = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(certificate);
    X509_free(root);
    return error;
}

static void a_server_is_valid_under_its_ca_in_its_time_for_its_use(void **state)
{
    (void)state;
    static const char *const names[] = {"a.example", NULL};
    struct tls_minted ca = mint_ca();
    struct tls_minted other_ca = mint_ca();
    struct tls_minted leaf;
    const struct tls_mint_request request = {
        .common_name = "a.example",
        .dns_names = names,
        .not_before_s = NOT_BEFORE_S,
        .not_after_s = NOT_AFTER_S,
    };
    assert_int_equal(tls_mint_leaf(&ca, &request, &leaf, NULL), FERRY_OK);
    assert_int_equal(verify(&ca, &leaf, X509_PURPOSE_SSL_SERVER, NOW_S), X509_V_OK);
    assert_int_equal(verify(&ca, &leaf, X509_PURPOSE_SSL_CLIENT, NOW_S),
                     X509_V_ERR_INVALID_PURPOSE);
    assert_int_equal(verify(&ca, &leaf, X509_PURPOSE_SSL_SERVER, NOT_AFTER_S + 1),
                     X509_V_ERR_CERT_HAS_EXPIRED);
    assert_int_equal(verify(&ca, &leaf, X509_PURPOSE_SSL_SERVER, NOT_BEFORE_S - 1),
                     X509_V_ERR_CERT_NOT_YET_VALID);
    assert_int_not_equal(verify(&other_ca, &leaf, X509_PURPOSE_SSL_SERVER, NOW_S), X509_V_OK);
    tls_minted_fini(&leaf);
    tls_minted_fini(&other_ca);
    tls_minted_fini(&ca);
}

static void a_client_is_for_clients_only(void **state)
{
    (void)state;
    struct tls_minted ca = mint_ca();
    struct tls_minted leaf;
    const struct tls_mint_request request = {
        .common_name = "alice",
        .client = true,
        .not_before_s = NOT_BEFORE_S,
        .not_after_s = NOT_AFTER_S,
    };
    assert_int_equal(tls_mint_leaf(&ca, &request, &leaf, NULL), FERRY_OK);
    assert_int_equal(verify(&ca, &leaf, X509_PURPOSE_SSL_CLIENT, NOW_S), X509_V_OK);
    assert_int_equal(verify(&ca, &leaf, X509_PURPOSE_SSL_SERVER, NOW_S),
                     X509_V_ERR_INVALID_PURPOSE);
    tls_minted_fini(&leaf);
    tls_minted_fini(&ca);
}

static void a_leaf_is_no_ca(void **state)
{
    (void)state;
    struct tls_minted ca = mint_ca();
    struct tls_minted leaf;
    struct tls_minted under_leaf;
    const struct tls_mint_request request = {
        .common_name = "a.example",
        .not_before_s = NOT_BEFORE_S,
        .not_after_s = NOT_AFTER_S,
    };
    assert_int_equal(tls_mint_leaf(&ca, &request, &leaf, NULL), FERRY_OK);
    assert_int_equal(tls_mint_leaf(&leaf, &request, &under_leaf, NULL), FERRY_OK);
    assert_int_not_equal(verify(&leaf, &under_leaf, X509_PURPOSE_SSL_SERVER, NOW_S), X509_V_OK);
    tls_minted_fini(&under_leaf);
    tls_minted_fini(&leaf);
    tls_minted_fini(&ca);
}

static void names_and_addresses_are_in_the_certificate_as_they_are(void **state)
{
    (void)state;
    /* The second would be three names if it were read as OpenSSL's configuration. */
    static const char *const names[] = {"a.example", "b.example,IP:10.9.9.9,DNS:evil.example",
                                        NULL};
    static const char *const addresses[] = {"127.0.0.1", "::1", NULL};
    struct tls_minted ca = mint_ca();
    struct tls_minted leaf;
    const struct tls_mint_request request = {
        .common_name = "a.example",
        .dns_names = names,
        .ip_addresses = addresses,
        .not_before_s = NOT_BEFORE_S,
        .not_after_s = NOT_AFTER_S,
    };
    assert_int_equal(tls_mint_leaf(&ca, &request, &leaf, NULL), FERRY_OK);
    X509 *certificate = read_certificate(&leaf);
    assert_int_equal(X509_check_host(certificate, "a.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(certificate, "evil.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "10.9.9.9", 0), 0);
    EVP_PKEY *key = read_key(&leaf);
    assert_int_equal(X509_check_private_key(certificate, key), 1);
    EVP_PKEY_free(key);
    X509_free(certificate);
    tls_minted_fini(&leaf);
    tls_minted_fini(&ca);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1", "localhost", NULL};
    struct tls_minted ca = mint_ca();
    struct tls_minted leaf;
    struct fault fault = {0};
    const struct tls_mint_request request = {.common_name = "x", .ip_addresses = addresses};
    assert_int_equal(tls_mint_leaf(&ca, &request, &leaf, &fault), FERRY_E_ARGUMENT);
    assert_string_equal(fault.what, "\"localhost\" is not an IP address");
    assert_int_equal(buf_len(&leaf.key_pem), 0);
    tls_minted_fini(&ca);
}

static void a_ca_without_its_key_signs_nothing(void **state)
{
    (void)state;
    struct tls_minted ca = mint_ca();
    buf_wipe(&ca.key_pem);
    struct tls_minted leaf;
    struct fault fault = {0};
    const struct tls_mint_request request = {.common_name = "x"};
    assert_int_equal(tls_mint_leaf(&ca, &request, &leaf, &fault), FERRY_E_ARGUMENT);
    assert_true(fault_is_set(&fault));
    tls_minted_fini(&ca);
}

static void serial_numbers_differ(void **state)
{
    (void)state;
    struct tls_minted a = mint_ca();
    struct tls_minted b = mint_ca();
    X509 *first = read_certificate(&a);
    X509 *second = read_certificate(&b);
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(first), X509_get0_serialNumber(second)), 0);
    X509_free(first);
    X509_free(second);
    tls_minted_fini(&a);
    tls_minted_fini(&b);
}

static enum ferry_error make_one(void *ctx)
{
    (void)ctx;
    struct tls_minted ca;
    enum ferry_error error = tls_mint_ca("CA", NOT_BEFORE_S, NOT_AFTER_S, &ca, NULL);
    tls_minted_fini(&ca);
    return error;
}

static void short_memory_is_reported(void **state)
{
    (void)state;
    assert_in_range(alloc_fail_each(make_one, NULL, 100), 2, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_valid_under_its_ca_in_its_time_for_its_use),
        cmocka_unit_test(a_client_is_for_clients_only),
        cmocka_unit_test(a_leaf_is_no_ca),
        cmocka_unit_test(names_and_addresses_are_in_the_certificate_as_they_are),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_ca_without_its_key_signs_nothing),
        cmocka_unit_test(serial_numbers_differ),
        cmocka_unit_test(short_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
