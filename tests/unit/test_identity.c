/* tls/identity: whom a certificate names, whatever it holds; and tls/dn, in which its names are
 * written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "support/forge.h"
#include "support/tls_kit.h"
#include "tls/dn.h"
#include "tls/identity.h"

static void read_forged(const struct forge_request *request, struct tls_identity *out)
{
    struct tls_minted forged;
    forge(request, &forged);
    X509 *certificate = forge_read(&forged);
    assert_true(tls_identity_read(certificate, out));
    X509_free(certificate);
    tls_minted_fini(&forged);
}

static void tls_80_all_that_is_told(void **state)
{
    (void)state;
    static const struct forge_name names[] = {
        {GEN_EMAIL, BYTES_LIT("alice@example.org")},
        {GEN_DNS, BYTES_LIT("alice.example.org")},
        {GEN_OTHERNAME, BYTES_LIT("al\xc3\xafs@example.org")},
        {GEN_URI, BYTES_LIT("spiffe://example.org/alice")},
    };
    const struct forge_request request = {
        .subject = (const char *const[]){"O", "Ex, ample", "CN", "al\xc3\xafs", NULL},
        .names = names,
        .name_count = ARRAY_LEN(names),
        .serial = "0A0B0C",
    };
    struct tls_identity identity;
    read_forged(&request, &identity);
    assert_string_equal(identity.subject, "CN=al\\C3\\AFs,O=Ex\\, ample");
    assert_string_equal(identity.issuer, identity.subject);
    assert_string_equal(identity.serial, "a0b0c");
    assert_string_equal(identity.common_name, "al\xc3\xafs");
    assert_int_equal(identity.name_count, ARRAY_LEN(names));
    assert_false(identity.names_left_out);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(identity.names[i].kind, (enum tls_identity_kind)i);
        assert_true(bytes_equal(bytes_str(identity.names[i].text), names[i].bytes));
    }
}

static void tls_81_names_that_cannot_be_told_are_left_out(void **state)
{
    (void)state;
    static char long_name[256];
    memset(long_name, 'a', sizeof(long_name));
    const struct {
        struct forge_name name;
        bool told;
    } cases[] = {
        {{GEN_EMAIL, BYTES_LIT("alice@example.org")}, true},
        {{GEN_EMAIL, BYTES_LIT("alice@example.org\0.evil.example")}, false},
        {{GEN_DNS, BYTES_LIT("\0")}, false},
        {{GEN_DNS, BYTES_LIT("")}, false},
        {{GEN_DNS, BYTES_LIT("a\nb")}, false},
        {{GEN_URI, BYTES_LIT("x:\x7f")}, false},
        {{GEN_DNS, BYTES_LIT("\xc3\xa4")}, false}, /* not ASCII */
        {{GEN_OTHERNAME, BYTES_LIT("\xc3\xa4")}, true},
        {{GEN_OTHERNAME, BYTES_LIT("\xc3")}, false}, /* not UTF-8 */
        {{GEN_OTHERNAME, BYTES_LIT("a\0b")}, false},
        {{GEN_DNS, bytes_of(long_name, 255)}, true},
        {{GEN_DNS, bytes_of(long_name, 256)}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_identity identity;
        read_forged(&(struct forge_request){.names = &cases[i].name, .name_count = 1}, &identity);
        assert_int_equal(identity.name_count, cases[i].told);
        assert_int_equal(identity.names_left_out, !cases[i].told);
    }
}

static void a_thousand_names_are_not_kept(void **state)
{
    (void)state;
    static struct forge_name names[1000];
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        names[i] = (struct forge_name){GEN_DNS, BYTES_LIT("a.example")};
    struct tls_identity identity;
    read_forged(&(struct forge_request){.names = names, .name_count = ARRAY_LEN(names)}, &identity);
    assert_int_equal(identity.name_count, TLS_IDENTITY_NAMES_MAX);
    assert_true(identity.names_left_out);
}

static void tls_83_of_several_common_names_none_is_told(void **state)
{
    (void)state;
    static const char *const two[] = {"CN", "alice", "CN", "bob", NULL};
    static const char *const one[] = {"O", "bob", "CN", "alice", NULL};
    static const char *const control[] = {"CN", "al\nice", NULL};
    const struct {
        const char *const *subject;
        const char *common_name;
    } cases[] = {{two, ""}, {one, "alice"}, {control, ""}, {NULL, ""}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_identity identity;
        read_forged(&(struct forge_request){.subject = cases[i].subject}, &identity);
        assert_string_equal(identity.common_name, cases[i].common_name);
    }
}

static void a_subject_too_long_to_be_told_whole_is_not_told(void **state)
{
    (void)state;
    char longest[65] = {0}; /* 64 bytes are as many as an organisation may have */
    memset(longest, 'o', sizeof(longest) - 1);
    const char *subject[2 * 20 + 1] = {0};
    for (size_t i = 0; i < 20; i++) {
        subject[2 * i] = "O";
        subject[2 * i + 1] = longest;
    }
    struct tls_identity identity;
    read_forged(&(struct forge_request){.subject = subject}, &identity);
    assert_string_equal(identity.subject, "");
}

static void a_serial_is_told_as_the_number_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *serial, *told;
    } cases[] = {
        {"0", "0"},
        {"7F", "7f"},
        {"FF", "ff"},
        {"0100", "100"},
        {"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "ffffffffffffffffffffffffffffffffffffffff"},
        {"-1", ""},
        {"1234567890123456789012345678901234567890123456789012345678901234567890", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_identity identity;
        read_forged(&(struct forge_request){.serial = cases[i].serial}, &identity);
        assert_string_equal(identity.serial, cases[i].told);
    }
}

static void tls_80_names_are_written_in_one_way(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *normal; /* NULL: refused */
    } cases[] = {
        {"CN=alice,O=Example", "CN=alice,O=Example"},
        {"cn = alice , o = Example", "CN=alice,O=Example"},
        {"2.5.4.3=alice", "CN=alice"},
        {"CN=a\\,b", "CN=a\\,b"},
        {"CN=a\\2Cb", "CN=a\\,b"},
        {"CN=\xc3\xa4", "CN=\\C3\\A4"},
        {"CN=\\C3\\A4", "CN=\\C3\\A4"},
        {"CN=\\ x\\ ", "CN=\\ x\\ "},
        {"emailAddress=a@b.example", "emailAddress=a@b.example"},
        {"O=x+CN=y,DC=org", "O=x+CN=y,DC=org"},
        {"CN=y+O=x,DC=org", "O=x+CN=y,DC=org"},
        {"", NULL},
        {"alice", NULL},
        {"=alice", NULL},
        {"CN=", NULL},
        {"CN=alice,", NULL},
        {"CN=a\\", NULL},
        {"CN=a\\2", NULL},
        {"CN=a\\00b", NULL},
        {"CN=#0402", NULL},
        {"NOSUCH=x", NULL},
        {"C=toolong", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[TLS_IDENTITY_DN_BYTES];
        struct fault fault = {0};
        enum ferry_error error = dn_normalise(bytes_str(cases[i].text), out, sizeof(out), &fault);
        if (error != (cases[i].normal ? FERRY_OK : FERRY_E_ARGUMENT))
            fail_msg("%s: %s", cases[i].text, fault.what);
        assert_string_equal(out, cases[i].normal ? cases[i].normal : "");
    }
    char small[8];
    assert_int_equal(dn_normalise(BYTES_LIT("CN=alice"), small, sizeof(small), NULL),
                     FERRY_E_ARGUMENT);
}

/* ---- by the engine ---- */

static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

static void tls_75_the_engine_tells_who_was_verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_kit kit;
        struct tls_login login;
        struct tls_pair data;
        struct tls_identity identity;
        tls_kit_open(&kit, &(struct tls_kit_options){
                               .min = versions[i],
                               .max = versions[i],
                               .client_certificates = TLS_CLIENT_CERT_OPTIONAL,
                               .client_has_certificate = true,
                           });
        tls_login_init(&login, &kit);
        assert_int_equal(tls_engine_identity(login.control.server.engine, &identity),
                         FERRY_E_NOT_FOUND);
        tls_pair_handshake(&login.control);
        tls_pair_say(&login.control, &login.control.server, "220\r\n");
        assert_int_equal(tls_engine_identity(login.control.server.engine, &identity), FERRY_OK);
        assert_string_equal(identity.subject, "CN=alice");
        assert_string_equal(identity.issuer, "CN=ferry test CA");

        /* TLS-78: a session that is resumed brings it along. */
        tls_login_data(&login, &login, &data);
        tls_pair_handshake(&data);
        assert_true(tls_engine_facts(data.server.engine)->resumed);
        assert_int_equal(tls_engine_identity(data.server.engine, &identity), FERRY_OK);
        assert_string_equal(identity.subject, "CN=alice");
        tls_pair_fini(&data);
        tls_login_fini(&login);
        tls_kit_close(&kit);
    }
}

static void without_a_certificate_there_is_no_identity(struct tls_login *login)
{
    struct tls_identity identity;
    assert_int_equal(tls_engine_identity(login->control.server.engine, &identity),
                     FERRY_E_NOT_FOUND);
}

static void no_certificate_no_identity(void **state)
{
    (void)state;
    tls_login_for_each_version(without_a_certificate_there_is_no_identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_80_all_that_is_told),
        cmocka_unit_test(tls_81_names_that_cannot_be_told_are_left_out),
        cmocka_unit_test(a_thousand_names_are_not_kept),
        cmocka_unit_test(tls_83_of_several_common_names_none_is_told),
        cmocka_unit_test(a_subject_too_long_to_be_told_whole_is_not_told),
        cmocka_unit_test(a_serial_is_told_as_the_number_it_is),
        cmocka_unit_test(tls_80_names_are_written_in_one_way),
        cmocka_unit_test(tls_75_the_engine_tells_who_was_verified),
        cmocka_unit_test(no_certificate_no_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
