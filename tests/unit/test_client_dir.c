/* client/dir.c, stat.c, remote.c: listings, what is known of a name, and what is done to names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "support/client_rig.h"

/* What a listing gave: the names, each with LF. */
struct seen {
    char names[4096];
    size_t len;
    unsigned count;
    unsigned stop_at; /* 0: never */
    struct ferry_entry last;
};

static bool on_entry(void *ctx, const struct ferry_entry *entry)
{
    struct seen *seen = ctx;
    assert_int_equal(entry->struct_size, sizeof(*entry));
    int len =
        snprintf(seen->names + seen->len, sizeof(seen->names) - seen->len, "%s\n", entry->name);
    assert_true(len > 0 && (size_t)len < sizeof(seen->names) - seen->len);
    seen->len += (size_t)len;
    seen->count++;
    seen->last = *entry;
    return seen->count != seen->stop_at;
}

static void send_listing(struct fake *fake, const char *command, const char *text,
                         enum fake_end how, const char *reply)
{
    fake_listen(fake);
    fake_answer(fake, command, "150 here");
    fake_accept(fake);
    if (!fake_seal_data(fake))
        fake_fail(fake, "no handshake on the data connection");
    if (text[0])
        fake_write(fake, bytes_str(text));
    fake_end_data(fake, how);
    fake_say(fake, "%s", reply);
}

/* ---- listings ---- */

struct listing {
    const char *text;
    const char *names;
};

static const struct listing by_mlsd[] = {
    {"", ""},
    {"type=file;size=3; a\r\nType=dir; b c\r\nsize=1; d", "a\nb c\nd\n"},
    {"type=cdir; .\r\ntype=pdir; ..\r\ntype=dir; .\r\ntype=file; a\r\n", "a\n"}, /* FTP-135 */
    /* LST-70: not one of them is shown */
    {"type=file; ../x\r\ntype=file; /etc/passwd\r\ntype=file; ..\r\ntype=file; a/b\r\n"
     "type=file; \r\ntype=file; ok\r\n",
     "ok\n"},
    {"type=file; sub/a\r\n", "a\n"}, /* DEV-51: the path that was asked for */
    {"type=file; \x1b[2J\r\n", "\x1b[2J\n"},
};

static void list_by_mlsd(struct fake *fake)
{
    const struct listing *listing = fake->ctx;
    fake_login(fake, "MLST Type*;Size*;");
    send_listing(fake, "MLSD sub", listing->text, FAKE_CLOSED, "226 done");
    fake_quit(fake);
}

static void ftp_139_by_mlsd(void **state)
{
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(by_mlsd); i++) {
        const struct fake_settings settings = {.script = list_by_mlsd, .ctx = &by_mlsd[i]};
        struct seen seen = {0};
        client_rig_serve(rig, &settings);
        assert_int_equal(client_rig_connect(rig), FERRY_OK);
        assert_int_equal(ferry_list(rig->session, "sub", on_entry, &seen), FERRY_OK);
        assert_string_equal(seen.names, by_mlsd[i].names);
        assert_int_equal(client_rig_end(rig)->resumed, 1);
    }
}

static const char unix_listing[] = "total 8\r\n"
                                   "-rw-r--r--   1 anna staff     512 Jan  2  2020 a b\r\n"
                                   "drwxr-xr-x   2 anna staff    4096 Jan  2  2020 sub\r\n"
                                   "lrwxrwxrwx   1 anna staff       3 Jan  2  2020 l -> a b\r\n";

static void list_by_list(struct fake *fake)
{
    fake_login(fake, "MLST Type*;");
    fake_listen(fake);
    fake_answer(fake, "MLSD -x", "500 what?"); /* DEV-52 */
    send_listing(fake, "LIST ./-x", unix_listing, FAKE_CLOSED, "226 done");
    send_listing(fake, "LIST", unix_listing, FAKE_CLOSED, "226 done");
    fake_quit(fake);
}

static void ftp_139_list_where_mlsd_is_not_known(void **state)
{
    struct client_rig *rig = *state;
    struct seen seen = {0};
    client_rig_login(rig, list_by_list);
    /* FTP-71: a name that looks like options */
    assert_int_equal(ferry_list(rig->session, "-x", on_entry, &seen), FERRY_OK);
    assert_string_equal(seen.names, "a b\nsub\nl\n");
    assert_int_equal(seen.last.type, FERRY_ENTRY_LINK);
    assert_int_equal(ferry_list(rig->session, NULL, on_entry, &seen), FERRY_OK);
    client_rig_end(rig);
}

static void list_names(struct fake *fake)
{
    fake_login(fake, "");
    send_listing(fake, "LIST", "one\r\ntwo\r\n..\r\n", FAKE_CLOSED, "226 done");
    send_listing(fake, "LIST", "what is this?\r\nno listing\r\n", FAKE_CLOSED, "226 done");
    fake_quit(fake);
}

static void lst_13_names_alone(void **state)
{
    struct client_rig *rig = *state;
    struct seen seen = {0};
    client_rig_login(rig, list_names);
    assert_int_equal(ferry_list(rig->session, "", on_entry, &seen), FERRY_OK);
    assert_string_equal(seen.names, "one\ntwo\n");
    assert_int_equal(ferry_list(rig->session, "", on_entry, &seen), FERRY_E_UNSUPPORTED);
    client_rig_end(rig);
}

static void list_cut(struct fake *fake)
{
    fake_login(fake, "");
    send_listing(fake, "LIST", unix_listing, FAKE_FIN, "226 done");
    send_listing(fake, "LIST", unix_listing, FAKE_CLOSED, "426 broken");
    fake_listen(fake);
    fake_answer(fake, "LIST", "550 no such directory");
    fake_quit(fake);
}

static void tls_176_nothing_is_listed_of_a_cut_listing(void **state)
{
    struct client_rig *rig = *state;
    struct seen seen = {0};
    client_rig_login(rig, list_cut);
    assert_int_equal(ferry_list(rig->session, "", on_entry, &seen), FERRY_E_CUT);
    assert_int_equal(ferry_list(rig->session, "", on_entry, &seen), FERRY_E_CUT);
    assert_int_equal(ferry_list(rig->session, "", on_entry, &seen), FERRY_E_REFUSED);
    assert_int_equal(seen.count, 0);
    client_rig_end(rig);
}

static void list_once(struct fake *fake)
{
    fake_login(fake, "");
    send_listing(fake, "LIST", unix_listing, FAKE_CLOSED, "226 done");
    fake_quit(fake);
}

static void a_listing_can_be_stopped(void **state)
{
    struct client_rig *rig = *state;
    struct seen seen = {.stop_at = 2};
    client_rig_login(rig, list_once);
    assert_int_equal(ferry_list(rig->session, "", on_entry, &seen), FERRY_E_CANCELLED);
    assert_int_equal(seen.count, 2);
    client_rig_end(rig);
}

/* ---- stat ---- */

static void stat_by_mlst(struct fake *fake)
{
    fake_login(fake, "MLST Type*;Size*;Modify*;UNIX.mode*;");
    fake_hear(fake, "MLST d/f");
    fake_say(fake,
             "250-here\r\n Type=file;Size=42;Modify=20200102030405.25;UNIX.mode=0640; /d/f\r\n"
             "250 end");
    fake_hear(fake, "MLST d"); /* DEV-51: without the blank */
    fake_say(fake, "250-here\r\ntype=dir;modify=20200102030405; /d\r\n250 end");
    fake_answer(fake, "MLST nope", "550 nothing there");
    fake_quit(fake);
}

static void ftp_136_stat_by_mlst(void **state)
{
    struct client_rig *rig = *state;
    struct ferry_entry entry;
    client_rig_login(rig, stat_by_mlst);
    assert_int_equal(ferry_stat(rig->session, "d/f", &entry), FERRY_OK);
    assert_string_equal(entry.name, "f");
    assert_int_equal(entry.type, FERRY_ENTRY_FILE);
    assert_int_equal(entry.size_bytes, 42);
    assert_int_equal(entry.modified_s, 1577934245);
    assert_int_equal(entry.modified_ns, 250000000);
    assert_int_equal(entry.time_precision, FERRY_TIME_FRACTION);
    assert_true(entry.time_is_utc);
    assert_int_equal(entry.mode, 0640);
    assert_int_equal(ferry_stat(rig->session, "d", &entry), FERRY_OK);
    assert_int_equal(entry.type, FERRY_ENTRY_DIRECTORY);
    assert_int_equal(entry.size_bytes, FERRY_SIZE_UNKNOWN);
    assert_int_equal(ferry_stat(rig->session, "nope", &entry), FERRY_E_REFUSED);
    client_rig_end(rig);
}

static void stat_by_list(struct fake *fake)
{
    fake_login(fake, "");
    send_listing(fake, "LIST /d", unix_listing, FAKE_CLOSED, "226 done");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_answer(fake, "SIZE /d/a b", "213 513");
    fake_answer(fake, "MDTM /d/a b", "213 20200102030406");
    send_listing(fake, "LIST", unix_listing, FAKE_CLOSED, "226 done");
    send_listing(fake, "LIST", unix_listing, FAKE_CLOSED, "226 done");
    fake_answer(fake, "PWD", "257 \"/\"");
    fake_quit(fake);
}

static void stat_by_a_listing(void **state)
{
    struct client_rig *rig = *state;
    struct ferry_entry entry;
    client_rig_login(rig, stat_by_list);
    assert_int_equal(ferry_stat(rig->session, "/d/a b", &entry), FERRY_OK);
    assert_string_equal(entry.name, "a b");
    assert_string_equal(entry.owner, "anna");
    assert_int_equal(entry.mode, 0644);
    assert_int_equal(entry.size_bytes, 513); /* SIZE and MDTM know better */
    assert_int_equal(entry.modified_s, 1577934246);
    assert_int_equal(ferry_stat(rig->session, "sub", &entry), FERRY_OK);
    assert_int_equal(entry.type, FERRY_ENTRY_DIRECTORY);
    assert_false(entry.time_is_utc);
    assert_int_equal(ferry_stat(rig->session, "nope", &entry), FERRY_E_NOT_FOUND);
    assert_int_equal(ferry_stat(rig->session, "/", &entry), FERRY_OK);
    assert_int_equal(entry.type, FERRY_ENTRY_DIRECTORY);
    client_rig_end(rig);
}

/* ---- names ---- */

static void change_names(struct fake *fake)
{
    fake_login(fake, "");
    fake_answer(fake, "DELE a", "250 gone");
    fake_answer(fake, "DELE a", "550 nothing there");
    fake_answer(fake, "MKD d", "257 \"/d\" made");
    fake_answer(fake, "MKD d", "521 it exists");
    fake_answer(fake, "RMD d", "250 gone");
    fake_answer(fake, "RNFR a", "350 to?");
    fake_answer(fake, "RNTO b", "250 moved");
    fake_answer(fake, "RNFR a", "350 to?"); /* DEV-41 */
    fake_answer(fake, "RNTO b", "553 taken");
    fake_answer(fake, "RNFR a", "550 nothing there");
    fake_answer(fake, "RNFR a", "250 moved already?");
    fake_quit(fake);
}

static void what_is_done_to_names(void **state)
{
    struct client_rig *rig = *state;
    ferry_session *session = rig->session;
    client_rig_login(rig, change_names);
    assert_int_equal(ferry_remove(session, "a"), FERRY_OK);
    assert_int_equal(ferry_remove(session, "a"), FERRY_E_REFUSED);
    client_rig_assert_said(rig, "delete a");
    client_rig_assert_said(rig, "nothing there");
    assert_int_equal(ferry_make_directory(session, "d"), FERRY_OK);
    assert_int_not_equal(ferry_make_directory(session, "d"), FERRY_OK);
    assert_int_equal(ferry_remove_directory(session, "d"), FERRY_OK);
    assert_int_equal(ferry_rename(session, "a", "b"), FERRY_OK);
    assert_int_equal(ferry_rename(session, "a", "b"), FERRY_E_DENIED);
    assert_int_equal(ferry_rename(session, "a", "b"), FERRY_E_REFUSED);
    assert_int_equal(ferry_rename(session, "a", "b"), FERRY_E_PROTOCOL);
    client_rig_end(rig);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, client_rig_setup, client_rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(ftp_139_by_mlsd),          TEST(ftp_139_list_where_mlsd_is_not_known),
        TEST(lst_13_names_alone),       TEST(tls_176_nothing_is_listed_of_a_cut_listing),
        TEST(a_listing_can_be_stopped), TEST(ftp_136_stat_by_mlst),
        TEST(stat_by_a_listing),        TEST(what_is_done_to_names),
    };
    return cmocka_run_group_tests_name("client_dir", tests, client_rig_group_setup,
                                       client_rig_group_teardown);
}
