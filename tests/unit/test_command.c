/* ftp/command: lines to commands and back, and what verbs.def says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ftp/command.h"
#include "support/alloc_fail.h"

static const struct {
    struct bytes line;
    enum ferry_error error;
    enum verb verb;
    struct bytes argument;
} lines[] = {
    {BYTES_LIT("NOOP"), FERRY_OK, VERB_NOOP, BYTES_LIT("")},
    {BYTES_LIT("noop"), FERRY_OK, VERB_NOOP, BYTES_LIT("")},
    {BYTES_LIT("NoOp "), FERRY_OK, VERB_NOOP, BYTES_LIT("")},
    {BYTES_LIT("NOOP x"), FERRY_E_ARGUMENT, VERB_NOOP, BYTES_LIT("x")},
    {BYTES_LIT("XCWD a"), FERRY_OK, VERB_CWD, BYTES_LIT("a")},
    {BYTES_LIT("xcup"), FERRY_OK, VERB_CDUP, BYTES_LIT("")},
    {BYTES_LIT("XMKD a"), FERRY_OK, VERB_MKD, BYTES_LIT("a")},
    {BYTES_LIT("XPWD"), FERRY_OK, VERB_PWD, BYTES_LIT("")},
    {BYTES_LIT("XRMD a"), FERRY_OK, VERB_RMD, BYTES_LIT("a")},
    {BYTES_LIT("XSHA256 f"), FERRY_OK, VERB_XSHA256, BYTES_LIT("f")},
    {BYTES_LIT("FOO bar"), FERRY_OK, VERB_NONE, BYTES_LIT("bar")},
    {BYTES_LIT("ABCDEFGHIJ"), FERRY_OK, VERB_NONE, BYTES_LIT("")},
    /* no verb: 500 */
    {BYTES_LIT(""), FERRY_E_PROTOCOL, VERB_NONE, BYTES_LIT("")},
    {BYTES_LIT(" NOOP"), FERRY_E_PROTOCOL, VERB_NONE, BYTES_LIT("NOOP")},
    {BYTES_LIT("ABCDEFGHIJK"), FERRY_E_PROTOCOL, VERB_NONE, BYTES_LIT("")},
    {BYTES_LIT("N\0OP"), FERRY_E_PROTOCOL, VERB_NONE, BYTES_LIT("")},
    {BYTES_LIT("NOOP\r"), FERRY_E_PROTOCOL, VERB_NONE, BYTES_LIT("")},
    {BYTES_LIT("RETR\tx"), FERRY_E_PROTOCOL, VERB_NONE, BYTES_LIT("")},
    {BYTES_LIT("\xc3\x84"), FERRY_E_PROTOCOL, VERB_NONE, BYTES_LIT("")},
    {BYTES_LIT("\x16\x03\x01"), FERRY_E_PROTOCOL, VERB_NONE, BYTES_LIT("")},
    /* FTP-2: blanks belong to path names, and to nothing else */
    {BYTES_LIT("RETR  a b "), FERRY_OK, VERB_RETR, BYTES_LIT(" a b ")},
    {BYTES_LIT("RETR  "), FERRY_OK, VERB_RETR, BYTES_LIT(" ")},
    {BYTES_LIT("RETR "), FERRY_E_ARGUMENT, VERB_RETR, BYTES_LIT("")},
    {BYTES_LIT("RETR"), FERRY_E_ARGUMENT, VERB_RETR, BYTES_LIT("")},
    {BYTES_LIT("LIST"), FERRY_OK, VERB_LIST, BYTES_LIT("")},
    {BYTES_LIT("LIST -al x"), FERRY_OK, VERB_LIST, BYTES_LIT("-al x")},
    {BYTES_LIT("USER  anna "), FERRY_OK, VERB_USER, BYTES_LIT("anna")},
    {BYTES_LIT("USER an na"), FERRY_OK, VERB_USER, BYTES_LIT("an na")},
    {BYTES_LIT("USER"), FERRY_E_ARGUMENT, VERB_USER, BYTES_LIT("")},
    {BYTES_LIT("TYPE A N "), FERRY_OK, VERB_TYPE, BYTES_LIT("A N")},
    {BYTES_LIT("PROT  P "), FERRY_OK, VERB_PROT, BYTES_LIT("P")},
    {BYTES_LIT("PROT P P"), FERRY_E_ARGUMENT, VERB_PROT, BYTES_LIT("P P")}, /* TLS-30 */
    {BYTES_LIT("AUTH TLS x"), FERRY_E_ARGUMENT, VERB_AUTH, BYTES_LIT("TLS x")},
    {BYTES_LIT("AUTH TLS\tx"), FERRY_E_ARGUMENT, VERB_AUTH, BYTES_LIT("TLS\tx")},
    {BYTES_LIT("REST 100"), FERRY_OK, VERB_REST, BYTES_LIT("100")},
    {BYTES_LIT("REST -1"), FERRY_E_ARGUMENT, VERB_REST, BYTES_LIT("-1")},
    {BYTES_LIT("REST 1 2"), FERRY_E_ARGUMENT, VERB_REST, BYTES_LIT("1 2")},
    {BYTES_LIT("REST"), FERRY_E_ARGUMENT, VERB_REST, BYTES_LIT("")},
    {BYTES_LIT("EPSV"), FERRY_OK, VERB_EPSV, BYTES_LIT("")},
    {BYTES_LIT("EPSV ALL"), FERRY_OK, VERB_EPSV, BYTES_LIT("ALL")},
    {BYTES_LIT("MFMT 20260101000000 a b"), FERRY_OK, VERB_MFMT, BYTES_LIT("20260101000000 a b")},
    {BYTES_LIT("MFMT 20260101000000"), FERRY_E_ARGUMENT, VERB_MFMT, BYTES_LIT("20260101000000")},
    /* Passwords are what they are. */
    {BYTES_LIT("PASS"), FERRY_OK, VERB_PASS, BYTES_LIT("")},
    {BYTES_LIT("PASS "), FERRY_OK, VERB_PASS, BYTES_LIT("")},
    {BYTES_LIT("PASS  a b "), FERRY_OK, VERB_PASS, BYTES_LIT(" a b ")},
    /* FTP-4, SEC-70 */
    {BYTES_LIT("RETR a\rb"), FERRY_OK, VERB_RETR, BYTES_LIT("a\rb")},
    {BYTES_LIT("RETR a\0b"), FERRY_E_ARGUMENT, VERB_RETR, BYTES_LIT("a\0b")},
    {BYTES_LIT("RETR a\nb"), FERRY_E_ARGUMENT, VERB_RETR, BYTES_LIT("a\nb")},
    {BYTES_LIT("USER a\0"), FERRY_E_ARGUMENT, VERB_USER, BYTES_LIT("a\0")},
    {BYTES_LIT("USER a\rb"), FERRY_E_ARGUMENT, VERB_USER, BYTES_LIT("a\rb")},
    {BYTES_LIT("PASS a\r"), FERRY_E_ARGUMENT, VERB_PASS, BYTES_LIT("a\r")},
    {BYTES_LIT("RETR \xff\xfe"), FERRY_OK, VERB_RETR, BYTES_LIT("\xff\xfe")},
};

static void lines_are_split_into_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct command command;
        enum ferry_error error = command_parse(lines[i].line, &command);
        if (error != lines[i].error || command.verb != lines[i].verb ||
            !bytes_equal(command.argument, lines[i].argument))
            fail_msg("'%.*s': error %d, verb %d, argument '%.*s'", BYTES_FMT(lines[i].line),
                     (int)error, (int)command.verb, BYTES_FMT(command.argument));
    }
}

static const struct {
    enum verb verb;
    struct bytes argument;
    enum ferry_error error;
    struct bytes line;
} sent[] = {
    {VERB_NOOP, BYTES_LIT(""), FERRY_OK, BYTES_LIT("NOOP\r\n")},
    {VERB_RETR, BYTES_LIT(" a b "), FERRY_OK, BYTES_LIT("RETR  a b \r\n")},
    {VERB_LIST, BYTES_LIT(""), FERRY_OK, BYTES_LIT("LIST\r\n")},
    {VERB_PASS, BYTES_LIT(""), FERRY_OK, BYTES_LIT("PASS \r\n")},
    {VERB_PASS, BYTES_LIT("-x"), FERRY_OK, BYTES_LIT("PASS -x\r\n")},
    {VERB_STOR, BYTES_LIT("a\rb"), FERRY_OK, BYTES_LIT("STOR a\r\0b\r\n")},     /* FTP-4 */
    {VERB_STOR, BYTES_LIT("a\xff"), FERRY_OK, BYTES_LIT("STOR a\xff\xff\r\n")}, /* FTP-6 */
    {VERB_STOR, BYTES_LIT("a\nDELE b"), FERRY_E_ARGUMENT, BYTES_LIT("")},
    {VERB_STOR, BYTES_LIT("a\r\nDELE b"), FERRY_E_ARGUMENT, BYTES_LIT("")},
    {VERB_STOR, BYTES_LIT("a\0b"), FERRY_E_ARGUMENT, BYTES_LIT("")},
    {VERB_USER, BYTES_LIT("a\rb"), FERRY_E_ARGUMENT, BYTES_LIT("")},
    {VERB_USER, BYTES_LIT("a\nb"), FERRY_E_ARGUMENT, BYTES_LIT("")},
    {VERB_PASS, BYTES_LIT("a\rb"), FERRY_E_ARGUMENT, BYTES_LIT("")},
    {VERB_PASS, BYTES_LIT("a\nb"), FERRY_E_ARGUMENT, BYTES_LIT("")},
    {VERB_ACCT, BYTES_LIT("a\0"), FERRY_E_ARGUMENT, BYTES_LIT("")},
};

static void sec_17_a_command_is_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 256);
        assert_int_equal(command_format(&out, sent[i].verb, sent[i].argument), sent[i].error);
        if (!bytes_equal(buf_view(&out), sent[i].line))
            fail_msg("%zu: '%.*s'", i, BYTES_FMT(buf_view(&out)));
    }
}

/* Whatever goes into an argument: one line end, at the end. */
static void sec_17_no_byte_adds_a_line(void **state)
{
    (void)state;
    for (enum verb verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        for (int c = 0; c < 256; c++) {
            CLEANUP(buf_fini) struct buf out;
            buf_init(&out, 256);
            char argument[] = {'a', (char)c, 'b'};
            if (command_format(&out, verb, bytes_of(argument, 3)) != FERRY_OK)
                continue;
            struct bytes line = buf_view(&out);
            assert_int_equal(bytes_find(line, '\n'), line.len - 1);
        }
    }
}

static void a_full_buffer_is_left_as_it_was(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 10);
    assert_int_equal(command_format(&out, VERB_NOOP, BYTES_LIT("")), FERRY_OK);
    assert_int_equal(command_format(&out, VERB_NOOP, BYTES_LIT("")), FERRY_E_LIMIT);
    assert_true(bytes_equal(buf_view(&out), BYTES_LIT("NOOP\r\n")));
}

static void what_is_sent_can_be_read(void **state)
{
    (void)state;
    for (enum verb verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 64);
        bool bare = verb_row(verb)->argument == ARGUMENT_NONE;
        struct bytes argument = bare ? BYTES_LIT("") : BYTES_LIT("1");
        assert_int_equal(command_format(&out, verb, argument), FERRY_OK);

        struct command command;
        enum ferry_error error =
            command_parse(bytes_first(buf_view(&out), buf_len(&out) - 2), &command);
        bool two_words = verb_row(verb)->argument == ARGUMENT_TIME_PATH;
        assert_int_equal(error, two_words ? FERRY_E_ARGUMENT : FERRY_OK);
        assert_int_equal(command.verb, verb);
        assert_true(bytes_equal(command.argument, argument));
    }
}

/* FTP-23: exactly these are taken while a transfer runs. */
static void ftp_23_the_table_says_what_overtakes(void **state)
{
    (void)state;
    for (enum verb verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        bool overtakes = verb == VERB_ABOR || verb == VERB_STAT || verb == VERB_NOOP;
        assert_int_equal(!!(verb_row(verb)->allowed & ALLOWED_TRANSFER), overtakes);
    }
}

/* FTP-22: these and no others leave REST's offset alone. */
static void ftp_22_the_table_says_what_keeps_the_offset(void **state)
{
    (void)state;
    static const enum verb keepers[] = {
        VERB_PASV, VERB_CPSV, VERB_EPSV, VERB_PORT, VERB_EPRT, VERB_TYPE, VERB_PROT,
        VERB_NOOP, VERB_ALLO, VERB_SIZE, VERB_MDTM, VERB_MLST, VERB_STAT, VERB_FEAT,
    };
    for (enum verb verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        bool keeps = false;
        for (size_t i = 0; i < ARRAY_LEN(keepers); i++)
            keeps = keeps || keepers[i] == verb;
        assert_int_equal(!!(verb_row(verb)->allowed & ALLOWED_AFTER_REST), keeps);
    }
}

static enum ferry_error format_one(void *ctx)
{
    (void)ctx;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 64);
    return command_format(&out, VERB_CWD, BYTES_LIT("/a"));
}

static void memory_may_fail(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(format_one, NULL, 4), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_split_into_commands),
        cmocka_unit_test(sec_17_a_command_is_one_line),
        cmocka_unit_test(sec_17_no_byte_adds_a_line),
        cmocka_unit_test(a_full_buffer_is_left_as_it_was),
        cmocka_unit_test(what_is_sent_can_be_read),
        cmocka_unit_test(ftp_23_the_table_says_what_overtakes),
        cmocka_unit_test(ftp_22_the_table_says_what_keeps_the_offset),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
