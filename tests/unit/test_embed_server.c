/* The embedded server by its public header alone: set up, run, turned by a foreign loop, stopped.
 */
#include <ferry/server.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/tempdir.h"
#include "support/tls_kit.h"

struct fixture {
    struct tls_kit tls;
    struct tempdir dir;
    ferry_server *server;
    uint16_t port;
    unsigned log_lines;
};

static void count_line(void *ctx, const char *line, size_t len)
{
    struct fixture *fixture = ctx;
    assert_true(len > 0 && line[0] == '{');
    fixture->log_lines++;
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    tls_kit_open(&fixture.tls, &(struct tls_kit_options){0});
    tempdir_make(&fixture.dir);
    fixture.server = ferry_server_new();
    assert_non_null(fixture.server);
    ferry_server_set_log(fixture.server, count_line, &fixture, true);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ferry_server_free(fixture->server);
    tempdir_remove(&fixture->dir);
    tls_kit_close(&fixture->tls);
    return 0;
}

static enum ferry_error set_certificate(struct fixture *fixture, struct bytes certificate,
                                        struct bytes key)
{
    return ferry_server_set_certificate(fixture->server, certificate.ptr, certificate.len, key.ptr,
                                        key.len);
}

static void start(struct fixture *fixture)
{
    ferry_server *server = fixture->server;
    const struct tls_minted *leaf = &fixture->tls.server_leaf;
    assert_int_equal(
        set_certificate(fixture, buf_view(&leaf->certificate_pem), buf_view(&leaf->key_pem)),
        FERRY_OK);
    assert_int_equal(ferry_server_add_account(server, "anna", "secret", fixture->dir.path, false),
                     FERRY_OK);
    assert_int_equal(
        ferry_server_listen(server, FERRY_LISTEN_EXPLICIT, "127.0.0.1", 0, &fixture->port),
        FERRY_OK);
    assert_int_equal(ferry_server_start(server), FERRY_OK);
}

static int connect_to(const struct fixture *fixture)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(fixture->port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void set_up_in_words(void **state)
{
    struct fixture *f = *state;
    ferry_server *server = f->server;
    const struct tls_minted *leaf = &f->tls.server_leaf;
    const struct tls_minted *other = &f->tls.client_leaf;
    uint16_t port = 0;
    assert_int_equal(ferry_server_run(server), FERRY_E_STATE);
    assert_int_equal(ferry_server_start(server), FERRY_E_STATE);
    assert_true(ferry_server_error(server)[0] != '\0');
    assert_int_equal(set_certificate(f, BYTES_LIT("no certificate"), BYTES_LIT("no key")),
                     FERRY_E_ARGUMENT);
    assert_true(ferry_server_error(server)[0] != '\0');
    assert_int_equal(
        set_certificate(f, buf_view(&leaf->certificate_pem), buf_view(&other->key_pem)),
        FERRY_E_ARGUMENT);
    assert_int_equal(ferry_server_set_tls_versions(server, "1.4", NULL), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_server_set_tls_versions(server, "1.3", "1.2"), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_server_set_tls_versions(server, NULL, "1.2"), FERRY_OK);
    assert_int_equal(ferry_server_listen(server, FERRY_LISTEN_IMPLICIT, "localhost", 0, &port),
                     FERRY_E_ARGUMENT);
    assert_int_equal(ferry_server_listen(server, FERRY_LISTEN_IMPLICIT, "192.0.2.1", 0, &port),
                     FERRY_E_CONNECT);
    assert_int_equal(ferry_server_add_account(server, "anna", "x", "/nowhere/at/all", false),
                     FERRY_E_ARGUMENT);
    assert_int_equal(ferry_server_set_passive_address(server, "2001:db8::1"), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_server_set_passive_address(server, "0.0.0.0"), FERRY_E_ARGUMENT);
    assert_int_equal(ferry_server_set_passive_address(server, "server.test"), FERRY_OK);
    assert_int_equal(ferry_server_set_passive_address(server, "192.0.2.1"), FERRY_OK);
    assert_int_equal(ferry_server_set_passive_address(server, NULL), FERRY_OK);
    assert_int_equal(ferry_server_add_proxy(server, "192.0.2.1/24"), FERRY_E_ARGUMENT);
    assert_non_null(strstr(ferry_server_error(server), "192.0.2.1/24"));
    assert_int_equal(ferry_server_add_proxy(server, "192.0.2.0/24"), FERRY_OK);
    assert_int_equal(ferry_server_add_proxy(server, "2001:db8::1"), FERRY_OK);
    start(f);
    assert_int_not_equal(f->port, 0);
    assert_int_equal(ferry_server_start(server), FERRY_E_STATE);
    assert_int_equal(ferry_server_listen(server, FERRY_LISTEN_IMPLICIT, "127.0.0.1", 0, &port),
                     FERRY_OK); /* while it serves, too */
}

static void *run_server(void *argument)
{
    ferry_server *server = argument;
    return ferry_server_run(server) == FERRY_OK ? argument : NULL;
}

static void stopped_by_another_thread(void **state)
{
    struct fixture *f = *state;
    start(f);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_server, f->server), 0);
    int fd = connect_to(f);
    char greeting[64];
    assert_true(recv(fd, greeting, sizeof(greeting), 0) > 4);
    assert_memory_equal(greeting, "220 ", 4);
    ferry_server_stop(f->server, 1000);
    char rest[256];
    assert_int_equal(recv(fd, rest, sizeof(rest), MSG_WAITALL) > 4, 1);
    assert_memory_equal(rest, "421 ", 4);
    close(fd);
    void *result = NULL;
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, f->server);
    assert_true(ferry_server_is_over(f->server));
    assert_true(f->log_lines >= 3);
}

static void turned_by_a_foreign_loop(void **state)
{
    struct fixture *f = *state;
    start(f);
    int fd = connect_to(f);
    bool greeted = false;
    bool stopped = false;
    while (!ferry_server_is_over(f->server)) {
        struct pollfd set[] = {{.fd = ferry_server_fd(f->server), .events = POLLIN},
                               {.fd = fd, .events = greeted ? 0 : POLLIN}};
        assert_true(poll(set, 2, ferry_server_timeout_ms(f->server)) >= 0);
        ferry_server_turn(f->server);
        greeted = greeted || (set[1].revents & POLLIN);
        if (greeted && !stopped) {
            assert_int_equal(ferry_server_sessions(f->server), 1);
            ferry_server_stop(f->server, 0);
            stopped = true;
        }
    }
    close(fd);
    assert_int_equal(ferry_server_sessions(f->server), 0);
}

static void freed_while_it_serves(void **state)
{
    struct fixture *f = *state;
    start(f);
    int fd = connect_to(f);
    for (int i = 0; i < 10; i++)
        ferry_server_turn(f->server);
    ferry_server_free(f->server);
    f->server = NULL;
    char all[256];
    while (recv(fd, all, sizeof(all), 0) > 0)
        continue;
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(set_up_in_words),
        TEST(stopped_by_another_thread),
        TEST(turned_by_a_foreign_loop),
        TEST(freed_while_it_serves),
    };
    return cmocka_run_group_tests_name("embed_server", tests, NULL, NULL);
}
