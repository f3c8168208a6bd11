/* client/data.c: where the data connection goes, and whose it is. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "support/download_kit.h"

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
    download_login(fake);
    fake_answer(fake, "EPSV", fake->ctx);
    for (int i = 0; i < 2; i++) {
        fake_listen_silently(fake);
        fake_hear(fake, "PASV");
        say_227(fake, "227 here (127,0,0,1,#)");
        fake_answer(fake, "RETR f", "150 here");
        download_seal(fake);
        fake_write(fake, download_body);
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
            download_assert_got(rig);
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
    download_login(fake);
    fake_answer(fake, "EPSV", "500 what?");
    fake_listen_silently(fake);
    fake_hear(fake, "PASV");
    say_227(fake, fake->ctx);
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_write(fake, download_body);
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
        download_assert_got(rig);
        assert_int_equal(unlinkat(rig->dir.fd, "f", 0), 0);
        client_rig_end(rig);
    }
    assert_non_null(strstr(rig->trace, "255.255.255.255"));
}

static void epsv_leads_nowhere(struct fake *fake)
{
    download_login(fake);
    fake_answer(fake, "EPSV", "229 here (|||1|)");
    fake_answer(fake, "RETR f", "425 nobody came");
    fake_listen_silently(fake);
    fake_hear(fake, "PASV");
    say_227(fake, "227 here (127,0,0,1,#)");
    fake_answer(fake, "RETR f", "150 here");
    download_seal(fake);
    fake_write(fake, download_body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "226 done");
    fake_quit(fake);
}

static void pain_7_pasv_where_the_port_of_epsv_is_closed(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, epsv_leads_nowhere);
    download_assert_got(rig);
    client_rig_end(rig);
}

static void nothing_leads_anywhere(struct fake *fake)
{
    download_login(fake);
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
    download_assert_not(rig, FERRY_E_CONNECT);
    client_rig_assert_said(rig, "firewall");
    client_rig_assert_said(rig, "nobody came");
    client_rig_end(rig);
}

/* ---- TLS on the data connection ---- */

static void tls_100_a_server_that_does_not_resume_is_served(void **state)
{
    struct client_rig *rig = *state;
    const struct fake_settings settings = {.script = download_usual, .forgets_sessions = true};
    client_rig_serve(rig, &settings);
    assert_int_equal(client_rig_connect(rig), FERRY_OK);
    download_assert_got(rig);
    assert_int_equal(client_rig_end(rig)->resumed, 0);
}

static void show_another_certificate(struct fake *fake)
{
    download_login(fake);
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
    download_assert_not(rig, FERRY_E_TRUST);
    client_rig_end(rig);
}

/* As vsftpd does it: the handshake passes, then 522. */
static void demand_resumption(struct fake *fake)
{
    download_login(fake);
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
    download_assert_not(rig, FERRY_E_TLS);
    client_rig_assert_said(rig, "session reuse required");
    client_rig_assert_said(rig, "resume");
    assert_int_equal(ferry_failure_of(rig->session).reply, 522);
    client_rig_end(rig);
}

static void send_in_clear(struct fake *fake)
{
    download_login(fake);
    fake_listen(fake);
    fake_answer(fake, "RETR f", "150 here");
    fake_accept(fake);
    fake_write(fake, download_body);
    fake_end_data(fake, FAKE_CLOSED);
    fake_say(fake, "226 done");
    fake_quit(fake);
}

static void dev_5_plain_data_under_prot_p_are_refused(void **state)
{
    struct client_rig *rig = *state;
    client_rig_login(rig, send_in_clear);
    download_assert_not(rig, FERRY_E_TLS);
    client_rig_assert_said(rig, "plain");
    client_rig_end(rig);
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
    download_login(fake);
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
    fake_write(fake, download_body);
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
    download_assert_got(rig);
    assert_int_equal(client_rig_end(rig)->resumed, 1);
}

static void refuse_port(struct fake *fake)
{
    download_login(fake);
    fake_answer(fake, "PORT ", "500 passive only");
    fake_quit(fake);
}

static void dev_28_active_mode_refused(void **state)
{
    struct client_rig *rig = *state;
    ferry_set_data_mode(rig->session, FERRY_ACTIVE);
    client_rig_login(rig, refuse_port);
    download_assert_not(rig, FERRY_E_UNSUPPORTED);
    client_rig_assert_said(rig, "--active");
    client_rig_end(rig);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, client_rig_setup, client_rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(dev_23_pasv_where_epsv_is_refused_and_remembered),
        TEST(tls_153_the_address_in_a_227_is_never_used),
        TEST(pain_7_pasv_where_the_port_of_epsv_is_closed),
        TEST(no_data_port_can_be_reached),
        TEST(tls_100_a_server_that_does_not_resume_is_served),
        TEST(tls_91_another_certificate_on_the_data_connection),
        TEST(dev_7_a_server_that_demands_resumption),
        TEST(dev_5_plain_data_under_prot_p_are_refused),
        TEST(sec_6_active_mode_takes_the_server_alone),
        TEST(dev_28_active_mode_refused),
    };
    return cmocka_run_group_tests_name("client_data", tests, client_rig_group_setup,
                                       client_rig_group_teardown);
}
