/* ferryd/password_hash: yescrypt made and checked, and what is no hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "ferryd/password_hash.h"

static void made_and_checked(void **state)
{
    (void)state;
    char first[PASSWORD_HASH_BYTES];
    char second[PASSWORD_HASH_BYTES];
    assert_int_equal(password_hash_make(BYTES_LIT("correct horse"), first), FERRY_OK);
    assert_int_equal(password_hash_make(BYTES_LIT("correct horse"), second), FERRY_OK);
    assert_true(bytes_starts(bytes_str(first), BYTES_LIT("$y$")));
    assert_string_not_equal(first, second); /* each has its salt */
    assert_true(password_hash_is_good(first));
    assert_true(password_hash_verify(first, BYTES_LIT("correct horse")));
    assert_true(password_hash_verify(second, BYTES_LIT("correct horse")));
    assert_false(password_hash_verify(first, BYTES_LIT("correct horsf")));
    assert_false(password_hash_verify(first, BYTES_LIT("correct hors")));
    assert_false(password_hash_verify(first, BYTES_LIT("")));
    assert_false(password_hash_verify(first, BYTES_LIT("correct horse\0x")));
    first[strlen(first) - 1] ^= 1;
    assert_false(password_hash_verify(first, BYTES_LIT("correct horse")));
}

/* crypt would cut it: two passwords would then be one. */
static void too_long(void **state)
{
    (void)state;
    static char password[600];
    char hash[PASSWORD_HASH_BYTES];
    memset(password, 'x', sizeof(password));
    assert_int_equal(password_hash_make(bytes_of(password, 512), hash), FERRY_E_ARGUMENT);
    assert_int_equal(password_hash_make(BYTES_LIT("a\0b"), hash), FERRY_E_ARGUMENT);
    assert_int_equal(password_hash_make(bytes_of(password, 511), hash), FERRY_OK);
    assert_true(password_hash_verify(hash, bytes_of(password, 511)));
    assert_false(password_hash_verify(hash, bytes_of(password, 510)));
}

static void what_is_no_hash(void **state)
{
    (void)state;
    static const struct {
        const char *hash;
        bool good;
    } cases[] = {
        {"", false},
        {"hunter2", false},
        {"*", false},
        {"!", false},
        {"x", false},
        {"$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", false}, /* MD5 */
        {"ab1QYL4XGy1xE", false},                      /* DES */
        {"$y$", false},
        {"$nothing$x", false},
        {"$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/"
         "jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0k"
         "tL3nh/",
         true}, /* SHA-512 */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (password_hash_is_good(cases[i].hash) != cases[i].good)
            fail_msg("%s", cases[i].hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_and_checked),
        cmocka_unit_test(too_long),
        cmocka_unit_test(what_is_no_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
