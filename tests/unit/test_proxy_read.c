/* Reading a PROXY protocol header from a connection: that, in time, and nothing behind it. */
#include "net/proxy_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/alloc_fail.h"
#include "support/net_kit.h"

#define LINE "PROXY TCP4 192.0.2.7 198.51.100.1 56324 21\r\n"

static const uint64_t PATIENCE_NS = NET_LIMIT_S * CLOCK_NS_PER_S;

/* A reader at one end of a connection, the test at the other. */
struct reading {
    struct proxy_read *read;
    int far; /* the test's end */
    int fd;  /* that was handed out */
    unsigned calls;
    struct proxy_header header;
    struct fault fault;
};

static void read_it(void *ctx, int fd, const struct proxy_header *header, const struct fault *fault)
{
    struct reading *reading = ctx;
    reading->calls++;
    reading->fd = fd;
    if (header)
        reading->header = *header;
    if (fault)
        reading->fault = *fault;
    proxy_read_free(reading->read);
    reading->read = NULL;
}

static void begin(struct reading *reading, struct net_kit *kit, uint64_t timeout_ns)
{
    int fds[2];
    net_sockets(NET_TCP, fds);
    *reading = (struct reading){.far = fds[0], .fd = -1};
    reading->read = proxy_read_start(kit->loop, fds[1], timeout_ns, read_it, reading);
    assert_non_null(reading->read);
}

static void end(struct reading *reading)
{
    proxy_read_free(reading->read);
    close(reading->far);
    if (reading->fd >= 0)
        close(reading->fd);
}

static void say(const struct reading *reading, struct bytes bytes)
{
    assert_int_equal(send(reading->far, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
}

static void assert_source(const struct reading *reading, const char *expected)
{
    char text[ADDRESS_TEXT_BYTES];
    assert_true(reading->fd >= 0);
    assert_true(reading->header.relayed);
    address_text(&reading->header.source, text);
    assert_string_equal(text, expected);
}

/* Whatever follows, even in the same packet, is the connection's own. */
static void sec_22_not_one_byte_too_many_is_read(void **state)
{
    struct net_kit *kit = *state;
    static const char behind[] = "\x16\x03\x01 and more";
    struct reading reading;
    begin(&reading, kit, PATIENCE_NS);
    say(&reading, BYTES_LIT(LINE "\x16\x03\x01 and more"));
    NET_UNTIL(kit, reading.calls > 0);
    assert_source(&reading, "192.0.2.7");
    char rest[64] = "";
    assert_int_equal(recv(reading.fd, rest, sizeof(rest), 0), sizeof(behind) - 1);
    assert_memory_equal(rest, behind, sizeof(behind) - 1);
    end(&reading);
}

/* And what is there of it does not keep the loop busy. */
static void a_header_may_come_byte_by_byte(void **state)
{
    struct net_kit *kit = *state;
    struct reading reading;
    begin(&reading, kit, PATIENCE_NS);
    for (size_t i = 0; i < sizeof(LINE) - 1; i++) {
        assert_int_equal(reading.calls, 0);
        say(&reading, bytes_of(&LINE[i], 1));
        net_kit_idle(kit);
        assert_true(net_kit_is_asleep(kit));
    }
    NET_UNTIL(kit, reading.calls > 0);
    assert_source(&reading, "192.0.2.7");
    end(&reading);
}

static void sec_22_anything_else_closes_the_connection(void **state)
{
    struct net_kit *kit = *state;
    static const struct {
        struct bytes said;
        bool ends;
        enum ferry_error kind;
    } cases[] = {
        {BYTES_LIT("USER demo\r\n"), false, FERRY_E_PROTOCOL},
        {BYTES_LIT("PROXY TCP4 192.0.2.7\r\n"), false, FERRY_E_PROTOCOL},
        {BYTES_LIT("\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"), false, FERRY_E_PROTOCOL},
        {BYTES_LIT("PROXY TCP4 192.0.2.7 198"), true, FERRY_E_LOST},
        {BYTES_LIT(""), true, FERRY_E_LOST},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading reading;
        begin(&reading, kit, PATIENCE_NS);
        say(&reading, cases[i].said);
        if (cases[i].ends)
            shutdown(reading.far, SHUT_WR);
        NET_UNTIL(kit, reading.calls > 0);
        assert_int_equal(reading.fd, -1);
        assert_int_equal(reading.fault.kind, cases[i].kind);
        char rest[8];
        assert_true(recv(reading.far, rest, sizeof(rest), 0) <= 0);
        end(&reading);
    }
}

static void it_is_not_awaited_for_ever(void **state)
{
    struct net_kit *kit = *state;
    struct reading reading;
    begin(&reading, kit, 50 * CLOCK_NS_PER_MS);
    say(&reading, BYTES_LIT("PROXY "));
    NET_UNTIL(kit, reading.calls > 0);
    assert_int_equal(reading.fd, -1);
    assert_int_equal(reading.fault.kind, FERRY_E_TIMEOUT);
    end(&reading);
}

static void it_can_be_given_up(void **state)
{
    struct net_kit *kit = *state;
    struct reading reading;
    size_t before = net_descriptors();
    begin(&reading, kit, PATIENCE_NS);
    say(&reading, BYTES_LIT(LINE));
    proxy_read_free(reading.read);
    reading.read = NULL;
    net_kit_idle(kit);
    assert_int_equal(reading.calls, 0);
    end(&reading);
    assert_int_equal(net_descriptors(), before);
}

static enum ferry_error start_and_free(void *ctx)
{
    struct net_kit *kit = ctx;
    size_t before = net_descriptors();
    int fds[2];
    net_sockets(NET_UNIX, fds);
    struct proxy_read *read = proxy_read_start(kit->loop, fds[1], PATIENCE_NS, read_it, NULL);
    bool made = read;
    proxy_read_free(read);
    close(fds[0]);
    assert_int_equal(net_descriptors(), before); /* taken on failure, too */
    return made ? FERRY_OK : FERRY_E_MEMORY;
}

static void memory_may_be_short(void **state)
{
    assert_true(alloc_fail_each(start_and_free, *state, 10) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sec_22_not_one_byte_too_many_is_read, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(a_header_may_come_byte_by_byte, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(sec_22_anything_else_closes_the_connection, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(it_is_not_awaited_for_ever, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test_setup_teardown(it_can_be_given_up, net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(memory_may_be_short, net_kit_setup, net_kit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
