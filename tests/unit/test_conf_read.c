/* conf/read: files into structs, every mistake of a run with its line, includes, hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "conf/read.h"
#include "support/alloc_fail.h"

enum color { COLOR_RED, COLOR_GREEN, COLOR_BLUE };
static const struct conf_word colors[] = {
    {"red", COLOR_RED}, {"green", COLOR_GREEN}, {"blue", COLOR_BLUE}, {NULL, 0}};

static const struct conf_word bits[] = {{"red", 1}, {"green", 2}, {"blue", 4}, {NULL, 0}};

struct globals {
    enum color color;
    uint64_t count, patience_ns, room_bytes;
    bool loud;
    char *file;
    uint32_t some;
};

struct door {
    struct conf_endpoint at;
    char *key;
    struct conf_networks from;
    struct conf_ports ports;
    struct conf_texts names;
};

static const struct conf_directive global_rows[] = {
    {.name = "color", .type = CONF_WORD, CONF_AT(globals, color), .words = colors},
    {.name = "count",
     .type = CONF_UNSIGNED,
     CONF_AT(globals, count),
     .min = 1,
     .max = 100,
     .fallback = "7"},
    {.name = "patience",
     .type = CONF_DURATION,
     CONF_AT(globals, patience_ns),
     .min = CLOCK_NS_PER_S,
     .max = 60 * CLOCK_NS_PER_S,
     .fallback = "20s"},
    {.name = "room", .type = CONF_SIZE, CONF_AT(globals, room_bytes)},
    {.name = "loud", .type = CONF_FLAG, CONF_AT(globals, loud)},
    {.name = "file", .type = CONF_PATH, CONF_AT(globals, file)},
    {.name = "some",
     .type = CONF_WORDS,
     CONF_AT(globals, some),
     .words = bits,
     .fallback = "red, green"},
};

static const struct conf_directive door_rows[] = {
    {.name = "key", .type = CONF_TEXT, CONF_AT(door, key), .required = true},
    {.name = "from", .type = CONF_NETWORKS, CONF_AT(door, from)},
    {.name = "ports", .type = CONF_PORTS, CONF_AT(door, ports)},
    {.name = "names", .type = CONF_TEXTS, CONF_AT(door, names)},
};

static const struct conf_block blocks[] = {
    {.size_bytes = sizeof(struct globals),
     .directives = global_rows,
     .count = ARRAY_LEN(global_rows)},
    {.name = "door",
     .label = {.name = "ADDRESS:PORT", .type = CONF_ENDPOINT, CONF_AT(door, at)},
     .size_bytes = sizeof(struct door),
     .directives = door_rows,
     .count = ARRAY_LEN(door_rows)},
};

static const struct conf_schema schema = {.blocks = blocks, .count = ARRAY_LEN(blocks)};

/* Files in memory: the first of the list is "etc/main", the others by name. */
struct file {
    const char *path, *text;
};

static enum ferry_error load(void *ctx, const char *path, struct buf *out, struct fault *fault)
{
    for (const struct file *file = ctx; file->path; file++)
        if (bytes_equal(bytes_str(file->path), bytes_str(path)))
            return buf_append(out, bytes_str(file->text));
    return fault_set(fault, FERRY_E_NOT_FOUND, "there is none");
}

static struct conf *read_files(const struct file *files)
{
    struct conf *conf = NULL;
    assert_int_equal(conf_read(&schema, "etc/main", load, (void *)(uintptr_t)files, &conf),
                     FERRY_OK);
    return conf;
}

/* One file, and what is said of it. */
static const struct {
    const char *text, *mistakes;
} cases[] = {
    {"", ""},
    {"# nothing\n", ""},
    {"color = green\ncount = 100\npatience = 1s\nroom = 10M\nloud = yes\n", ""},
    {"door 127.0.0.1:21 { key = k from = {10.0.0.0/8, ::1} }", ""},
    {"door \"[::]:21\" { key = k }\ndoor \"[::1]:21\" { key = k }\n", ""},
    /* Values. */
    {"color = gren\n", "etc/main:1: color: \"gren\" is none of red, green, blue; did you mean "
                       "green?\n"},
    {"color = mauve", "etc/main:1: color: \"mauve\" is none of red, green, blue\n"},
    {"count = 0\ncount = 5", "etc/main:1: count: 0 is not between 1 and 100\n"
                             "etc/main:2: count is set already, at etc/main:1\n"},
    {"count = 99999999999999999999", "etc/main:1: count: 99999999999999999999 is too large\n"},
    {"count = -1", "etc/main:1: count: \"-1\" is not a number\n"},
    {"patience = 61s", "etc/main:1: patience: 61s is not between 1s and 1min\n"},
    {"patience = 20", "etc/main:1: patience: \"20\" is not a duration like 500ms, 20s, 10min, 2h "
                      "or 7d\n"},
    {"room = 3X", "etc/main:1: room: \"3X\" is not a size in bytes like 4096, 512K, 10M, 2G or "
                  "1T\n"},
    {"room = 99999999T", "etc/main:1: room: 99999999T is too large\n"},
    {"loud = yess", "etc/main:1: loud: \"yess\" is none of yes, no, on, off, true, false; did you "
                    "mean yes?\n"},
    {"loud = {yes, no}", "etc/main:1: loud takes one value, not a list\n"},
    {"some = {red, gren}", "etc/main:1: some: \"gren\" is none of red, green, blue; did you mean "
                           "green?\n"},
    {"some = {}\ndoor 1.2.3.4:21 {\n key = k\n names = {}\n}\n",
     "etc/main: some is given no value\n"
     "etc/main:5: names is given no value\n"},
    {"file = \"\"", "etc/main:1: file: the path is empty\n"},
    {"file = \"a\\nb\"", "etc/main:1: file: it holds a control character\n"},
    {"door x { key = k }", "etc/main:1: door: \"x\" is not an address and port like 192.0.2.1:21 "
                           "or [::]:21\n"},
    {"door ::1:21 { key = k }", "etc/main:1: door: \"::1:21\" is not an address and port like "
                                "192.0.2.1:21 or [::]:21\n"},
    {"door 1.2.3.4:21 {\n key = k\n ports = 10-9\n from = 10.0.0.1/8\n}",
     "etc/main:3: ports: \"10-9\" is not a range of ports like 50000-50100\n"
     "etc/main:4: from: \"10.0.0.1/8\" is none of networks like 10.0.0.0/8 or 2001:db8::/32 (no "
     "bit may be set behind the prefix)\n"},
    /* Words that are in no table. */
    {"colour = red\nxyzzy = {1, 2}\ncount = 0\nloud = maybe\n",
     "etc/main:1: there is no directive colour; did you mean color?\n"
     "etc/main:2: there is no directive xyzzy\n"
     "etc/main:3: count: 0 is not between 1 and 100\n"
     "etc/main:4: loud: \"maybe\" is none of yes, no, on, off, true, false\n"},
    {"colour = red\ncolour = red\n", "etc/main:1: there is no directive colour; did you mean "
                                     "color?\netc/main:2: there is no directive colour; did you "
                                     "mean color?\n"},
    {"dor 127.0.0.1:21 {\n key = k\n deep { a = b }\n}\ncount = 0\n",
     "etc/main:1: there is no block dor; did you mean door?\n"
     "etc/main:3: there is no block deep\n"
     "etc/main:5: count: 0 is not between 1 and 100\n"},
    {"limits {\n a = 1\n}\ncount = 0", "etc/main:1: there is no block limits\n"
                                       "etc/main:4: count: 0 is not between 1 and 100\n"},
    {"key = k\ndoor 1.2.3.4:21 {\n key = k\n count = 3\n}",
     "etc/main:1: key belongs into door blocks\n"
     "etc/main:4: count belongs outside of blocks\n"},
    {"\x1b[31m = 1", "etc/main:1: byte 0x1b does not belong into a text\n"
                     "etc/main:1: there is no directive ?[31m\n"},
    {"color = \"\\x1b[2J\"", "etc/main:1: color: it holds a control character\n"},
    {"color = caf\xe9", "etc/main:1: byte 0xe9 does not belong into a text\n"
                        "etc/main:1: color: \"caf?\" is none of red, green, blue\n"},
    /* What is missing, and what there is twice. */
    {"door 1.2.3.4:21 {\n}\n\ndoor 1.2.3.4:21 {\n key = k\n}",
     "etc/main:1: door \"1.2.3.4:21\" lacks key (a text)\n"
     "etc/main:4: door \"1.2.3.4:21\" is there already, at etc/main:1\n"},
    {"door 1.2.3.4:21 {\n key = k\n\n", "etc/main:1: door \"1.2.3.4:21\" is not closed: } is "
                                        "missing\n"},
    {"count =", "etc/main:1: the file ends in the middle of count\n"},
    {"loud = no\ncount = 0\n\n/* open",
     "etc/main:2: count: 0 is not between 1 and 100\n"
     "etc/main:2: here or below, a quote or a comment is not closed\n"},
    /* Syntax ends it, and what was found before is told. */
    {"count = 0\nloud yes\ncolor = x",
     "etc/main:1: count: 0 is not between 1 and 100\n"
     "etc/main:2: syntax: missing equal sign after option 'loud'\n"},
    {"color = (", "etc/main:1: syntax: unexpected token '('\n"},
    {"}", "etc/main:1: syntax: unexpected closing brace\n"},
    {"door { }", "etc/main:1: syntax: missing title for section 'door'\n"},
    /* Comments of each kind, also where they are none. */
    {"# one\n// two\n/* three\nfour */ /*/ # */\ncolor = red # \"five\ncount = 0 // six\n",
     "etc/main:6: count: 0 is not between 1 and 100\n"},
    {"file = \"#a\\\"//b\" count = 0\n", "etc/main:1: count: 0 is not between 1 and 100\n"},
    {"file = '#a' count = 0\n", "etc/main:1: count: 0 is not between 1 and 100\n"},
    {"file = a//b # c\n\ncount = 0\n", "etc/main:3: count: 0 is not between 1 and 100\n"},
    {"color = \"red\n", "etc/main:1: here or below, a quote or a comment is not closed\n"},
    /* Includes. */
    {"include = nothing\ncount = 0\n", "etc/main:1: include etc/nothing: there is none\n"
                                       "etc/main:2: count: 0 is not between 1 and 100\n"},
    {"include = main\n", "etc/main:1: include: etc/main is read already\n"},
};

static void every_mistake_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct file files[] = {{"etc/main", cases[i].text}, {NULL, NULL}};
        struct conf *conf = read_files(files);
        CLEANUP(buf_fini) struct buf said;
        buf_init(&said, 65536);
        assert_int_equal(check_print(&conf->check, &said), FERRY_OK);
        assert_int_equal(buf_append(&said, bytes_of("", 1)), FERRY_OK);
        if (!bytes_equal(bytes_str(buf_view(&said).ptr), bytes_str(cases[i].mistakes)))
            print_message("# case %zu: %s\n# said %s\n", i, cases[i].text, buf_view(&said).ptr);
        assert_string_equal(buf_view(&said).ptr, cases[i].mistakes);
        conf_free(conf);
    }
}

static void values_reach_their_fields(void **state)
{
    (void)state;
    const struct file files[] = {
        {"etc/main", "color = \"blue\" patience = 1500ms\nroom = 2k\nloud = on\nfile = sub/f\n"
                     "include = more\n"
                     "door \"127.0.0.1:2121\" { key = 'a b' from = {10.0.0.0/8, 2001:db8::/32}\n"
                     " from += 192.0.2.7 ports = 5000-5009 names = {x, \"y z\"} }\n"},
        {"etc/more", "some = {blue}\ndoor [::1]:0 { key = 2 }\n"},
        {NULL, NULL},
    };
    struct conf *conf = read_files(files);
    assert_int_equal(conf->check.count, 0);
    const struct conf_instance *root = conf_next(conf, NULL, NULL);
    const struct globals *globals = root->values;
    assert_int_equal(globals->color, COLOR_BLUE);
    assert_int_equal(globals->count, 7);
    assert_int_equal(globals->patience_ns, 1500 * CLOCK_NS_PER_MS);
    assert_int_equal(globals->room_bytes, 2048);
    assert_true(globals->loud);
    assert_string_equal(globals->file, "etc/sub/f");
    assert_int_equal(globals->some, 4);
    assert_true(conf_is_given(root, "color"));
    assert_false(conf_is_given(root, "count"));

    const struct conf_instance *first = conf_next(conf, "door", NULL);
    const struct conf_instance *second = conf_next(conf, "door", first);
    const struct door *door = second->values;
    assert_string_equal(door->at.address.text, "::1");
    assert_int_equal(door->at.port, 0);
    assert_string_equal(second->file, "etc/more");
    assert_int_equal(second->line, 2);

    door = first->values;
    assert_string_equal(door->at.address.text, "127.0.0.1");
    assert_int_equal(door->at.port, 2121);
    assert_string_equal(door->key, "a b");
    assert_int_equal(door->from.count, 3);
    assert_int_equal(door->ports.low, 5000);
    assert_int_equal(door->ports.high, 5009);
    assert_int_equal(door->names.count, 2);
    assert_string_equal(door->names.list[1], "y z");
    assert_null(conf_next(conf, "door", second));
    conf_free(conf);
}

/* More strangers than are learned: told, and it ends. */
static void too_many_strangers(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, 65536);
    for (int i = 0; i < 150; i++)
        assert_int_equal(buf_printf(&text, "stranger_%d = 1\n", i), FERRY_OK);
    assert_int_equal(buf_append(&text, bytes_of("", 1)), FERRY_OK);
    const struct file files[] = {{"etc/main", buf_view(&text).ptr}, {NULL, NULL}};
    struct conf *conf = read_files(files);
    assert_true(conf->check.count > CHECK_MISTAKES_MAX);
    conf_free(conf);
}

static void a_contradiction_is_told_where_it_stands(void **state)
{
    (void)state;
    const struct file files[] = {{"etc/main", "\ncount = 3\n\ndoor 1.2.3.4:5 {\n key = k\n}\n"},
                                 {NULL, NULL}};
    struct conf *conf = read_files(files);
    const struct conf_instance *door = conf_next(conf, "door", NULL);
    conf_mistake(conf, door, NULL, "it is %s", "\x1b[2Jshut");
    conf_mistake(conf, door, "key", "it does not fit");
    conf_mistake(conf, door, "ports", "there are none");
    conf_mistake(conf, conf_next(conf, NULL, NULL), "count", "too few");
    CLEANUP(buf_fini) struct buf said;
    buf_init(&said, 65536);
    assert_int_equal(check_print(&conf->check, &said), FERRY_OK);
    static const char expected[] = "etc/main:2: count: too few\n"
                                   "etc/main:4: it is \\x1b[2Jshut\n"
                                   "etc/main:4: ports: there are none\n"
                                   "etc/main:5: key: it does not fit\n";
    assert_true(bytes_equal(buf_view(&said), BYTES_LIT(expected)));
    conf_free(conf);
}

static enum ferry_error read_once(void *ctx)
{
    CLEANUP(conf_drop) struct conf *conf = NULL;
    enum ferry_error error = conf_read(&schema, "etc/main", load, ctx, &conf);
    if (error == FERRY_OK)
        assert_int_equal(conf->check.count, 3);
    return error;
}

static void memory_may_be_short(void **state)
{
    (void)state;
    static const struct file files[] = {
        {"etc/main", "colour = red\ncount = 0\ninclude = more\n"
                     "door 1.2.3.4:5 { key = k from = {::1} names = {a, b} }\n"},
        {"etc/more", "limits \"a\" { b = c }\nfile = x\n"},
        {NULL, NULL},
    };
    assert_true(alloc_fail_each(read_once, (void *)(uintptr_t)files, 1000) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_told),
        cmocka_unit_test(values_reach_their_fields),
        cmocka_unit_test(too_many_strangers),
        cmocka_unit_test(a_contradiction_is_told_where_it_stands),
        cmocka_unit_test(memory_may_be_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
