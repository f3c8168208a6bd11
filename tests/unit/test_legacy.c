/* tls/policy on the wire: what legacy lets in and the others keep out (TLS-201, TLS-207). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/x509v3.h>

#include "support/forge.h"
#include "support/raw_peer.h"
#include "support/tls_kit.h"

/* The kit with a server of its own certificate. */
static void open_kit_of(struct tls_kit *kit, enum tls_policy_name policy, int rsa_bits)
{
    tls_kit_open(kit, &(struct tls_kit_options){.policy = policy});
    if (!rsa_bits)
        return;
    struct tls_minted leaf;
    forge(&(struct forge_request){.issuer = &kit->ca,
                                  .subject = (const char *const[]){"CN", "rsa", NULL},
                                  .rsa_bits = rsa_bits},
          &leaf);
    const struct tls_server_settings settings = {
        .policy = policy,
        .certificate_pem = buf_view(&leaf.certificate_pem),
        .key_pem = buf_view(&leaf.key_pem),
    };
    tls_context_unref(kit->server);
    struct fault fault = {0};
    if (tls_context_new_server(&settings, &kit->server, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
    tls_minted_fini(&leaf);
}

/* What an old client gets of a server: whether it is served, and the bits of the Diffie-Hellman
 * group, if that was used. */
static bool is_served(struct tls_kit *kit, bool data, int version, const char *ciphers,
                      int *dh_bits)
{
    struct tls_login login;
    struct tls_end server;
    struct raw_peer client;
    SSL_CTX *context = raw_client_context();
    char list[128];
    snprintf(list, sizeof(list), "%s:@SECLEVEL=0", ciphers);
    tls_login_init(&login, kit);
    tls_login_server_end(&login, data, &server);
    raw_peer_init(&client, context, &server);
    SSL_set_min_proto_version(client.ssl, version);
    SSL_set_max_proto_version(client.ssl, version);
    assert_int_equal(SSL_set_cipher_list(client.ssl, list), 1);
    raw_peer_run(&client);
    bool served = server.open && client.open;
    EVP_PKEY *group = NULL;
    *dh_bits = 0;
    if (served && SSL_get_peer_tmp_key(client.ssl, &group) == 1 &&
        EVP_PKEY_get_base_id(group) == EVP_PKEY_DH)
        *dh_bits = EVP_PKEY_get_bits(group);
    EVP_PKEY_free(group);
    raw_peer_fini(&client);
    tls_end_fini(&server);
    tls_login_fini(&login);
    SSL_CTX_free(context);
    return served;
}

static void tls_201_tls_207_weakness_is_for_legacy_alone(void **state)
{
    (void)state;
    static const struct {
        int version;
        const char *ciphers;
        int rsa_bits;
        bool legacy, standard; /* who serves it */
        int dh_bits;
    } cases[] = {
        {TLS1_VERSION, "ECDHE-ECDSA-AES128-SHA", 0, true, false, 0},
        {TLS1_1_VERSION, "ECDHE-ECDSA-AES256-SHA", 0, true, false, 0},
        {TLS1_1_VERSION, "AES128-SHA", 2048, true, false, 0},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", 0, true, false, 0},
        {TLS1_2_VERSION, "AES256-GCM-SHA384", 2048, true, false, 0},
        {TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", 2048, true, false, 2048},
        {TLS1_2_VERSION, "DHE-RSA-AES128-SHA", 1024, true, false, 2048},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", 0, true, true, 0},
        {TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", 2048, true, true, 0},
        {TLS1_2_VERSION, "NULL-SHA256", 2048, false, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (enum tls_policy_name policy = TLS_POLICY_DEFAULT; policy <= TLS_POLICY_LEGACY;
             policy++) {
            /* A key of 1024 bits is none that the others would load. */
            if (policy != TLS_POLICY_LEGACY && cases[i].rsa_bits == 1024)
                continue;
            struct tls_kit kit;
            open_kit_of(&kit, policy, cases[i].rsa_bits);
            bool expected = policy == TLS_POLICY_LEGACY    ? cases[i].legacy
                            : policy == TLS_POLICY_DEFAULT ? cases[i].standard
                                                           : false;
            for (int data = 0; data < 2; data++) {
                int dh_bits = 0;
                if (is_served(&kit, data, cases[i].version, cases[i].ciphers, &dh_bits) != expected)
                    fail_msg("%s, policy %d", cases[i].ciphers, (int)policy);
                assert_int_equal(dh_bits, expected ? cases[i].dh_bits : 0);
            }
            tls_kit_close(&kit);
        }
    }
}

static void modern_serves_1_3_alone(void **state)
{
    (void)state;
    struct tls_kit kit;
    int dh_bits = 0;
    open_kit_of(&kit, TLS_POLICY_MODERN, 0);
    assert_true(is_served(&kit, false, TLS1_3_VERSION, "ALL", &dh_bits));
    assert_false(is_served(&kit, false, TLS1_2_VERSION, "ALL", &dh_bits));
    tls_kit_close(&kit);
}

static EVP_PKEY *new_group(const char *name)
{
    char text[32];
    snprintf(text, sizeof(text), "%s", name);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, text, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *group = NULL;
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(maker), 1);
    assert_int_equal(EVP_PKEY_fromdata(maker, &group, EVP_PKEY_KEY_PARAMETERS, params), 1);
    EVP_PKEY_CTX_free(maker);
    return group;
}

static void a_legacy_client_demands_a_group_of_2048_bits(void **state)
{
    (void)state;
    static const char *const groups[] = {"dh_1024_160", "ffdhe2048"};
    static const struct forge_name name = {GEN_DNS, BYTES_LIT(TLS_KIT_HOST)};
    struct tls_kit kit;
    struct tls_minted leaf;
    tls_kit_open(&kit, &(struct tls_kit_options){.policy = TLS_POLICY_LEGACY});
    forge(&(struct forge_request){.issuer = &kit.ca,
                                  .subject = (const char *const[]){"CN", "rsa", NULL},
                                  .names = &name,
                                  .name_count = 1,
                                  .rsa_bits = 2048},
          &leaf);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        struct tls_kit shown = kit;
        shown.server_leaf = leaf;
        struct tls_login login;
        struct tls_end ours;
        struct raw_peer server;
        SSL_CTX *raw = raw_server_context(&shown);
        SSL_CTX_set_max_proto_version(raw, TLS1_2_VERSION);
        assert_int_equal(SSL_CTX_set_cipher_list(raw, "DHE-RSA-AES128-SHA:@SECLEVEL=0"), 1);
        assert_int_equal(SSL_CTX_set0_tmp_dh_pkey(raw, new_group(groups[i])), 1);
        tls_login_init(&login, &kit);
        tls_login_client_end(&login, false, &ours);
        raw_peer_init(&server, raw, &ours);
        raw_peer_run(&server);
        assert_int_equal(ours.open, i == 1);
        assert_string_equal(tls_engine_fault(ours.engine)->what,
                            i == 1 ? ""
                                   : "the server's Diffie-Hellman group has less than 2048 bits");
        raw_peer_fini(&server);
        tls_end_fini(&ours);
        tls_login_fini(&login);
        SSL_CTX_free(raw);
    }
    tls_minted_fini(&leaf);
    tls_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_201_tls_207_weakness_is_for_legacy_alone),
        cmocka_unit_test(modern_serves_1_3_alone),
        cmocka_unit_test(a_legacy_client_demands_a_group_of_2048_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
