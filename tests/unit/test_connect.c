/* Connecting to a name with several addresses (RFC 8305). getaddrinfo is the test's own. */
#include "net/connect.h"

#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/alloc_fail.h"
#include "support/net_kit.h"

/* ---- names ---- */

/* The addresses of every name whose list begins with it, in this order. */
static const struct {
    const char *name, *address;
} hosts[] = {
    {"one.test", "127.0.0.1"},   {"two.test", "127.0.0.1"},     {"two.test", "127.0.0.2"},
    {"mixed.test", "127.0.0.1"}, {"mixed.test", "127.0.0.2"},   {"mixed.test", "127.0.0.3"},
    {"mixed.test", "::1"},       {"nowhere.test", "127.0.0.1"}, {"nowhere.test", "127.0.0.2"},
};

static struct addrinfo *info_of(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(text, 0, &address), FERRY_OK);
    struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(address.storage));
    assert_non_null(info);
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
    (void)service;
    (void)hints;
    *out = NULL;
    for (size_t i = ARRAY_LEN(hosts); i-- > 0;) {
        if (strcmp(hosts[i].name, name) != 0)
            continue;
        struct addrinfo *info = info_of(hosts[i].address);
        info->ai_next = *out;
        *out = info;
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

/* ---- both ends ---- */

/* A listener on one address; several share a port. */
struct listener {
    int fd;
    int fill[4]; /* connections that fill its queue, or -1 */
};

static uint16_t listen_at(struct listener *listener, const char *text, uint16_t port)
{
    struct address at;
    struct fault fault = {0};
    assert_int_equal(address_parse(text, port, &at), FERRY_OK);
    assert_int_equal(socket_listen(&at, 0, &listener->fd, &fault), FERRY_OK);
    assert_int_equal(socket_local(listener->fd, &at), FERRY_OK);
    memset(listener->fill, -1, sizeof(listener->fill));
    return address_port(&at);
}

/* As listen_at, and it answers nobody: the queue is full, and the system drops what comes. */
static uint16_t listen_deaf(struct listener *listener, const char *text, uint16_t port)
{
    port = listen_at(listener, text, port);
    struct address at;
    assert_int_equal(address_parse(text, port, &at), FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(listener->fill); i++) {
        struct fault fault = {0};
        assert_int_equal(socket_connect(&at, NULL, &listener->fill[i], &fault), FERRY_OK);
    }
    return port;
}

static void stop_listening(struct listener *listener)
{
    for (size_t i = 0; i < ARRAY_LEN(listener->fill); i++) {
        if (listener->fill[i] >= 0)
            close(listener->fill[i]);
    }
    close(listener->fd);
}

/* What came of it. */
struct outcome {
    struct connect *connect;
    bool frees_itself;
    unsigned calls;
    int fd;
    char peer[ADDRESS_TEXT_BYTES];
    uint16_t port;
    struct fault fault;
};

static void connected(void *ctx, int fd, const struct address *peer, const struct fault *fault)
{
    struct outcome *outcome = ctx;
    outcome->calls++;
    outcome->fd = fd;
    assert_true((fd >= 0) == (peer != NULL));
    assert_true((fd >= 0) == (fault == NULL));
    if (peer) {
        address_text(peer, outcome->peer);
        outcome->port = address_port(peer);
    } else {
        outcome->fault = *fault;
    }
    if (outcome->frees_itself)
        connect_free(outcome->connect);
}

static void run(struct net_kit *kit, struct outcome *outcome, const char *host, uint16_t port,
                uint64_t timeout_ns)
{
    *outcome = (struct outcome){.frees_itself = true};
    outcome->connect = connect_start(kit->loop, host, port, timeout_ns, connected, outcome);
    assert_non_null(outcome->connect);
    assert_int_equal(outcome->calls, 0);
    NET_UNTIL(kit, outcome->calls > 0);
    net_kit_idle(kit);
    assert_int_equal(outcome->calls, 1);
}

#define LONG_NS (60 * CLOCK_NS_PER_S)

static void a_name_or_an_address_is_reached(void **state)
{
    struct net_kit *kit = *state;
    static const struct {
        const char *host, *listen, *reached;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", "127.0.0.1"},  {"::1", "::1", "::1"},
        {"one.test", "127.0.0.1", "127.0.0.1"},   {"two.test", "127.0.0.1", "127.0.0.1"},
        {"two.test", "127.0.0.2", "127.0.0.2"}, /* the first refuses */
        {"mixed.test", "127.0.0.3", "127.0.0.3"}, {"mixed.test", "::1", "::1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct listener listener;
        uint16_t port = listen_at(&listener, cases[i].listen, 0);
        struct outcome outcome;
        run(kit, &outcome, cases[i].host, port, LONG_NS);
        assert_true(outcome.fd >= 0);
        assert_string_equal(outcome.peer, cases[i].reached);
        assert_int_equal(outcome.port, port);
        struct address seen;
        assert_int_equal(socket_peer(outcome.fd, &seen), FERRY_OK);
        assert_int_equal(address_port(&seen), port);
        close(outcome.fd);
        stop_listening(&listener);
    }
}

static void an_address_is_reached(void **state)
{
    struct net_kit *kit = *state;
    struct listener listener;
    struct address to;
    uint16_t port = listen_at(&listener, "127.0.0.1", 0);
    assert_int_equal(address_parse("127.0.0.1", port, &to), FERRY_OK);
    struct outcome outcome = {.frees_itself = false};
    outcome.connect = connect_start_address(kit->loop, &to, LONG_NS, connected, &outcome);
    NET_UNTIL(kit, outcome.calls > 0);
    connect_free(outcome.connect);
    assert_true(outcome.fd >= 0);
    close(outcome.fd);
    stop_listening(&listener);
}

/* RFC 8305 section 5: an address that does not answer holds up the next by a quarter of a second,
 * and the first connection that is made wins. */
static void an_address_that_is_silent_holds_up_the_next_only_briefly(void **state)
{
    struct net_kit *kit = *state;
    struct listener deaf, good;
    uint16_t port = listen_deaf(&deaf, "127.0.0.1", 0);
    listen_at(&good, "127.0.0.2", port);
    size_t before = net_descriptors();
    uint64_t start_ns = loop_now_ns(kit->loop);
    struct outcome outcome;
    run(kit, &outcome, "two.test", port, LONG_NS);
    uint64_t took_ns = loop_now_ns(kit->loop) - start_ns;
    assert_string_equal(outcome.peer, "127.0.0.2");
    assert_true(took_ns >= 240 * CLOCK_NS_PER_MS);
    assert_true(took_ns < 5 * CLOCK_NS_PER_S);
    close(outcome.fd);
    assert_int_equal(net_descriptors(), before); /* the other attempt is closed */
    stop_listening(&deaf);
    stop_listening(&good);
}

/* RFC 8305 section 4: the second attempt is of the other family. */
static void families_take_turns(void **state)
{
    struct net_kit *kit = *state;
    struct listener deaf, six, third;
    uint16_t port = listen_deaf(&deaf, "127.0.0.1", 0);
    listen_at(&six, "::1", port);
    listen_at(&third, "127.0.0.2", port);
    struct outcome outcome;
    run(kit, &outcome, "mixed.test", port, LONG_NS);
    assert_string_equal(outcome.peer, "::1");
    close(outcome.fd);
    stop_listening(&deaf);
    stop_listening(&six);
    stop_listening(&third);
}

static void silence_ends_at_the_deadline(void **state)
{
    struct net_kit *kit = *state;
    struct listener deaf;
    uint16_t port = listen_deaf(&deaf, "127.0.0.1", 0);
    size_t before = net_descriptors();
    struct outcome outcome;
    run(kit, &outcome, "two.test", port, 300 * CLOCK_NS_PER_MS); /* the second address refuses */
    assert_int_equal(outcome.fd, -1);
    assert_int_equal(outcome.fault.kind, FERRY_E_TIMEOUT);
    assert_non_null(strstr(outcome.fault.what, "two.test"));
    assert_int_equal(net_descriptors(), before);
    stop_listening(&deaf);
}

static void failures_are_told_in_words(void **state)
{
    struct net_kit *kit = *state;
    struct listener listener;
    uint16_t port = listen_at(&listener, "127.0.0.1", 0);
    stop_listening(&listener); /* nobody is there */
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    const struct {
        const char *host, *words;
    } cases[] = {
        {"127.0.0.1", "Connection refused"},
        {"nowhere.test", "Connection refused"},
        {"unknown.test", "look up unknown.test: "},
        {longest, "is not a host name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outcome outcome;
        run(kit, &outcome, cases[i].host, port, LONG_NS);
        assert_int_equal(outcome.fd, -1);
        assert_int_equal(outcome.fault.kind, FERRY_E_CONNECT);
        assert_non_null(strstr(outcome.fault.what, cases[i].words));
    }
}

static void giving_up_calls_nobody(void **state)
{
    struct net_kit *kit = *state;
    struct listener deaf;
    uint16_t port = listen_deaf(&deaf, "127.0.0.1", 0);
    size_t before = net_descriptors();
    for (int turns = 0; turns < 10; turns++) {
        struct outcome outcome = {0};
        outcome.connect = connect_start(kit->loop, "two.test", port, LONG_NS, connected, &outcome);
        for (int i = 0; i < turns; i++)
            loop_turn(kit->loop, false);
        connect_free(outcome.connect);
        net_kit_idle(kit);
        assert_int_equal(outcome.calls, 0);
    }
    connect_free(NULL);
    assert_int_equal(net_descriptors(), before);
    stop_listening(&deaf);
}

static enum ferry_error connect_once(void *ctx)
{
    uint16_t port = *(uint16_t *)ctx;
    struct loop *loop = loop_new();
    if (!loop)
        return FERRY_E_MEMORY;
    struct outcome outcome = {.fd = -1};
    outcome.connect = connect_start(loop, "one.test", port, LONG_NS, connected, &outcome);
    if (outcome.connect)
        loop_run(loop);
    enum ferry_error error = outcome.fd >= 0 ? FERRY_OK : outcome.fault.kind;
    if (outcome.fd >= 0)
        close(outcome.fd);
    bool told = outcome.calls == 1;
    assert_true(told || !outcome.connect);
    connect_free(outcome.connect);
    loop_free(loop);
    return told ? error : FERRY_E_MEMORY;
}

static void memory_may_be_short_anywhere(void **state)
{
    (void)state;
    struct listener listener;
    struct address at;
    struct fault fault = {0};
    assert_int_equal(address_parse("127.0.0.1", 0, &at), FERRY_OK);
    assert_int_equal(socket_listen(&at, 64, &listener.fd, &fault), FERRY_OK);
    assert_int_equal(socket_local(listener.fd, &at), FERRY_OK);
    uint16_t port = address_port(&at);
    alloc_fail_each(connect_once, &port, 40);
    close(listener.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_or_an_address_is_reached, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(an_address_is_reached, net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(an_address_that_is_silent_holds_up_the_next_only_briefly,
                                        net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(families_take_turns, net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(silence_ends_at_the_deadline, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(failures_are_told_in_words, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(giving_up_calls_nobody, net_kit_setup, net_kit_teardown),
        cmocka_unit_test(memory_may_be_short_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
