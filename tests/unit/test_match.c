/* store/match: patterns of names (SEC-54, FTP-71). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "store/match.h"

static void sec_54_patterns(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"", "", true},           {"", "a", false},         {"a", "a", true},
        {"a", "A", false},        {"*", "", true},          {"*", ".any\xff\n", true},
        {"?", "a", true},         {"?", "", false},         {"?", "ab", false},
        {"a*", "a", true},        {"a*", "ba", false},      {"*a", "bba", true},
        {"*a", "bab", false},     {"*a*", "bab", true},     {"a*b*c", "abc", true},
        {"a*b*c", "abcbc", true}, {"a*b*c", "abcb", false}, {"*.t?t", "x.txt.tot", true},
        {"**", "a", true},        {"[a]", "a", false},      {"[a]", "[a]", true},
        {"{a,b}", "a", false},    {"\\*", "*", false},      {"\\*", "\\x", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (match_name(bytes_str(cases[i].pattern), bytes_str(cases[i].name)) != cases[i].matches)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].name);
    }
}

/* What makes a backtracking matcher run for years. */
static void sec_54_time_is_bounded(void **state)
{
    char pattern[256], name[256];
    (void)state;
    for (size_t i = 0; i + 1 < sizeof(pattern); i++)
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    pattern[sizeof(pattern) - 2] = 'b';
    memset(name, 'a', sizeof(name));
    for (int i = 0; i < 1000; i++)
        assert_false(match_name(bytes_of(pattern, 255), bytes_of(name, 255)));
}

static void sec_35_lists_of_patterns(void **state)
{
    (void)state;
    assert_true(match_any(BYTES_LIT(".ssh/*.exe"), BYTES_LIT("a.exe")));
    assert_true(match_any(BYTES_LIT(".ssh/*.exe"), BYTES_LIT(".ssh")));
    assert_false(match_any(BYTES_LIT(".ssh/*.exe"), BYTES_LIT(".ssh2")));
    assert_false(match_any(BYTES_LIT(""), BYTES_LIT("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_54_patterns),
        cmocka_unit_test(sec_54_time_is_bounded),
        cmocka_unit_test(sec_35_lists_of_patterns),
    };
    return cmocka_run_group_tests_name("store/match", tests, NULL, NULL);
}
