/* ftp/path: virtual paths joined, normalised, quoted; names from listings checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ftp/path.h"
#include "support/alloc_fail.h"

static const struct {
    const char *cwd, *argument, *path;
} joins[] = {
    {"/", "", "/"},
    {"", "", "/"},
    {"/a/b", "", "/a/b"},
    {"/a/b", "c", "/a/b/c"},
    {"/a/b", "/c", "/c"},
    {"/a/b", "c/", "/a/b/c"},
    {"/a/b", ".", "/a/b"},
    {"/a/b", "./c/.", "/a/b/c"},
    {"/a/b", "..", "/a"},
    {"/a/b", "../..", "/"},
    {"/a/b", "../../..", "/"},
    {"/a/b", "../../../../etc/passwd", "/etc/passwd"},
    {"/", "..", "/"},
    {"/", "/../../x", "/x"},
    {"/a", "//b///c//", "/b/c"},
    {"/a", "///", "/"},
    {"/a", "...", "/a/..."},
    {"/a", "..b/.c", "/a/..b/.c"},
    {"/a", " ", "/a/ "},
    {"/a", "b /c", "/a/b /c"},
    {"/a", "~", "/a/~"},
    {"/a", "a\\..\\b", "/a/a\\..\\b"},
    {"/a", "b\r", "/a/b\r"},
    {"/a", "\xff\xfe", "/a/\xff\xfe"},
    {"a//../b/", "c", "/b/c"},
    {"/x", "y/../../../z", "/z"},
};

static void assert_view(const struct buf *buf, const char *expected)
{
    if (!bytes_equal(buf_view(buf), bytes_str(expected)))
        fail_msg("'%.*s' instead of '%s'", BYTES_FMT(buf_view(buf)), expected);
}

static void ftp_114_paths_are_joined_and_normalised(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, PATH_MAX_BYTES);
        assert_int_equal(path_resolve(&out, bytes_str(joins[i].cwd), bytes_str(joins[i].argument)),
                         FERRY_OK);
        assert_view(&out, joins[i].path);
    }
}

static void a_nul_is_in_no_path(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, PATH_MAX_BYTES);
    assert_int_equal(path_resolve(&out, BYTES_LIT("/"), BYTES_LIT("a\0b")), FERRY_E_ARGUMENT);
    assert_int_equal(path_resolve(&out, BYTES_LIT("/a\0"), BYTES_LIT("b")), FERRY_E_ARGUMENT);
    assert_int_equal(buf_len(&out), 0);
}

static enum ferry_error resolve_filled(struct buf *out, struct bytes cwd, char *text, size_t len)
{
    return path_resolve(out, cwd, bytes_of(text, len));
}

static void names_and_paths_have_caps(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, PATH_MAX_BYTES);

    char name[PATH_NAME_MAX_BYTES + 1];
    memset(name, 'n', sizeof name);
    assert_int_equal(resolve_filled(&out, BYTES_LIT("/"), name, sizeof name), FERRY_E_LIMIT);
    assert_int_equal(resolve_filled(&out, BYTES_LIT("/"), name, sizeof name - 1), FERRY_OK);
    assert_int_equal(buf_len(&out), PATH_NAME_MAX_BYTES + 1);
    buf_fini(&out);

    char path[PATH_MAX_BYTES + 2];
    for (size_t i = 0; i < sizeof path; i++)
        path[i] = i % 2 == 0 ? '/' : 'p';
    assert_int_equal(resolve_filled(&out, BYTES_LIT("/"), path, sizeof path), FERRY_E_LIMIT);
    assert_int_equal(buf_len(&out), 0);
    assert_int_equal(resolve_filled(&out, BYTES_LIT("/"), path, sizeof path - 2), FERRY_OK);
    assert_int_equal(buf_len(&out), PATH_MAX_BYTES);
    buf_fini(&out);

    memmove(path + 1, path, sizeof path - 1); /* one byte is left where two are needed */
    path[1] = 'p';
    assert_int_equal(resolve_filled(&out, BYTES_LIT("/"), path, PATH_MAX_BYTES + 1), FERRY_E_LIMIT);
    assert_int_equal(resolve_filled(&out, BYTES_LIT("/"), path, PATH_MAX_BYTES - 1), FERRY_OK);
    buf_fini(&out);
}

static void a_path_at_its_cap_can_be_left(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, PATH_MAX_BYTES);
    char path[PATH_MAX_BYTES];
    for (size_t i = 0; i < sizeof path; i++)
        path[i] = i % 2 == 0 ? '/' : 'p';
    struct bytes longest = bytes_of(path, PATH_MAX_BYTES);
    assert_int_equal(path_resolve(&out, longest, BYTES_LIT("q")), FERRY_E_LIMIT);
    assert_int_equal(path_resolve(&out, longest, BYTES_LIT("../q")), FERRY_OK);
}

static const struct {
    const char *path, *parent, *base;
} splits[] = {
    {"/", "/", ""}, {"/a", "/", "a"},  {"/a/b", "/a", "b"},
    {"a", "", "a"}, {"a/b", "a", "b"}, {"", "", ""},
};

static void paths_are_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
        struct bytes path = bytes_str(splits[i].path);
        assert_true(bytes_equal(path_parent(path), bytes_str(splits[i].parent)));
        assert_true(bytes_equal(path_base(path), bytes_str(splits[i].base)));
    }
}

static const struct {
    const char *path, *quoted;
} quotes[] = {
    {"/", "\"/\""},
    {"/a b", "\"/a b\""},
    {"/say \"hi\"", "\"/say \"\"hi\"\"\""},
    {"\"", "\"\"\"\""},
};

static void ftp_110_quotes_are_doubled_and_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        CLEANUP(buf_fini) struct buf quoted;
        CLEANUP(buf_fini) struct buf back;
        buf_init(&quoted, 256);
        buf_init(&back, PATH_MAX_BYTES);
        assert_int_equal(path_quote(&quoted, bytes_str(quotes[i].path)), FERRY_OK);
        assert_view(&quoted, quotes[i].quoted);
        assert_int_equal(buf_append(&quoted, BYTES_LIT(" is \"current\"")), FERRY_OK);
        assert_int_equal(path_unquote(&back, buf_view(&quoted)), FERRY_OK);
        assert_view(&back, quotes[i].path);
    }
}

/* The text behind "257 ", and the path in it; NULL: FERRY_E_PROTOCOL. */
static const struct {
    const char *text, *path;
} replies[] = {
    {"\"/home\" is current directory", "/home"},
    {"is \"/home\"", "/home"},
    {"\"/a\"b\" is current", "/a"},
    {"\"'ANNA.'\" is working directory", "'ANNA.'"},
    {"\"DISK:[DIR]\"", "DISK:[DIR]"},
    {"\"C:/x\"", "C:/x"},
    {"/home is current", "/home"},
    {"/home", "/home"},
    {"\"a\"\"\"", "a\""},
    {"", NULL},
    {" /home", NULL},
    {"\"\" is current", NULL},
    {"\"", NULL},
    {"\"/home is current", NULL},
    {"\"/home\"\"", NULL},
};

static void ftp_110_dev_57_paths_in_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, PATH_MAX_BYTES);
        enum ferry_error error = path_unquote(&out, bytes_str(replies[i].text));
        if (error != (replies[i].path ? FERRY_OK : FERRY_E_PROTOCOL))
            fail_msg("'%s' gave %d", replies[i].text, error);
        assert_view(&out, replies[i].path ? replies[i].path : "");
    }
}

static void paths_in_replies_have_a_cap(void **state)
{
    (void)state;
    char text[PATH_MAX_BYTES + 3];
    memset(text, 'p', sizeof text);
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, sizeof text);
    assert_int_equal(path_unquote(&out, bytes_of(text, PATH_MAX_BYTES + 1)), FERRY_E_LIMIT);
    assert_int_equal(path_unquote(&out, bytes_of(text, PATH_MAX_BYTES)), FERRY_OK);
    buf_fini(&out);

    text[0] = '"';
    text[PATH_MAX_BYTES + 2] = '"';
    assert_int_equal(path_unquote(&out, bytes_of(text, PATH_MAX_BYTES + 3)), FERRY_E_LIMIT);
    text[PATH_MAX_BYTES + 1] = '"';
    assert_int_equal(path_unquote(&out, bytes_of(text, PATH_MAX_BYTES + 2)), FERRY_OK);
    assert_int_equal(buf_len(&out), PATH_MAX_BYTES);
}

static void lst_70_names_from_a_server_are_checked(void **state)
{
    (void)state;
    static const struct {
        struct bytes name;
        enum path_flaw flaw;
    } names[] = {
        {BYTES_LIT("a"), PATH_FLAW_NONE},
        {BYTES_LIT("..."), PATH_FLAW_NONE},
        {BYTES_LIT(".a"), PATH_FLAW_NONE},
        {BYTES_LIT("-rf"), PATH_FLAW_NONE},
        {BYTES_LIT(" "), PATH_FLAW_NONE},
        {BYTES_LIT("..\\..\\evil.bat"), PATH_FLAW_NONE},
        {BYTES_LIT(""), PATH_FLAW_EMPTY},
        {BYTES_LIT("."), PATH_FLAW_DOT},
        {BYTES_LIT(".."), PATH_FLAW_DOTDOT},
        {BYTES_LIT("/"), PATH_FLAW_SLASH},
        {BYTES_LIT("a/"), PATH_FLAW_SLASH},
        {BYTES_LIT("../x"), PATH_FLAW_SLASH},
        {BYTES_LIT("/etc/passwd"), PATH_FLAW_SLASH},
        {BYTES_LIT("a\0"), PATH_FLAW_NUL},
        {BYTES_LIT("\0/"), PATH_FLAW_NUL},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(path_check_name(names[i].name), names[i].flaw);

    char name[PATH_NAME_MAX_BYTES + 1];
    memset(name, 'n', sizeof name);
    assert_int_equal(path_check_name(bytes_of(name, sizeof name)), PATH_FLAW_LONG);
    assert_int_equal(path_check_name(bytes_of(name, sizeof name - 1)), PATH_FLAW_NONE);
}

static enum ferry_error use_once(void *ctx)
{
    (void)ctx;
    CLEANUP(buf_fini) struct buf path;
    CLEANUP(buf_fini) struct buf quoted;
    CLEANUP(buf_fini) struct buf back;
    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&quoted, PATH_MAX_BYTES);
    buf_init(&back, PATH_MAX_BYTES);
    enum ferry_error error = path_resolve(&path, BYTES_LIT("/a"), BYTES_LIT("b\"c"));
    if (error == FERRY_OK)
        error = path_quote(&quoted, buf_view(&path));
    return error == FERRY_OK ? path_unquote(&back, buf_view(&quoted)) : error;
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(use_once, NULL, 16) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_114_paths_are_joined_and_normalised),
        cmocka_unit_test(a_nul_is_in_no_path),
        cmocka_unit_test(names_and_paths_have_caps),
        cmocka_unit_test(a_path_at_its_cap_can_be_left),
        cmocka_unit_test(paths_are_split),
        cmocka_unit_test(ftp_110_quotes_are_doubled_and_read_back),
        cmocka_unit_test(ftp_110_dev_57_paths_in_replies),
        cmocka_unit_test(paths_in_replies_have_a_cap),
        cmocka_unit_test(lst_70_names_from_a_server_are_checked),
        cmocka_unit_test(failing_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
