/* ftp/feature: FEAT, read and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ftp/feature.h"
#include "support/alloc_fail.h"

static const struct {
    const char *line;
    unsigned features;
} lines[] = {
    {" AUTH TLS", FEATURE_AUTH_TLS},
    {"AUTH TLS", FEATURE_AUTH_TLS},
    {"211-AUTH TLS", FEATURE_AUTH_TLS}, /* FTP-151 */
    {" auth tls", FEATURE_AUTH_TLS},
    {"\tAUTH TLS", FEATURE_AUTH_TLS},
    {" AUTH SSL", FEATURE_AUTH_SSL},
    {" AUTH SSL TLS", FEATURE_AUTH_SSL | FEATURE_AUTH_TLS}, /* TLS-216 */
    {" AUTH TLS;TLS-C;SSL;TLS-P;", FEATURE_AUTH_SSL | FEATURE_AUTH_TLS},
    {" AUTH TLS,SSL", FEATURE_AUTH_SSL | FEATURE_AUTH_TLS},
    {" AUTH GSSAPI", 0},
    {" AUTH", 0},
    {" AUTHTLS", 0},
    {" PBSZ", FEATURE_PBSZ},
    {" PROT", FEATURE_PROT},
    {" PROT C;P;", FEATURE_PROT},
    {" UTF8", FEATURE_UTF8},
    {" EPSV", FEATURE_EPSV},
    {" EPRT", FEATURE_EPRT},
    {" PASV", FEATURE_PASV},
    {" SIZE", FEATURE_SIZE},
    {" MDTM", FEATURE_MDTM},
    {" MFMT", FEATURE_MFMT},
    {" TVFS", FEATURE_TVFS},
    {" MLST type*;size*;modify*;", FEATURE_MLST},
    {" MLSD", FEATURE_MLST}, /* FTP-131 */
    {" REST STREAM", FEATURE_REST_STREAM},
    {" REST", 0},
    {" HASH SHA-256*;SHA-1;", FEATURE_HASH},
    {" MODE Z", FEATURE_MODE_Z}, /* FTP-46 */
    {" MODE Z LEVEL;ENGINE;", FEATURE_MODE_Z},
    {" MODE B", 0},
    {" RANG STREAM", FEATURE_RANG_STREAM},
    {" XMD5 filename;start;end", FEATURE_X_HASH},
    {" XSHA256", FEATURE_X_HASH},
    {" LANG EN*;FR", FEATURE_LANG},
    {" MFF Modify;UNIX.mode;UNIX.group;", FEATURE_MFF},
    {" SITE CHMOD", FEATURE_SITE},
    {" SITE MFMT", 0},
    {"211 End", 0},
    {"Features:", 0},
    {"", 0},
    {" ", 0},
};

static void ftp_151_lines_are_known_in_any_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        unsigned features = feature_parse_line(bytes_str(lines[i].line));
        if (features != lines[i].features)
            fail_msg("'%s': %x", lines[i].line, features);
    }
}

static void whole_replies_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned features;
    } texts[] = {
        {"Features:\r\n AUTH TLS\r\n PBSZ\r\n PROT\r\n REST STREAM\r\n211 End",
         FEATURE_AUTH_TLS | FEATURE_PBSZ | FEATURE_PROT | FEATURE_REST_STREAM},
        {"Extensions\n211-MLST size;\n211-UTF8\n211 END", FEATURE_MLST | FEATURE_UTF8},
        {"no-features", 0}, /* DEV-50 */
        {"", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(feature_parse(bytes_str(texts[i].text)), texts[i].features);
}

static const struct feature_words words = {
    .mlst = {.ptr = "Type*;Size;", .len = 11},
    .hash = {.ptr = "SHA-256*;MD5;", .len = 13},
};

static void ftp_152_the_server_s_lines_in_their_order(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 1024);
    unsigned all = FEATURE_AUTH_TLS | FEATURE_AUTH_SSL | FEATURE_PBSZ | FEATURE_PROT |
                   FEATURE_UTF8 | FEATURE_EPSV | FEATURE_EPRT | FEATURE_SIZE | FEATURE_MDTM |
                   FEATURE_MFMT | FEATURE_MLST | FEATURE_REST_STREAM | FEATURE_TVFS | FEATURE_PASV |
                   FEATURE_RANG_STREAM | FEATURE_HASH | FEATURE_X_HASH | FEATURE_MODE_Z |
                   FEATURE_LANG | FEATURE_MFF | FEATURE_AVBL | FEATURE_CLNT | FEATURE_CSID |
                   FEATURE_SITE | FEATURE_HOST;
    assert_int_equal(feature_format(&out, all, &words), FERRY_OK);
    static const char expected[] =
        " AUTH TLS\r\n AUTH SSL\r\n PBSZ\r\n PROT\r\n HOST\r\n LANG en*\r\n UTF8\r\n TVFS\r\n"
        " EPRT\r\n EPSV\r\n PASV\r\n SIZE\r\n MDTM\r\n MFMT\r\n MFF "
        "Modify;UNIX.mode;UNIX.group;\r\n"
        " MLST Type*;Size;\r\n REST STREAM\r\n RANG STREAM\r\n"
        " HASH SHA-256*;MD5;\r\n XCRC\r\n XMD5\r\n XSHA1\r\n"
        " XSHA256\r\n XSHA512\r\n MODE Z\r\n AVBL\r\n CLNT\r\n CSID\r\n"
        " SITE CHMOD\r\n SITE IDLE\r\n SITE UTIME\r\n";
    assert_true(bytes_equal(buf_view(&out), bytes_str(expected)));
    assert_int_equal(feature_parse(buf_view(&out)), all);
}

static void only_what_is_offered_is_written(void **state)
{
    (void)state;
    for (unsigned bit = FEATURE_AUTH_TLS; bit < FEATURE_X_HASH; bit <<= 1) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 256);
        assert_int_equal(feature_format(&out, bit, &words), FERRY_OK);
        assert_int_equal(feature_parse(buf_view(&out)), bit);
        assert_int_equal(bytes_find(buf_view(&out), '\n'), buf_len(&out) - 1);
    }
}

static enum ferry_error write_some(void *ctx)
{
    (void)ctx;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 1024);
    return feature_format(&out, ~0U, &words);
}

static void memory_may_fail(void **state)
{
    (void)state;
    alloc_fail_each(write_some, NULL, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_151_lines_are_known_in_any_form),
        cmocka_unit_test(whole_replies_are_read),
        cmocka_unit_test(ftp_152_the_server_s_lines_in_their_order),
        cmocka_unit_test(only_what_is_offered_is_written),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests_name("feature", tests, NULL, NULL);
}
