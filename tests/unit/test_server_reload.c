/* New rules for a listener while sessions of the old ones go on, by a whole server over loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "support/server_rig.h"

struct fixture {
    struct server_rig rig;
    struct tls_minted leaf; /* another certificate of the same CA */
    struct tls_context *context;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    server_rig_open(&fixture.rig, NULL);
    static const char *const names[] = {TLS_KIT_HOST, NULL};
    const struct tls_mint_request request = {
        .common_name = "the next one",
        .dns_names = names,
        .not_before_s = tls_kit_now_s() - 60,
        .not_after_s = tls_kit_now_s() + 60,
    };
    struct fault fault = {0};
    assert_int_equal(tls_mint_leaf(&fixture.rig.tls.ca, &request, &fixture.leaf, &fault), FERRY_OK);
    const struct tls_server_settings settings = {
        .certificate_pem = buf_view(&fixture.leaf.certificate_pem),
        .key_pem = buf_view(&fixture.leaf.key_pem),
    };
    assert_int_equal(tls_context_new_server(&settings, &fixture.context, &fault), FERRY_OK);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    server_rig_close(&fixture->rig);
    tls_context_unref(fixture->context);
    tls_minted_fini(&fixture->leaf);
    return 0;
}

static void reload(struct fixture *fixture, const struct server_rules *from)
{
    struct server_rules *rules = NULL;
    struct fault fault = {0};
    assert_int_equal(server_rules_new(from, &rules, &fault), FERRY_OK);
    server_listener_set_rules(fixture->rig.listener, rules);
    server_rules_unref(rules);
}

static const char *subject(const struct rig_client *client)
{
    return tls_engine_facts(stream_tls(client->control.stream))->peer_subject;
}

/* The old session transfers on, and its data connections still resume: a new certificate drops
 * nobody. */
static void a_certificate_is_changed_beneath_a_session(void **state)
{
    struct fixture *f = *state;
    struct rig_client before, after;
    rig_login(&before, &f->rig);
    reload(f, &(struct server_rules){.tls = f->context});
    rig_upload(&before, "STOR file", BYTES_LIT("carried by the old session"));
    rig_login(&after, &f->rig);

    struct buf got;
    buf_init(&got, 100);
    rig_download(&after, "RETR file", &got);
    assert_true(bytes_equal(buf_view(&got), BYTES_LIT("carried by the old session")));
    buf_consume(&got, buf_len(&got));
    rig_download(&before, "RETR file", &got);
    assert_true(bytes_equal(buf_view(&got), BYTES_LIT("carried by the old session")));
    buf_fini(&got);

    assert_null(strstr(subject(&before), "the next one"));
    assert_non_null(strstr(subject(&after), "the next one"));
    rig_close(&after);
    rig_close(&before);
}

/* Sessions keep the rules that they began with; connections that come later have the new ones. */
static void rules_hold_for_those_who_come(void **state)
{
    struct fixture *f = *state;
    struct rig_client before, after;
    rig_login(&before, &f->rig);
    reload(f, &(struct server_rules){.tls = f->context, .mode_z = true});
    rig_expect(&before, 504, "MODE Z");
    rig_login(&after, &f->rig);
    rig_expect(&after, 200, "MODE Z");
    rig_expect(&after, 502, "EPRT |1|127.0.0.1|2000|"); /* active mode is off in the new rules */
    rig_close(&after);
    rig_close(&before);
}

static void a_closed_listener_leaves_its_sessions(void **state)
{
    struct fixture *f = *state;
    struct rig_client client;
    rig_login(&client, &f->rig);
    server_listener_close(f->rig.listener);
    rig_upload(&client, "STOR file", BYTES_LIT("still served"));
    rig_expect(&client, 221, "QUIT");
    rig_close(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_certificate_is_changed_beneath_a_session),
        TEST(rules_hold_for_those_who_come),
        TEST(a_closed_listener_leaves_its_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
