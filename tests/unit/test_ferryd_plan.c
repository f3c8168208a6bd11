/* ferryd's settings, rules and plan: the table's defaults, what reaches server/rules, short memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ferryd/plan.h"
#include "ftp/server_pi.h"
#include "support/alloc_fail.h"
#include "support/tempdir.h"

/* Made of "x". */
#define HASH "$y$j9T$50l9KyhZjDmqyozKXX4Vr0$a.XxDvssgiSFCPBVDxHI.rHTLZvhSzOo83J1Fmdhgf6"

#define ACCOUNT "account \"anna\" { password_hash = '" HASH "' home = home }\n"

struct fixture {
    struct tempdir dir;
    struct loop *loop;
    char conf[PATH_MAX];
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.loop = loop_new()};
    assert_non_null(fixture.loop);
    tempdir_make(&fixture.dir);
    tempdir_mkdir(&fixture.dir, "home");
    tempdir_path(&fixture.dir, "ferryd.conf", fixture.conf);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    loop_free(fixture->loop);
    tempdir_remove(&fixture->dir);
    return 0;
}

static struct plan *plan_of(struct fixture *fixture, const char *text)
{
    struct plan *plan = NULL;
    tempdir_write(&fixture->dir, "ferryd.conf", text);
    assert_int_equal(plan_make(fixture->loop, fixture->conf, &plan), FERRY_OK);
    const struct check_mistake *mistake;
    TAILQ_FOREACH (mistake, &plan->conf->check.list, link)
        print_message("# %s:%u: %s\n", mistake->file, mistake->line, mistake->text);
    return plan;
}

/* Every default of the table can be read, and is what server/rules.h says. */
static void defaults(void **state)
{
    CLEANUP(plan_drop)
    struct plan *plan = plan_of(*state, "listen \"127.0.0.1:0\" { plaintext = allow }\n" ACCOUNT);
    assert_true(plan_is_good(plan));
    assert_int_equal(plan->count, 1);
    const struct server_rules *rules = plan->listeners[0].rules;
    assert_int_equal(rules->kind, LISTEN_EXPLICIT);
    assert_null(rules->tls);
    assert_true(rules->plaintext_allowed && rules->auth_legacy_words && rules->active_allowed);
    assert_true(rules->keep_cut_uploads && !rules->mode_z && !rules->mode_b);
    assert_int_equal(rules->data_resume, DATA_RESUME_REQUIRE);
    assert_int_equal(rules->data_resume_scope, DATA_SCOPE_CONNECTION);
    assert_int_equal(rules->passive_low, 0);
    assert_int_equal(rules->passive_address.len, 0);
    assert_int_equal(rules->login_timeout_ns, 60 * CLOCK_NS_PER_S);
    assert_int_equal(rules->idle_timeout_ns, 600 * CLOCK_NS_PER_S);
    assert_int_equal(rules->handshake_timeout_ns, 20 * CLOCK_NS_PER_S);
    assert_int_equal(rules->data_timeout_ns, 20 * CLOCK_NS_PER_S);
    assert_int_equal(rules->stall_timeout_ns, 120 * CLOCK_NS_PER_S);
    assert_int_equal(rules->login_delay_ns, CLOCK_NS_PER_S);
    const struct settings_global *global = settings_global(plan->conf);
    assert_int_equal(global->sessions_max, 10000);
    assert_int_equal(global->drain_grace_ns, 30 * CLOCK_NS_PER_S);
    assert_int_equal(users_count(plan->users), 1);
}

static const char rich[] =
    "listen \"127.0.0.1:0\" {\n"
    " plaintext = allow\n"
    " auth_legacy_words = no data_resume = prefer data_resume_scope = user\n"
    " passive_ports = 5000-5009 passive_address = 192.0.2.1\n"
    " passive_networks = {\"10.0.0.0/8 local\", \"192.168.0.0/16 192.0.2.2\"}\n"
    " proxies = {10.1.0.0/16, ::1}\n"
    " active = no active_source_port = 20 mode_z = yes mode_b = yes hash_max = 1M\n"
    " extras = {copy, pret}\n"
    " cut_uploads = remove idle_timeout = 5s passive_lookup = 1min\n"
    " auth_ssl_reply = 334 prot_without_pbsz = accept prot_refused_code = 521\n"
    " data_tls = uploads ccc = yes upload_without_close_notify = accept\n"
    " ascii = strict passive_timeout = 7s\n"
    "}\n" ACCOUNT;

static void rules_that_are_set(void **state)
{
    CLEANUP(plan_drop) struct plan *plan = plan_of(*state, rich);
    assert_true(plan_is_good(plan));
    const struct server_rules *rules = plan->listeners[0].rules;
    assert_true(!rules->auth_legacy_words && !rules->active_allowed && !rules->keep_cut_uploads);
    assert_true(rules->mode_z && rules->mode_b);
    assert_int_equal(rules->extras, SERVER_EXTRA_COPY | SERVER_EXTRA_PRET);
    assert_int_equal(rules->dialect.data_tls, DATA_TLS_UPLOADS);
    assert_true(rules->dialect.auth_ssl_334 && rules->dialect.prot_before_pbsz);
    assert_true(rules->dialect.data_refused_521 && rules->dialect.ccc);
    assert_true(rules->accept_no_notify && !rules->dialect.greet_before_tls);
    assert_int_equal(rules->data_resume, DATA_RESUME_PREFER);
    assert_int_equal(rules->data_resume_scope, DATA_SCOPE_USER);
    assert_int_equal(rules->passive_low, 5000);
    assert_int_equal(rules->passive_high, 5009);
    assert_int_equal(rules->passive_rule_count, 2);
    assert_int_equal(rules->passive_rules[0].address.len, 0);
    char text[ADDRESS_TEXT_BYTES];
    address_text(&rules->passive_rules[1].address, text);
    assert_string_equal(text, "192.0.2.2");
    address_text(&rules->passive_address, text);
    assert_string_equal(text, "192.0.2.1");
    assert_int_equal(rules->proxy_count, 2);
    static const struct {
        const char *address;
        bool proxy;
    } cases[] = {{"10.1.2.3", true}, {"10.2.2.3", false}, {"::1", true}, {"::2", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct address peer;
        assert_int_equal(address_parse(cases[i].address, 1, &peer), FERRY_OK);
        assert_int_equal(network_list_contains(rules->proxies, rules->proxy_count, &peer),
                         cases[i].proxy);
    }
    assert_int_equal(rules->active_source_port, 20);
    assert_int_equal(rules->hash_max_bytes, 1 << 20);
    assert_true(rules->ascii_strict);
    assert_int_equal(rules->passive_timeout_ns, 7 * CLOCK_NS_PER_S);
    assert_int_equal(rules->idle_timeout_ns, 5 * CLOCK_NS_PER_S);
    assert_int_equal(rules->passive_lookup_ns, 60 * CLOCK_NS_PER_S);
}

/* Whatever is wrong with one part, the others are looked at, too. */
static void mistakes_of_all_kinds(void **state)
{
    CLEANUP(plan_drop)
    struct plan *plan =
        plan_of(*state, "listen \"127.0.0.1:0\" { certificate = none plaintext = alow }\n"
                        "listen \"127.0.0.1:1\" { tls = implicit }\n"
                        "account \"anna\" { password_hash = x home = home }\n"
                        "account \"bert\" { password_hash = '" HASH "' home = none }\n"
                        "account \"carl\" { home = home }\n");
    assert_false(plan_is_good(plan));
    assert_int_equal(plan->conf->check.count, 6);
}

static enum ferry_error plan_once(void *ctx)
{
    struct fixture *fixture = ctx;
    CLEANUP(plan_drop) struct plan *plan = NULL;
    enum ferry_error error = plan_make(fixture->loop, fixture->conf, &plan);
    if (error == FERRY_OK)
        assert_true(plan_is_good(plan));
    return error;
}

static void short_memory(void **state)
{
    struct fixture *fixture = *state;
    tempdir_write(&fixture->dir, "ferryd.conf", rich);
    assert_true(alloc_fail_each(plan_once, fixture, 2000) > 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults),
        TEST(rules_that_are_set),
        TEST(mistakes_of_all_kinds),
        TEST(short_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
