/* A name that is looked up again and again. getaddrinfo is the test's own. */
#include "net/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/alloc_fail.h"
#include "support/net_kit.h"

/* ---- names ---- */

/* What every name has now: numeric addresses with blanks between them; "": it cannot be found. */
static const char *answer = "";
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void answer_with(const char *addresses)
{
    pthread_mutex_lock(&lock);
    answer = addresses;
    pthread_mutex_unlock(&lock);
}

static struct addrinfo *info_of(struct bytes word)
{
    char text[ADDRESS_TEXT_BYTES] = "";
    struct address address;
    struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(address.storage));
    memcpy(text, word.ptr, word.len);
    if (!info || address_parse(text, 0, &address) != FERRY_OK)
        abort();
    info->ai_family = address.storage.ss_family;
    info->ai_socktype = SOCK_STREAM;
    info->ai_addrlen = address.len;
    info->ai_addr = (struct sockaddr *)(void *)(info + 1);
    memcpy(info->ai_addr, &address.storage, address.len);
    return info;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    (void)name;
    (void)service;
    (void)hints;
    pthread_mutex_lock(&lock);
    struct bytes rest = bytes_str(answer);
    pthread_mutex_unlock(&lock);
    *out = NULL;
    struct addrinfo **end = out;
    while (rest.len > 0) {
        *end = info_of(bytes_cut(&rest, ' '));
        end = &(*end)->ai_next;
    }
    return *out ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

/* ---- look-ups ---- */

struct watcher {
    struct resolve *resolve;
    unsigned answers, failures;
    char error[100];
    bool frees;
};

static void looked_up(void *ctx, const char *error)
{
    struct watcher *watcher = ctx;
    if (error) {
        watcher->failures++;
        snprintf(watcher->error, sizeof(watcher->error), "%s", error);
    } else {
        watcher->answers++;
    }
    if (watcher->frees) {
        resolve_free(watcher->resolve);
        watcher->resolve = NULL;
    }
}

static void watch(struct watcher *watcher, struct net_kit *kit, const char *name, uint64_t every_ns)
{
    *watcher = (struct watcher){.frees = false};
    watcher->resolve = resolve_new(kit->loop, NULL, name, every_ns, looked_up, watcher);
    assert_non_null(watcher->resolve);
    assert_null(resolve_address(watcher->resolve));
}

/* Waits for a look-up that began after now. */
static void next_answer(struct watcher *watcher, struct net_kit *kit)
{
    unsigned before = watcher->answers + watcher->failures;
    NET_UNTIL(kit, watcher->answers + watcher->failures >= before + 2);
}

static void assert_address(const struct watcher *watcher, const char *expected)
{
    char text[ADDRESS_TEXT_BYTES];
    const struct address *address = resolve_address(watcher->resolve);
    assert_non_null(address);
    address_text(address, text);
    assert_string_equal(text, expected);
    assert_int_equal(address_port(address), 0);
}

static void tls_151_a_name_is_looked_up_again(void **state)
{
    struct net_kit *kit = *state;
    struct watcher watcher;
    answer_with("192.0.2.1");
    watch(&watcher, kit, "host.test", CLOCK_NS_PER_MS);
    NET_UNTIL(kit, watcher.answers > 0);
    assert_address(&watcher, "192.0.2.1");
    answer_with("192.0.2.2");
    next_answer(&watcher, kit);
    assert_address(&watcher, "192.0.2.2");
    resolve_free(watcher.resolve);
}

static void tls_151_the_old_answer_stays_when_there_is_no_new_one(void **state)
{
    struct net_kit *kit = *state;
    static const char *const none[] = {"", "2001:db8::1"};
    struct watcher watcher;
    answer_with("192.0.2.1");
    watch(&watcher, kit, "host.test", CLOCK_NS_PER_MS);
    NET_UNTIL(kit, watcher.answers > 0);
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        answer_with(none[i]);
        next_answer(&watcher, kit);
        assert_true(watcher.failures > 0);
        assert_address(&watcher, "192.0.2.1");
    }
    assert_string_equal(watcher.error, "the name has no IPv4 address");
    answer_with("192.0.2.3");
    next_answer(&watcher, kit);
    assert_address(&watcher, "192.0.2.3");
    resolve_free(watcher.resolve);
}

static void of_several_the_one_in_use_is_kept(void **state)
{
    struct net_kit *kit = *state;
    struct watcher watcher;
    answer_with("2001:db8::1 192.0.2.1 192.0.2.2");
    watch(&watcher, kit, "host.test", CLOCK_NS_PER_MS);
    NET_UNTIL(kit, watcher.answers > 0);
    assert_address(&watcher, "192.0.2.1");
    answer_with("192.0.2.2 192.0.2.1");
    next_answer(&watcher, kit);
    assert_address(&watcher, "192.0.2.1");
    answer_with("192.0.2.2 192.0.2.3");
    next_answer(&watcher, kit);
    assert_address(&watcher, "192.0.2.2");
    resolve_free(watcher.resolve);
}

/* After an answer it rests for as long as was said, after a failure for ten seconds at most. */
static void a_failure_is_tried_again_soon(void **state)
{
    struct net_kit *kit = *state;
    struct watcher watcher;
    loop_timer_at(kit->limit, CLOCK_NEVER); /* else it is the next timer */
    answer_with("192.0.2.1");
    watch(&watcher, kit, "host.test", 3600 * CLOCK_NS_PER_S);
    while (watcher.answers == 0)
        loop_turn(kit->loop, true);
    assert_in_range(loop_timeout_ms(kit->loop), 3500 * 1000, 3600 * 1000);
    resolve_free(watcher.resolve);

    static const char *const names[] = {
        "nowhere.test",
        "a-label-that-is-longer-than-sixty-three-bytes-is-part-of-no-name-at-all.test",
    };
    answer_with("");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        watch(&watcher, kit, names[i], 3600 * CLOCK_NS_PER_S);
        while (watcher.failures == 0)
            loop_turn(kit->loop, true);
        assert_in_range(loop_timeout_ms(kit->loop), 1, 10 * 1000);
        resolve_free(watcher.resolve);
    }
}

static void it_may_be_freed_by_its_event_and_before(void **state)
{
    struct net_kit *kit = *state;
    struct watcher watcher;
    answer_with("192.0.2.1");
    watch(&watcher, kit, "host.test", CLOCK_NS_PER_MS);
    watcher.frees = true;
    NET_UNTIL(kit, watcher.answers > 0);
    assert_null(watcher.resolve);

    watch(&watcher, kit, "host.test", CLOCK_NS_PER_MS);
    net_kit_turn(kit);
    resolve_free(watcher.resolve);
    assert_true(watcher.answers <= 1);
}

/* ---- another source of names ---- */

struct source {
    enum ferry_error error; /* of the next look-up's beginning */
    unsigned begun, cancelled;
    names_fn *fn; /* of the look-up that waits */
    void *ctx;
};

static enum ferry_error source_begin(void *source, const char *host, names_fn *fn, void *ctx,
                                     void **out)
{
    struct source *self = source;
    assert_string_equal(host, "host.test");
    self->begun++;
    self->fn = fn;
    self->ctx = ctx;
    if (self->error == FERRY_OK)
        *out = self;
    return self->error;
}

static void source_cancel(void *lookup)
{
    struct source *self = lookup;
    self->cancelled++;
}

static void tls_151_another_source_of_names_is_asked(void **state)
{
    static const struct names_ops ops = {.begin = source_begin, .cancel = source_cancel};
    static const struct {
        enum ferry_error error;
        const char *words;
    } failures[] = {
        {FERRY_E_MEMORY, "memory is short"},
        {FERRY_E_ARGUMENT, "it is not a host name"},
        {FERRY_E_LOST, "who looks names up is not there"},
    };
    struct net_kit *kit = *state;
    struct source source = {.error = FERRY_OK};
    const struct names names = {&ops, &source};
    const struct in_addr found = {.s_addr = htonl(0xc0000209)};
    struct watcher watcher = {.frees = false};
    answer_with("192.0.2.1");
    watcher.resolve =
        resolve_new(kit->loop, &names, "host.test", CLOCK_NS_PER_MS, looked_up, &watcher);
    NET_UNTIL(kit, source.begun == 1);
    source.fn(source.ctx, &found, 1, NULL);
    assert_int_equal(watcher.answers, 1);
    assert_address(&watcher, "192.0.2.9");
    for (unsigned i = 0; i < ARRAY_LEN(failures); i++) {
        source.error = failures[i].error;
        NET_UNTIL(kit, watcher.failures == i + 1);
        assert_string_equal(watcher.error, failures[i].words);
        assert_address(&watcher, "192.0.2.9");
    }
    source.error = FERRY_OK;
    unsigned begun = source.begun;
    NET_UNTIL(kit, source.begun == begun + 1);
    assert_int_equal(source.cancelled, 0);
    resolve_free(watcher.resolve);
    assert_int_equal(source.cancelled, 1);
}

static enum ferry_error make_and_free(void *ctx)
{
    struct net_kit *kit = ctx;
    struct resolve *resolve =
        resolve_new(kit->loop, NULL, "host.test", CLOCK_NS_PER_S, looked_up, NULL);
    resolve_free(resolve);
    return resolve ? FERRY_OK : FERRY_E_MEMORY;
}

static void memory_may_be_short(void **state)
{
    assert_true(alloc_fail_each(make_and_free, *state, 10) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tls_151_a_name_is_looked_up_again, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(tls_151_the_old_answer_stays_when_there_is_no_new_one,
                                        net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(of_several_the_one_in_use_is_kept, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_tried_again_soon, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(it_may_be_freed_by_its_event_and_before, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(tls_151_another_source_of_names_is_asked, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(memory_may_be_short, net_kit_setup, net_kit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
