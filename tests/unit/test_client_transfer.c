/* client/transfer.c, data.c: one transfer, in every order that a server may choose, and every way
 * it may fail. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "support/client_rig.h"

static const char content[] = "what the file holds";
enum { CONTENT_BYTES = sizeof(content) - 1 };

static const struct bytes body = {content, CONTENT_BYTES};

/* Login, and what ferry_get asks before the transfer. */
static void login_and_sizes(struct fake *fake)
{
    fake_login(fake, "SIZE\nMDTM");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_answer(fake, "SIZE f", "213 19");
    fake_answer(fake, "MDTM f", "213 20260102030405");
}

static enum ferry_error get(struct client_rig *rig)
{
    return ferry_get(rig->session, "f", client_rig_path(rig, "f"), 0);
}

/* Whole: the file is there. */
static void assert_got(struct client_rig *rig)
{
    enum ferry_error error = get(rig);
    if (error != FERRY_OK)
        print_error("%s\n%s", ferry_failure_of(rig->session).what, rig->trace);
    assert_int_equal(error, FERRY_OK);
    tempdir_assert_text(&rig->dir, "f", content);
}

/* Not whole: there is no file. */
static void assert_not_got(struct client_rig *rig, enum ferry_error error)
{
    enum ferry_error got = get(rig);
    if (got != error)
        print_error("%s\n%s", ferry_failure_of(rig->session).what, rig->trace);
    assert_int_equal(got, error);
    assert_string_not_equal(ferry_failure_of(rig->session).what, "");
    assert_false(tempdir_has(&rig->dir, "f"));
}

/* ---- orders (REP-5, DEV-30, DEV-32) ---- */

static void seal_or_fail(struct fake *fake)
{
    fake_accept(fake);
    if (!fake_seal_data(fake))
        fake_fail(fake, "no handshake on the data connection");
}

static void usual(struct fake *fake)
{
    login_and_sizes(fake);
    fake_download(fake, "RETR f", body, FAKE_CLOSED);
    fake_quit(fake);
}

static void final_reply_first(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_hear(fake, "RETR f");
    fake_say(fake, "150 here\r\n226 done");
    seal_or_fail(fake);
    fake_pause(100);
    fake_write(fake, body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_quit(fake);
}

static void no_preliminary_reply(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_hear(fake, "RETR f");
    seal_or_fail(fake);
    fake_write(fake, body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "250 done");
    fake_quit(fake);
}

static void late_preliminary_reply(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_hear(fake, "RETR f");
    seal_or_fail(fake);
    fake_write(fake, body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "125 on its way\r\n150 here\r\n226 done");
    fake_quit(fake);
}

static void connection_before_command(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    seal_or_fail(fake);
    fake_write(fake, body);
    fake_answer(fake, "RETR f", "150 here");
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "226 done");
    fake_quit(fake);
}

static void byte_by_byte(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    for (size_t i = 0; i < body.len; i++)
        fake_write(fake, bytes_first(bytes_skip(body, i), 1));
    fake_end_data(fake, FAKE_CLOSED);
    for (const char *c = "226 done\r\n"; *c; c++)
        fake_send(fake, bytes_of(c, 1));
    fake_quit(fake);
}

static void tls_63_any_order_of_control_and_data(void **state)
{
    static fake_script_fn *const orders[] = {
        usual,        final_reply_first,         no_preliminary_reply, late_preliminary_reply,
        byte_by_byte, connection_before_command,
    };
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        client_rig_login(rig, orders[i]);
        assert_got(rig);
        assert_int_equal(client_rig_end(rig)->resumed, 1); /* TLS-103 */
        assert_int_equal(unlinkat(rig->dir.fd, "f", 0), 0);
    }
}

static void send_nothing(struct fake *fake)
{
    fake_login(fake, "SIZE\nMDTM");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_answer(fake, "SIZE f", "213 0");
    fake_answer(fake, "MDTM f", "213 20260102030405");
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here\r\n226 that was it");
    fake_quit(fake);
}

static void dev_38_no_data_connection_for_an_empty_file(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, send_nothing);
    assert_int_equal(get(rig), FERRY_OK);
    tempdir_assert_text(&rig->dir, "f", "");
    client_rig_end(rig);
}

/* ---- cuts (TLS-176, TLS-177, SEC-12) ---- */

struct cut {
    enum fake_end how;
    size_t bytes; /* that come before */
    const char *reply;
};

static const struct cut cuts[] = {
    {FAKE_FIN, CONTENT_BYTES, "226 done"}, /* all bytes, but no close_notify */
    {FAKE_FIN, 5, "226 done"},
    {FAKE_FIN, 0, "226 done"},
    {FAKE_RST, CONTENT_BYTES, "226 done"},
    {FAKE_RST, 5, "426 broken"},
    {FAKE_CLOSED, 5, "226 done"}, /* a proper end, but not the size that SIZE told */
    {FAKE_CLOSED, CONTENT_BYTES, "426 broken"},
    {FAKE_CLOSED, CONTENT_BYTES, "451 disk"},
};

static void cut_off(struct fake *fake)
{
    const struct cut *cut = fake->ctx;
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    if (cut->bytes > 0)
        fake_write(fake, bytes_first(body, cut->bytes));
    fake_pause(50);
    fake_end_data(fake, cut->how);
    fake_say(fake, "%s", cut->reply);
    fake_answer(fake, "DELE f", "250 gone");
    fake_quit(fake);
}

static void send_too_much(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    fake_write(fake, body);
    fake_write(fake, body);
    fake_pause(50);
    fake_say(fake, "426 broken");
    fake_quit(fake);
}

static void sec_97_more_bytes_than_the_server_told(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, send_too_much);
    assert_not_got(rig, FERRY_E_CUT);
    client_rig_end(rig);
}

/* DEV-9, DEV-10 */
static void tls_176_a_cut_download_is_no_file(void **state)
{
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        const struct fake_settings settings = {.script = cut_off, .ctx = &cuts[i]};
        client_rig_serve(rig, &settings);
        assert_int_equal(client_rig_connect(rig), FERRY_OK);
        assert_not_got(rig, FERRY_E_CUT);
        assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK); /* the session goes on */
        client_rig_end(rig);
    }
}

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
    login_and_sizes(fake);
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
        assert_not_got(rig, refusals[i].error);
        assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK);
        client_rig_end(rig);
    }
}

static void refuse_while_data_flow(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    fake_write(fake, bytes_first(body, 5));
    fake_pause(50);
    fake_say(fake, "451 disk");
    fake_answer(fake, "DELE f", "250 gone"); /* although the data connection is open here */
    fake_quit(fake);
}

static void tls_179_a_refusal_ends_open_data(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, refuse_while_data_flow);
    assert_not_got(rig, FERRY_E_CUT);
    client_rig_assert_said(rig, "disk");
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK);
    client_rig_end(rig);
}

static void answer_nonsense(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    fake_write(fake, bytes_first(body, 5));
    fake_pause(50);
    fake_say(fake, "350 what else?");
    fake_answer(fake, "DELE f", "250 gone");
    fake_quit(fake);
}

static void a_final_reply_that_makes_no_sense(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, answer_nonsense);
    assert_not_got(rig, FERRY_E_PROTOCOL);
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK);
    client_rig_end(rig);
}

static void drop_and_refuse(struct fake *fake)
{
    login_and_sizes(fake);
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
    assert_not_got(rig, FERRY_E_REFUSED);
    client_rig_assert_said(rig, "no such file");
    client_rig_end(rig);
}

/* ---- the final reply is lost (TLS-158, DEV-33) ---- */

static void never_confirm(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    fake_write(fake, body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_hear_end(fake);
}

static void dev_33_no_final_reply(void **state)
{
    struct client_rig *rig = *state;
    ferry_set_timeout_ms(rig->session, 0, 400, 0);
    client_rig_login(rig, never_confirm);
    assert_not_got(rig, FERRY_E_LOST);
    assert_false(ferry_is_connected(rig->session));
    client_rig_end(rig);
}

static void lose_control(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    fake_write(fake, bytes_first(body, 5));
    fake_reset(fake);
    fake_pause(100);
    fake_write(fake, bytes_skip(body, 5));
    fake_end_data(fake, FAKE_CLOSED);
}

static void tls_158_data_go_on_when_control_is_lost(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, lose_control);
    assert_not_got(rig, FERRY_E_LOST);
    client_rig_end(rig);
}

static void leave_while_listening(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_hear(fake, "RETR f");
    fake_reset(fake);
}

static void control_lost_before_data(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, leave_while_listening);
    assert_not_got(rig, FERRY_E_LOST);
    client_rig_end(rig);
}

/* ---- EPSV, PASV ---- */

static void say_227(struct fake *fake, const char *form)
{
    unsigned port = fake_data_port(fake);
    char numbers[16];
    snprintf(numbers, sizeof(numbers), "%u,%u", port >> 8, port & 255);
    char line[128];
    const char *cut = strchr(form, '#');
    snprintf(line, sizeof(line), "%.*s%s%s", (int)(cut - form), form, numbers, cut + 1);
    fake_say(fake, "%s", line);
}

static const char *const refused_epsv[] = {"500 what?", "502 off", "522 (2)", "530 no", "501 no"};

static void twice_by_pasv(struct fake *fake)
{
    login_and_sizes(fake);
    fake_answer(fake, "EPSV", fake->ctx);
    for (int i = 0; i < 2; i++) {
        fake_listen_silently(fake);
        fake_hear(fake, "PASV");
        say_227(fake, "227 here (127,0,0,1,#)");
        fake_answer(fake, "RETR f", "150 here");
        seal_or_fail(fake);
        fake_write(fake, body);
        fake_end_data(fake, FAKE_CLOSED);
        fake_say(fake, "226 done");
        if (i == 0) {
            fake_answer(fake, "SIZE f", "213 19");
            fake_answer(fake, "MDTM f", "213 20260102030405");
        }
    }
    fake_quit(fake);
}

/* TLS-152 */
static void dev_23_pasv_where_epsv_is_refused_and_remembered(void **state)
{
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(refused_epsv); i++) {
        const struct fake_settings settings = {.script = twice_by_pasv, .ctx = refused_epsv[i]};
        client_rig_serve(rig, &settings);
        assert_int_equal(client_rig_connect(rig), FERRY_OK);
        for (int twice = 0; twice < 2; twice++) {
            assert_got(rig);
            assert_int_equal(unlinkat(rig->dir.fd, "f", 0), 0);
        }
        client_rig_end(rig);
    }
}

static const char *const addresses[] = {
    "227 here (127,0,0,9,#)",       "227 here (10,0,0,1,#).", "227 127,0,0,1,#",
    "227 at =0,0,0,0,# if you can", "227 (192, 0, 2, 1, #)",  "227 here (255,255,255,255,#)",
};

static void name_another_address(struct fake *fake)
{
    login_and_sizes(fake);
    fake_answer(fake, "EPSV", "500 what?");
    fake_listen_silently(fake);
    fake_hear(fake, "PASV");
    say_227(fake, fake->ctx);
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    fake_write(fake, body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "226 done");
    fake_quit(fake);
}

/* SEC-8, SEC-99: the fake server listens on the control connection's address only: any other would
 * fail. */
static void tls_153_the_address_in_a_227_is_never_used(void **state)
{
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        const struct fake_settings settings = {.script = name_another_address, .ctx = addresses[i]};
        client_rig_serve(rig, &settings);
        assert_int_equal(client_rig_connect(rig), FERRY_OK);
        assert_got(rig);
        assert_int_equal(unlinkat(rig->dir.fd, "f", 0), 0);
        client_rig_end(rig);
    }
    assert_non_null(strstr(rig->trace, "255.255.255.255"));
}

static void epsv_leads_nowhere(struct fake *fake)
{
    login_and_sizes(fake);
    fake_answer(fake, "EPSV", "229 here (|||1|)");
    fake_answer(fake, "RETR f", "425 nobody came");
    fake_listen_silently(fake);
    fake_hear(fake, "PASV");
    say_227(fake, "227 here (127,0,0,1,#)");
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    fake_write(fake, body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "226 done");
    fake_quit(fake);
}

static void pain_7_pasv_where_the_port_of_epsv_is_closed(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, epsv_leads_nowhere);
    assert_got(rig);
    client_rig_end(rig);
}

static void nothing_leads_anywhere(struct fake *fake)
{
    login_and_sizes(fake);
    fake_answer(fake, "EPSV", "229 here (|||1|)");
    fake_answer(fake, "RETR f", "425 nobody came");
    fake_answer(fake, "PASV", "227 here (127,0,0,1,0,1)");
    fake_answer(fake, "RETR f", "425 nobody came");
    fake_quit(fake);
}

/* SEC-96: no PORT instead. */
static void no_data_port_can_be_reached(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, nothing_leads_anywhere);
    assert_not_got(rig, FERRY_E_CONNECT);
    client_rig_assert_said(rig, "firewall");
    client_rig_assert_said(rig, "nobody came");
    client_rig_end(rig);
}

/* ---- TLS on the data connection ---- */

static void tls_100_a_server_that_does_not_resume_is_served(void **state)
{
    struct client_rig *rig = *state;
    const struct fake_settings settings = {.script = usual, .forgets_sessions = true};
    client_rig_serve(rig, &settings);
    assert_int_equal(client_rig_connect(rig), FERRY_OK);
    assert_got(rig);
    assert_int_equal(client_rig_end(rig)->resumed, 0);
}

static void show_another_certificate(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    fake_accept(fake);
    fake_seal_data(fake);
    fake_say(fake, "426 broken");
    fake_quit(fake);
}

static void tls_91_another_certificate_on_the_data_connection(void **state)
{
    struct client_rig *rig = *state;
    const struct fake_settings settings = {
        .script = show_another_certificate,
        .data_certificate = &rig->certificates.other,
        .forgets_sessions = true,
    };
    client_rig_serve(rig, &settings);
    assert_int_equal(client_rig_connect(rig), FERRY_OK);
    assert_not_got(rig, FERRY_E_TRUST);
    client_rig_end(rig);
}

/* As vsftpd does it: the handshake passes, then 522. */
static void demand_resumption(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    fake_accept(fake);
    fake_seal_data(fake);
    fake_end_data(fake, FAKE_RST);
    fake_say(fake, "522 SSL connection failed: session reuse required");
    fake_quit(fake);
}

/* TLS-34, TLS-102 */
static void dev_7_a_server_that_demands_resumption(void **state)
{
    struct client_rig *rig = *state;
    const struct fake_settings settings = {.script = demand_resumption, .forgets_sessions = true};
    client_rig_serve(rig, &settings);
    assert_int_equal(client_rig_connect(rig), FERRY_OK);
    assert_not_got(rig, FERRY_E_TLS);
    client_rig_assert_said(rig, "session reuse required");
    client_rig_assert_said(rig, "resume");
    assert_int_equal(ferry_failure_of(rig->session).reply, 522);
    client_rig_end(rig);
}

static void send_in_clear(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    fake_accept(fake);
    fake_write(fake, body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "226 done");
    fake_quit(fake);
}

static void dev_5_plain_data_under_prot_p_are_refused(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, send_in_clear);
    assert_not_got(rig, FERRY_E_TLS);
    client_rig_assert_said(rig, "plain");
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
    assert_not_got(rig, FERRY_E_TLS);
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
    fake_download(fake, "RETR f", body, FAKE_CLOSED);
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
    assert_not_got(rig, FERRY_E_TLS);
    client_rig_assert_said(rig, "PROT C");
    client_rig_end(rig);
}

static void tls_33_protection_is_raised_where_it_is_demanded(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_set_protection(rig->session, 'C', 'P'), FERRY_OK);
    client_rig_login(rig, demand_protection);
    assert_got(rig);
    client_rig_end(rig);
    assert_int_equal(ferry_set_protection(rig->session, 'S', 'P'), FERRY_E_ARGUMENT);
}

/* ---- active mode ---- */

/* Connects to where PORT says, from `from`. */
static int connect_back(struct fake *fake, const char *port_argument, const char *from)
{
    unsigned h[4];
    unsigned p[2];
    if (sscanf(port_argument, "%u,%u,%u,%u,%u,%u", &h[0], &h[1], &h[2], &h[3], &p[0], &p[1]) != 6) {
        fake_fail(fake, "not an argument of PORT: %s", port_argument);
        return -1;
    }
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(from)};
    struct sockaddr_in there = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)(p[0] << 8 | p[1])),
        .sin_addr.s_addr = htonl(h[0] << 24 | h[1] << 16 | h[2] << 8 | h[3]),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
        connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0)
        fake_fail(fake, "the client does not listen");
    return fd;
}

static void actively(struct fake *fake)
{
    char argument[64];
    login_and_sizes(fake);
    snprintf(argument, sizeof(argument), "%s", fake_hear(fake, "PORT "));
    fake_say(fake, "200 fine");
    fake_answer(fake, "RETR f", "150 here");
    /* Somebody else is quicker. */
    int stranger = connect_back(fake, argument, "127.0.0.9");
    char byte;
    if (recv(stranger, &byte, 1, 0) > 0)
        fake_fail(fake, "the client spoke to a stranger");
    close(stranger);
    fake->data.fd = connect_back(fake, argument, "127.0.0.1");
    if (!fake_seal_data(fake)) /* TLS-60: the client is TLS client here, too */
        fake_fail(fake, "no handshake");
    fake_write(fake, body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "226 done");
    fake_quit(fake);
}

/* DEV-29, TLS-160 */
static void sec_6_active_mode_takes_the_server_alone(void **state)
{
    struct client_rig *rig = *state;
    ferry_set_data_mode(rig->session, FERRY_ACTIVE);
    client_rig_login(rig, actively);
    assert_got(rig);
    assert_int_equal(client_rig_end(rig)->resumed, 1);
}

static void refuse_port(struct fake *fake)
{
    login_and_sizes(fake);
    fake_answer(fake, "PORT ", "500 passive only");
    fake_quit(fake);
}

static void dev_28_active_mode_refused(void **state)
{
    struct client_rig *rig = *state;
    ferry_set_data_mode(rig->session, FERRY_ACTIVE);
    client_rig_login(rig, refuse_port);
    assert_not_got(rig, FERRY_E_UNSUPPORTED);
    client_rig_assert_said(rig, "--active");
    client_rig_end(rig);
}

/* ---- names (SEC-17) ---- */

static void say_nothing(struct fake *fake)
{
    fake_login(fake, "");
    fake_quit(fake);
}

/* FTP-117 */
static void sec_17_a_line_feed_in_a_name_is_refused(void **state)
{
    struct client_rig *rig = *state;
    const char *name = "a\nDELE b";
    char local[PATH_MAX];
    tempdir_path(&rig->dir, "ca.pem", local);
    client_rig_login(rig, say_nothing);
    assert_int_equal(ferry_get(rig->session, name, client_rig_path(rig, "f"), 0), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_put(rig->session, local, name, 0), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_put(rig->session, local, name, FERRY_RESUME), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_rename(rig->session, "b", name), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_rename(rig->session, name, "b"), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_remove(rig->session, name), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_make_directory(rig->session, name), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_remove_directory(rig->session, name), FERRY_E_ARGUMENT);
    struct ferry_entry entry;
    assert_int_equal(ferry_stat(rig->session, name, &entry), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_list(rig->session, name, NULL, NULL), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_remove(rig->session, ""), FERRY_E_ARGUMENT);
    client_rig_end(rig); /* which finds that nothing was sent */
}

/* ---- stopping ---- */

static void send_slowly(struct fake *fake)
{
    static char block[64 * 1024];
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    fake_pause(150);
    fake_write(fake, bytes_of(block, sizeof(block)));
    fake_pause(300); /* the client has let go by now */
    fake_say(fake, "426 broken");
    fake_answer(fake, "DELE f", "250 gone");
    fake_quit(fake);
}

static bool stop_at_once(void *ctx, uint64_t bytes, int64_t total_bytes)
{
    (void)bytes;
    assert_int_equal(total_bytes, CONTENT_BYTES);
    (*(unsigned *)ctx)++;
    return false;
}

static void stopped_by_the_progress_function(void **state)
{
    struct client_rig *rig = *state;
    unsigned calls = 0;
    ferry_set_progress(rig->session, stop_at_once, &calls);
    client_rig_login(rig, send_slowly);
    assert_not_got(rig, FERRY_E_CANCELLED);
    assert_true(calls > 0);
    ferry_set_progress(rig->session, NULL, NULL);
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK); /* the session goes on */
    client_rig_end(rig);
}

static bool interrupt(void *ctx, uint64_t bytes, int64_t total_bytes)
{
    (void)bytes;
    (void)total_bytes;
    ferry_interrupt(ctx);
    return true;
}

static void interrupted_in_a_transfer(void **state)
{
    struct client_rig *rig = *state;
    ferry_set_progress(rig->session, interrupt, rig->session);
    client_rig_login(rig, send_slowly);
    assert_not_got(rig, FERRY_E_CANCELLED);
    ferry_set_progress(rig->session, NULL, NULL);
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_OK);
    client_rig_end(rig);
}

static void never_answer(struct fake *fake)
{
    fake_login(fake, "");
    fake_hear(fake, "DELE f");
    fake_hear_end(fake);
}

static void interrupted_while_waiting(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, never_answer);
    ferry_interrupt(rig->session); /* the next call is stopped */
    assert_int_equal(ferry_remove(rig->session, "f"), FERRY_E_CANCELLED);
    assert_false(ferry_is_connected(rig->session));
    client_rig_end(rig);
}

static void stall(struct fake *fake)
{
    login_and_sizes(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    seal_or_fail(fake);
    fake_write(fake, bytes_first(body, 5));
    fake_pause(900);
    fake_say(fake, "426 broken");
    fake_quit(fake);
}

static void sec_51_a_transfer_that_stands_still(void **state)
{
    struct client_rig *rig = *state;
    ferry_set_timeout_ms(rig->session, 0, 0, 400);
    client_rig_login(rig, stall);
    assert_not_got(rig, FERRY_E_CUT);
    client_rig_end(rig);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, client_rig_setup, client_rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(tls_63_any_order_of_control_and_data),
        TEST(dev_38_no_data_connection_for_an_empty_file),
        TEST(tls_176_a_cut_download_is_no_file),
        TEST(sec_97_more_bytes_than_the_server_told),
        TEST(tls_179_a_refusal_at_any_place),
        TEST(tls_179_a_refusal_ends_open_data),
        TEST(a_final_reply_that_makes_no_sense),
        TEST(tls_63_a_refusal_wins_over_a_dropped_handshake),
        TEST(dev_33_no_final_reply),
        TEST(tls_158_data_go_on_when_control_is_lost),
        TEST(control_lost_before_data),
        TEST(dev_23_pasv_where_epsv_is_refused_and_remembered),
        TEST(tls_153_the_address_in_a_227_is_never_used),
        TEST(pain_7_pasv_where_the_port_of_epsv_is_closed),
        TEST(no_data_port_can_be_reached),
        TEST(tls_100_a_server_that_does_not_resume_is_served),
        TEST(tls_91_another_certificate_on_the_data_connection),
        TEST(dev_7_a_server_that_demands_resumption),
        TEST(dev_5_plain_data_under_prot_p_are_refused),
        TEST(tls_55_no_transfer_where_protection_is_refused),
        TEST(dev_18_clear_data_refused),
        TEST(tls_33_protection_is_raised_where_it_is_demanded),
        TEST(sec_6_active_mode_takes_the_server_alone),
        TEST(dev_28_active_mode_refused),
        TEST(sec_17_a_line_feed_in_a_name_is_refused),
        TEST(stopped_by_the_progress_function),
        TEST(interrupted_in_a_transfer),
        TEST(interrupted_while_waiting),
        TEST(sec_51_a_transfer_that_stands_still),
    };
    return cmocka_run_group_tests_name("client_transfer", tests, client_rig_group_setup,
                                       client_rig_group_teardown);
}
