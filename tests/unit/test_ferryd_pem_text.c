/* Where private keys stand in PEM texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "ferryd/pem_text.h"

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
#define KEY(kind) "-----BEGIN " kind "PRIVATE KEY-----\nMIGH\n-----END " kind "PRIVATE KEY-----\n"

static const struct {
    const char *text;
    const char *without; /* its keys */
    bool has_key;
} cases[] = {
    {"", "", false},
    {CERTIFICATE, CERTIFICATE, false},
    {KEY(""), "", true},
    {KEY("RSA "), "", true},
    {KEY("EC "), "", true},
    {KEY("ENCRYPTED "), "", true},
    {CERTIFICATE KEY(""), CERTIFICATE, true},
    {KEY("") CERTIFICATE, CERTIFICATE, true},
    {CERTIFICATE KEY("RSA ") CERTIFICATE KEY(""), CERTIFICATE CERTIFICATE, true},
    {"words\n" KEY("") "more words", "words\nmore words\n", true},
    /* Lines end as on other systems, and blanks do not hide a key. */
    {"-----BEGIN PRIVATE KEY-----\r\nMIGH\r\n-----END PRIVATE KEY-----\r\nx\r\n", "x\r\n", true},
    {" -----BEGIN PRIVATE KEY----- \nMIGH\n -----END PRIVATE KEY----- \n", "", true},
    /* A key that does not end is not let through. */
    {"-----BEGIN PRIVATE KEY-----\nMIGH\n", "", true},
    {"-----BEGIN PRIVATE KEY-----", "", true},
    /* What only looks like one. */
    {"-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n",
     "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n", false},
    {"PRIVATE KEY-----\n", "PRIVATE KEY-----\n", false},
    {"-----BEGIN PRIVATE", "-----BEGIN PRIVATE\n", false},
};

/* SEC-64: what a worker gets of a certificate's file. */
static void sec_64_keys_are_found_and_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(pem_has_key(bytes_str(cases[i].text)), cases[i].has_key);
        assert_int_equal(pem_without_keys(bytes_str(cases[i].text), &out), FERRY_OK);
        assert_false(pem_has_key(buf_view(&out)));
        assert_true(bytes_equal(buf_view(&out), bytes_str(cases[i].without)));
    }
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 8);
    assert_int_equal(pem_without_keys(BYTES_LIT(CERTIFICATE), &out), FERRY_E_LIMIT);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_64_keys_are_found_and_cut),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
