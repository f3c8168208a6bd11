/* client/login.c, session.c: from the greeting to the login, and what a server may try on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "support/client_rig.h"

/* ---- the way in ---- */

static void plain_way(struct fake *fake)
{
    fake_login(fake, "UTF8\nMLST Type*;\nREST STREAM");
    fake_answer(fake, "OPTS UTF8 ON", "200 always");
    fake_quit(fake);
}

/* TLS-42; TLS-43, FTP-150: nothing is asked before TLS. DEV-19: AUTH without a FEAT that names it.
 */
static void tls_48_order_of_the_login(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, plain_way);
    assert_non_null(strstr(ferry_tls_description(rig->session), "TLSv1.3"));
    const struct fake *fake = client_rig_end(rig);
    assert_true(bytes_equal(buf_view(&fake->commands),
                            BYTES_LIT("AUTH TLS\nUSER anna\nPASS secret\nPBSZ 0\nPROT P\nFEAT\n"
                                      "OPTS UTF8 ON\nQUIT\n")));
    assert_true(bytes_equal(buf_view(&fake->in_clear), BYTES_LIT("AUTH TLS\r\n")));
}

static void sec_81_the_trace_masks_the_password(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, plain_way);
    client_rig_end(rig);
    assert_null(strstr(rig->trace, "secret"));
    assert_non_null(strstr(rig->trace, "> PASS ****\n"));
    assert_non_null(strstr(rig->trace, "< 230 in\n"));
    assert_non_null(strstr(rig->trace, "# control: TLSv1.3"));
}

static void implicit_way(struct fake *fake)
{
    if (!fake_seal(fake))
        fake_fail(fake, "no handshake");
    fake_say(fake, "220 ready");
    fake_answer(fake, "USER anna", "230 in");
    fake_answer(fake, "PBSZ 0", "502 what?");
    fake_answer(fake, "PROT P", "502 what?");
    fake_answer(fake, "FEAT", "500 what?");
    fake_quit(fake);
}

/* DEV-16; DEV-3: PBSZ refused, PROT sent all the same. */
static void tls_5_pbsz_and_prot_also_on_implicit_connections(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_set_security(rig->session, FERRY_IMPLICIT), FERRY_OK);
    client_rig_login(rig, implicit_way);
    const struct fake *fake = client_rig_end(rig);
    assert_int_equal(buf_len(&fake->in_clear), 0);
}

/* ---- SEC-3: whatever the server says, no login in clear ---- */

struct answer {
    const char *to_greeting; /* NULL: 220 */
    const char *to_auth;     /* NULL: silence; "FIN", "RST": the end */
    enum ferry_error error;
};

static const struct answer answers[] = {
    {NULL, "110 mark", FERRY_E_PROTOCOL},
    {NULL, "120 wait", FERRY_E_PROTOCOL},
    {NULL, "150 data", FERRY_E_PROTOCOL},
    {NULL, "200 fine", FERRY_E_PROTOCOL},
    {NULL, "202 superfluous", FERRY_E_PROTOCOL},
    {NULL, "211 help", FERRY_E_PROTOCOL},
    {NULL, "220 hello", FERRY_E_PROTOCOL},
    {NULL, "230 you are in", FERRY_E_PROTOCOL},
    {NULL, "232 you are in", FERRY_E_PROTOCOL},
    {NULL, "235 sealed, trust me", FERRY_E_PROTOCOL},
    {NULL, "250 fine", FERRY_E_PROTOCOL},
    {NULL, "331 password?", FERRY_E_PROTOCOL},
    {NULL, "332 account?", FERRY_E_PROTOCOL},
    {NULL, "334 go on", FERRY_E_PROTOCOL}, /* TLS-16: only to AUTH SSL */
    {NULL, "334 ADAT=x", FERRY_E_PROTOCOL},
    {NULL, "350 more", FERRY_E_PROTOCOL},
    {NULL, "421 full", FERRY_E_TLS},
    {NULL, "425 no", FERRY_E_TLS},
    {NULL, "430 no", FERRY_E_TLS},
    {NULL, "431 no certificate", FERRY_E_TLS},
    {NULL, "450 no", FERRY_E_TLS},
    {NULL, "500 what?", FERRY_E_TLS},
    {NULL, "501 what?", FERRY_E_TLS},
    {NULL, "502 off", FERRY_E_TLS},
    {NULL, "503 no", FERRY_E_TLS},
    {NULL, "504 not that", FERRY_E_TLS},
    {NULL, "521 no", FERRY_E_TLS},
    {NULL, "530 log in first", FERRY_E_TLS}, /* DEV-17 */
    {NULL, "534 policy", FERRY_E_TLS},
    {NULL, "550 no", FERRY_E_TLS},
    {NULL, "599 no", FERRY_E_TLS},
    {NULL, "631 secret", FERRY_E_PROTOCOL},
    {NULL, "632 secret", FERRY_E_PROTOCOL},
    {NULL, "700 no", FERRY_E_PROTOCOL},
    {NULL, "no reply at all", FERRY_E_PROTOCOL},
    {NULL, NULL, FERRY_E_TIMEOUT},
    {NULL, "FIN", FERRY_E_LOST},
    {NULL, "RST", FERRY_E_LOST},
    {"230 you are in", NULL, FERRY_E_PROTOCOL}, /* TLS-132 */
    {"234 go on", NULL, FERRY_E_PROTOCOL},
    {"421 full", NULL, FERRY_E_CONNECT},
    {"521 no service", NULL, FERRY_E_CONNECT}, /* TLS-35 */
    {"530 no", NULL, FERRY_E_CONNECT},
    {"220-hello\r\n234 go on\r\n230 you are in\r\n220 that is all", "500 what?", FERRY_E_TLS},
};

static void give_answer(struct fake *fake)
{
    const struct answer *answer = fake->ctx;
    fake_say(fake, "%s", answer->to_greeting ? answer->to_greeting : "220 ready");
    bool greets = !answer->to_greeting || answer->to_auth;
    if (greets)
        fake_hear(fake, "AUTH TLS");
    const char *text = answer->to_auth;
    if (greets && text && strcmp(text, "RST") == 0)
        fake_reset(fake);
    else if (greets && text && strcmp(text, "FIN") != 0)
        fake_say(fake, "%s", text);
    if (!text || (strcmp(text, "RST") != 0 && strcmp(text, "FIN") != 0))
        fake_hear_end(fake);
}

static void sec_3_no_answer_leads_to_a_login_in_clear(void **state)
{
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        const struct fake_settings settings = {.script = give_answer, .ctx = &answers[i]};
        client_rig_serve(rig, &settings);
        ferry_set_timeout_ms(rig->session, 0, answers[i].error == FERRY_E_TIMEOUT ? 300 : 5000, 0);
        enum ferry_error error = client_rig_connect(rig);
        if (error != answers[i].error)
            print_error("case %zu: %s\n", i, ferry_failure_of(rig->session).what);
        assert_int_equal(error, answers[i].error);
        assert_string_not_equal(ferry_failure_of(rig->session).what, "");
        assert_false(ferry_is_connected(rig->session));
        const struct fake *fake = client_rig_end(rig);
        assert_false(client_rig_holds(&fake->in_clear, "USER"));
        assert_false(client_rig_holds(&fake->in_clear, "PASS"));
        assert_false(client_rig_holds(&fake->in_clear, "secret"));
    }
}

/* TLS-93: the server hears QUIT in clear, and nothing else. */
static void tls_18_a_refused_auth_is_answered_by_quit(void **state)
{
    struct client_rig *rig = *state;
    const struct answer answer = {NULL, "502 off", FERRY_E_TLS};
    const struct fake_settings settings = {.script = give_answer, .ctx = &answer};
    client_rig_serve(rig, &settings);
    assert_int_equal(client_rig_connect(rig), FERRY_E_TLS);
    client_rig_assert_said(rig, "AUTH TLS");
    client_rig_assert_said(rig, "off");
    client_rig_assert_said(rig, "--plaintext");
    assert_int_equal(ferry_failure_of(rig->session).reply, 502);
    const struct fake *fake = client_rig_end(rig);
    assert_true(bytes_equal(buf_view(&fake->in_clear), BYTES_LIT("AUTH TLS\r\nQUIT\r\n")));
}

/* ---- SEC-2: bytes behind the 234 ---- */

static const char *const injections[] = {
    "234 go on\r\n230 you are in\r\n",
    "234 go on\r\n257 \"/x\"\r\n230 in\r\n",
    "234 go on\r\n ",
    "234-go on\r\n234 go on\r\n2",
};

static void inject(struct fake *fake)
{
    fake_say(fake, "220 ready");
    fake_hear(fake, "AUTH TLS");
    fake_send(fake, bytes_str(fake->ctx));
    fake_hear_end(fake);
}

static void tls_131_bytes_after_234_are_injection(void **state)
{
    struct client_rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(injections); i++) {
        const struct fake_settings settings = {.script = inject, .ctx = injections[i]};
        client_rig_serve(rig, &settings);
        assert_int_equal(client_rig_connect(rig), FERRY_E_INJECTION);
        const struct fake *fake = client_rig_end(rig);
        assert_false(client_rig_holds(&fake->in_clear, "USER"));
    }
}

/* The same in two segments: the second one is then no TLS record. */
static void inject_later(struct fake *fake)
{
    fake_say(fake, "220 ready");
    fake_hear(fake, "AUTH TLS");
    fake_say(fake, "234 go on");
    fake_pause(200);
    fake_say(fake, "230 you are in");
    fake_hear_end(fake);
}

static void tls_131_bytes_in_a_later_segment_end_the_handshake(void **state)
{
    struct client_rig *rig = *state;
    client_rig_run(rig, inject_later);
    assert_int_equal(client_rig_connect(rig), FERRY_E_TLS);
    client_rig_end(rig);
}

/* ---- AUTH words ---- */

static void ssl_by_334(struct fake *fake)
{
    fake_say(fake, "220 ready");
    fake_answer(fake, "AUTH TLS", "504 not that");
    fake_answer(fake, "AUTH SSL", "334 go on");
    if (!fake_seal(fake))
        fake_fail(fake, "no handshake");
    fake_answer(fake, "USER anna", "232 known by your certificate");
    fake_answer(fake, "PBSZ 0", "500 what?");
    fake_answer(fake, "PROT P", "500 what?");
    fake_answer(fake, "FEAT", "530 no");
    fake_quit(fake);
}

static void tls_9_auto_tries_ssl_and_takes_334_for_234(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_set_auth(rig->session, FERRY_AUTH_AUTO), FERRY_OK);
    client_rig_login(rig, ssl_by_334);
    client_rig_end(rig); /* TLS-72: no PASS after 232 */
}

static void refuse_tls(struct fake *fake)
{
    fake_say(fake, "220 ready");
    fake_answer(fake, "AUTH TLS", "534 policy");
    fake_answer(fake, "QUIT", "221 bye");
    fake_hear_end(fake);
}

/* TLS-10: nothing but TLS and SSL is tried. */
static void tls_9_auto_takes_a_refusal_for_what_it_is(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_set_auth(rig->session, FERRY_AUTH_AUTO), FERRY_OK);
    client_rig_run(rig, refuse_tls);
    assert_int_equal(client_rig_connect(rig), FERRY_E_TLS);
    client_rig_end(rig);
}

/* ---- trust ---- */

static void seal_and_listen(struct fake *fake)
{
    fake_say(fake, "220 ready");
    fake_answer(fake, "AUTH TLS", "234 go on");
    fake_seal(fake);
    fake_hear_end(fake);
}

static void check_distrust(struct client_rig *rig, const struct tls_minted *certificate,
                           const char *words)
{
    const struct fake_settings settings = {.script = seal_and_listen, .certificate = certificate};
    client_rig_serve(rig, &settings);
    assert_int_equal(client_rig_connect(rig), FERRY_E_TRUST);
    client_rig_assert_said(rig, words);
    const struct fake *fake = client_rig_end(rig);
    assert_false(client_rig_holds(&fake->commands, "USER"));
}

/* DEV-14, SEC-98 */
static void tls_90_wrong_certificates_are_refused(void **state)
{
    struct client_rig *rig = *state;
    const struct fake_certificates *certificates = &rig->certificates;
    check_distrust(rig, &certificates->renamed, "192.0.2.1");
    check_distrust(rig, &certificates->expired, "expired");
    check_distrust(rig, &certificates->stranger, "CA");
}

static void bare_login(struct fake *fake)
{
    fake_login(fake, "");
    fake_quit(fake);
}

/* The pin of the key, as the trace tells it. */
static void copy_pin(const struct client_rig *rig, char pin[64])
{
    const char *found = strstr(rig->trace, "sha256//");
    assert_non_null(found);
    assert_int_equal(sscanf(found, "%63s", pin), 1);
}

static void tls_94_a_pin_is_enough_and_is_needed(void **state)
{
    struct client_rig *rig = *state;
    char pin[64];
    client_rig_login(rig, bare_login);
    client_rig_end(rig);
    copy_pin(rig, pin);
    assert_int_equal(ferry_add_pin(rig->session, pin), FERRY_OK);
    client_rig_login(rig, bare_login);
    client_rig_end(rig);
    /* Another key under a good certificate is not the pinned one. */
    check_distrust(rig, &rig->certificates.other, "pin");
    assert_int_equal(ferry_add_pin(rig->session, "sha256//short"), FERRY_E_ARGUMENT);
}

/* ---- login ---- */

struct exchange {
    const char *user, *pass, *account; /* the replies; NULL: not asked */
    enum ferry_error error;
};

/* DEV-61 */
static const struct exchange exchanges[] = {
    {"230 in", NULL, NULL, FERRY_OK},
    {"331 password?", "230 in", NULL, FERRY_OK},
    {"331 password?", "202 superfluous", NULL, FERRY_OK},
    {"336 12345?", "230 in", NULL, FERRY_OK},
    {"331 password?", "332 account?", "230 in", FERRY_OK},
    {"332 account?", NULL, "202 fine", FERRY_OK},
    {"331 password?", "530 no", NULL, FERRY_E_AUTH},
    {"331 password?", "331 again?", NULL, FERRY_E_AUTH},
    {"530 no", NULL, NULL, FERRY_E_AUTH},
    {"430 no", NULL, NULL, FERRY_E_AUTH},
    {"331 password?", "332 account?", "532 no", FERRY_E_AUTH},
};

static void exchange(struct fake *fake)
{
    const struct exchange *replies = fake->ctx;
    fake_say(fake, "220 ready");
    fake_answer(fake, "AUTH TLS", "234 go on");
    fake_seal(fake);
    fake_answer(fake, "USER anna", replies->user);
    if (replies->pass)
        fake_answer(fake, "PASS secret", replies->pass);
    if (replies->account)
        fake_answer(fake, "ACCT books", replies->account);
    if (replies->error == FERRY_OK) {
        fake_answer(fake, "PBSZ 0", "200 fine");
        fake_answer(fake, "PROT P", "200 fine");
        fake_answer(fake, "FEAT", "502 what?");
    }
    fake_quit(fake);
}

static void ftp_39_outcomes_of_a_login(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_set_account(rig->session, "books"), FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(exchanges); i++) {
        const struct fake_settings settings = {.script = exchange, .ctx = &exchanges[i]};
        client_rig_serve(rig, &settings);
        assert_int_equal(client_rig_connect(rig), exchanges[i].error);
        client_rig_end(rig);
    }
}

static void dev_62_an_account_is_named_in_the_advice(void **state)
{
    struct client_rig *rig = *state;
    const struct exchange replies = {"332 account?", NULL, NULL, FERRY_E_AUTH};
    const struct fake_settings settings = {.script = exchange, .ctx = &replies};
    client_rig_serve(rig, &settings);
    assert_int_equal(client_rig_connect(rig), FERRY_E_AUTH);
    client_rig_assert_said(rig, "--account");
    client_rig_end(rig);
}

static void sec_17_no_line_break_in_what_is_sent(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_set_login(rig->session, "anna\r\nDELE x", "secret"), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_set_login(rig->session, "anna", "sec\nret"), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_set_login(rig->session, "", "secret"), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_set_account(rig->session, "a\rb"), FERRY_E_ARGUMENT);
}

/* ---- wrong guesses ---- */

static void greet_in_clear(struct fake *fake)
{
    fake_say(fake, "220 plain here");
    fake_hear_end(fake);
}

static void tls_8_plain_server_on_an_implicit_port(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_set_security(rig->session, FERRY_IMPLICIT), FERRY_OK);
    client_rig_run(rig, greet_in_clear);
    assert_int_equal(client_rig_connect(rig), FERRY_E_TLS);
    client_rig_assert_said(rig, "plain FTP");
    client_rig_assert_said(rig, "plain here");
    client_rig_assert_said(rig, "ftp://");
    assert_int_equal(ferry_failure_of(rig->session).reply, 220);
    const struct fake *fake = client_rig_end(rig);
    assert_false(client_rig_holds(&fake->in_clear, "USER"));
}

static void wait_for_tls(struct fake *fake)
{
    fake_hear_end(fake);
}

static void pain_5_implicit_server_on_an_explicit_port(void **state)
{
    struct client_rig *rig = *state;
    ferry_set_timeout_ms(rig->session, 0, 300, 0);
    client_rig_run(rig, wait_for_tls);
    assert_int_equal(client_rig_connect(rig), FERRY_E_TIMEOUT);
    client_rig_assert_said(rig, "ftps://");
    const struct fake *fake = client_rig_end(rig);
    assert_int_equal(buf_len(&fake->in_clear), 0);
}

static void hang_up(struct fake *fake)
{
    (void)fake;
}

/* An implicit server gives up waiting for the ClientHello: no greeting came. */
static void tls_8_implicit_server_that_hangs_up(void **state)
{
    struct client_rig *rig = *state;
    client_rig_run(rig, hang_up);
    assert_int_equal(client_rig_connect(rig), FERRY_E_CONNECT);
    client_rig_assert_said(rig, "without a greeting");
    client_rig_assert_said(rig, "ftps://");
    client_rig_end(rig);
}

static void nobody_listens(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_connect(rig->session, "127.0.0.1", 1), FERRY_E_CONNECT);
    assert_int_equal(ferry_connect(rig->session, "", 21), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_quit(rig->session), FERRY_E_STATE);
    assert_int_equal(ferry_remove(rig->session, "x"), FERRY_E_STATE);
}

/* ---- SEC-91, DEV-60: a server's words ---- */

static void say_terminal_codes(struct fake *fake)
{
    fake_say(fake, "421 \x1b]0;owned\x07\xe2\x80\xae full");
    fake_hear_end(fake);
}

static void sec_91_a_greeting_with_terminal_codes_is_made_visible(void **state)
{
    struct client_rig *rig = *state;
    client_rig_run(rig, say_terminal_codes);
    assert_int_equal(client_rig_connect(rig), FERRY_E_CONNECT);
    assert_string_equal(ferry_failure_of(rig->session).peer_said,
                        "\\x1b]0;owned\\x07\\xe2\\x80\\xae full");
    assert_null(strchr(rig->trace, '\x1b'));
    client_rig_end(rig);
}

/* ---- clear text, by that word only ---- */

static void clear_login(struct fake *fake)
{
    fake_say(fake, "220 ready");
    fake_answer(fake, "USER anna", "331 password?");
    fake_answer(fake, "PASS secret", "230 in");
    fake_answer(fake, "FEAT", "500 what?");
    fake_quit(fake);
}

static void plaintext_sends_no_auth(void **state)
{
    struct client_rig *rig = *state;
    assert_int_equal(ferry_set_security(rig->session, FERRY_PLAINTEXT), FERRY_OK);
    client_rig_login(rig, clear_login);
    assert_string_equal(ferry_tls_description(rig->session), "");
    client_rig_end(rig);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, client_rig_setup, client_rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(tls_48_order_of_the_login),
        TEST(sec_81_the_trace_masks_the_password),
        TEST(tls_5_pbsz_and_prot_also_on_implicit_connections),
        TEST(sec_3_no_answer_leads_to_a_login_in_clear),
        TEST(tls_18_a_refused_auth_is_answered_by_quit),
        TEST(tls_131_bytes_after_234_are_injection),
        TEST(tls_131_bytes_in_a_later_segment_end_the_handshake),
        TEST(tls_9_auto_tries_ssl_and_takes_334_for_234),
        TEST(tls_9_auto_takes_a_refusal_for_what_it_is),
        TEST(tls_90_wrong_certificates_are_refused),
        TEST(tls_94_a_pin_is_enough_and_is_needed),
        TEST(ftp_39_outcomes_of_a_login),
        TEST(dev_62_an_account_is_named_in_the_advice),
        TEST(sec_17_no_line_break_in_what_is_sent),
        TEST(tls_8_plain_server_on_an_implicit_port),
        TEST(pain_5_implicit_server_on_an_explicit_port),
        TEST(tls_8_implicit_server_that_hangs_up),
        TEST(nobody_listens),
        TEST(sec_91_a_greeting_with_terminal_codes_is_made_visible),
        TEST(plaintext_sends_no_auth),
    };
    return cmocka_run_group_tests_name("client_login", tests, client_rig_group_setup,
                                       client_rig_group_teardown);
}
