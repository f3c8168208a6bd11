/* conf/check: mistakes in the order of lines, made visible, and the word that was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/check.h"

static const char *const words[] = {"certificate",     "key",          "tls",    "passive_ports",
                                    "passive_address", "sessions_max", "mode_z", "home"};

/* `meant` NULL: none is near. */
static const struct {
    const char *word, *meant;
} cases[] = {
    {"certificate", "certificate"},
    {"certifcate", "certificate"},
    {"certificat", "certificate"},
    {"cretificate", "certificate"},
    {"cert", "certificate"},
    {"Certificate", "certificate"},
    {"kye", "key"},
    {"kex", "key"},
    {"kxy2", NULL},
    {"tsl", "tls"},
    {"tls_", "tls"},
    {"ssl", NULL}, /* two of three letters are others */
    {"passive-ports", "passive_ports"},
    {"passive_port", "passive_ports"},
    {"pasive_adress", "passive_address"},
    {"max_sessions", NULL},
    {"modez", "mode_z"},
    {"hom", "home"},
    {"", NULL},
    {"xyzzy", NULL},
    {"certificate_of_a_name_that_is_much_longer_than_any", NULL},
};

static void the_nearest_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t found = check_nearest(bytes_str(cases[i].word), words, ARRAY_LEN(words));
        const char *meant = found < ARRAY_LEN(words) ? words[found] : NULL;
        if (!bytes_equal(bytes_str(meant), bytes_str(cases[i].meant)))
            fail_msg("%s: %s", cases[i].word, meant ? meant : "none");
    }
    assert_int_equal(check_nearest(BYTES_LIT("x"), NULL, 0), 0);
}

static void assert_printed(const struct check *check, const char *expected)
{
    CLEANUP(buf_fini) struct buf said;
    buf_init(&said, 65536);
    assert_int_equal(check_print(check, &said), FERRY_OK);
    assert_int_equal(buf_append(&said, bytes_of("", 1)), FERRY_OK);
    assert_string_equal(buf_view(&said).ptr, expected);
}

static void the_order_of_files_and_lines(void **state)
{
    (void)state;
    struct check check;
    check_init(&check);
    assert_printed(&check, "");
    check_add(&check, "a", 5, "five");
    check_add(&check, "b", 1, "%s", "one");
    check_add(&check, "a", 0, "all");
    check_add(&check, "a", 5, "five again");
    check_add(&check, "a", 2, "two");
    check_add(&check, "b", 9, "nine");
    assert_printed(&check, "a: all\na:2: two\na:5: five\na:5: five again\nb:1: one\nb:9: nine\n");
    assert_int_equal(check.count, 6);
    check_fini(&check);
    assert_int_equal(check.count, 0);
}

/* SEC-91: no control byte of a file's name or content reaches the terminal. */
static void sec_91_only_visible_characters(void **state)
{
    (void)state;
    struct check check;
    check_init(&check);
    check_add(&check, "a\x1b[2J", 1, "\"%s\"", "x\n\x1b]0;y\x07\xff");
    assert_printed(&check, "a\\x1b[2J:1: \"x\\x0a\\x1b]0;y\\x07\\xff\"\n");
    check_fini(&check);
}

static void the_same_is_told_once(void **state)
{
    (void)state;
    struct check check;
    check_init(&check);
    check_add(&check, "a", 1, "x");
    check_add(&check, "a", 1, "x");
    check_add(&check, "a", 2, "x");
    check_add(&check, "a", 1, "%c", 'x');
    assert_printed(&check, "a:1: x\na:2: x\n");
    assert_int_equal(check.count, 2);
    check_fini(&check);
}

static void more_than_are_kept(void **state)
{
    (void)state;
    struct check check;
    check_init(&check);
    for (unsigned i = 0; i < CHECK_MISTAKES_MAX + 3; i++)
        check_add(&check, "a", 100 + i, "x");
    CLEANUP(buf_fini) struct buf said;
    buf_init(&said, 65536);
    assert_int_equal(check_print(&check, &said), FERRY_OK);
    static const char end[] = "a:199: x\nand 3 more\n";
    struct bytes view = buf_view(&said);
    assert_int_equal(view.len, CHECK_MISTAKES_MAX * 9 + sizeof("and 3 more\n") - 1);
    assert_true(bytes_equal(bytes_skip(view, view.len - (sizeof(end) - 1)), BYTES_LIT(end)));
    check_fini(&check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_word),
        cmocka_unit_test(the_order_of_files_and_lines),
        cmocka_unit_test(sec_91_only_visible_characters),
        cmocka_unit_test(the_same_is_told_once),
        cmocka_unit_test(more_than_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
