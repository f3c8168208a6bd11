/* client/transfer.c, transfer_words.c: what the server refuses, and a final reply that never comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "support/download_kit.h"

/* ---- refusals ---- */

struct refusal {
    const char *to_epsv, *to_pasv, *to_retr;
    enum ferry_error error;
};

static const struct refusal refusals[] = {
    {NULL, NULL, "550 no such file", FERRY_E_REFUSED},
    {NULL, NULL, "450 busy", FERRY_E_TEMPORARY},
    {NULL, NULL, "150 here\r\n425 cannot connect", FERRY_E_CONNECT},
    {NULL, NULL, "150 here\r\n451 disk", FERRY_E_TEMPORARY},
    {NULL, NULL, "522 not at this level", FERRY_E_TLS},
    {NULL, NULL, "534 policy", FERRY_E_TLS},
    {"425 no port", NULL, NULL, FERRY_E_CONNECT},
    {"229 here (|||0|)", NULL, NULL, FERRY_E_PROTOCOL}, /* DEV-22 */
    {"229 nothing", NULL, NULL, FERRY_E_PROTOCOL},
    {"200 fine", NULL, NULL, FERRY_E_PROTOCOL},
    {"500 what?", "425 no port", NULL, FERRY_E_CONNECT},
    {"500 what?", "502 off", NULL, FERRY_E_UNSUPPORTED},
    {"522 (2)", "227 (1,2,3)", NULL, FERRY_E_PROTOCOL},
};

static void refuse(struct fake *fake)
{
    const struct refusal *refusal = fake->ctx;
    download_login(fake);
    if (refusal->to_epsv)
        fake_answer(fake, "EPSV", refusal->to_epsv);
    else
        fake_listen(fake);
    if (refusal->to_pasv)
        fake_answer(fake, "PASV", refusal->to_pasv);
    if (refusal->to_retr)
        fake_answer(fake, "RETR f", refusal->to_retr);
    fake_answer(fake, "DELE f", "250 gone");
    fake_quit(fake);
}

static void tls_179_a_refusal_at_any_place(void **state)
{
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct fake_settings settings = {.script = refuse, .ctx = &refusals[i]};
        client_rig_serve(rig, &settings);
        assert_int_equal(client_rig_connect(rig), FERRY_OK);
        download_assert_not(rig, refusals[i].error);
        assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK);
        client_rig_end(rig);
    }
}

static void refuse_while_data_flow(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_write(fake, bytes_first(download_body, 5));
    fake_pause(50);
    fake_say(fake, "451 disk");
    fake_answer(fake, "DELE f", "250 gone"); /* although the data connection is open here */
    fake_quit(fake);
}

static void tls_179_a_refusal_ends_open_data(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, refuse_while_data_flow);
    download_assert_not(rig, FERRY_E_CUT);
    client_rig_assert_said(rig, "disk");
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK);
    client_rig_end(rig);
}

static void answer_nonsense(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_write(fake, bytes_first(download_body, 5));
    fake_pause(50);
    fake_say(fake, "350 what else?");
    fake_answer(fake, "DELE f", "250 gone");
    fake_quit(fake);
}

static void a_final_reply_that_makes_no_sense(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, answer_nonsense);
    download_assert_not(rig, FERRY_E_PROTOCOL);
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK);
    client_rig_end(rig);
}

static void drop_and_refuse(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_accept(fake);
    fake_hear(fake, "RETR f");
    fake_end_data(fake, FAKE_RST); /* as ProFTPD does */
    fake_pause(50);
    fake_say(fake, "550 no such file");
    fake_quit(fake);
}

static void tls_63_a_refusal_wins_over_a_dropped_handshake(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, drop_and_refuse);
    download_assert_not(rig, FERRY_E_REFUSED);
    client_rig_assert_said(rig, "no such file");
    client_rig_end(rig);
}

/* ---- the final reply is lost (TLS-158, DEV-33) ---- */

static void never_confirm(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_write(fake, download_body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_hear_end(fake);
}

static void dev_33_no_final_reply(void **state)
{
    struct client_rig *rig = *state;
    ferry_set_timeout_ms(rig->session, 0, 400, 0);
    client_rig_login(rig, never_confirm);
    download_assert_not(rig, FERRY_E_LOST);
    assert_false(ferry_is_connected(rig->session));
    client_rig_end(rig);
}

static void lose_control(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_write(fake, bytes_first(download_body, 5));
    fake_reset(fake);
    fake_pause(100);
    fake_write(fake, bytes_skip(download_body, 5));
    fake_end_data(fake, FAKE_CLOSED);
}

static void tls_158_data_go_on_when_control_is_lost(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, lose_control);
    download_assert_not(rig, FERRY_E_LOST);
    client_rig_end(rig);
}

static void leave_while_listening(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_hear(fake, "RETR f");
    fake_reset(fake);
}

static void control_lost_before_data(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, leave_while_listening);
    download_assert_not(rig, FERRY_E_LOST);
    client_rig_end(rig);
}

/* ---- protection ---- */

static void refuse_prot(struct fake *fake)
{
    fake_say(fake, "220 ready");
    fake_answer(fake, "AUTH TLS", "234 go on");
    fake_seal(fake);
    fake_answer(fake, "USER anna", "230 in");
    fake_answer(fake, "PBSZ 0", "200 fine");
    fake_answer(fake, "PROT P", "534 not here");
    fake_answer(fake, "FEAT", "500 what?");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_answer(fake, "SIZE f", "213 19");
    fake_answer(fake, "MDTM f", "213 20260102030405");
    fake_answer(fake, "DELE f", "250 gone");
    fake_quit(fake);
}

/* DEV-6, TLS-161 */
static void tls_55_no_transfer_where_protection_is_refused(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, refuse_prot);
    download_assert_not(rig, FERRY_E_TLS);
    client_rig_assert_said(rig, "PROT");
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK);
    client_rig_end(rig);
}

static void demand_protection(struct fake *fake)
{
    fake_say(fake, "220 ready");
    fake_answer(fake, "AUTH TLS", "234 go on");
    fake_seal(fake);
    fake_answer(fake, "USER anna", "230 in");
    fake_answer(fake, "PBSZ 0", "200 fine");
    fake_answer(fake, "PROT C", "200 if you must");
    fake_answer(fake, "FEAT", "500 what?");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_answer(fake, "SIZE f", "213 19");
    fake_answer(fake, "MDTM f", "213 20260102030405");
    fake_listen(fake);
    fake_answer(fake, "RETR f", "521 not in clear");
    fake_answer(fake, "PROT P", "200 private");
    fake_download(fake, "RETR f", download_body, FAKE_CLOSED);
    fake_quit(fake);
}

static void refuse_clear(struct fake *fake)
{
    fake_say(fake, "220 ready");
    fake_answer(fake, "AUTH TLS", "234 go on");
    fake_seal(fake);
    fake_answer(fake, "USER anna", "230 in");
    fake_answer(fake, "PBSZ 0", "200 fine");
    fake_answer(fake, "PROT C", "534 never");
    fake_answer(fake, "FEAT", "500 what?");
    fake_answer(fake, "PROT P", "200 private");
    fake_download(fake, "LIST", (struct bytes){0}, FAKE_CLOSED);
    fake_answer(fake, "TYPE I", "200 binary");
    fake_answer(fake, "SIZE f", "213 19");
    fake_answer(fake, "MDTM f", "213 20260102030405");
    fake_answer(fake, "PROT C", "534 never");
    fake_quit(fake);
}

static bool no_entry(void *ctx, const struct ferry_entry *entry)
{
    (void)ctx;
    (void)entry;
    return true;
}

static void dev_18_clear_data_refused(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_set_protection(rig->session, 'C', 'P'), FERRY_OK);
    client_rig_login(rig, refuse_clear);
    assert_int_equal(ferry_list(rig->session, "", no_entry, NULL), FERRY_OK);
    download_assert_not(rig, FERRY_E_TLS);
    client_rig_assert_said(rig, "PROT C");
    client_rig_end(rig);
}

static void tls_33_protection_is_raised_where_it_is_demanded(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_set_protection(rig->session, 'C', 'P'), FERRY_OK);
    client_rig_login(rig, demand_protection);
    download_assert_got(rig);
    client_rig_end(rig);
    assert_int_equal(ferry_set_protection(rig->session, 'S', 'P'), FERRY_E_ARGUMENT);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, client_rig_setup, client_rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(tls_179_a_refusal_at_any_place),
        TEST(tls_179_a_refusal_ends_open_data),
        TEST(a_final_reply_that_makes_no_sense),
        TEST(tls_63_a_refusal_wins_over_a_dropped_handshake),
        TEST(dev_33_no_final_reply),
        TEST(tls_158_data_go_on_when_control_is_lost),
        TEST(control_lost_before_data),
        TEST(tls_55_no_transfer_where_protection_is_refused),
        TEST(dev_18_clear_data_refused),
        TEST(tls_33_protection_is_raised_where_it_is_demanded),
    };
    return cmocka_run_group_tests_name("client_refusals", tests, client_rig_group_setup,
                                       client_rig_group_teardown);
}
