/* ftp/facts: lines of MLST and MLSD, OPTS MLST, MFMT. The form of good lines is also in
 * tests/listings/mlsd.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ftp/facts.h"
#include "support/alloc_fail.h"

static void assert_text(struct bytes actual, const char *expected)
{
    if (!bytes_equal(actual, bytes_str(expected)))
        fail_msg("'%.*s' instead of '%s'", BYTES_FMT(actual), expected);
}

static void ftp_130_a_line_is_facts_blank_name(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name;
    } good[] = {
        {"type=file; a", "a"},
        {"type=file a", "a"},
        {" a", "a"},
        {"type=file;  a ", " a "},
        {"type=file; ", ""},
        {"x=; a", "a"},
        {"x==;y=a=b; a;b=c d", "a;b=c d"},
        {"Type=dir; /abs/path", "/abs/path"},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct listing_entry entry;
        if (facts_parse(bytes_str(good[i].line), &entry) != FERRY_OK)
            fail_msg("'%s' was refused", good[i].line);
        assert_text(entry.name, good[i].name);
    }
    static const char *const bad[] = {
        "", "a", "type=file;a", "type a", "=x; a", ";; a", "type=file;; a", "-rw-r--r-- 1 a a 10",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct listing_entry entry;
        if (facts_parse(bytes_str(bad[i]), &entry) != FERRY_E_PROTOCOL)
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void ftp_132_types(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum listing_type type;
        const char *target;
    } types[] = {
        {"file", LISTING_FILE, ""},
        {"FILE", LISTING_FILE, ""},
        {"Dir", LISTING_DIR, ""},
        {"cdir", LISTING_CDIR, ""},
        {"pdir", LISTING_PDIR, ""},
        {"os.UNIX=symlink", LISTING_LINK, ""},
        {"OS.unix=slink", LISTING_LINK, ""},
        {"OS.unix=slink:", LISTING_OTHER, ""},
        {"OS.unix=slink:/a/B", LISTING_LINK, "/a/B"},
        {"OS.unix=chr-1/3", LISTING_CHAR, ""},
        {"OS.unix=blk-8/x", LISTING_BLOCK, ""},
        {"OS.unix=fifo", LISTING_FIFO, ""},
        {"OS.unix=socket", LISTING_SOCK, ""},
        {"OS.mvs=pds", LISTING_OTHER, ""},
        {"files", LISTING_OTHER, ""},
        {"", LISTING_OTHER, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        char line[64];
        snprintf(line, sizeof line, "Type=%s; a", types[i].value);
        struct listing_entry entry;
        assert_int_equal(facts_parse(bytes_str(line), &entry), FERRY_OK);
        assert_int_equal(entry.type, types[i].type);
        assert_text(entry.target, types[i].target);
        assert_int_equal(entry.has_device, types[i].type == LISTING_CHAR);
    }
}

static void a_fact_with_a_bad_value_is_left_out(void **state)
{
    (void)state;
    struct listing_entry entry;
    assert_int_equal(
        facts_parse(BYTES_LIT("Size=9223372036854775808;Modify=20260230000000;UNIX.mode=0888;"
                              "Create=x; a"),
                    &entry),
        FERRY_OK);
    assert_int_equal(entry.size_kind, LISTING_SIZE_UNKNOWN);
    assert_int_equal(entry.modified.precision, TIMEVAL_NONE);
    assert_int_equal(entry.created.precision, TIMEVAL_NONE);
    assert_false(entry.has_mode);

    assert_int_equal(facts_parse(BYTES_LIT("Size=9223372036854775807;UNIX.mode=104755; a"), &entry),
                     FERRY_OK);
    assert_int_equal(entry.size_kind, LISTING_SIZE_EXACT);
    assert_int_equal(entry.size, INT64_MAX);
    assert_int_equal(entry.mode, 04755);
}

/* More facts than an entry has places for. */
static void many_facts_are_no_harm(void **state)
{
    (void)state;
    char line[4096] = "";
    for (int i = 0; i < 40; i++)
        strcat(line, "Lang=de;Media-Type=text/plain;X.y=z;");
    strcat(line, " a");
    struct listing_entry entry;
    assert_int_equal(facts_parse(bytes_str(line), &entry), FERRY_OK);
    assert_int_equal(entry.extra_count, LISTING_EXTRA_MAX);
    assert_text(entry.name, "a");
}

static const struct listing_entry full = {
    .type = LISTING_FILE,
    .name = BYTES_LIT("a b"),
    .size_kind = LISTING_SIZE_EXACT,
    .size = 7,
    .modified = {1773576000, 500000000, TIMEVAL_FRACTION},
    .created = {1773576000, 0, TIMEVAL_SECOND},
    .has_mode = true,
    .mode = 0640,
    .perms = BYTES_LIT("adfrw"),
    .owner = BYTES_LIT("anna"),
    .group = BYTES_LIT("staff"),
    .owner_id = BYTES_LIT("1000"),
    .group_id = BYTES_LIT("100"),
    .unique = BYTES_LIT("803U1402"),
};

static void assert_formatted(const struct listing_entry *entry, unsigned facts,
                             const char *expected)
{
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 1024);
    assert_int_equal(facts_format(&out, entry, facts), FERRY_OK);
    assert_text(buf_view(&out), expected);
}

static void lst_88_ftp_131_facts_are_written_in_order(void **state)
{
    (void)state;
    assert_formatted(&full, FACTS_ALL,
                     "Type=file;Size=7;Modify=20260315120000;Perm=adfrw;Unique=803U1402;"
                     "UNIX.mode=0640;UNIX.owner=1000;UNIX.group=100;UNIX.ownername=anna;"
                     "UNIX.groupname=staff; a b");
    assert_formatted(&full, FACTS_DEFAULT,
                     "Type=file;Size=7;Modify=20260315120000;Perm=adfrw;Unique=803U1402;"
                     "UNIX.mode=0640; a b");
    assert_formatted(&full, FACT_SIZE | FACT_UNIQUE, "Size=7;Unique=803U1402; a b");
    assert_formatted(&full, 0, " a b");
}

static void facts_that_are_unknown_or_unfit_are_not_written(void **state)
{
    (void)state;
    struct listing_entry entry = {
        .type = LISTING_DIR, .name = BYTES_LIT("d"), .size_kind = LISTING_SIZE_EXACT, .size = 4096};
    assert_formatted(&entry, FACTS_ALL, "Type=dir; d"); /* no Size: FTP-133 */
    entry.type = LISTING_FILE;
    entry.size_kind = LISTING_SIZE_APPROXIMATE;
    entry.modified = (struct timeval_utc){INT64_MAX, 0, TIMEVAL_SECOND};
    entry.owner = BYTES_LIT("domain user");
    entry.group = BYTES_LIT("a;Type=dir");
    entry.unique = BYTES_LIT("1\r\n2");
    assert_formatted(&entry, FACTS_ALL, "Type=file; d");
}

static void ftp_132_types_are_written(void **state)
{
    (void)state;
    static const struct {
        enum listing_type type;
        const char *line;
    } types[] = {
        {LISTING_CDIR, "Type=cdir; x"},
        {LISTING_PDIR, "Type=pdir; x"},
        {LISTING_LINK, "Type=OS.unix=symlink; x"},
        {LISTING_CHAR, "Type=OS.unix=chr-1/3; x"},
        {LISTING_BLOCK, "Type=OS.unix=blk-1/3; x"},
        {LISTING_FIFO, "Type=OS.unix=fifo; x"},
        {LISTING_SOCK, "Type=OS.unix=sock; x"},
        {LISTING_OTHER, "Type=OS.unix=other; x"},
        {LISTING_JOB, "Type=OS.unix=other; x"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct listing_entry entry = {.type = types[i].type,
                                      .name = BYTES_LIT("x"),
                                      .target = BYTES_LIT("/secret"),
                                      .has_device = true,
                                      .device_major = 1,
                                      .device_minor = 3};
        assert_formatted(&entry, FACTS_ALL, types[i].line);
        struct listing_entry back;
        assert_int_equal(facts_parse(bytes_str(types[i].line), &back), FERRY_OK);
        assert_int_equal(back.type, types[i].type == LISTING_JOB ? LISTING_OTHER : types[i].type);
    }
}

static void ftp_16_names_that_break_a_line_are_refused(void **state)
{
    (void)state;
    static const struct bytes names[] = {BYTES_LIT("a\nb"), BYTES_LIT("a\0b"), BYTES_LIT("\r\n")};
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 1024);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct listing_entry entry = {.name = names[i]};
        assert_int_equal(facts_format(&out, &entry, FACTS_ALL), FERRY_E_ARGUMENT);
    }
    assert_int_equal(buf_len(&out), 0);
    struct listing_entry entry = {.name = BYTES_LIT("a\rb")};
    assert_formatted(&entry, 0, " a\rb");
}

static void ftp_137_opts_mlst_selects(void **state)
{
    (void)state;
    static const struct {
        const char *argument;
        unsigned facts;
    } good[] = {
        {"", 0},
        {"type;", FACT_TYPE},
        {"type;size;", FACT_TYPE | FACT_SIZE},
        {"SIZE;Type;", FACT_TYPE | FACT_SIZE},
        {"size;size;", FACT_SIZE},
        {"unix.MODE;nosuch;", FACT_UNIX_MODE},
        {"nosuch;", 0},
        {"create;sizd;media-type;", 0},
        {"UNIX.owner;", 0}, /* not offered */
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        unsigned facts = 12345;
        assert_int_equal(facts_select(bytes_str(good[i].argument), FACTS_DEFAULT, &facts),
                         FERRY_OK);
        assert_int_equal(facts, good[i].facts);
    }
    static const char *const bad[] = {";",       "type;;", "type size;", "type=file;",
                                      "type\t;", " type;", "type",       "type;size"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        unsigned facts = 12345;
        if (facts_select(bytes_str(bad[i]), FACTS_ALL, &facts) != FERRY_E_ARGUMENT)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(facts, 12345);
    }
}

static void ftp_131_ftp_137_names_of_facts(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 1024);
    assert_int_equal(facts_names(&out, FACT_SIZE | FACT_TYPE), FERRY_OK);
    assert_text(buf_view(&out), "Type;Size;");
    buf_consume(&out, buf_len(&out));
    assert_int_equal(facts_names(&out, 0), FERRY_OK);
    assert_text(buf_view(&out), "");
    assert_int_equal(facts_feature(&out, FACTS_ALL, FACTS_DEFAULT), FERRY_OK);
    assert_text(buf_view(&out), "Type*;Size*;Modify*;Perm*;Unique*;UNIX.mode*;UNIX.owner;"
                                "UNIX.group;UNIX.ownername;UNIX.groupname;");
}

static void ftp_76_ftp_77_the_argument_of_mfmt(void **state)
{
    (void)state;
    struct timeval_utc time;
    struct bytes path;
    assert_int_equal(facts_parse_mfmt(BYTES_LIT("20260315120000 a b"), &time, &path), FERRY_OK);
    assert_int_equal(time.seconds, 1773576000);
    assert_text(path, "a b");
    assert_int_equal(facts_parse_mfmt(BYTES_LIT("20260315120000.25  a"), &time, &path), FERRY_OK);
    assert_int_equal(time.nanoseconds, 250000000);
    assert_text(path, " a");

    static const char *const bad[] = {
        "",
        "a",
        "20260315120000",
        "20260315120000 ",
        "20260230120000 a",
        "2026031512000 a",
        " 20260315120000 a",
        "191260315120000 a",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (facts_parse_mfmt(bytes_str(bad[i]), &time, &path) != FERRY_E_ARGUMENT)
            fail_msg("'%s' was taken", bad[i]);
    }
}

static enum ferry_error format_once(void *ctx)
{
    (void)ctx;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 1024);
    enum ferry_error error = facts_feature(&out, FACTS_ALL, FACTS_DEFAULT);
    return error == FERRY_OK ? facts_format(&out, &full, FACTS_ALL) : error;
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(format_once, NULL, 32) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_130_a_line_is_facts_blank_name),
        cmocka_unit_test(ftp_132_types),
        cmocka_unit_test(a_fact_with_a_bad_value_is_left_out),
        cmocka_unit_test(many_facts_are_no_harm),
        cmocka_unit_test(lst_88_ftp_131_facts_are_written_in_order),
        cmocka_unit_test(facts_that_are_unknown_or_unfit_are_not_written),
        cmocka_unit_test(ftp_132_types_are_written),
        cmocka_unit_test(ftp_16_names_that_break_a_line_are_refused),
        cmocka_unit_test(ftp_137_opts_mlst_selects),
        cmocka_unit_test(ftp_131_ftp_137_names_of_facts),
        cmocka_unit_test(ftp_76_ftp_77_the_argument_of_mfmt),
        cmocka_unit_test(failing_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
