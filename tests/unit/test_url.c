/* ftp/url: URLs taken apart, put together, and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ftp/path.h"
#include "ftp/url.h"
#include "support/alloc_fail.h"

/* NULL: none. `text` is what url_format makes of it. */
static const struct {
    const char *in;
    bool implicit;
    const char *user, *password, *host;
    uint16_t port;
    const char *path;
    enum url_type type;
    const char *text;
} good[] = {
    {"ftp://h", false, NULL, NULL, "h", 21, "", URL_TYPE_NONE, "ftp://h/"},
    {"FTP://h/", false, NULL, NULL, "h", 21, "", URL_TYPE_NONE, "ftp://h/"},
    {"ftps://h/", true, NULL, NULL, "h", 990, "", URL_TYPE_NONE, "ftps://h/"},
    {"ftps://h:21/", true, NULL, NULL, "h", 21, "", URL_TYPE_NONE, "ftps://h:21/"},
    {"ftp://h:990/", false, NULL, NULL, "h", 990, "", URL_TYPE_NONE, "ftp://h:990/"},
    {"ftp://h:65535", false, NULL, NULL, "h", 65535, "", URL_TYPE_NONE, "ftp://h:65535/"},
    {"ftp://h:/a", false, NULL, NULL, "h", 21, "a", URL_TYPE_NONE, "ftp://h/a"},
    {"ftp://h/a/b/", false, NULL, NULL, "h", 21, "a/b/", URL_TYPE_NONE, "ftp://h/a/b/"},
    {"ftp://h//etc/x", false, NULL, NULL, "h", 21, "/etc/x", URL_TYPE_NONE, "ftp://h//etc/x"},
    {"ftp://h/%2Fetc/x", false, NULL, NULL, "h", 21, "/etc/x", URL_TYPE_NONE, "ftp://h//etc/x"},
    {"ftp://h/%2fetc", false, NULL, NULL, "h", 21, "/etc", URL_TYPE_NONE, "ftp://h//etc"},
    {"ftp://h/a%20b%25", false, NULL, NULL, "h", 21, "a b%", URL_TYPE_NONE, "ftp://h/a%20b%25"},
    {"ftp://h/a b", false, NULL, NULL, "h", 21, "a b", URL_TYPE_NONE, "ftp://h/a%20b"},
    {"ftp://h/a?b#c", false, NULL, NULL, "h", 21, "a?b#c", URL_TYPE_NONE, "ftp://h/a%3Fb%23c"},
    {"ftp://h/\xc3\xa9", false, NULL, NULL, "h", 21, "\xc3\xa9", URL_TYPE_NONE, "ftp://h/%C3%A9"},
    {"ftp://h/a;type=i", false, NULL, NULL, "h", 21, "a", URL_TYPE_IMAGE, "ftp://h/a;type=i"},
    {"ftp://h/a;TYPE=A", false, NULL, NULL, "h", 21, "a", URL_TYPE_ASCII, "ftp://h/a;type=a"},
    {"ftp://h/d/;type=d", false, NULL, NULL, "h", 21, "d/", URL_TYPE_DIRECTORY,
     "ftp://h/d/;type=d"},
    {"ftp://h/a;b", false, NULL, NULL, "h", 21, "a;b", URL_TYPE_NONE, "ftp://h/a%3Bb"},
    {"ftp://h/a%3Btype=i", false, NULL, NULL, "h", 21, "a;type=i", URL_TYPE_NONE,
     "ftp://h/a%3Btype%3Di"},
    {"ftp://h/a;type=x;type=i", false, NULL, NULL, "h", 21, "a;type=x", URL_TYPE_IMAGE,
     "ftp://h/a%3Btype%3Dx;type=i"},
    {"ftp://anna@h/", false, "anna", NULL, "h", 21, "", URL_TYPE_NONE, "ftp://anna@h/"},
    {"ftp://anna:@h/", false, "anna", "", "h", 21, "", URL_TYPE_NONE, "ftp://anna@h/"},
    {"ftp://anna:secret@h:2121/x", false, "anna", "secret", "h", 2121, "x", URL_TYPE_NONE,
     "ftp://anna@h:2121/x"},
    {"ftp://a%40b:p%3A%2F%40@h/", false, "a@b", "p:/@", "h", 21, "", URL_TYPE_NONE,
     "ftp://a%40b@h/"},
    {"ftp://a@b.example:p@h/", false, "a@b.example", "p", "h", 21, "", URL_TYPE_NONE,
     "ftp://a%40b.example@h/"},
    {"ftp://u:a:b@h/", false, "u", "a:b", "h", 21, "", URL_TYPE_NONE, "ftp://u@h/"},
    {"ftp://@h/", false, "", NULL, "h", 21, "", URL_TYPE_NONE, "ftp://@h/"},
    {"ftp://:p@h/", false, "", "p", "h", 21, "", URL_TYPE_NONE, "ftp://@h/"},
    {"ftp://h/a@b", false, NULL, NULL, "h", 21, "a@b", URL_TYPE_NONE, "ftp://h/a%40b"},
    {"ftp://192.0.2.7:2121/", false, NULL, NULL, "192.0.2.7", 2121, "", URL_TYPE_NONE,
     "ftp://192.0.2.7:2121/"},
    {"ftp://[::1]/", false, NULL, NULL, "::1", 21, "", URL_TYPE_NONE, "ftp://[::1]/"},
    {"ftp://u@[2001:DB8::7]:2121/x", false, "u", NULL, "2001:DB8::7", 2121, "x", URL_TYPE_NONE,
     "ftp://u@[2001:DB8::7]:2121/x"},
    {"ftp://[::ffff:192.0.2.7]", false, NULL, NULL, "::ffff:192.0.2.7", 21, "", URL_TYPE_NONE,
     "ftp://[::ffff:192.0.2.7]/"},
    {"ftp://[fe80::1%25eth0]/", false, NULL, NULL, "fe80::1%eth0", 21, "", URL_TYPE_NONE,
     "ftp://[fe80::1%25eth0]/"},
    {"ftp://[fe80::1%eth0]/", false, NULL, NULL, "fe80::1%eth0", 21, "", URL_TYPE_NONE,
     "ftp://[fe80::1%25eth0]/"},
    {"ftp://m\xc3\xbcnchen.example/", false, NULL, NULL, "m\xc3\xbcnchen.example", 21, "",
     URL_TYPE_NONE, "ftp://m\xc3\xbcnchen.example/"},
};

static void assert_same(const char *actual, const char *expected)
{
    if (!expected)
        assert_null(actual);
    else
        assert_string_equal(actual, expected);
}

static void urls_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct fault fault = {0};
        CLEANUP(url_fini) struct url url;
        if (url_parse(bytes_str(good[i].in), &url, &fault) != FERRY_OK)
            fail_msg("'%s': %s", good[i].in, fault.what);
        assert_int_equal(url.implicit, good[i].implicit);
        assert_same(url.user, good[i].user);
        assert_same(url.password ? secret_reveal(url.password).ptr : NULL, good[i].password);
        assert_same(url.host, good[i].host);
        assert_int_equal(url.port, good[i].port);
        assert_same(url.path, good[i].path);
        assert_int_equal(url.type, good[i].type);
    }
}

static void urls_are_written_without_password_and_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CLEANUP(buf_fini) struct buf text;
        CLEANUP(buf_fini) struct buf again;
        CLEANUP(url_fini) struct url url;
        CLEANUP(url_fini) struct url back;
        buf_init(&text, URL_MAX_BYTES);
        buf_init(&again, URL_MAX_BYTES);
        assert_int_equal(url_parse(bytes_str(good[i].in), &url, NULL), FERRY_OK);
        assert_int_equal(url_format(&text, &url), FERRY_OK);
        if (!bytes_equal(buf_view(&text), bytes_str(good[i].text)))
            fail_msg("'%.*s' instead of '%s'", BYTES_FMT(buf_view(&text)), good[i].text);

        assert_int_equal(url_parse(buf_view(&text), &back, NULL), FERRY_OK);
        assert_same(back.user, url.user);
        assert_same(back.host, url.host);
        assert_same(back.path, url.path);
        assert_int_equal(url_format(&again, &back), FERRY_OK);
        assert_true(bytes_equal(buf_view(&text), buf_view(&again)));
    }
}

static const struct bytes bad[] = {
    BYTES_LIT(""),
    BYTES_LIT("h/a"),
    BYTES_LIT("ftp:/h"),
    BYTES_LIT("http://h/"),
    BYTES_LIT("sftp://h/"),
    BYTES_LIT("ftp://"),
    BYTES_LIT("ftp:///a"),
    BYTES_LIT("ftp://u@/a"),
    BYTES_LIT("ftp://:21/"),
    BYTES_LIT("ftp://h:0/"),
    BYTES_LIT("ftp://h:65536/"),
    BYTES_LIT("ftp://h:+1/"),
    BYTES_LIT("ftp://h:21x/"),
    BYTES_LIT("ftp://h h/"),
    BYTES_LIT("ftp://h%2eh/"),
    BYTES_LIT("ftp://h?x"),
    BYTES_LIT("ftp://h\r\n/"),
    BYTES_LIT("ftp://[::1/"),
    BYTES_LIT("ftp://[::1]x/"),
    BYTES_LIT("ftp://[]/"),
    BYTES_LIT("ftp://[h]/"),
    BYTES_LIT("ftp://[192.0.2.7]/"),
    BYTES_LIT("ftp://[::1%25]/"),
    BYTES_LIT("ftp://[::1%25e/h0]/"),
    BYTES_LIT("ftp://[::1%25e h]/"),
    BYTES_LIT("ftp://::1/"),
    BYTES_LIT("ftp://h/a;type=x"),
    BYTES_LIT("ftp://h/a;type="),
    BYTES_LIT("ftp://h/a;type=ai"),
    BYTES_LIT("ftp://h/%"),
    BYTES_LIT("ftp://h/%4"),
    BYTES_LIT("ftp://h/%4x"),
    BYTES_LIT("ftp://%zz@h/"),
};

static void what_is_no_url_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct fault fault = {0};
        struct url url;
        if (url_parse(bad[i], &url, &fault) != FERRY_E_ARGUMENT)
            fail_msg("'%.*s' was not refused", BYTES_FMT(bad[i]));
        assert_int_equal(fault.kind, FERRY_E_ARGUMENT);
        assert_true(fault.what[0] != '\0');
        assert_null(url.user);
        assert_null(url.password);
        assert_null(url.host);
        assert_null(url.path);
    }
}

static void sec_17_no_line_break_or_nul_comes_out_of_a_url(void **state)
{
    (void)state;
    static const char *const parts[] = {"ftp://a%sb@h/", "ftp://u:a%sb@h/", "ftp://h/a%sb",
                                        "ftp://h/a%sb;type=i"};
    static const struct bytes evil[] = {
        BYTES_LIT("%0d%0aDELE x"), BYTES_LIT("%0D"), BYTES_LIT("%0A"), BYTES_LIT("%00"),
        BYTES_LIT("\r\n"),         BYTES_LIT("\n"),  BYTES_LIT("\0"),
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (size_t j = 0; j < ARRAY_LEN(evil); j++) {
            CLEANUP(buf_fini) struct buf text;
            buf_init(&text, 256);
            struct bytes after = bytes_str(parts[i]);
            struct bytes before = bytes_cut(&after, '%');
            assert_int_equal(buf_append(&text, before), FERRY_OK);
            assert_int_equal(buf_append(&text, evil[j]), FERRY_OK);
            assert_int_equal(buf_append(&text, bytes_skip(after, 1)), FERRY_OK);
            struct url url;
            assert_int_equal(url_parse(buf_view(&text), &url, NULL), FERRY_E_ARGUMENT);
        }
    }
}

static void a_fault_does_not_tell_the_password(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "ftp://u:hunter2%0a@h/", "ftp://u:hunter2@/",   "ftp://u:hunter2@h:x/",
        "ftq://u:hunter2@h/",    "ftp://u:hunter2%@h/", "ftp://u:hunter2@h/%0a",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct fault fault = {0};
        struct url url;
        assert_int_equal(url_parse(bytes_str(texts[i]), &url, &fault), FERRY_E_ARGUMENT);
        assert_null(strstr(fault.what, "hunter2"));
        assert_null(strstr(fault.advice, "hunter2"));
    }
}

/* `prefix` and `count` times 'x' and `suffix` parsed. */
static enum ferry_error parse_long(const char *prefix, size_t count, const char *suffix)
{
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, 64 * 1024);
    assert_int_equal(buf_append(&text, bytes_str(prefix)), FERRY_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_append(&text, BYTES_LIT("x")), FERRY_OK);
    assert_int_equal(buf_append(&text, bytes_str(suffix)), FERRY_OK);
    CLEANUP(url_fini) struct url url;
    return url_parse(buf_view(&text), &url, NULL);
}

static void every_part_has_a_cap(void **state)
{
    (void)state;
    assert_int_equal(parse_long("ftp://", URL_HOST_MAX_BYTES, "/"), FERRY_OK);
    assert_int_equal(parse_long("ftp://", URL_HOST_MAX_BYTES + 1, "/"), FERRY_E_LIMIT);
    assert_int_equal(parse_long("ftp://", URL_USER_MAX_BYTES, "@h/"), FERRY_OK);
    assert_int_equal(parse_long("ftp://", URL_USER_MAX_BYTES + 1, "@h/"), FERRY_E_LIMIT);
    assert_int_equal(parse_long("ftp://u:", SECRET_MAX_BYTES, "@h/"), FERRY_OK);
    assert_int_equal(parse_long("ftp://u:", SECRET_MAX_BYTES + 1, "@h/"), FERRY_E_LIMIT);
    assert_int_equal(parse_long("ftp://h/", PATH_MAX_BYTES, ""), FERRY_OK);
    assert_int_equal(parse_long("ftp://h/", PATH_MAX_BYTES + 1, ""), FERRY_E_LIMIT);
    assert_int_equal(parse_long("ftp://h/", URL_MAX_BYTES, ""), FERRY_E_LIMIT);
    assert_int_equal(parse_long("ftp://[::1%25", URL_HOST_MAX_BYTES - 4, "]/"), FERRY_OK);
    assert_int_equal(parse_long("ftp://[::1%25", URL_HOST_MAX_BYTES - 3, "]/"), FERRY_E_LIMIT);
    assert_int_equal(parse_long("ftp://[::1%", URL_HOST_MAX_BYTES - 4, "]/"), FERRY_OK);
}

static enum ferry_error use_once(void *ctx)
{
    CLEANUP(buf_fini) struct buf text;
    CLEANUP(url_fini) struct url url;
    buf_init(&text, URL_MAX_BYTES);
    enum ferry_error error = url_parse(bytes_str(ctx), &url, NULL);
    return error == FERRY_OK ? url_format(&text, &url) : error;
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    char named[] = "ftp://anna:secret@h:2121/a%20b;type=i";
    char numbered[] = "ftp://anna@[fe80::1%25eth0]/x";
    assert_true(alloc_fail_each(use_once, named, 40) > 5);
    assert_true(alloc_fail_each(use_once, numbered, 40) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(urls_are_written_without_password_and_read_back),
        cmocka_unit_test(what_is_no_url_is_refused),
        cmocka_unit_test(sec_17_no_line_break_or_nul_comes_out_of_a_url),
        cmocka_unit_test(a_fault_does_not_tell_the_password),
        cmocka_unit_test(every_part_has_a_cap),
        cmocka_unit_test(failing_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
