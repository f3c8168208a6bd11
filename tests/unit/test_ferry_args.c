/* ferry/args.c, command.c: the command line, and what several pieces of work come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "ferry/args.h"
#include "ferry/command.h"

enum { WORDS_MAX = 16 };

/* Reads the words behind the command's name, separated by blanks. */
static bool read_line(const char *line, unsigned command, struct settings *settings, int *operands)
{
    static char words[512];
    static char name[] = "cmd";
    char *argv[WORDS_MAX + 1] = {name};
    int argc = 1;
    snprintf(words, sizeof(words), "%s", line);
    for (char *word = strtok(words, " "); word && argc < WORDS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    int first = 0;
    bool ok = args_read(argc, argv, command, settings, &first);
    *operands = argc - first;
    return ok;
}

static void values_of_options(void **state)
{
    (void)state;
    struct settings settings;
    int operands = 0;
    assert_true(read_line("-rc -o out a --force b -vv --auth AUTO --pin sha256//a --pin sha256//b "
                          "--tls-min 1.3",
                          FOR_GET, &settings, &operands));
    assert_int_equal(operands, 2);
    assert_true(settings.recursive && settings.resume && settings.force);
    assert_false(settings.long_form || settings.plaintext);
    assert_string_equal(settings.output, "out");
    assert_int_equal(settings.verbose, 2);
    assert_int_equal(settings.auth, FERRY_AUTH_AUTO);
    assert_int_equal(settings.pin_count, 2);
    assert_int_equal(settings.tls_min, FERRY_TLS_1_3);
    assert_int_equal(settings.tls_max, FERRY_TLS_ANY);
    assert_int_equal(settings.file_level, 'P');

    assert_true(
        read_line("--prot=c --list-prot C --timeout 5 -- -a -b", FOR_LS, &settings, &operands));
    assert_int_equal(operands, 2);
    assert_int_equal(settings.file_level, 'C');
    assert_int_equal(settings.listing_level, 'C');
    assert_int_equal(settings.timeout_s, 5);
}

static const struct {
    const char *line;
    unsigned command;
} mistakes[] = {
    {"--nonsense", FOR_GET},   {"-z", FOR_GET},          {"-r", FOR_LS},
    {"--force", FOR_PUT},      {"-o", FOR_GET},          {"--auth", FOR_LS},
    {"--auth gssapi", FOR_LS}, {"--prot S", FOR_LS},     {"--prot", FOR_LS},
    {"--prot PP", FOR_LS},     {"--tls-min 1", FOR_LS},  {"--timeout 0", FOR_LS},
    {"--timeout x", FOR_LS},   {"--timeout -1", FOR_LS}, {"--timeout 99999999999", FOR_LS},
    {"--cert c", FOR_LS},      {"--key k", FOR_LS},      {"--legacy=yes", FOR_LS},
};

static void mistakes_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        struct settings settings;
        int operands = 0;
        bool ok = read_line(mistakes[i].line, mistakes[i].command, &settings, &operands);
        if (ok)
            print_error("%s\n", mistakes[i].line);
        assert_false(ok);
    }
}

static const struct {
    enum exit_code codes[4];
    int count;
    enum exit_code result;
} tallies[] = {
    {{EXIT_DONE}, 0, EXIT_DONE},
    {{EXIT_DONE, EXIT_DONE}, 2, EXIT_DONE},
    {{EXIT_CUT}, 1, EXIT_CUT},
    {{EXIT_CUT, EXIT_CUT}, 2, EXIT_CUT},
    {{EXIT_CUT, EXIT_LOCAL}, 2, EXIT_SOME_FAILED},
    {{EXIT_DONE, EXIT_CUT}, 2, EXIT_SOME_FAILED},
    {{EXIT_CUT, EXIT_DONE, EXIT_CUT}, 3, EXIT_SOME_FAILED},
    {{EXIT_DONE, EXIT_INTERRUPTED}, 2, EXIT_INTERRUPTED},
    {{EXIT_CUT, EXIT_INTERRUPTED}, 2, EXIT_INTERRUPTED},
};

static void exit_codes_of_several_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tallies); i++) {
        struct tally tally = {0};
        for (int j = 0; j < tallies[i].count; j++)
            tally_add(&tally, tallies[i].codes[j]);
        assert_int_equal(tally_result(&tally), tallies[i].result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_options),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(exit_codes_of_several_files),
    };
    return cmocka_run_group_tests_name("ferry_args", tests, NULL, NULL);
}
