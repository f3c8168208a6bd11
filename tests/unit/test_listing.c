/* ftp/listing: lines, limits, names of NLST, unknown listings, names that are not safe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ftp/listing.h"
#include "support/alloc_fail.h"

enum { NOW = 1773576000 }; /* 2026-03-15T12:00:00 UTC (LST-7) */

#define FILE_LINE(name) "-rw-r--r-- 1 a a 10 Mar  7 05:01 " name

/* One listing parsed, in pieces of `step` bytes: the items as text, "name" for an entry, "!name"
 * for a rejected one and
 * "?line" for an unknown one, with '|' behind each. */
struct result {
    enum ferry_error error;
    uint64_t entries, rejected, unknown;
    bool is_names;
    char items[512];
};

static void add_item(struct result *result, const struct listing_entry *entry)
{
    const char *mark = entry->item == LISTING_ENTRY ? "" : "!";
    if (entry->item == LISTING_UNKNOWN)
        mark = "?";
    size_t len = strlen(result->items);
    assert_true(len + entry->name.len + 3 < sizeof result->items);
    snprintf(result->items + len, sizeof result->items - len, "%s%.*s|", mark,
             BYTES_FMT(entry->name));
}

static enum ferry_error drain(struct listing *listing, struct result *result, struct fault *fault)
{
    struct listing_entry entry;
    do {
        enum ferry_error error = listing_next(listing, &entry, fault);
        if (error != FERRY_OK)
            return error;
        if (entry.item != LISTING_MORE)
            add_item(result, &entry);
    } while (entry.item != LISTING_MORE);
    return FERRY_OK;
}

static struct result run(enum listing_asked asked, const char *dir, struct bytes text, size_t step)
{
    struct result result = {0};
    struct fault fault = {0};
    CLEANUP(listing_fini) struct listing listing;
    listing_init(&listing, asked, bytes_str(dir), NOW);
    while (text.len > 0 && result.error == FERRY_OK) {
        listing_feed(&listing, bytes_first(text, step));
        text = bytes_skip(text, step);
        result.error = drain(&listing, &result, &fault);
    }
    if (result.error == FERRY_OK) {
        listing_end(&listing);
        result.error = drain(&listing, &result, &fault);
    }
    assert_int_equal(fault.kind, result.error);
    result.entries = listing.entries;
    result.rejected = listing.rejected;
    result.unknown = listing.unknown;
    result.is_names = listing_is_names(&listing);
    return result;
}

static void check(enum listing_asked asked, const char *dir, struct bytes text, const char *items)
{
    for (size_t step = 1; step <= text.len + 1; step++) {
        struct result result = run(asked, dir, text, step);
        assert_int_equal(result.error, FERRY_OK);
        if (strcmp(result.items, items) != 0)
            fail_msg("pieces of %zu: '%s' instead of '%s'", step, result.items, items);
    }
}

static void lst_14_line_ends(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        const char *items;
    } cases[] = {
        {BYTES_LIT(""), ""},
        {BYTES_LIT("\r\n\n\r\r\n"), ""},
        {BYTES_LIT(FILE_LINE("a") "\r\n" FILE_LINE("b") "\r\n"), "a|b|"},
        {BYTES_LIT(FILE_LINE("a") "\n" FILE_LINE("b") "\n"), "a|b|"},
        {BYTES_LIT(FILE_LINE("a") "\r\r\n" FILE_LINE("b") "\r\r\n"), "a|b|"},
        {BYTES_LIT(FILE_LINE("a") "\r\n" FILE_LINE("b")), "a|b|"},
        {BYTES_LIT(FILE_LINE("a") "\r\n" FILE_LINE("b") "\r"), "a|b|"},
        {BYTES_LIT(FILE_LINE("c\rr") "\r\n"), "c\rr|"},
        {BYTES_LIT(FILE_LINE("c\r") "\r\r\n"), "c\r|"},
        {BYTES_LIT("\xef\xbb\xbf" FILE_LINE("a") "\r\n"), "a|"},
        {BYTES_LIT(FILE_LINE("a") "\n\xef\xbb\xbf" FILE_LINE("b") "\n"),
         "a|?\xef\xbb\xbf" FILE_LINE("b") "|"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check(LISTING_ASKED_LIST, "", cases[i].text, cases[i].items);
}

static void lst_14_a_line_with_a_nul_is_rejected(void **state)
{
    (void)state;
    static const struct bytes text = {
        .ptr = FILE_LINE("a\0b") "\r\n" FILE_LINE("c") "\r\n\0\r\n",
        .len = sizeof(FILE_LINE("a\0b") "\r\n" FILE_LINE("c") "\r\n\0\r\n") - 1,
    };
    check(LISTING_ASKED_LIST, "", text, "!|c|!|");
    check(LISTING_ASKED_NLST, "", BYTES_LIT("a\0\nb\n"), "!|b|");
}

static void lst_14_a_line_has_a_cap(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, 3 * LISTING_LINE_MAX_BYTES);
    char *space;
    assert_int_equal(buf_reserve(&text, LISTING_LINE_MAX_BYTES + 1, &space), FERRY_OK);
    memset(space, 'x', LISTING_LINE_MAX_BYTES + 1);
    buf_commit(&text, LISTING_LINE_MAX_BYTES + 1);
    assert_int_equal(buf_append(&text, BYTES_LIT("\n")), FERRY_OK);

    static const size_t steps[] = {1000, LISTING_LINE_MAX_BYTES, 3 * LISTING_LINE_MAX_BYTES};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct bytes over = buf_view(&text);
        assert_int_equal(run(LISTING_ASKED_NLST, "", over, steps[i]).error, FERRY_E_LIMIT);
        over.len--; /* without its end */
        assert_int_equal(run(LISTING_ASKED_NLST, "", over, steps[i]).error, FERRY_E_LIMIT);
    }
}

/* SEC-97 */
static void lst_14_a_listing_has_caps(void **state)
{
    (void)state;
    struct listing_entry entry;
    struct fault fault = {0};
    CLEANUP(listing_fini) struct listing listing;
    listing_init(&listing, LISTING_ASKED_NLST, BYTES_LIT(""), NOW);
    listing.max_entries = 2;
    listing_feed(&listing, BYTES_LIT("a\nb/\nc\n"));
    assert_int_equal(listing_next(&listing, &entry, &fault), FERRY_OK);
    assert_int_equal(listing_next(&listing, &entry, &fault), FERRY_OK);
    assert_int_equal(listing_next(&listing, &entry, &fault), FERRY_E_LIMIT);
    assert_int_equal(fault.kind, FERRY_E_LIMIT);

    listing_fini(&listing);
    listing_init(&listing, LISTING_ASKED_NLST, BYTES_LIT(""), NOW);
    listing.max_bytes = 8;
    listing_feed(&listing, BYTES_LIT("\n\n\n\n\n\n\n\n"));
    assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_OK);
    assert_int_equal(entry.item, LISTING_MORE);
    listing_feed(&listing, BYTES_LIT("\n"));
    assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_E_LIMIT);
}

static void ftp_73_lst_70_names_of_nlst(void **state)
{
    (void)state;
    static const struct {
        const char *dir, *text, *items;
    } cases[] = {
        {"", "a\r\n.b\r\n c \r\n", "a|.b| c |"},
        {"", "total 3\r\n+\tx\r\n", "total 3|+\tx|"},
        {"", "a/b\r\n../c\r\n/d\r\n..\r\n.\r\n", "!a/b|!../c|!/d|!..|!.|"},
        {"pub", "pub/a\r\npub/b\r\n", "a|b|"},
        {"pub/", "pub/a\r\n", "a|"},
        {"/pub", "/pub/a\r\na\r\n", "a|a|"},
        {"/", "/a\r\nb\r\n//c\r\n", "a|b|!/c|"},
        {"pub", "pub/../a\r\npub/b/c\r\npub//d\r\npub/\r\npub/..\r\n", "!../a|!b/c|!/d|!|!..|"},
        {"pub", "public/a\r\npub\r\nPUB/a\r\n", "!public/a|pub|!PUB/a|"},
        {"a", "a/a/a\r\n", "!a/a|"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check(LISTING_ASKED_NLST, cases[i].dir, bytes_str(cases[i].text), cases[i].items);
}

static void dev_51_a_directory_before_names_of_mlsd(void **state)
{
    (void)state;
    check(LISTING_ASKED_MLSD, "pub",
          BYTES_LIT("type=cdir; pub\r\ntype=file; pub/a\r\ntype=file pub/b\ntype=file; c/d\n"),
          "pub|a|b|!c/d|");
    check(LISTING_ASKED_LIST, "pub", BYTES_LIT(FILE_LINE("pub/a") "\n"), "!pub/a|");
}

static void lst_12_facts_are_for_mlsd_only(void **state)
{
    (void)state;
    struct bytes text = BYTES_LIT("type=file;size=1; a\r\n" FILE_LINE("b") "\r\n");
    check(LISTING_ASKED_MLSD, "", text, "a|b|");
    check(LISTING_ASKED_LIST, "", text, "?type=file;size=1; a|b|");
}

static void lst_10_formats_may_alternate(void **state)
{
    (void)state;
    check(LISTING_ASKED_LIST, "",
          BYTES_LIT(FILE_LINE("a") "\r\n"
                                   "03-14-26  09:05AM       <DIR>          b\r\n"
                                   "+/,\tc\r\n"
                                   "d [RWCEAFMS] admin 512 Mar 14 09:05 d\r\n"
                                   "E.C;1  4/6  14-MAR-2026 09:05:11.42  [A]  (RWED,,,)\r\n"
                                   "LEDGER 101 5280 14-Mar-26 09:05:11  20, 15 \"nunu\"\r\n"
                                   "ANNA 77824 02/23/26 15:09:55 *DIR       f/\r\n"
                                   "0100644 500 101 12345 1771063333 g\r\n" FILE_LINE("h") "\r\n"),
          "a|b|c|d|E.C;1|LEDGER|f|g|h|");
}

static void lst_13_unknown_lines_without_blanks_are_names(void **state)
{
    (void)state;
    struct bytes names = BYTES_LIT("a.txt\r\nb\r\n../c\r\nBUILD.COM;3\r\n");
    struct result result = run(LISTING_ASKED_LIST, "", names, 3);
    assert_int_equal(result.error, FERRY_OK);
    assert_string_equal(result.items, "?a.txt|?b|?../c|?BUILD.COM;3|");
    assert_true(result.is_names);
    assert_int_equal(result.unknown, 4);

    struct bytes mixed = BYTES_LIT("a.txt\r\n" FILE_LINE("b") "\r\n");
    result = run(LISTING_ASKED_LIST, "", mixed, 3);
    assert_int_equal(result.error, FERRY_OK);
    assert_false(result.is_names);
    assert_int_equal(result.unknown, 1);
    assert_int_equal(result.entries, 1);
}

static void lst_13_a_listing_in_no_format_is_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "what is this\r\n",
        "a\r\nb c\r\n",
        "drwxr-xr-x\r\n-rw-r--r-- 1 a a 10 yesterday x\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct result result = run(LISTING_ASKED_LIST, "", bytes_str(texts[i]), 5);
        assert_int_equal(result.error, FERRY_E_UNSUPPORTED);
        assert_false(result.is_names);
    }
    assert_int_equal(run(LISTING_ASKED_LIST, "", BYTES_LIT("total 0\r\n"), 5).error, FERRY_OK);
}

static void lst_70_members_of_os400_are_checked_in_halves(void **state)
{
    (void)state;
    check(LISTING_ASKED_LIST, "",
          BYTES_LIT("ANNA *MEM       F/M\r\n"
                    "ANNA *MEM       ../M\r\n"
                    "ANNA *MEM       F/..\r\n"
                    "ANNA *MEM       F/M/X\r\n"
                    "ANNA *MEM       /M\r\n"
                    "ANNA *MEM       F/\r\n"
                    "ANNA *STMF      F/M\r\n"),
          "F/M|!../M|!F/..|!F/M/X|!/M|F|!F/M|");
}

static void vms_names_are_checked_after_their_escapes(void **state)
{
    (void)state;
    check(LISTING_ASKED_LIST, "",
          BYTES_LIT("Directory A:[B]\r\n"
                    "^2E^2E^2Fx.T;1  1/3  3-MAR-2026 03:04:05  [A]  (R,R,R,R)\r\n"
                    "a^00b.T;1  1/3  3-MAR-2026 03:04:05  [A]  (R,R,R,R)\r\n"
                    "A^.B.DIR;1  1/3  3-MAR-2026 03:04:05  [A]  (R,R,R,R)\r\n"
                    "^.^..DIR;1  1/3  3-MAR-2026 03:04:05  [A]  (R,R,R,R)\r\n"),
          "!../x.T;1|!a|A.B|..|");
}

static void vms_a_name_whose_columns_never_come_is_counted(void **state)
{
    (void)state;
    struct bytes text = BYTES_LIT("Directory A:[B]\r\nLOST.TXT;1\r\nC.D;1  1/3\r\nLAST.TXT;1\r\n");
    struct result result = run(LISTING_ASKED_LIST, "", text, 4);
    assert_int_equal(result.error, FERRY_OK);
    assert_string_equal(result.items, "C.D;1|");
    assert_int_equal(result.unknown, 2);
}

/* Longer than any name may be, and longer than what the parser keeps of a name. */
static void vms_names_without_end(void **state)
{
    (void)state;
    static const size_t lens[] = {200, LISTING_HELD_BYTES - 2, LISTING_HELD_BYTES - 1,
                                  LISTING_HELD_BYTES, 3 * LISTING_HELD_BYTES};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        for (int continued = 0; continued < 2; continued++) {
            struct listing_entry entry;
            CLEANUP(listing_fini) struct listing listing;
            CLEANUP(buf_fini) struct buf text;
            buf_init(&text, 4096);
            assert_int_equal(buf_append(&text, BYTES_LIT("Directory A:[B]\n")), FERRY_OK);
            for (size_t n = 0; n < lens[i]; n++)
                assert_int_equal(buf_append(&text, BYTES_LIT("N")), FERRY_OK);
            assert_int_equal(buf_printf(&text, ";1%s 1/3\n", continued ? "\n" : ""), FERRY_OK);
            listing_init(&listing, LISTING_ASKED_LIST, BYTES_LIT(""), NOW);
            listing_feed(&listing, buf_view(&text));
            assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_OK);

            bool held = lens[i] + 2 <= LISTING_HELD_BYTES;
            bool named = lens[i] + 2 <= PATH_NAME_MAX_BYTES;
            enum listing_item rejected = named ? LISTING_ENTRY : LISTING_REJECTED;
            assert_int_equal(entry.item, continued && !held ? LISTING_UNKNOWN : rejected);
            assert_int_equal(entry.line, 2);
        }
    }
}

/* Lines at the borders of what the formats allow; none may be taken for an entry, and none may read
 * out of its bounds. */
static void lst_15_lines_that_look_like_entries(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "-",
        "d",
        "-rw-r--r--",
        "-rw-r--r-- ",
        "-rw-r--r-- 1",
        "-rw-r--r-- 1 a a 10 Mar  7 05:01",
        "-rw-r--r-- Mar  7 05:01 x",
        "-rw-r--r--x 1 a a 10 Mar  7 05:01 x",
        "-rz-r--r-- 1 a a 10 Mar  7 05:01 x",
        "xrw-r--r-- 1 a a 10 Mar  7 05:01 x",
        "-rw-r--r-- 1 a b c d e f g h i j 10 Mar  7 05:01 x",
        "d [",
        "d []",
        "- [RW",
        "- [RWZ] a 1 Mar 14 09:05 x",
        "+",
        "+r,s5",
        "03-14-26",
        "03-14-26  09:05AM",
        "03-14-26  09:05AM       <DIR",
        "03-14-26  9h05AM       <DIR>          x",
        "A 1 02/23/26",
        "A 1 02/23/26 15:09:55",
        "A 1 02/23/26 15:09:55 *",
        "A 1 02/23/26 15:09:55 DIR x",
        "LEDGER 101 5280 14-Mar-26 09:05:11  20, 15 \"nunu",
        "LEDGER 101 5280 14-Mar-26 09:05:11  20, 15 \"nun\"",
        "LEDGER 101 5280 14-Mar-26 09:05:11  x \"nunu\"",
        "LEDGER101 101 5280 14-Mar-26 09:05:11  20, 15 \"nunu\"",
        "1LEDGER 101 5280 14-Mar-26 09:05:11  20, 15 \"nunu\"",
        "A.B; 4/6 x",
        "A.B;x 4/6 x",
        "A.B;1 4/",
        "A.B;1 x/6",
        ";1 4/6",
        "V U 2026/03/12 1 15 FB x 27920 PS N",
        "BUILD 1.07 2024/05/02 2026/03/14 17:42 88 60 4 ANNA",
        "J JOB0041 ANNA OUTPUT A",
        "J JOB00417 ANNA",
        "J JOB00417 ANNA BUSY A",
        "0100648 500 101 12345 1771063333 x",
        "0100644 500 101 12345 x x",
        "644 500 101 12345 1771063333 x",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct listing_entry entry;
        CLEANUP(listing_fini) struct listing listing;
        listing_init(&listing, LISTING_ASKED_LIST, BYTES_LIT(""), NOW);
        /* On the heap and nothing behind the LF, so that the sanitizer sees a step too far. */
        size_t len = strlen(lines[i]);
        char *copy = alloc_zero(len + 1);
        memcpy(copy, lines[i], len);
        copy[len] = '\n';
        listing_feed(&listing, bytes_of(copy, len + 1));
        assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_OK);
        if (entry.item != LISTING_UNKNOWN)
            fail_msg("'%s' was taken for an entry", lines[i]);
        alloc_free(copy);
    }
}

static void lst_15_sizes_too_large_are_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum listing_size kind;
    } cases[] = {
        {"-rw-r--r-- 1 a a 9223372036854775807 Mar  7 05:01 x\n", LISTING_SIZE_EXACT},
        {"-rw-r--r-- 1 a a 9223372036854775808 Mar  7 05:01 x\n", LISTING_SIZE_UNKNOWN},
        {"-rw-r--r-- 1 a a 999999.9T Mar  7 05:01 x\n", LISTING_SIZE_APPROXIMATE},
        {"-rw-r--r-- 1 a a 1000000T Mar  7 05:01 x\n", LISTING_SIZE_UNKNOWN},
        {"03-14-26  09:05AM 9,223,372,036,854,775,807 x\n", LISTING_SIZE_EXACT},
        {"03-14-26  09:05AM 9,223,372,036,854,775,808 x\n", LISTING_SIZE_UNKNOWN},
        {"03-14-26  09:05AM 99999999999999999999 x\n", LISTING_SIZE_UNKNOWN},
        {"+s9223372036854775808,\tx\n", LISTING_SIZE_UNKNOWN},
        {"ANNA 9223372036854775808 02/23/26 15:09:55 *STMF      x\n", LISTING_SIZE_UNKNOWN},
        {"X.Y;1 18014398509481983 3-MAR-2026 03:04 [A] (R,,,)\n", LISTING_SIZE_APPROXIMATE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct listing_entry entry;
        CLEANUP(listing_fini) struct listing listing;
        listing_init(&listing, LISTING_ASKED_LIST, BYTES_LIT(""), NOW);
        listing_feed(&listing, bytes_str(cases[i].line));
        assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_OK);
        assert_int_equal(entry.item, LISTING_ENTRY);
        assert_int_equal(entry.size_kind, cases[i].kind);
    }
}

static void lst_41_blanks_before_names_of_dos(void **state)
{
    (void)state;
    check(LISTING_ASKED_LIST, "",
          BYTES_LIT("03-14-26  09:05AM       <DIR>          a\r\n"
                    "03-14-26  09:05AM       <DIR>            b\r\n"
                    "03-14-26  09:05AM       <JUNCTION>      c [d]\r\n"
                    "03-14-26  09:05AM       <DIR> e\r\n"
                    "03-14-26  09:05 AM                  1   f\r\n"),
          "a|  b| c|e|  f|");
}

static void lst_55_lst_58_lines_of_zos_need_their_headers(void **state)
{
    (void)state;
    static const char members[] = " Name     VV.MM   Created       Changed      Size\r\n";
    static const char load[] = " Name      Size     TTR   Alias-of AC --- Amode Rmode\r\n";
    static const char spool[] = "ID  STEPNAME PROCSTEP C DDNAME   BYTE-COUNT\r\n";
    static const char datasets[] = "Volume Unit    Referred Ext Used\r\n";
    static const struct {
        const char *header, *line;
        bool entry;
    } cases[] = {
        {members, "NOSTATS", true},
        {members, "TOOLONG89", false},
        {members, "lower", false},
        {members, "TWO WORDS", false},
        {datasets, "NOSTATS", false},
        {"", "NOSTATS", false},
        {load, "PAYMAIN 0012A8 000107 00 FO 31 ANY", true},
        {load, "PAYMAIN 0012A8 000107 00 31 ANY", true},
        {load, "PAYMAIN 0012G8 000107 00 FO 31 ANY", false},
        {load, "PAYMAIN 0012A8000 000107 00 FO 31 ANY", false},
        {load, "PAYMAIN 0012A8 000107 00 31", false},
        {load, "PAYMAIN 0012A8 000107 00 A B C D E F G H I J 31 ANY", true},
        {load, "PAYMAIN 0012A8 000107 00 A B C D E F G H I J K 31 ANY", false},
        {members, "PAYMAIN 0012A8 000107 00 FO 31 ANY", false},
        {spool, "001 H JESMSGLG 1326", true},
        {spool, "001 JESMSGLG 1326", false},
        {spool, "001 A B C D E 1326", false},
        {spool, "x01 H JESMSGLG 1326", false},
        {"", "001 H JESMSGLG 1326", false},
        {datasets, "Migrated A.B", true},
        {"", "Migrated A.B", false},
        {"", "3 spool files", false},
        {"", "----", false},
        {"", "JOB JOB00417 A OUTPUT A RC=0000 1 2 3 4 5 6 7 8 9 10", true},
        {"", "JOB JOB00417 A OUTPUT A RC=0000 1 2 3 4 5 6 7 8 9 10 11", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct listing_entry entry;
        CLEANUP(listing_fini) struct listing listing;
        char text[256];
        snprintf(text, sizeof text, "%s%s\r\n", cases[i].header, cases[i].line);
        listing_init(&listing, LISTING_ASKED_LIST, BYTES_LIT(""), NOW);
        listing_feed(&listing, bytes_str(text));
        assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_OK);
        if (entry.item != (cases[i].entry ? LISTING_ENTRY : LISTING_UNKNOWN))
            fail_msg("'%s' gave item %u", cases[i].line, entry.item);
    }
}

static void zos_an_alias_is_told_from_a_code(void **state)
{
    (void)state;
    static const struct {
        const char *line, *key;
    } cases[] = {
        {"A 0012A8 000107 MAIN 00 FO 31 ANY\n", "alias"},
        {"A 0012A8 000107 00 31 64 ANY\n", "amode"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct listing_entry entry;
        CLEANUP(listing_fini) struct listing listing;
        listing_init(&listing, LISTING_ASKED_LIST, BYTES_LIT(""), NOW);
        listing_feed(&listing, BYTES_LIT("Name Size TTR\n"));
        assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_OK);
        listing_feed(&listing, bytes_str(cases[i].line));
        assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_OK);
        assert_string_equal(entry.extra[1].key, cases[i].key);
    }
}

static void an_entry_lives_until_the_next_call(void **state)
{
    (void)state;
    struct listing_entry entry;
    CLEANUP(listing_fini) struct listing listing;
    listing_init(&listing, LISTING_ASKED_NLST, BYTES_LIT(""), NOW);
    char first[] = "long name that is";
    listing_feed(&listing, bytes_str(first));
    assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_OK);
    assert_int_equal(entry.item, LISTING_MORE);
    memset(first, 'x', sizeof first); /* the caller's buffer is read into again */

    listing_feed(&listing, BYTES_LIT(" cut\r\nb\r\n"));
    assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_OK);
    assert_true(bytes_equal(entry.name, BYTES_LIT("long name that is cut")));
    assert_true(bytes_equal(entry.raw, entry.name));
    assert_int_equal(entry.line, 1);
    assert_int_equal(listing_next(&listing, &entry, NULL), FERRY_OK);
    assert_true(bytes_equal(entry.name, BYTES_LIT("b")));
    assert_int_equal(entry.line, 2);
}

static enum ferry_error parse_once(void *ctx)
{
    (void)ctx;
    return run(LISTING_ASKED_LIST, "", BYTES_LIT(FILE_LINE("a") "\r\n" FILE_LINE("b") "\r\n"), 7)
        .error;
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(parse_once, NULL, 16) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lst_14_line_ends),
        cmocka_unit_test(lst_14_a_line_with_a_nul_is_rejected),
        cmocka_unit_test(lst_14_a_line_has_a_cap),
        cmocka_unit_test(lst_14_a_listing_has_caps),
        cmocka_unit_test(ftp_73_lst_70_names_of_nlst),
        cmocka_unit_test(dev_51_a_directory_before_names_of_mlsd),
        cmocka_unit_test(lst_12_facts_are_for_mlsd_only),
        cmocka_unit_test(lst_10_formats_may_alternate),
        cmocka_unit_test(lst_13_unknown_lines_without_blanks_are_names),
        cmocka_unit_test(lst_13_a_listing_in_no_format_is_an_error),
        cmocka_unit_test(lst_70_members_of_os400_are_checked_in_halves),
        cmocka_unit_test(vms_names_are_checked_after_their_escapes),
        cmocka_unit_test(vms_a_name_whose_columns_never_come_is_counted),
        cmocka_unit_test(vms_names_without_end),
        cmocka_unit_test(lst_15_lines_that_look_like_entries),
        cmocka_unit_test(lst_15_sizes_too_large_are_unknown),
        cmocka_unit_test(lst_41_blanks_before_names_of_dos),
        cmocka_unit_test(lst_55_lst_58_lines_of_zos_need_their_headers),
        cmocka_unit_test(zos_an_alias_is_told_from_a_code),
        cmocka_unit_test(an_entry_lives_until_the_next_call),
        cmocka_unit_test(failing_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
