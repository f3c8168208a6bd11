/* Sockets on loopback: listening, ranges of ports, accepting, connecting. */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/net_kit.h"

static struct address loopback(const char *text, uint16_t port)
{
    struct address at;
    assert_int_equal(address_parse(text, port, &at), FERRY_OK);
    return at;
}

static int listen_on(const char *text, struct address *at)
{
    struct fault fault = {0};
    int listener;
    *at = loopback(text, 0);
    assert_int_equal(socket_listen(at, 8, &listener, &fault), FERRY_OK);
    assert_int_equal(socket_local(listener, at), FERRY_OK);
    assert_int_not_equal(address_port(at), 0);
    return listener;
}

static void assert_private_and_non_blocking(int fd)
{
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static int option(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void a_connection_is_made_and_accepted(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct address at, peer, local, seen;
        int listener = listen_on(hosts[i], &at);
        int client, server;
        struct fault fault = {0};
        assert_int_equal(socket_accept(listener, &server, &peer), FERRY_E_STATE);
        assert_int_equal(server, -1);

        assert_int_equal(socket_connect(&at, NULL, &client, &fault), FERRY_OK);
        struct pollfd ready = {.fd = client, .events = POLLOUT};
        assert_int_equal(poll(&ready, 1, 5000), 1);
        assert_int_equal(socket_connected(client, &at, &fault), FERRY_OK);
        assert_int_equal(socket_accept(listener, &server, &peer), FERRY_OK);

        assert_private_and_non_blocking(listener);
        assert_private_and_non_blocking(client);
        assert_private_and_non_blocking(server);
        assert_int_equal(socket_local(client, &local), FERRY_OK);
        assert_memory_equal(&local, &peer, sizeof(local));
        assert_int_equal(socket_peer(server, &seen), FERRY_OK);
        assert_memory_equal(&seen, &peer, sizeof(seen));
        assert_true(address_same_host(&peer, &at));
        close(client);
        close(server);
        close(listener);
    }
}

/* Connections are dealt out among all; nobody else can join unasked, nor start on a taken port. */
static void a_group_shares_a_port_and_lets_in_no_one_else(void **state)
{
    (void)state;
    enum { COUNT = 4, TRIES = 64 };
    struct address at;
    struct fault fault = {0};
    int fds[COUNT], alone, other[1];
    size_t accepted[COUNT] = {0};
    assert_int_equal(address_parse("127.0.0.1", 0, &at), FERRY_OK);
    assert_int_equal(socket_listen_group(&at, TRIES, fds, 0, 2, &fault), FERRY_OK);
    assert_int_equal(socket_listen_group(&at, TRIES, fds, 2, COUNT, &fault), FERRY_OK);
    assert_int_equal(socket_local(fds[0], &at), FERRY_OK);
    for (size_t i = 0; i < COUNT; i++) {
        struct address own;
        assert_int_equal(socket_local(fds[i], &own), FERRY_OK);
        assert_int_equal(address_port(&own), address_port(&at));
    }
    assert_int_equal(socket_listen(&at, 1, &alone, NULL), FERRY_E_CONNECT);
    assert_int_equal(socket_listen_group(&at, 1, other, 0, 1, NULL), FERRY_E_CONNECT);
    for (size_t i = 0; i < TRIES; i++) {
        int client, server = -1;
        struct address peer;
        assert_int_equal(socket_connect(&at, NULL, &client, &fault), FERRY_OK);
        for (size_t k = 0; k < COUNT && server < 0; k++)
            accepted[k] += socket_accept(fds[k], &server, &peer) == FERRY_OK;
        assert_true(server >= 0);
        close(server);
        close(client);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(accepted[i] > 0);
        close(fds[i]);
    }
}

static void a_listener_on_both_families_sees_ipv4_as_ipv4(void **state)
{
    (void)state;
    struct address at;
    int listener = listen_on("::", &at);
    struct address to = loopback("127.0.0.1", address_port(&at));
    struct address peer;
    struct fault fault = {0};
    int client, server;
    assert_int_equal(socket_connect(&to, NULL, &client, &fault), FERRY_OK);
    assert_int_equal(socket_accept(listener, &server, &peer), FERRY_OK);
    assert_true(address_same_host(&peer, &to));
    struct address local;
    assert_int_equal(socket_local(server, &local), FERRY_OK);
    assert_memory_equal(&local, &to, sizeof(to));
    close(client);
    close(server);
    close(listener);
}

static void a_connection_can_come_from_a_chosen_address_and_port(void **state)
{
    (void)state;
    struct address at, peer;
    int listener = listen_on("127.0.0.1", &at);
    /* A port that is free: what was just closed, still in TIME_WAIT or not. */
    struct address from;
    close(listen_on("127.0.0.3", &from));
    for (int i = 0; i < 2; i++) {
        struct fault fault = {0};
        int client, server;
        assert_int_equal(socket_connect(&at, &from, &client, &fault), FERRY_OK);
        assert_int_equal(socket_accept(listener, &server, &peer), FERRY_OK);
        assert_true(address_same_host(&peer, &from));
        assert_int_equal(address_port(&peer), address_port(&from));
        close(server);
        close(client);
        address_set_port(&from, 0);
        assert_int_equal(socket_connect(&at, &from, &client, &fault), FERRY_OK);
        assert_int_equal(socket_accept(listener, &server, &peer), FERRY_OK);
        assert_true(address_same_host(&peer, &from));
        close(client);
        close(server);
        close(listen_on("127.0.0.3", &from));
    }
    close(listener);
}

static void a_refusal_is_told_in_words(void **state)
{
    (void)state;
    struct address at;
    int listener = listen_on("127.0.0.1", &at);
    close(listener);
    struct fault fault = {0};
    int client;
    enum ferry_error error = socket_connect(&at, NULL, &client, &fault);
    if (error == FERRY_OK) {
        struct pollfd ready = {.fd = client, .events = POLLOUT};
        assert_int_equal(poll(&ready, 1, 5000), 1);
        error = socket_connected(client, &at, &fault);
        close(client);
    }
    assert_int_equal(error, FERRY_E_CONNECT);
    assert_int_equal(fault.os_error, ECONNREFUSED);
    assert_non_null(strstr(fault.what, "127.0.0.1"));
    assert_non_null(strstr(fault.what, "Connection refused"));

    struct address nowhere = {0}; /* of no family */
    fault_clear(&fault);
    assert_int_equal(socket_connect(&nowhere, NULL, &client, &fault), FERRY_E_CONNECT);
    assert_int_equal(client, -1);
}

static void a_taken_port_is_told_in_words(void **state)
{
    (void)state;
    struct address at;
    int listener = listen_on("127.0.0.1", &at);
    struct fault fault = {0};
    int second;
    assert_int_equal(socket_listen(&at, 8, &second, &fault), FERRY_E_CONNECT);
    assert_int_equal(second, -1);
    assert_int_equal(fault.os_error, EADDRINUSE);
    close(listener);

    struct address foreign = loopback("192.0.2.7", 0); /* not of this machine */
    fault_clear(&fault);
    assert_int_equal(socket_listen(&foreign, 8, &second, &fault), FERRY_E_CONNECT);
    assert_int_equal(fault.os_error, EADDRNOTAVAIL);
}

/* ---- ranges ---- */

/* Of `count` ports, the first; none is in use. */
static uint16_t find_free_range(uint16_t count)
{
    for (uint16_t low = 20000; low < 60000; low = (uint16_t)(low + count)) {
        bool all_free = true;
        for (uint16_t i = 0; i < count && all_free; i++) {
            struct address at = loopback("127.0.0.1", (uint16_t)(low + i));
            struct fault fault = {0};
            int fd = -1;
            all_free = socket_listen(&at, 1, &fd, &fault) == FERRY_OK;
            if (fd >= 0)
                close(fd);
        }
        if (all_free)
            return low;
    }
    fail_msg("no free ports");
    return 0;
}

/* FTP-58: every port of the range serves once, in no order that can be foreseen. */
static void ftp_58_ports_are_chosen_at_random(void **state)
{
    (void)state;
    enum { PORTS = 16 };
    uint16_t low = find_free_range(PORTS);
    struct address at = loopback("127.0.0.1", 0);
    unsigned neighbours = 0, firsts[PORTS] = {0};
    for (int round = 0; round < 20; round++) {
        int fds[PORTS];
        bool seen[PORTS] = {false};
        int before = -1;
        for (int i = 0; i < PORTS; i++) {
            struct fault fault = {0};
            struct address got;
            assert_int_equal(
                socket_listen_range(&at, low, (uint16_t)(low + PORTS - 1), &fds[i], &fault),
                FERRY_OK);
            assert_int_equal(socket_local(fds[i], &got), FERRY_OK);
            int port = address_port(&got) - low;
            assert_in_range(port, 0, PORTS - 1);
            assert_false(seen[port]);
            seen[port] = true;
            neighbours += port == before + 1;
            firsts[port] += i == 0;
            before = port;
        }
        struct fault fault = {0};
        int none;
        assert_int_equal(socket_listen_range(&at, low, (uint16_t)(low + PORTS - 1), &none, &fault),
                         FERRY_E_LIMIT);
        assert_int_equal(none, -1);
        for (int i = 0; i < PORTS; i++)
            close(fds[i]);
    }
    assert_true(neighbours < 20 * PORTS / 2); /* in order they would all be */
    unsigned different = 0;
    for (int i = 0; i < PORTS; i++)
        different += firsts[i] > 0;
    assert_true(different > 3);
}

/* SO_REUSEADDR: the port of a transfer that we ended first is in TIME_WAIT, and can be had. */
static void ftp_58_a_port_is_used_again_at_once(void **state)
{
    (void)state;
    uint16_t port = find_free_range(1);
    struct address at = loopback("127.0.0.1", 0), to = loopback("127.0.0.1", port);
    for (int round = 0; round < 3; round++) {
        int listener, end;
        char byte;
        struct fault fault = {0};
        assert_int_equal(socket_listen_range(&at, port, port, &listener, &fault), FERRY_OK);
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(client, (const struct sockaddr *)&to.storage, to.len), 0);
        end = accept(listener, NULL, NULL);
        assert_true(end >= 0);
        close(listener);
        close(end);
        assert_int_equal(read(client, &byte, 1), 0);
        close(client);
    }
}

static void a_range_of_one_port_is_that_port(void **state)
{
    (void)state;
    uint16_t port = find_free_range(1);
    struct address at = loopback("127.0.0.1", 0), got;
    struct fault fault = {0};
    int fd;
    assert_int_equal(socket_listen_range(&at, port, port, &fd, &fault), FERRY_OK);
    assert_int_equal(socket_local(fd, &got), FERRY_OK);
    assert_int_equal(address_port(&got), port);
    close(fd);

    struct address foreign = loopback("192.0.2.7", 0);
    assert_int_equal(socket_listen_range(&foreign, port, port, &fd, &fault), FERRY_E_CONNECT);
}

/* ---- limits ---- */

/* SEC-56: no descriptors left is told, and the connection waits until there is one. */
static void sec_56_running_out_of_descriptors_is_told(void **state)
{
    (void)state;
    struct address at, peer;
    int listener = listen_on("127.0.0.1", &at);
    int client, server;
    struct fault fault = {0};
    assert_int_equal(socket_connect(&at, NULL, &client, &fault), FERRY_OK);

    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(client); /* the least number that is free */
    close(next);
    const struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum ferry_error accepted = socket_accept(listener, &server, &peer);
    int fd;
    enum ferry_error listened = socket_listen(&at, 1, &fd, &fault);
    fault_clear(&fault);
    enum ferry_error connected = socket_connect(&at, NULL, &fd, &fault);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

    assert_int_equal(accepted, FERRY_E_LIMIT);
    assert_int_equal(listened, FERRY_E_LIMIT);
    assert_int_equal(connected, FERRY_E_LIMIT);
    assert_int_equal(socket_accept(listener, &server, &peer), FERRY_OK);
    close(server);
    close(client);
    close(listener);
}

/* TLS-158: a firewall that forgets idle connections is kept awake. */
static void tls_158_control_connections_are_kept_alive(void **state)
{
    (void)state;
    int fds[2];
    net_sockets(NET_TCP, fds);
    assert_int_equal(option(fds[0], SOL_SOCKET, SO_KEEPALIVE), 0);
    socket_tune_control(fds[0]);
    assert_int_equal(option(fds[0], SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(fds[0], IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option(fds[0], IPPROTO_TCP, TCP_NODELAY), 1);
    close(fds[0]);
    close(fds[1]);
}

static void an_address_of_what_is_not_connected_is_told(void **state)
{
    (void)state;
    struct address at, peer;
    int listener = listen_on("127.0.0.1", &at);
    assert_int_equal(socket_peer(listener, &peer), FERRY_E_CONNECT);
    assert_int_equal(socket_local(-1, &peer), FERRY_E_CONNECT);
    struct fault fault = {0};
    assert_int_equal(socket_connected(-1, &at, &fault), FERRY_E_CONNECT);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_made_and_accepted),
        cmocka_unit_test(a_group_shares_a_port_and_lets_in_no_one_else),
        cmocka_unit_test(a_listener_on_both_families_sees_ipv4_as_ipv4),
        cmocka_unit_test(a_connection_can_come_from_a_chosen_address_and_port),
        cmocka_unit_test(a_refusal_is_told_in_words),
        cmocka_unit_test(a_taken_port_is_told_in_words),
        cmocka_unit_test(ftp_58_ports_are_chosen_at_random),
        cmocka_unit_test(ftp_58_a_port_is_used_again_at_once),
        cmocka_unit_test(a_range_of_one_port_is_that_port),
        cmocka_unit_test(sec_56_running_out_of_descriptors_is_told),
        cmocka_unit_test(tls_158_control_connections_are_kept_alive),
        cmocka_unit_test(an_address_of_what_is_not_connected_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
