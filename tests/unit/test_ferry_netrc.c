/* ferry/netrc.c: ~/.netrc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "ferry/netrc.h"
#include "support/tempdir.h"

struct lookup {
    const char *text;
    const char *host, *user; /* asked for */
    bool found;
    const char *login, *password; /* NULL: not said */
};

static const struct lookup lookups[] = {
    {"", "h", NULL, false, NULL, NULL},
    {"machine h login anna password geheim\n", "h", NULL, true, "anna", "geheim"},
    {"machine h login anna password geheim\n", "H", NULL, true, "anna", "geheim"},
    {"machine h login anna password geheim\n", "other", NULL, false, NULL, NULL},
    {"machine\th\n\tlogin\tanna\r\n\tpassword\tgeheim", "h", "anna", true, "anna", "geheim"},
    {"machine h password geheim", "h", "anna", true, NULL, "geheim"},
    {"machine h login anna", "h", NULL, true, "anna", NULL},
    {"machine h login otto password x machine h login anna password y", "h", "anna", true, "anna",
     "y"},
    {"machine h login otto password x", "h", "anna", false, NULL, NULL},
    {"machine a login x password y default login z password w", "b", NULL, true, "z", "w"},
    {"default login z password w machine h login x password y", "h", NULL, true, "z", "w"},
    {"machine h login \"an na\" password \"ge\\\"he\\\\im\"", "h", NULL, true, "an na",
     "ge\"he\\im"},
    {"# machine h login evil password evil\nmachine h login anna password x#y", "h", NULL, true,
     "anna", "x#y"},
    {"machine h login anna account a password p", "h", NULL, true, "anna", "p"},
    {"macdef init\nmachine h login evil\nput x\n\nmachine h login anna password p", "h", NULL, true,
     "anna", "p"},
    {"machine", "h", NULL, false, NULL, NULL},
    {"machine h login", "h", NULL, false, NULL, NULL},
    {"machine h password \"not closed", "h", NULL, true, NULL, "not closed"},
    {"nonsense words machine h nonsense login anna password p", "h", NULL, true, "anna", "p"},
};

static void entries_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lookups); i++) {
        const struct lookup *lookup = &lookups[i];
        struct netrc_login login;
        bool found = netrc_find(bytes_str(lookup->text), lookup->host, lookup->user, &login);
        if (found != lookup->found)
            print_error("case %zu\n", i);
        assert_int_equal(found, lookup->found);
        assert_int_equal(login.user != NULL, lookup->login != NULL);
        assert_int_equal(login.password != NULL, lookup->password != NULL);
        if (lookup->login)
            assert_string_equal(login.user, lookup->login);
        if (lookup->password)
            assert_true(secret_equal(login.password, bytes_str(lookup->password)));
        netrc_login_fini(&login);
    }
}

static void words_of_any_length(void **state)
{
    (void)state;
    char text[20000] = "machine h password ";
    size_t len = strlen(text);
    memset(text + len, 'x', sizeof(text) - len - 1);
    struct netrc_login login;
    assert_false(netrc_find(bytes_of(text, sizeof(text) - 1), "h", NULL, &login));
    netrc_login_fini(&login);
}

/* SEC-94 */
static void sec_94_a_file_that_others_may_read_is_not_used(void **state)
{
    (void)state;
    struct tempdir dir;
    tempdir_make(&dir);
    assert_int_equal(setenv("HOME", dir.path, 1), 0);
    struct netrc_login login = {0};
    bool open_to_others = true;
    assert_false(netrc_look_up("h", NULL, &login, &open_to_others));
    assert_false(open_to_others);

    tempdir_write(&dir, ".netrc", "machine h login anna password geheim");
    static const mode_t open_modes[] = {0644, 0640, 0604, 0620, 0601};
    for (size_t i = 0; i < ARRAY_LEN(open_modes); i++) {
        assert_int_equal(fchmodat(dir.fd, ".netrc", open_modes[i], 0), 0);
        assert_false(netrc_look_up("h", NULL, &login, &open_to_others));
        assert_true(open_to_others);
    }
    assert_int_equal(fchmodat(dir.fd, ".netrc", 0600, 0), 0);
    assert_true(netrc_look_up("h", NULL, &login, &open_to_others));
    assert_false(open_to_others);
    assert_string_equal(login.user, "anna");
    netrc_login_fini(&login);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found),
        cmocka_unit_test(words_of_any_length),
        cmocka_unit_test(sec_94_a_file_that_others_may_read_is_not_used),
    };
    return cmocka_run_group_tests_name("ferry_netrc", tests, NULL, NULL);
}
