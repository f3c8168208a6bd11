/* conf/print: what holds is printed so that it can be read again; the manual page's list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/print.h"

static const struct conf_word sizes[] = {{"small", 0}, {"large", 1}, {NULL, 0}};

struct values {
    int size;
    char *text, *secret, *unset;
    struct conf_texts names;
};

static const struct conf_directive rows[] = {
    {.name = "size",
     .type = CONF_WORD,
     CONF_AT(values, size),
     .words = sizes,
     .fallback = "small",
     .help = "How large. As one says."},
    {.name = "text", .type = CONF_TEXT, CONF_AT(values, text), .help = ".hidden \\fBbold"},
    {.name = "secret",
     .type = CONF_TEXT,
     CONF_AT(values, secret),
     .secret = true,
     .required = true,
     .help = "Not told."},
    {.name = "unset", .type = CONF_PATH, CONF_AT(values, unset), .help = "Nothing."},
    {.name = "names", .type = CONF_TEXTS, CONF_AT(values, names), .help = "Some."},
};

struct label {
    char *text;
};

static const struct conf_block blocks[] = {
    {.size_bytes = sizeof(struct values),
     .directives = rows,
     .count = ARRAY_LEN(rows),
     .help = "All."},
    {.name = "box",
     .label = {.name = "NAME", .type = CONF_TEXT, CONF_AT(label, text)},
     .size_bytes = sizeof(struct label),
     .help = "A box."},
};

static const struct conf_schema schema = {.blocks = blocks, .count = ARRAY_LEN(blocks)};

static enum ferry_error load(void *ctx, const char *path, struct buf *out, struct fault *fault)
{
    (void)path;
    (void)fault;
    return buf_append(out, bytes_str(ctx));
}

static void print_all(const char *text, enum print_secrets secrets, struct buf *out)
{
    CLEANUP(conf_drop) struct conf *conf = NULL;
    assert_int_equal(conf_read(&schema, "f", load, (void *)(uintptr_t)text, &conf), FERRY_OK);
    assert_int_equal(conf->check.count, 0);
    const struct conf_instance *instance;
    STAILQ_FOREACH (instance, &conf->instances, link)
        assert_int_equal(print_effective(instance, secrets, out), FERRY_OK);
    assert_int_equal(buf_append(out, bytes_of("", 1)), FERRY_OK);
}

static void what_holds(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 65536);
    print_all(
        "text = 'a \"b\" \\\\ ${HOME}'\nsecret = hush\nnames = {\"x, y\", z}\nbox 'b\"' { }\n",
        PRINT_NO_SECRETS, &out);
    assert_string_equal(buf_view(&out).ptr, "size = \"small\" # default\n"
                                            "text = \"a \\\"b\\\" \\\\ \\${HOME}\" # f:1\n"
                                            "# secret is not shown\n"
                                            "# unset is not set\n"
                                            "names = {\"x, y\", \"z\"} # f:3\n"
                                            "\n"
                                            "box \"b\\\"\" { # f:4\n"
                                            "}\n");
}

/* But for places, what is printed says the same again. */
static void is_read_again(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf first;
    buf_init(&first, 65536);
    print_all("secret = s text = 'a \"b\" \\\\ ${HOME}' names = {\"x, y\", z}\nbox 'b\\\\' { }",
              PRINT_SECRETS, &first);
    CLEANUP(conf_drop) struct conf *conf = NULL;
    assert_int_equal(conf_read(&schema, "f", load, (void *)(uintptr_t)buf_view(&first).ptr, &conf),
                     FERRY_OK);
    assert_int_equal(conf->check.count, 0);
    const struct values *values = conf_next(conf, NULL, NULL)->values;
    assert_string_equal(values->text, "a \"b\" \\ ${HOME}");
    assert_string_equal(values->secret, "s");
    assert_string_equal(values->names.list[0], "x, y");
    assert_string_equal(conf_next(conf, "box", NULL)->label, "b\\");
}

/* A path means the same wherever the print is read: it starts at the folder of its own file. */
static void paths_are_whole(void **state)
{
    (void)state;
    static char text[] = "secret = s unset = sub/x";
    CLEANUP(conf_drop) struct conf *conf = NULL;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 65536);
    assert_int_equal(conf_read(&schema, "/etc/f", load, text, &conf), FERRY_OK);
    assert_int_equal(print_effective(conf_next(conf, NULL, NULL), PRINT_NO_SECRETS, &out),
                     FERRY_OK);
    assert_int_equal(buf_append(&out, bytes_of("", 1)), FERRY_OK);
    assert_non_null(strstr(buf_view(&out).ptr, "unset = \"/etc/sub/x\" # /etc/f:1\n"));
}

static void the_manual(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 65536);
    assert_int_equal(print_manual(&schema, &out), FERRY_OK);
    assert_int_equal(buf_append(&out, bytes_of("", 1)), FERRY_OK);
    assert_string_equal(buf_view(&out).ptr, ".Ss Outside of blocks\n"
                                            "All.\n"
                                            ".Bl -tag -width Ds\n"
                                            ".It Ic size No = Cm small | large\n"
                                            "How large.\n"
                                            "As one says.\n"
                                            "The default is\n"
                                            ".Ql small .\n"
                                            ".It Ic text No = Ar text\n"
                                            "\\&.hidden \\efBbold\n"
                                            ".It Ic secret No = Ar text\n"
                                            "Not told.\n"
                                            "It must be given.\n"
                                            ".It Ic unset No = Ar path\n"
                                            "Nothing.\n"
                                            ".It Ic names No = Ar texts\n"
                                            "Some.\n"
                                            ".El\n"
                                            ".Ss box Qo NAME Qc { ... }\n"
                                            "A box.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds),
        cmocka_unit_test(is_read_again),
        cmocka_unit_test(paths_are_whole),
        cmocka_unit_test(the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
