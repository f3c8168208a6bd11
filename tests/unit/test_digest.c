/* tls/digest: SHA-256 over a stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/alloc_fail.h"
#include "tls/digest.h"

/* FIPS 180-2, appendix B, and the empty message. */
static const struct {
    const char *message;
    const char *sha256;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void assert_value(struct digest *digest, const char *expected)
{
    uint8_t value[DIGEST_MAX_BYTES];
    size_t len = 0;
    assert_int_equal(digest_final(digest, value, &len), FERRY_OK);
    assert_int_equal(len, 32);
    char text[65];
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", value[i]);
    assert_string_equal(text, expected);
}

static void known_messages_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct digest *digest = digest_new(DIGEST_SHA256);
        assert_non_null(digest);
        assert_int_equal(digest_update(digest, bytes_str(vectors[i].message)), FERRY_OK);
        assert_value(digest, vectors[i].sha256);
        digest_free(digest);
    }
}

static void known_messages_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct digest *digest = digest_new(DIGEST_SHA256);
        assert_non_null(digest);
        for (const char *at = vectors[i].message; *at; at++)
            assert_int_equal(digest_update(digest, bytes_of(at, 1)), FERRY_OK);
        assert_value(digest, vectors[i].sha256);
        digest_free(digest);
    }
}

static void at_its_end_it_takes_and_gives_nothing_more(void **state)
{
    (void)state;
    struct digest *digest = digest_new(DIGEST_SHA256);
    assert_non_null(digest);
    assert_value(digest, vectors[0].sha256);
    uint8_t value[DIGEST_MAX_BYTES];
    size_t len = 7;
    assert_int_equal(digest_update(digest, BYTES_LIT("x")), FERRY_E_STATE);
    assert_int_equal(digest_final(digest, value, &len), FERRY_E_STATE);
    assert_int_equal(len, 7);
    digest_free(digest);
    digest_free(NULL);
}

static enum ferry_error make_one(void *ctx)
{
    (void)ctx;
    struct digest *digest = digest_new(DIGEST_SHA256);
    digest_free(digest);
    return digest ? FERRY_OK : FERRY_E_MEMORY;
}

static void short_memory_is_reported(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(make_one, NULL, 10), 1);
}

/* RFC 4231, test case 2. */
static void a_known_hmac(void **state)
{
    (void)state;
    uint8_t mac[DIGEST_HMAC_BYTES];
    char text[2 * sizeof(mac) + 1];
    assert_int_equal(digest_hmac(BYTES_LIT("Jefe"), BYTES_LIT("what do ya want for nothing?"), mac),
                     FERRY_OK);
    for (size_t i = 0; i < sizeof(mac); i++)
        snprintf(text + 2 * i, 3, "%02x", mac[i]);
    assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_hmac),
        cmocka_unit_test(known_messages_whole),
        cmocka_unit_test(known_messages_byte_by_byte),
        cmocka_unit_test(at_its_end_it_takes_and_gives_nothing_more),
        cmocka_unit_test(short_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
