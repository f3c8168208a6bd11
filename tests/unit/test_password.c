/* Hashes of passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "account/password.h"

static void a_hash_fits_its_password_only(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_BYTES], again[PASSWORD_HASH_BYTES];
    assert_int_equal(password_hash(BYTES_LIT("correct horse"), hash), FERRY_OK);
    assert_int_equal(password_hash(BYTES_LIT("correct horse"), again), FERRY_OK);
    assert_int_equal(strncmp(hash, "$y$", 3), 0);
    assert_string_not_equal(hash, again); /* salted */
    assert_true(password_hash_is_usable(hash));
    assert_true(password_fits(BYTES_LIT("correct horse"), hash));
    assert_true(password_fits(BYTES_LIT("correct horse"), again));
    static const char *const wrong[] = {"", "correct hors", "correct horse ", "Correct horse"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(password_fits(bytes_str(wrong[i]), hash));
    assert_false(password_fits(BYTES_LIT("correct horse\0"), hash));
}

/* Made by other programs: yescrypt, SHA-512 and bcrypt of "secret". */
static void hashes_of_others(void **state)
{
    (void)state;
    static const char *const hashes[] = {
        "$y$j9T$saltsaltsaltsalt$.Zt5W26jjocuW0wIHGgB6AJelofw6GEpOypHGyow2y5",
        ("$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN."
         "Pq.H91p5hVO1"),
        "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    };
    for (size_t i = 0; i < sizeof(hashes) / sizeof(*hashes); i++) {
        assert_true(password_hash_is_usable(hashes[i]));
        assert_true(password_fits(BYTES_LIT("secret"), hashes[i]));
        assert_false(password_fits(BYTES_LIT("Secret"), hashes[i]));
    }
}

static void what_is_no_hash(void **state)
{
    (void)state;
    assert_false(password_hash_is_usable("secret"));
    assert_false(password_hash_is_usable(""));
    assert_false(password_hash_is_usable("$1$saltsalt$x")); /* MD5 */
    assert_false(password_hash_is_usable("ab1234567890.")); /* DES */
    assert_false(password_fits(BYTES_LIT("*0"), "*0"));
    assert_false(password_fits(BYTES_LIT("x"), ""));
    assert_false(password_fits(BYTES_LIT("secret"), "secret"));
}

static void nobody_fits_nothing(void **state)
{
    (void)state;
    assert_false(password_fits(BYTES_LIT(""), NULL));
    assert_false(password_fits(BYTES_LIT("secret"), NULL));
}

static void what_cannot_be_hashed(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_BYTES];
    static char endless[4096];
    memset(endless, 'x', sizeof(endless));
    assert_int_equal(password_hash(BYTES_LIT("a\0b"), hash), FERRY_E_ARGUMENT);
    assert_int_equal(password_hash(bytes_of(endless, sizeof(endless)), hash), FERRY_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_fits_its_password_only),
        cmocka_unit_test(hashes_of_others),
        cmocka_unit_test(what_is_no_hash),
        cmocka_unit_test(nobody_fits_nothing),
        cmocka_unit_test(what_cannot_be_hashed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
