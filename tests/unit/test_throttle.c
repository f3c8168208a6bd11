/* Failed logins: delays that grow, locks that pass, bans that end; bounded memory that outlives the
 * process. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "ferryd/auth/throttle.h"

static const struct throttle_settings settings = {
    .kept_ns = 600 * CLOCK_NS_PER_S,
    .ban_after = 20,
    .ban_ns = 900 * CLOCK_NS_PER_S,
};

static struct shelf shelf;

/* Nothing was noted yet. */
static void begin(struct throttle *throttle, const struct throttle_settings *by)
{
    struct fault fault = {0};
    assert_int_equal(shelf_open(&shelf, -1, &fault), FERRY_OK);
    throttle_init(throttle, by, &shelf);
}

static struct address from(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(text, 4711, &address), FERRY_OK);
    return address;
}

/* Fails `count` times at `now_ns`; returns the last delay. */
static uint64_t fail_from(struct throttle *throttle, const char *peer, unsigned count,
                          uint64_t now_ns)
{
    struct address address = from(peer);
    uint64_t delay_ns = 0;
    bool banned;
    for (unsigned i = 0; i < count; i++)
        delay_ns = throttle_failed(throttle, &address, now_ns, &banned);
    return delay_ns;
}

static void delays_double_up_to_the_most(void **state)
{
    (void)state;
    static const uint64_t delays_ms[] = {0, 0, 0, 500, 1000, 2000, 4000, 8000, 16000, 16000, 16000};
    struct throttle throttle;
    begin(&throttle, &settings);
    for (size_t i = 0; i < ARRAY_LEN(delays_ms); i++)
        assert_int_equal(fail_from(&throttle, "192.0.2.1", 1, 1), delays_ms[i] * CLOCK_NS_PER_MS);
    assert_int_equal(fail_from(&throttle, "192.0.2.2", 1, 1), 0); /* another one */
    shelf_close(&shelf);
}

static void quiet_heals(void **state)
{
    (void)state;
    struct throttle throttle;
    begin(&throttle, &settings);
    assert_true(fail_from(&throttle, "192.0.2.1", 10, 1) > 0);
    assert_true(fail_from(&throttle, "192.0.2.1", 1, settings.kept_ns) > 0);
    assert_int_equal(fail_from(&throttle, "192.0.2.1", 1, 2 * settings.kept_ns), 0);
    shelf_close(&shelf);
}

static void a_ban_ends(void **state)
{
    (void)state;
    struct throttle throttle;
    struct address peer = from("192.0.2.1");
    bool banned;
    begin(&throttle, &settings);
    fail_from(&throttle, "192.0.2.1", 18, 5);
    throttle_failed(&throttle, &peer, 5, &banned);
    assert_false(banned);
    assert_int_equal(throttle_banned_until(&throttle, &peer, 5), 0);
    throttle_failed(&throttle, &peer, 6, &banned);
    assert_true(banned);
    uint64_t until_ns = 6 + settings.ban_ns;
    assert_int_equal(throttle_banned_until(&throttle, &peer, 7), until_ns);
    throttle_failed(&throttle, &peer, 8, &banned); /* one that was under way: it is no longer */
    assert_false(banned);
    assert_int_equal(throttle_banned_until(&throttle, &peer, until_ns - 1), until_ns);
    assert_int_equal(throttle_banned_until(&throttle, &peer, until_ns), 0);
    assert_int_equal(fail_from(&throttle, "192.0.2.1", 1, until_ns), 0); /* all is forgotten */
    shelf_close(&shelf);
}

static void no_bans(void **state)
{
    (void)state;
    struct throttle_settings never = settings;
    struct throttle throttle;
    struct address peer = from("192.0.2.1");
    never.ban_after = 0;
    begin(&throttle, &never);
    fail_from(&throttle, "192.0.2.1", 1000, 1);
    assert_int_equal(throttle_banned_until(&throttle, &peer, 1), 0);
    shelf_close(&shelf);
}

/* One subscriber has 2^64 addresses of IPv6. */
static void who_is_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},          {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},   {"2001:db8::1", "2001:db8::ffff:2", true},
        {"2001:db8::1", "2001:db8:0:1::1", false}, {"c000:201::", "192.0.2.1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct throttle throttle;
        struct address b = from(rows[i].b);
        begin(&throttle, &settings);
        fail_from(&throttle, rows[i].a, 20, 1);
        assert_int_equal(throttle_banned_until(&throttle, &b, 1) > 0, rows[i].same);
        shelf_close(&shelf);
    }
}

/* A ban is the last thing that is forgotten, and that a pair has logged in the last but one. */
static void a_flood_of_addresses_forgets_no_ban(void **state)
{
    (void)state;
    struct throttle throttle;
    struct address banned = from("192.0.2.1");
    char text[32];
    begin(&throttle, &settings);
    fail_from(&throttle, "192.0.2.1", 20, 1);
    for (unsigned i = 0; i < 2 * SHELF_SLOTS; i++) {
        snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
        fail_from(&throttle, text, 1, 2 + i);
    }
    assert_true(throttle_banned_until(&throttle, &banned, 5) > 0);
    assert_true(fail_from(&throttle, text, 3, 2 + 2 * SHELF_SLOTS) > 0);
    shelf_close(&shelf);
}

/* ---- locks ---- */

static const struct throttle_settings of_five = {
    .failures = 5,
    .failures_ns = 100 * CLOCK_NS_PER_S,
};

/* How many of `most` tries are let through. */
static int count_tries(struct throttle *throttle, const char *peer, const char *account, int most,
                       uint64_t now_ns)
{
    struct address address = from(peer);
    int count = 0;
    while (count < most && throttle_try(throttle, &address, bytes_str(account), now_ns))
        count++;
    return count;
}

static void log_in(struct throttle *throttle, const char *peer, const char *account,
                   uint64_t now_ns)
{
    struct address address = from(peer);
    assert_int_equal(count_tries(throttle, peer, account, 1, now_ns), 1);
    throttle_undo(throttle, &address, bytes_str(account), true, now_ns);
}

static const uint64_t S = CLOCK_NS_PER_S;
static const uint64_t T = 1000 * CLOCK_NS_PER_S;

static void sec_50_a_pair_is_locked_and_nobody_else(void **state)
{
    (void)state;
    struct throttle throttle;
    begin(&throttle, &of_five);
    assert_int_equal(count_tries(&throttle, "192.0.2.1", "anna", 100, T), 5);
    assert_int_equal(count_tries(&throttle, "192.0.2.2", "anna", 1, T), 1);
    assert_int_equal(count_tries(&throttle, "192.0.2.1", "bert", 1, T), 1);
    assert_int_equal(count_tries(&throttle, "192.0.2.1", "anna", 100, T + 20 * S), 1);
    assert_int_equal(count_tries(&throttle, "192.0.2.1", "anna", 100, 2 * T), 5);
    /* The wall clock was set back by years: nobody waits for years. */
    assert_int_equal(count_tries(&throttle, "192.0.2.1", "anna", 100, 1), 5);
    shelf_close(&shelf);
}

static void sec_50_right_passwords_do_not_count(void **state)
{
    (void)state;
    struct throttle throttle;
    begin(&throttle, &of_five);
    for (int i = 0; i < 200; i++)
        log_in(&throttle, "192.0.2.1", "anna", T);
    assert_int_equal(count_tries(&throttle, "192.0.2.1", "anna", 100, T), 5);
    shelf_close(&shelf);
}

static void sec_50_an_address_that_guesses_names_is_locked(void **state)
{
    (void)state;
    struct throttle throttle;
    int count = 0;
    begin(&throttle, &of_five);
    log_in(&throttle, "192.0.2.1", "anna", T);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof(name), "guess-%d", i);
        count += count_tries(&throttle, "192.0.2.1", name, 1, T);
    }
    assert_int_equal(count, 20);
    /* Who logged in from there before still may. */
    log_in(&throttle, "192.0.2.1", "anna", T);
    assert_int_equal(count_tries(&throttle, "192.0.2.1", "guess-again", 1, T), 0);
    shelf_close(&shelf);
}

static void sec_50_others_cannot_lock_a_user_out(void **state)
{
    (void)state;
    struct throttle throttle;
    int count = 0;
    begin(&throttle, &of_five);
    log_in(&throttle, "192.0.2.1", "anna", T);
    for (int i = 0; i < 100; i++) {
        char peer[ADDRESS_TEXT_BYTES];
        snprintf(peer, sizeof(peer), "198.51.100.%d", i);
        count += count_tries(&throttle, peer, "anna", 2, T);
    }
    assert_int_equal(count, 80);
    log_in(&throttle, "192.0.2.1", "anna", T);
    assert_int_equal(count_tries(&throttle, "203.0.113.1", "anna", 1, T), 0);
    shelf_close(&shelf);
}

static void sec_50_no_limit_is_none(void **state)
{
    (void)state;
    struct throttle throttle;
    begin(&throttle, &settings);
    assert_int_equal(count_tries(&throttle, "192.0.2.1", "anna", 1000, T), 1000);
    shelf_close(&shelf);
}

/* ---- bans by hand, and after a death ---- */

struct listed {
    unsigned count;
    struct throttle_ban last;
};

static void note(void *ctx, const struct throttle_ban *ban)
{
    struct listed *listed = ctx;
    listed->count++;
    listed->last = *ban;
}

static struct listed list(struct throttle *throttle, uint64_t now_ns)
{
    struct listed listed = {0};
    throttle_bans(throttle, now_ns, note, &listed);
    return listed;
}

static void bans_by_hand(void **state)
{
    (void)state;
    struct throttle throttle;
    struct address peer = from("192.0.2.1"), other = from("192.0.2.2");
    char text[ADDRESS_TEXT_BYTES];
    begin(&throttle, &settings);
    assert_false(throttle_unban(&throttle, &peer, 1));
    throttle_ban(&throttle, &peer, T, 1);
    assert_int_equal(throttle_banned_until(&throttle, &peer, 2), T);
    assert_int_equal(throttle_banned_until(&throttle, &other, 2), 0);
    struct listed listed = list(&throttle, 2);
    address_text(&listed.last.peer, text);
    assert_int_equal(listed.count, 1);
    assert_string_equal(text, "192.0.2.1");
    assert_true(listed.last.by_hand && listed.last.until_ns == T);
    assert_true(throttle_unban(&throttle, &peer, 3));
    assert_int_equal(throttle_banned_until(&throttle, &peer, 3), 0);
    assert_int_equal(list(&throttle, 3).count, 0);
    /* One that came of failures is forgotten with them. */
    fail_from(&throttle, "192.0.2.2", 20, 4);
    assert_false(list(&throttle, 5).last.by_hand);
    assert_true(throttle_unban(&throttle, &other, 5));
    assert_int_equal(fail_from(&throttle, "192.0.2.2", 1, 6), 0);
    shelf_close(&shelf);
}

/* The next auth finds what the one before it left, also while that one still runs. */
static void a_shelf_outlives_its_user(void **state)
{
    (void)state;
    struct throttle first, second;
    struct shelf other;
    struct fault fault = {0};
    struct address peer = from("192.0.2.1");
    int fd = memfd_create("bans", MFD_CLOEXEC);
    assert_int_equal(shelf_open(&shelf, dup(fd), &fault), FERRY_OK);
    throttle_init(&first, &settings, &shelf);
    fail_from(&first, "192.0.2.1", 19, 1);
    assert_int_equal(shelf_open(&other, dup(fd), &fault), FERRY_OK);
    assert_int_equal(shelf_seed(&other), shelf_seed(&shelf));
    throttle_init(&second, &settings, &other);
    fail_from(&second, "192.0.2.1", 1, 2);
    assert_true(throttle_banned_until(&first, &peer, 3) > 0);
    shelf_close(&shelf);
    assert_true(throttle_banned_until(&second, &peer, 3) > 0);
    shelf_close(&other);
    close(fd);
}

/* What is no shelf becomes an empty one. */
static void garbage_is_no_shelf(void **state)
{
    (void)state;
    struct throttle throttle;
    struct fault fault = {0};
    struct address peer = from("192.0.2.1");
    int fd = memfd_create("bans", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 8 * 1024 * 1024), 0);
    assert_int_equal(pwrite(fd, "ferry shelf 0", 13, 0), 13);
    assert_int_equal(shelf_open(&shelf, fd, &fault), FERRY_OK);
    throttle_init(&throttle, &settings, &shelf);
    assert_int_equal(throttle_banned_until(&throttle, &peer, 1), 0);
    fail_from(&throttle, "192.0.2.1", 20, 1);
    assert_true(throttle_banned_until(&throttle, &peer, 1) > 0);
    shelf_close(&shelf);
}

/* A file that cannot be written is told of. */
static void a_shelf_that_cannot_be(void **state)
{
    (void)state;
    struct fault fault = {0};
    assert_int_equal(shelf_open(&shelf, open("/dev/null", O_RDONLY | O_CLOEXEC), &fault),
                     FERRY_E_FILE);
    assert_true(fault_is_set(&fault));
    shelf_close(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_double_up_to_the_most),
        cmocka_unit_test(quiet_heals),
        cmocka_unit_test(a_ban_ends),
        cmocka_unit_test(no_bans),
        cmocka_unit_test(who_is_the_same),
        cmocka_unit_test(a_flood_of_addresses_forgets_no_ban),
        cmocka_unit_test(sec_50_a_pair_is_locked_and_nobody_else),
        cmocka_unit_test(sec_50_right_passwords_do_not_count),
        cmocka_unit_test(sec_50_an_address_that_guesses_names_is_locked),
        cmocka_unit_test(sec_50_others_cannot_lock_a_user_out),
        cmocka_unit_test(sec_50_no_limit_is_none),
        cmocka_unit_test(bans_by_hand),
        cmocka_unit_test(a_shelf_outlives_its_user),
        cmocka_unit_test(garbage_is_no_shelf),
        cmocka_unit_test(a_shelf_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
