/* tls/resume: whose session a data connection resumes, and what is issued where. Clients are ours,
 * or made of OpenSSL where ours is too well behaved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/alloc_fail.h"
#include "support/raw_peer.h"
#include "support/tls_kit.h"

/* ---- the proofs ---- */

static void own(struct tls_kit *kit)
{
    struct tls_login login;
    tls_login_open(&login, kit);
    assert_int_equal(tls_engine_proof(login.control.server.engine), TLS_PROOF_NONE);
    assert_int_equal(tls_login_proof(&login, &login), TLS_PROOF_OWN);
    tls_login_fini(&login);
}

static void tls_101_own_session_is_proof(void **state)
{
    (void)state;
    tls_kit_for_each_version(own);
}

static void foreign(struct tls_kit *kit)
{
    struct tls_login alice, bob;
    tls_login_open(&alice, kit);
    tls_login_open(&bob, kit);
    assert_int_equal(tls_login_proof(&alice, &bob), TLS_PROOF_FOREIGN);
    assert_int_equal(tls_login_proof(&bob, &bob), TLS_PROOF_OWN);
    tls_login_fini(&alice);
    tls_login_fini(&bob);
}

static void tls_101_sec_15_anothers_session_is_foreign(void **state)
{
    (void)state;
    tls_kit_for_each_version(foreign);
}

struct directory {
    struct tls_binding *known[2];
    unsigned asked;
};

static struct tls_binding *find_in_directory(void *ctx, const struct tls_tag *tag)
{
    struct directory *directory = ctx;
    directory->asked++;
    for (size_t i = 0; i < ARRAY_LEN(directory->known); i++) {
        struct tls_binding *binding = directory->known[i];
        if (binding && memcmp(tls_binding_tag(binding)->bytes, tag->bytes, TLS_TAG_BYTES) == 0)
            return binding;
    }
    return NULL;
}

static void other(struct tls_kit *kit)
{
    struct tls_login alice, bob, carol;
    tls_login_open(&alice, kit);
    tls_login_open(&bob, kit);
    tls_login_open(&carol, kit);
    struct directory directory = {.known = {alice.binding}};
    tls_binding_allow_others(bob.binding, find_in_directory, &directory);
    assert_int_equal(tls_login_proof(&alice, &bob), TLS_PROOF_OTHER);
    assert_int_equal(tls_login_proof(&carol, &bob), TLS_PROOF_FOREIGN);
    assert_true(directory.asked >= 2);
    unsigned asked = directory.asked;
    assert_int_equal(tls_login_proof(&bob, &bob), TLS_PROOF_OWN);
    assert_int_equal(directory.asked, asked);
    tls_binding_allow_others(bob.binding, NULL, NULL);
    assert_int_equal(tls_login_proof(&alice, &bob), TLS_PROOF_FOREIGN);
    tls_login_fini(&alice);
    tls_login_fini(&bob);
    tls_login_fini(&carol);
}

static void tls_101_another_session_counts_where_it_is_allowed(void **state)
{
    (void)state;
    tls_kit_for_each_version(other);
}

static void dead(struct tls_kit *kit)
{
    struct tls_login alice, bob;
    tls_login_open(&alice, kit);
    tls_login_open(&bob, kit);
    struct directory directory = {.known = {NULL}};
    tls_binding_allow_others(bob.binding, find_in_directory, &directory);
    tls_engine_free(alice.control.server.engine);
    alice.control.server.engine = NULL;
    tls_binding_free(alice.binding);
    alice.binding = NULL;
    assert_int_equal(tls_login_proof(&alice, &bob), TLS_PROOF_FOREIGN);
    tls_login_fini(&alice);
    tls_login_fini(&bob);
}

/* SEC-65 */
static void tls_114_a_session_dies_with_its_control_connection(void **state)
{
    (void)state;
    tls_kit_for_each_version(dead);
}

static void none(struct tls_kit *kit)
{
    struct tls_login login, blank;
    tls_login_open(&login, kit);
    tls_login_init(&blank, kit); /* has no session yet */
    blank.trust = login.trust;
    assert_int_equal(tls_login_proof(&blank, &login), TLS_PROOF_NONE);
    tls_login_fini(&blank);
    tls_login_fini(&login);
}

static void a_client_that_offers_nothing_proves_nothing(void **state)
{
    (void)state;
    tls_kit_for_each_version(none);
}

/* ---- a client made of OpenSSL ---- */

/* A copy of `session` with bytes of its ticket replaced. */
static SSL_SESSION *with_ticket(const SSL_SESSION *session, size_t at, const void *bytes,
                                size_t len)
{
    const unsigned char *ticket = NULL;
    size_t ticket_len = 0;
    SSL_SESSION_get0_ticket(session, &ticket, &ticket_len);
    assert_true(at + len <= ticket_len);
    unsigned char *der = NULL;
    int der_len = i2d_SSL_SESSION(session, &der);
    assert_true(der_len > 0);
    unsigned char *inside = memmem(der, (size_t)der_len, ticket, ticket_len);
    assert_non_null(inside);
    memcpy(inside + at, bytes, len);
    const unsigned char *next = der;
    SSL_SESSION *changed = d2i_SSL_SESSION(NULL, &next, der_len);
    assert_non_null(changed);
    OPENSSL_free(der);
    return changed;
}

static void damaged(struct tls_kit *kit)
{
    static const struct {
        size_t at;
        enum tls_proof proof;
    } cases[] = {
        {0, TLS_PROOF_FOREIGN}, /* in the tag */
        {15, TLS_PROOF_FOREIGN},
        {16, TLS_PROOF_STALE}, /* in the initial vector */
        {40, TLS_PROOF_STALE}, /* in what is sealed */
    };
    struct tls_login login;
    SSL_SESSION *session = NULL;
    tls_login_open(&login, kit);
    raw_connection(&login, false, (struct raw_kind){0}, NULL, &session);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const unsigned char *ticket = NULL;
        size_t len = 0;
        SSL_SESSION_get0_ticket(session, &ticket, &len);
        unsigned char changed = ticket[cases[i].at] ^ 1;
        SSL_SESSION *bad = with_ticket(session, cases[i].at, &changed, 1);
        assert_int_equal(raw_connection(&login, true, (struct raw_kind){0}, bad, NULL),
                         cases[i].proof);
        SSL_SESSION_free(bad);
    }
    assert_int_equal(raw_connection(&login, true, (struct raw_kind){0}, session, NULL),
                     TLS_PROOF_OWN);
    SSL_SESSION_free(session);
    tls_login_fini(&login);
}

static void a_damaged_ticket_is_stale_or_foreign(void **state)
{
    (void)state;
    tls_kit_for_each_version(damaged);
}

/* one-port.md, "Attacks tried": the tag travels in the clear. */
static void stolen_tag(struct tls_kit *kit)
{
    struct tls_login victim, thief;
    SSL_SESSION *session = NULL;
    tls_login_open(&victim, kit);
    tls_login_open(&thief, kit);
    raw_connection(&thief, false, (struct raw_kind){0}, NULL, &session);
    SSL_SESSION *forged =
        with_ticket(session, 0, tls_binding_tag(victim.binding)->bytes, TLS_TAG_BYTES);
    assert_int_equal(raw_connection(&victim, true, (struct raw_kind){0}, forged, NULL),
                     TLS_PROOF_STALE);
    assert_int_equal(tls_login_proof(&victim, &victim), TLS_PROOF_OWN);
    SSL_SESSION_free(forged);
    SSL_SESSION_free(session);
    tls_login_fini(&victim);
    tls_login_fini(&thief);
}

static void a_stolen_tag_proves_nothing(void **state)
{
    (void)state;
    tls_kit_for_each_version(stolen_tag);
}

/* ---- TLS 1.2 by session id ---- */

/* Runs `body` on TLS 1.2 only servers, with clients that stop at TLS 1.2 and those that would go
 * on. */
static void for_each_hello(void (*body)(struct tls_kit *kit, struct raw_kind kind))
{
    for (int modern = 0; modern < 2; modern++) {
        struct tls_kit kit;
        tls_kit_open(&kit, &(struct tls_kit_options){.max = TLS_VERSION_1_2});
        body(&kit, (struct raw_kind){.ids_only = true, .modern_hello = modern});
        tls_kit_close(&kit);
    }
}

static void id_only(struct tls_kit *kit, struct raw_kind kind)
{
    struct tls_login alice, bob;
    SSL_SESSION *session = NULL;
    tls_login_open(&alice, kit);
    tls_login_open(&bob, kit);
    raw_connection(&alice, false, kind, NULL, &session);

    unsigned len = 0;
    const unsigned char *id = SSL_SESSION_get_id(session, &len);
    assert_int_equal(SSL_SESSION_has_ticket(session), 0);
    assert_int_equal(len, 32);
    assert_memory_equal(id, tls_binding_tag(alice.binding)->bytes, TLS_TAG_BYTES);

    for (int i = 0; i < 50; i++)
        assert_int_equal(raw_connection(&alice, true, kind, session, NULL), TLS_PROOF_OWN);
    assert_int_equal(raw_connection(&bob, true, kind, session, NULL), TLS_PROOF_FOREIGN);
    struct directory directory = {.known = {alice.binding}};
    tls_binding_allow_others(bob.binding, find_in_directory, &directory);
    assert_int_equal(raw_connection(&bob, true, kind, session, NULL), TLS_PROOF_OTHER);

    directory.known[0] = NULL;
    tls_login_fini(&alice);
    assert_int_equal(raw_connection(&bob, true, kind, session, NULL), TLS_PROOF_FOREIGN);
    assert_int_equal(raw_connection(&bob, true, kind, NULL, NULL), TLS_PROOF_NONE);
    SSL_SESSION_free(session);
    tls_login_fini(&bob);
}

static void tls_104_a_session_id_is_as_good_as_a_ticket(void **state)
{
    (void)state;
    for_each_hello(id_only);
}

/* The id travels in the clear; the secret does not. */
static void stolen_id(struct tls_kit *kit, struct raw_kind kind)
{
    struct tls_login login, other;
    SSL_SESSION *session = NULL;
    tls_login_open(&login, kit);
    tls_login_init(&other, kit);
    raw_connection(&login, false, kind, NULL, &session);
    unsigned len = 0;
    const unsigned char *id = SSL_SESSION_get_id(session, &len);
    SSL_SESSION *thief = NULL;
    raw_connection(&other, false, kind, NULL, &thief);
    assert_int_equal(SSL_SESSION_set1_id(thief, id, len), 1);
    struct tls_end server;
    struct raw_peer client;
    SSL_CTX *context = raw_client_context();
    tls_login_server_end(&login, true, &server);
    raw_peer_init(&client, context, &server);
    SSL_set_options(client.ssl, SSL_OP_NO_TICKET);
    assert_int_equal(SSL_set_session(client.ssl, thief), 1);
    raw_peer_run(&client);
    assert_false(server.open);
    assert_int_equal(tls_engine_proof(server.engine), TLS_PROOF_NONE);
    raw_peer_fini(&client);
    tls_end_fini(&server);
    SSL_CTX_free(context);

    /* It did the session no harm. */
    assert_int_equal(raw_connection(&login, true, kind, session, NULL), TLS_PROOF_OWN);
    SSL_SESSION_free(thief);
    SSL_SESSION_free(session);
    tls_login_fini(&other);
    tls_login_fini(&login);
}

static void an_id_without_its_secret_proves_nothing(void **state)
{
    (void)state;
    for_each_hello(stolen_id);
}

static void tls_1_3_noise_in_the_session_id_is_no_offer(void **state)
{
    (void)state;
    struct tls_kit kit;
    struct tls_login login;
    tls_kit_open(&kit, &(struct tls_kit_options){.max = TLS_VERSION_1_2});
    tls_login_open(&login, &kit);
    const struct raw_kind kinds[] = {{.modern_hello = true},
                                     {.modern_hello = true, .ids_only = true}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_int_equal(raw_connection(&login, true, kinds[i], NULL, NULL), TLS_PROOF_NONE);
    tls_login_fini(&login);
    tls_kit_close(&kit);
}

/* ---- control connections never resume ---- */

static void control_by_ticket(struct tls_kit *kit)
{
    struct tls_login alice, bob;
    SSL_SESSION *session = NULL, *again = NULL;
    tls_login_open(&alice, kit);
    tls_login_open(&bob, kit);
    raw_connection(&alice, false, (struct raw_kind){0}, NULL, &session);
    /* raw_connection sees to it that nothing was resumed where nothing was proved. */
    assert_int_equal(raw_connection(&alice, false, (struct raw_kind){0}, session, NULL),
                     TLS_PROOF_NONE);
    assert_int_equal(raw_connection(&bob, false, (struct raw_kind){0}, session, &again),
                     TLS_PROOF_NONE);
    /* What it got is bound to where it got it. */
    assert_int_equal(raw_connection(&bob, true, (struct raw_kind){0}, again, NULL), TLS_PROOF_OWN);
    assert_int_equal(raw_connection(&alice, true, (struct raw_kind){0}, again, NULL),
                     TLS_PROOF_FOREIGN);
    SSL_SESSION_free(session);
    SSL_SESSION_free(again);
    tls_login_fini(&alice);
    tls_login_fini(&bob);
}

static void tls_101_a_ticket_resumes_no_control_connection(void **state)
{
    (void)state;
    tls_kit_for_each_version(control_by_ticket);
}

static void control_by_id(struct tls_kit *kit, struct raw_kind kind)
{
    struct tls_login alice, bob;
    SSL_SESSION *first = NULL, *second = NULL, *third = NULL;
    tls_login_open(&alice, kit);
    tls_login_open(&bob, kit);
    raw_connection(&alice, false, kind, NULL, &first);
    assert_int_equal(raw_connection(&bob, false, kind, first, &second), TLS_PROOF_NONE);
    assert_int_equal(raw_connection(&bob, true, kind, second, NULL), TLS_PROOF_OWN);
    assert_int_equal(raw_connection(&alice, true, kind, first, NULL), TLS_PROOF_OWN);

    /* Not on the same control connection either, where a client may do it after REIN; the id of
     * before is then stale. */
    assert_int_equal(raw_connection(&alice, false, kind, first, &third), TLS_PROOF_NONE);
    assert_int_equal(raw_connection(&alice, true, kind, third, NULL), TLS_PROOF_OWN);
    assert_int_equal(raw_connection(&alice, true, kind, first, NULL), TLS_PROOF_STALE);
    SSL_SESSION_free(first);
    SSL_SESSION_free(second);
    SSL_SESSION_free(third);
    tls_login_fini(&alice);
    tls_login_fini(&bob);
}

static void tls_101_a_session_id_resumes_no_control_connection(void **state)
{
    (void)state;
    for_each_hello(control_by_id);
}

/* ---- the reasons in words ---- */

static void every_proof_has_words(void **state)
{
    (void)state;
    for (enum tls_proof proof = TLS_PROOF_NONE; proof <= TLS_PROOF_STALE; proof++)
        assert_string_not_equal(tls_proof_words(proof), "");
    assert_string_equal(tls_proof_words(TLS_PROOF_NONE), "no TLS session was offered");
}

static void tags_differ(void **state)
{
    (void)state;
    struct tls_master *master = tls_master_new();
    struct tls_binding *a = tls_binding_new(master);
    struct tls_binding *b = tls_binding_new(master);
    assert_memory_not_equal(tls_binding_tag(a)->bytes, tls_binding_tag(b)->bytes, TLS_TAG_BYTES);
    tls_binding_free(a);
    tls_binding_free(b);
    tls_master_free(master);
}

static enum ferry_error make_binding(void *ctx)
{
    (void)ctx;
    struct tls_master *master = tls_master_new();
    struct tls_binding *binding = master ? tls_binding_new(master) : NULL;
    bool made = binding != NULL;
    tls_binding_free(binding);
    tls_master_free(master);
    return made ? FERRY_OK : FERRY_E_MEMORY;
}

static void short_memory_is_reported(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(make_binding, NULL, 10), 2);
    tls_binding_free(NULL);
    tls_master_free(NULL);
    tls_sessions_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_101_own_session_is_proof),
        cmocka_unit_test(tls_101_sec_15_anothers_session_is_foreign),
        cmocka_unit_test(tls_101_another_session_counts_where_it_is_allowed),
        cmocka_unit_test(tls_114_a_session_dies_with_its_control_connection),
        cmocka_unit_test(a_client_that_offers_nothing_proves_nothing),
        cmocka_unit_test(a_damaged_ticket_is_stale_or_foreign),
        cmocka_unit_test(a_stolen_tag_proves_nothing),
        cmocka_unit_test(tls_104_a_session_id_is_as_good_as_a_ticket),
        cmocka_unit_test(an_id_without_its_secret_proves_nothing),
        cmocka_unit_test(tls_1_3_noise_in_the_session_id_is_no_offer),
        cmocka_unit_test(tls_101_a_ticket_resumes_no_control_connection),
        cmocka_unit_test(tls_101_a_session_id_resumes_no_control_connection),
        cmocka_unit_test(every_proof_has_words),
        cmocka_unit_test(tags_differ),
        cmocka_unit_test(short_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
