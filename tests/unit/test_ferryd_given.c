/* What the supervisor gives a role before it starts. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ferryd/given.h"
#include "ferryd/settings.h"

#define LISTEN "listen \"127.0.0.1:0\" { plaintext = allow }\n"

static int file_of(const char *text)
{
    int fd = memfd_create("given", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static const struct {
    const char *text;
    const char *said; /* NULL: it is fine */
} settings_cases[] = {
    {LISTEN, NULL},
    /* Without accounts: they are another role's business. */
    {"sessions_max = 5\n" LISTEN, NULL},
    {"sessions_max = 0\n" LISTEN, "settings:1:"},
    {LISTEN "nonsense = 1\n", "settings:2:"},
    {"listen \"127.0.0.1:0\" {", "settings:"},
};

static void settings_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(settings_cases); i++) {
        struct given given;
        struct fault fault = {0};
        given_init(&given);
        enum ferry_error error = given_settings(&given, file_of(settings_cases[i].text), &fault);
        if (settings_cases[i].said) {
            assert_int_equal(error, FERRY_E_ARGUMENT);
            assert_non_null(strstr(fault.what, settings_cases[i].said));
        } else {
            assert_int_equal(error, FERRY_OK);
            assert_non_null(conf_next(given.conf, SETTINGS_LISTEN, NULL));
        }
        given_fini(&given);
    }
}

static void settings_come_once(void **state)
{
    (void)state;
    struct given given;
    given_init(&given);
    assert_int_equal(given_settings(&given, file_of(LISTEN), NULL), FERRY_OK);
    int second = file_of(LISTEN);
    assert_int_equal(given_settings(&given, second, NULL), FERRY_E_ARGUMENT);
    assert_int_equal(fcntl(second, F_GETFD), -1);
    given_fini(&given);
}

static void expect_file(struct given *given, const char *path, const char *content)
{
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, CONF_FILE_MAX_BYTES);
    assert_int_equal(given_load(given, path, &out, NULL), FERRY_OK);
    assert_true(bytes_equal(buf_view(&out), bytes_str(content)));
}

/* The descriptor stands at the file's end, and another role reads it, too. */
static void files_are_read_by_their_path_from_the_beginning(void **state)
{
    (void)state;
    struct given given;
    struct fault fault = {0};
    struct buf out;
    given_init(&given);
    buf_init(&out, 8);
    int shared = file_of("a certificate");
    assert_int_equal(given_file(&given, BYTES_LIT("/etc/a.pem"), dup(shared), NULL), FERRY_OK);
    assert_int_equal(given_file(&given, BYTES_LIT("/etc/b.pem"), file_of("a key"), NULL), FERRY_OK);
    expect_file(&given, "/etc/a.pem", "a certificate");
    expect_file(&given, "/etc/a.pem", "a certificate");
    expect_file(&given, "/etc/b.pem", "a key");
    assert_int_equal(lseek(shared, 0, SEEK_CUR), strlen("a certificate"));
    assert_int_equal(given_load(&given, "/etc/c.pem", &out, &fault), FERRY_E_NOT_FOUND);
    assert_int_equal(given_load(&given, "/etc/a.pem", &out, NULL), FERRY_E_LIMIT);
    buf_fini(&out);
    close(shared);
    given_fini(&given);
}

static void what_cannot_be_read_is_told(void **state)
{
    (void)state;
    struct given given;
    struct fault fault = {0};
    struct buf out;
    given_init(&given);
    buf_init(&out, CONF_FILE_MAX_BYTES);
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(given_file(&given, BYTES_LIT("/"), folder, NULL), FERRY_OK);
    assert_int_not_equal(given_load(&given, "/", &out, &fault), FERRY_OK);
    assert_non_null(strstr(fault.what, "cannot be read"));
    buf_fini(&out);
    given_fini(&given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read),
        cmocka_unit_test(settings_come_once),
        cmocka_unit_test(files_are_read_by_their_path_from_the_beginning),
        cmocka_unit_test(what_cannot_be_read_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
