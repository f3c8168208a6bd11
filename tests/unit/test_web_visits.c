/* Logins of the operator's page: cookies that end, a table that is bounded, guesses that wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <time.h>

#include <cmocka.h>

#include "account/password.h"
#include "base/alloc.h"
#include "ferryd/ops/web/signin.h"
#include "ferryd/ops/web/visits.h"

static struct visit *begin(struct visits *visits, uint64_t now_ns)
{
    struct visit *visit = NULL;
    assert_int_equal(visits_begin(visits, now_ns, &visit), FERRY_OK);
    return visit;
}

static const char *cookie_of(const struct visit *visit, char out[256])
{
    snprintf(out, 256, VISITS_COOKIE "=%s", secret_reveal(visit->cookie).ptr);
    return out;
}

static struct visit *find(struct visits *visits, const char *cookies, uint64_t now_ns)
{
    return visits_find(visits, bytes_str(cookies), now_ns, true);
}

static void a_cookie_is_known(void **state)
{
    (void)state;
    struct visits visits;
    char one[256], other[256], text[600];
    visits_init(&visits);
    struct visit *first = begin(&visits, 1), *second = begin(&visits, 1);
    cookie_of(first, one);
    cookie_of(second, other);
    assert_string_not_equal(one, other);
    assert_int_equal(strlen(one), strlen(VISITS_COOKIE "=") + 64);
    assert_ptr_equal(find(&visits, one, 2), first);
    snprintf(text, sizeof(text), "a=b;  %s ; c=d", other);
    assert_ptr_equal(find(&visits, text, 2), second);
    snprintf(text, sizeof(text), VISITS_COOKIE "=x; %s", other); /* of a neighbour, or old */
    assert_ptr_equal(find(&visits, text, 2), second);
    static const char *const wrong[] = {"", VISITS_COOKIE, VISITS_COOKIE "=", "x=y", ";;=;"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_null(find(&visits, wrong[i], 2));
    one[strlen(one) - 1] ^= 1;
    assert_null(find(&visits, one, 2));
    visits_fini(&visits);
}

static void the_token_is_another_secret(void **state)
{
    (void)state;
    struct visits visits;
    visits_init(&visits);
    struct visit *first = begin(&visits, 1), *second = begin(&visits, 1);
    assert_true(visit_sent(first, secret_reveal(first->token)));
    assert_false(visit_sent(first, secret_reveal(second->token)));
    assert_false(visit_sent(first, secret_reveal(first->cookie)));
    assert_false(visit_sent(first, (struct bytes){0}));
    visits_fini(&visits);
}

static void visits_end(void **state)
{
    (void)state;
    struct visits visits;
    char cookie[256];
    visits_init(&visits);
    cookie_of(begin(&visits, 1), cookie);
    assert_non_null(find(&visits, cookie, VISIT_IDLE_NS));
    assert_non_null(find(&visits, cookie, 2 * VISIT_IDLE_NS - 1)); /* was asked for in between */
    assert_null(find(&visits, cookie, 3 * VISIT_IDLE_NS));
    assert_null(find(&visits, cookie, 1)); /* it is gone for good */

    cookie_of(begin(&visits, 1), cookie);
    for (uint64_t now_ns = 1; now_ns <= VISIT_WHOLE_NS; now_ns += VISIT_IDLE_NS / 2)
        assert_non_null(find(&visits, cookie, now_ns));
    assert_null(find(&visits, cookie, 1 + VISIT_WHOLE_NS)); /* however busy it is */

    struct visit *visit = begin(&visits, 1);
    cookie_of(visit, cookie);
    visit_end(visit);
    assert_null(find(&visits, cookie, 2));
    visits_fini(&visits);
}

static void a_page_that_refreshes_itself_keeps_nothing_alive(void **state)
{
    (void)state;
    struct visits visits;
    char cookie[256];
    visits_init(&visits);
    cookie_of(begin(&visits, 1), cookie);
    assert_non_null(visits_find(&visits, bytes_str(cookie), VISIT_IDLE_NS - 1, false));
    assert_null(visits_find(&visits, bytes_str(cookie), VISIT_IDLE_NS + 1, false));
    visits_fini(&visits);
}

static void one_too_many_ends_the_idlest(void **state)
{
    (void)state;
    struct visits visits;
    char cookies[VISITS_MAX + 1][256];
    visits_init(&visits);
    for (uint64_t i = 0; i < VISITS_MAX; i++)
        cookie_of(begin(&visits, 1 + i), cookies[i]);
    assert_non_null(find(&visits, cookies[0], 100)); /* is busy */
    cookie_of(begin(&visits, 101), cookies[VISITS_MAX]);
    assert_non_null(find(&visits, cookies[0], 102));
    assert_null(find(&visits, cookies[1], 102));
    assert_non_null(find(&visits, cookies[VISITS_MAX], 102));
    visits_fini(&visits);
}

static void short_memory(void **state)
{
    (void)state;
    struct visits visits;
    visits_init(&visits);
    for (unsigned long nth = 1; nth < 6; nth++) {
        struct visit *visit = NULL;
        alloc_fail_from(nth);
        enum ferry_error error = visits_begin(&visits, 1, &visit);
        alloc_fail_from(0);
        assert_int_equal(error, FERRY_E_MEMORY);
    }
    visits_fini(&visits);
}

/* ---- passwords ---- */

struct desk {
    struct loop *loop;
    struct signin *signin;
    unsigned answers;
    bool right;
};

static void answer(void *ctx, bool right)
{
    struct desk *desk = ctx;
    desk->answers++;
    desk->right = right;
}

static enum ferry_error try(struct desk *desk, const char *user, const char *password,
                            uint64_t *wait_s)
{
    struct secret *secret;
    assert_int_equal(secret_new(bytes_str(password), &secret), FERRY_OK);
    return signin_try(desk->signin, bytes_str(user), secret, answer, desk, wait_s);
}

/* Whether they are let in. */
static bool enters(struct desk *desk, const char *user, const char *password)
{
    uint64_t wait_s;
    unsigned before = desk->answers;
    assert_int_equal(try(desk, user, password, &wait_s), FERRY_OK);
    while (desk->answers == before)
        loop_turn(desk->loop, true);
    return desk->right;
}

static int open_desk(void **state)
{
    static struct desk desk;
    char hash[PASSWORD_HASH_BYTES];
    desk = (struct desk){.loop = loop_new()};
    if (!desk.loop || password_hash(BYTES_LIT("secret"), hash) != FERRY_OK)
        return -1;
    desk.signin = signin_new(desk.loop, "operator", hash);
    *state = &desk;
    return desk.signin ? 0 : -1;
}

static int close_desk(void **state)
{
    struct desk *desk = *state;
    signin_free(desk->signin);
    loop_free(desk->loop);
    return 0;
}

static void who_is_let_in(void **state)
{
    assert_true(enters(*state, "operator", "secret"));
    assert_false(enters(*state, "operator", "Secret"));
    assert_false(enters(*state, "Operator", "secret"));
    assert_true(enters(*state, "operator", "secret"));
}

static void one_at_a_time(void **state)
{
    struct desk *desk = *state;
    uint64_t wait_s = 0;
    assert_int_equal(try(desk, "operator", "secret", &wait_s), FERRY_OK);
    assert_int_equal(try(desk, "operator", "secret", &wait_s), FERRY_E_LIMIT);
    assert_int_equal(wait_s, 1);
    while (desk->answers == 0)
        loop_turn(desk->loop, true);
    assert_true(desk->right && desk->answers == 1);
}

static void guesses_wait(void **state)
{
    struct desk *desk = *state;
    uint64_t wait_s = 0;
    for (unsigned i = 0; i < SIGNIN_FREE + 1; i++)
        assert_false(enters(desk, "operator", "guess"));
    assert_int_equal(try(desk, "operator", "secret", &wait_s), FERRY_E_LIMIT);
    assert_int_equal(wait_s, 1);
    uint64_t until_ns = loop_now_ns(desk->loop) + SIGNIN_STEP_NS;
    while (loop_now_ns(desk->loop) < until_ns) {
        struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
        nanosleep(&pause, NULL);
        loop_turn(desk->loop, false);
    }
    assert_true(enters(desk, "operator", "secret")); /* and all is forgotten */
    assert_false(enters(desk, "operator", "guess"));
    assert_true(enters(desk, "operator", "secret"));
}

static void what_is_computed_when_it_ends_is_dropped(void **state)
{
    struct desk *desk = *state;
    uint64_t wait_s;
    assert_int_equal(try(desk, "operator", "secret", &wait_s), FERRY_OK);
    signin_free(desk->signin);
    desk->signin = NULL;
    loop_free(desk->loop); /* waits for the job */
    desk->loop = NULL;
    assert_int_equal(desk->answers, 0);
}

#define DESK(test) cmocka_unit_test_setup_teardown(test, open_desk, close_desk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_is_known),
        cmocka_unit_test(the_token_is_another_secret),
        cmocka_unit_test(visits_end),
        cmocka_unit_test(a_page_that_refreshes_itself_keeps_nothing_alive),
        cmocka_unit_test(one_too_many_ends_the_idlest),
        cmocka_unit_test(short_memory),
        DESK(who_is_let_in),
        DESK(one_at_a_time),
        DESK(guesses_wait),
        DESK(what_is_computed_when_it_ends_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
