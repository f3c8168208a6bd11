/* ftp/words: an argument of several path names (FTP-182, FTP-184). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ftp/words.h"

static void ftp_182_names_and_quoted_names(void **state)
{
    static const struct {
        const char *argument;
        const char *words[4]; /* up to NULL */
        enum ferry_error end; /* of the call behind them */
    } cases[] = {
        {"a b", {"a", "b"}, FERRY_E_ARGUMENT},
        {"\"a b\" c", {"a b", "c"}, FERRY_E_ARGUMENT},
        {"\"say \"\"hi\"\"\" \"\"\"\"", {"say \"hi\"", "\""}, FERRY_E_ARGUMENT},
        {"a\"b c", {"a\"b", "c"}, FERRY_E_ARGUMENT},
        {"a", {"a"}, FERRY_E_ARGUMENT},
        {"", {NULL}, FERRY_E_ARGUMENT},
        {" a", {NULL}, FERRY_E_ARGUMENT},
        {"a  b", {"a"}, FERRY_E_ARGUMENT},
        {"\"\"", {NULL}, FERRY_E_ARGUMENT},
        {"\"a", {NULL}, FERRY_E_ARGUMENT},
        {"\"a\"\"", {NULL}, FERRY_E_ARGUMENT},
        {"\"a\"b c", {NULL}, FERRY_E_ARGUMENT},
        {"\"", {NULL}, FERRY_E_ARGUMENT},
        {"toolongname", {NULL}, FERRY_E_LIMIT},
        {"\"toolongname\"", {NULL}, FERRY_E_LIMIT},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes rest = bytes_str(cases[i].argument);
        struct buf word;
        buf_init(&word, 10);
        for (size_t k = 0; cases[i].words[k]; k++) {
            assert_int_equal(words_next(&rest, &word), FERRY_OK);
            assert_true(bytes_equal(buf_view(&word), bytes_str(cases[i].words[k])));
        }
        if (words_next(&rest, &word) != cases[i].end)
            fail_msg("'%s'", cases[i].argument);
        buf_fini(&word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_182_names_and_quoted_names),
    };
    return cmocka_run_group_tests_name("ftp/words", tests, NULL, NULL);
}
