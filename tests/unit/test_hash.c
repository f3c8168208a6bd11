/* ftp/hash: names, FEAT and the arguments of XCRC and its kin. FTP-152, FTP-173, FTP-174. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ftp/hash.h"

static void ftp_174_arguments(void **state)
{
    static const struct {
        const char *argument;
        const char *path; /* NULL: refused */
        bool has_range;
        uint64_t start, end;
    } rows[] = {
        {"file", "file", false, 0, 0},
        {"two words", "two words", false, 0, 0},
        {"file 10", "file", true, 0, 10},
        {"file 5 10", "file", true, 5, 10},
        {"two words 5 10", "two words", true, 5, 10},
        {"1 2 3", "1", true, 2, 3},
        {"10", "10", false, 0, 0},
        {"file  10", "file ", true, 0, 10}, /* every other blank is the name's */
        {"file 10 ", "file 10 ", false, 0, 0},
        {"\"file 10\"", "file 10", false, 0, 0},
        {"\"file 10\" 5", "file 10", true, 0, 5},
        {"\"file 10\" 5 6", "file 10", true, 5, 6},
        {"\"a\"b\"", "a\"b", false, 0, 0},
        {"a\"b", "a\"b", false, 0, 0},
        {"file 10 10", NULL, false, 0, 0},
        {"file 10 5", NULL, false, 0, 0},
        {"file 0", NULL, false, 0, 0},
        {"\"file", NULL, false, 0, 0},
        {"\"file\" x", NULL, false, 0, 0},
        {"\"", NULL, false, 0, 0},
        {"\"\"", NULL, false, 0, 0},
        {"", NULL, false, 0, 0},
        {"file 99999999999999999999", "file 99999999999999999999", false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct hash_argument got;
        enum ferry_error error = hash_parse_argument(bytes_str(rows[i].argument), &got);
        if ((error == FERRY_OK) != (rows[i].path != NULL))
            fail_msg("'%s': %d", rows[i].argument, error);
        if (!rows[i].path)
            continue;
        if (!bytes_equal(got.path, bytes_str(rows[i].path)) || got.has_range != rows[i].has_range ||
            got.start != rows[i].start || got.end != rows[i].end)
            fail_msg("'%s' is '%.*s' from %llu to %llu", rows[i].argument, BYTES_FMT(got.path),
                     (unsigned long long)got.start, (unsigned long long)got.end);
    }
}

static void ftp_173_names(void **state)
{
    (void)state;
    enum hash_algorithm found = HASH_MD5;
    assert_true(hash_find(BYTES_LIT("sha-512"), &found));
    assert_int_equal(found, HASH_SHA512);
    assert_false(hash_find(BYTES_LIT("SHA-384"), &found));
    assert_false(hash_find(BYTES_LIT(""), &found));
    assert_int_equal(found, HASH_SHA512);
    assert_string_equal(hash_name(HASH_CRC32), "CRC32");
    assert_true(hash_of_verb(VERB_XSHA, &found));
    assert_int_equal(found, HASH_SHA1);
    assert_false(hash_of_verb(VERB_HASH, &found));
}

static void ftp_152_the_chosen_one_has_a_star(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 256);
    assert_int_equal(hash_feature(&out, HASH_MD5), FERRY_OK);
    assert_true(bytes_equal(buf_view(&out), BYTES_LIT("SHA-256;SHA-512;SHA-1;MD5*;CRC32;")));
    buf_fini(&out);
    buf_init(&out, 10);
    assert_int_equal(hash_feature(&out, HASH_MD5), FERRY_E_LIMIT);
    buf_fini(&out);
}

static void crc_32_of_the_check_string(void **state)
{
    (void)state;
    assert_int_equal(hash_crc32(0, BYTES_LIT("123456789")), 0xcbf43926);
    assert_int_equal(hash_crc32(hash_crc32(0, BYTES_LIT("1234")), BYTES_LIT("56789")), 0xcbf43926);
    assert_int_equal(hash_crc32(0, BYTES_LIT("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_174_arguments),
        cmocka_unit_test(ftp_173_names),
        cmocka_unit_test(ftp_152_the_chosen_one_has_a_star),
        cmocka_unit_test(crc_32_of_the_check_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
