/* What the operator's page says of certificates and of stricter rules, and how long it may get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ferryd/ops/web/expiry.h"
#include "ferryd/ops/web/page.h"
#include "ferryd/ops/web/tighten.h"

#define DAY (INT64_C(24) * 3600 * (int64_t)CLOCK_NS_PER_S)

static void when_certificates_expire(void **unused)
{
    (void)unused;
    static const struct {
        int64_t before, after, now; /* days */
        enum expiry expiry;
        const char *words;
    } rows[] = {
        {0, 90, 10, EXPIRY_GOOD, "80 days left"},
        {0, 90, 59, EXPIRY_GOOD, "31 days left"},
        {0, 90, 61, EXPIRY_SOON, "29 days left"},
        {0, 90, 90, EXPIRY_OVER, "expired 0 s ago"},
        {0, 90, 95, EXPIRY_OVER, "expired 5 days ago"},
        {5, 90, 2, EXPIRY_EARLY, "valid only in 3 days"},
        {0, 6, 3, EXPIRY_GOOD, "3 days left"}, /* one that lives for days is renewed late */
        {0, 6, 5, EXPIRY_SOON, "24 h 00 min left"},
        {0, 9000, 8960, EXPIRY_GOOD, "40 days left"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char words[FORMAT_BYTES];
        const struct state_certificate row = {.not_before_ns = rows[i].before * DAY,
                                              .not_after_ns = rows[i].after * DAY};
        assert_int_equal(expiry_of(&row, rows[i].now * DAY), rows[i].expiry);
        assert_string_equal(expiry_words(&row, rows[i].now * DAY, words), rows[i].words);
    }
}

/* ---- rules ---- */

#define MODERN                                                                                     \
    {                                                                                              \
        "TLSv1.3", "TLS_AES_128_GCM_SHA256", "", ""                                                \
    }
#define STRONG                                                                                     \
    {                                                                                              \
        "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "", ""                                           \
    }
#define OLD                                                                                        \
    {                                                                                              \
        "TLSv1.2", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "", ""                                      \
    }
#define CLEAR                                                                                      \
    {                                                                                              \
        "", "", "", ""                                                                             \
    }

static const struct state_tls modern = MODERN, strong = STRONG, old = OLD, clear = CLEAR;

static void which_rules_break_what(void **unused)
{
    (void)unused;
    static const struct {
        struct tighten_use use;
        bool lacks[5]; /* of modern, default, plaintext, data_tls, data_resume */
    } rows[] = {
        {{.tls = &modern}, {false, false, false, false, false}},
        {{.tls = &strong}, {true, false, false, false, false}},
        {{.tls = &old}, {true, true, false, false, false}},
        {{.tls = &clear, .data_clear = 1}, {false, false, true, true, false}},
        {{.tls = &modern, .data_full = 1}, {false, false, false, false, true}},
    };
    assert_int_equal(tighten_rule_count, 5);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t rule = 0; rule < tighten_rule_count; rule++)
            assert_int_equal(tighten_rules[rule].lacks(&rows[i].use) != NULL, rows[i].lacks[rule]);
}

static void who_would_be_locked_out(void **unused)
{
    (void)unused;
    static const struct state_use uses[] = {
        {.account = "anna", .client = "a", .tls = STRONG, .sessions = 3, .last_ns = 1},
        {.account = "anna", .client = "b", .tls = STRONG, .sessions = 1, .last_ns = 2},
        {.account = "bert", .client = "b", .tls = OLD, .sessions = 1, .last_ns = 3},
        {.account = "carl", .client = "c", .tls = MODERN, .sessions = 1, .last_ns = 4},
        {.account = "", .client = "", .tls = OLD, .sessions = 1, .last_ns = 5},
    };
    static const struct state_session sessions[] = {
        {.account = "anna", .client = "a", .tls = STRONG, .logged_in = true},
        {.account = "anna", .client = "a", .tls = STRONG, .logged_in = true},
        {.account = "dora", .client = "d", .tls = STRONG, .logged_in = true},
        {.account = "nobody yet", .client = "e", .tls = OLD},
    };
    struct state state;
    struct tighten tighten;
    state_init(&state);
    for (size_t i = 0; i < ARRAY_LEN(uses); i++)
        assert_int_equal(state_add_use(&state, &uses[i]), FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(sessions); i++)
        assert_int_equal(state_add_session(&state, &sessions[i]), FERRY_OK);
    assert_int_equal(tighten_init(&tighten, &state), FERRY_OK);
    struct tighten_effect effect = tighten_effect_of(&tighten, &tighten_rules[0]);
    assert_int_equal(effect.accounts, 3);
    assert_int_equal(effect.clients, 3);
    assert_int_equal(effect.strangers, 1);
    assert_int_equal(tighten.count, 6); /* those of anna by a are one */
    assert_int_equal(tighten.uses[0].sessions, 5);
    assert_int_equal(tighten.uses[0].last_ns, 0); /* is connected */
    tighten_fini(&tighten);
    state_fini(&state);
}

/* ---- pages ---- */

static const char *const paths[] = {"/",         "/live",  "/accounts", "/certificates",
                                    "/failures", "/policy"};

static enum ferry_error render(const struct state *state, const char *path, struct buf *out)
{
    struct page page = {.state = state, .token = "t", .now_ns = 9 * DAY};
    return page_render(page_find(path), &page, out);
}

static void pages_of_nothing(void **unused)
{
    (void)unused;
    struct state state;
    struct buf out;
    state_init(&state);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        buf_init(&out, PAGE_MAX_BYTES);
        assert_int_equal(render(&state, paths[i], &out), FERRY_OK);
        buf_fini(&out);
    }
    assert_null(page_find("/login"));
    assert_null(page_find("/style"));
    state_fini(&state);
}

/* Thousands of sessions with the longest of names, all of which escapes make longer. */
static void pages_of_too_much(void **unused)
{
    (void)unused;
    static char path[4096], name[256];
    struct state state;
    memset(path, '<', sizeof(path) - 1);
    memset(name, '"', sizeof(name) - 1);
    state_init(&state);
    for (uint64_t i = 0; i < 3000; i++) {
        const struct state_session session = {.id = i,
                                              .account = name,
                                              .client = name,
                                              .path = path,
                                              .direction = "up",
                                              .peer = name,
                                              .tls = MODERN,
                                              .logged_in = true};
        assert_int_equal(state_add_session(&state, &session), FERRY_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct buf out;
        buf_init(&out, PAGE_MAX_BYTES);
        assert_int_equal(render(&state, paths[i], &out), FERRY_OK);
        buf_fini(&out);
    }
    state_fini(&state);
}

static void short_memory(void **unused)
{
    (void)unused;
    struct state state;
    state_init(&state);
    const struct state_session session = {.account = "a", .tls = MODERN, .logged_in = true};
    assert_int_equal(state_add_session(&state, &session), FERRY_OK);
    for (unsigned long nth = 1; nth < 60; nth += 7) {
        struct buf out;
        buf_init(&out, PAGE_MAX_BYTES);
        alloc_fail_from(nth);
        enum ferry_error error = render(&state, "/", &out);
        alloc_fail_from(0);
        assert_int_equal(error, FERRY_E_MEMORY);
        buf_fini(&out);
    }
    state_fini(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_certificates_expire), cmocka_unit_test(which_rules_break_what),
        cmocka_unit_test(who_would_be_locked_out),  cmocka_unit_test(pages_of_nothing),
        cmocka_unit_test(pages_of_too_much),        cmocka_unit_test(short_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
