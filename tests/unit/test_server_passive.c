/* What PASV tells and to whom, what is warned of at the start, and where active connections come
 * from. getaddrinfo and getifaddrs are the test's own. */
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "server/reach.h"
#include "support/alloc_fail.h"
#include "support/server_rig.h"

/* ---- names and interfaces ---- */

/* The last byte of the address 192.0.2.x that every name has; 0: it cannot be found. */
static atomic_uint name_host;
static atomic_uint look_ups; /* so far */

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    static struct sockaddr_in address;
    static struct addrinfo info = {.ai_family = AF_INET,
                                   .ai_addrlen = sizeof(address),
                                   .ai_addr = (struct sockaddr *)(void *)&address};
    (void)name;
    (void)service;
    (void)hints;
    unsigned host = atomic_load(&name_host);
    atomic_fetch_add(&look_ups, 1);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0xc0000200 + host);
    *out = &info;
    return host ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

/* The addresses of this host, with loopback first. */
static struct sockaddr_in own_addresses[3];
static struct ifaddrs own_interfaces[4];

static void set_interfaces(const char *first, const char *second)
{
    const char *const texts[] = {"127.0.0.1", first, second};
    memset(own_interfaces, 0, sizeof(own_interfaces)); /* the last one has no address at all */
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct address address;
        assert_int_equal(address_parse(texts[i] ? texts[i] : "127.0.0.1", 0, &address), FERRY_OK);
        memcpy(&own_addresses[i], &address.storage, sizeof(own_addresses[i]));
        own_interfaces[i].ifa_addr = (struct sockaddr *)(void *)&own_addresses[i];
        own_interfaces[i].ifa_next = &own_interfaces[i + 1];
    }
}

int getifaddrs(struct ifaddrs **out)
{
    *out = own_interfaces;
    return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
    (void)list;
}

static struct address address_of(const char *text)
{
    struct address address = {0};
    if (text)
        assert_int_equal(address_parse(text, 0, &address), FERRY_OK);
    return address;
}

static struct network network_of(const char *text)
{
    struct network network;
    assert_int_equal(network_parse(text, &network, NULL), FERRY_OK);
    return network;
}

/* ---- what PASV tells ---- */

static void assert_told(const struct server_rules *rules, const char *expected)
{
    struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig, &(struct server_rig_options){.rules = *rules});
    rig_login(&client, &rig);
    rig_expect(&client, 227, "PASV");
    rig_assert_text(&client, expected);
    rig_expect(&client, 229, "EPSV"); /* has no address to tell */
    rig_close(&client);
    server_rig_close(&rig);
}

/* The first network that holds the client decides; without one the address for all. */
static void tls_151_inside_networks_are_told_another_address(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        const char *told;
    } cases[] = {
        {"127.0.0.0/8", NULL, "(127,0,0,1,"},    {"127.0.0.0/8", "10.1.2.3", "(10,1,2,3,"},
        {"127.0.0.1", "10.1.2.3", "(10,1,2,3,"}, {"10.0.0.0/8", "10.1.2.3", "(192,0,2,2,"},
        {"::/0", "10.1.2.3", "(192,0,2,2,"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct server_passive_rule list[] = {
            {.network = network_of(cases[i].network), .address = address_of(cases[i].address)},
            {.network = network_of("127.0.0.0/9"), .address = address_of("192.0.2.2")},
        };
        const struct server_rules rules = {.passive_rules = list,
                                           .passive_rule_count = ARRAY_LEN(list),
                                           .passive_address = address_of("192.0.2.1")};
        assert_told(&rules, cases[i].told);
    }
    const struct server_passive_rule other = {.network = network_of("10.0.0.0/8")};
    assert_told(&(struct server_rules){.passive_rules = &other,
                                       .passive_rule_count = 1,
                                       .passive_address = address_of("192.0.2.1")},
                "(192,0,2,1,");
}

static unsigned lines_with(const struct server_rig *rig, const char *word)
{
    unsigned count = 0;
    struct bytes rest = buf_view(&rig->lines);
    while (rest.len > 0) {
        struct bytes line = bytes_cut(&rest, '\n');
        count += memmem(line.ptr, line.len, word, strlen(word)) != NULL;
    }
    return count;
}

/* Waits until each of the rig's listeners has told `word`, and no more often than once. */
static void await_all(struct server_rig *rig, const char *word)
{
    NET_UNTIL(&rig->net, lines_with(rig, word) >= RIG_LISTENERS);
    unsigned before = atomic_load(&look_ups);
    NET_UNTIL(&rig->net, atomic_load(&look_ups) >= before + 4 * RIG_LISTENERS);
    assert_int_equal(lines_with(rig, word), RIG_LISTENERS);
}

static void tls_151_a_name_is_told_as_it_changes(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client client;
    struct server_rig_options options = {
        .rules = {.passive_name = "server.test", .passive_lookup_ns = CLOCK_NS_PER_MS}};
    atomic_store(&name_host, 0);
    server_rig_open(&rig, &options);
    rig_login(&client, &rig);
    NET_UNTIL(&rig.net, server_rig_logged(&rig, "passive.lookup", "name=server.test",
                                          "unknown node", "PASV is refused", NULL));
    await_all(&rig, "passive.lookup");
    rig_expect(&client, 425, "PASV"); /* a wrong address would only look like an answer */
    rig_expect(&client, 229, "EPSV");

    atomic_store(&name_host, 7);
    await_all(&rig, "address=192.0.2.7");
    rig_expect(&client, 227, "PASV");
    rig_assert_text(&client, "(192,0,2,7,");
    atomic_store(&name_host, 8);
    await_all(&rig, "address=192.0.2.8");
    rig_expect(&client, 227, "PASV");
    rig_assert_text(&client, "(192,0,2,8,");

    atomic_store(&name_host, 0);
    NET_UNTIL(&rig.net, server_rig_logged(&rig, "passive.lookup", "found before", NULL));
    rig_expect(&client, 227, "PASV");
    rig_assert_text(&client, "(192,0,2,8,");
    rig_close(&client);
    server_rig_close(&rig);
}

/* A session keeps its rules, and so the name, when the listener has others. */
static void tls_151_a_name_outlives_its_listener(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client client;
    atomic_store(&name_host, 7);
    server_rig_open(&rig, &(struct server_rig_options){.rules = {.passive_name = "server.test"}});
    rig_login(&client, &rig);
    NET_UNTIL(&rig.net, lines_with(&rig, "passive.address") == RIG_LISTENERS);
    server_listener_close(rig.listener);
    rig_expect(&client, 227, "PASV");
    rig_assert_text(&client, "(192,0,2,7,");
    rig_close(&client);
    server_rig_close(&rig);
}

static void addresses_that_cannot_be_told_are_refused(void **state)
{
    (void)state;
    const struct server_passive_rule ipv6_rule = {.network = network_of("10.0.0.0/8"),
                                                  .address = address_of("2001:db8::1")};
    const struct {
        struct server_rules rules;
        const char *complaint;
    } cases[] = {
        {{.passive_address = address_of("2001:db8::1")}, "2001:db8::1 cannot be"},
        {{.passive_address = address_of("0.0.0.0")}, "0.0.0.0 cannot be"},
        {{.passive_rules = &ipv6_rule, .passive_rule_count = 1}, "2001:db8::1 cannot be"},
        {{.passive_name = "a.test", .passive_address = address_of("192.0.2.1")}, "by a name and"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct server_rules rules = cases[i].rules;
        struct server_rules *made = NULL;
        struct fault fault = {0};
        rules.plaintext_allowed = true;
        assert_int_equal(server_rules_new(&rules, &made, &fault), FERRY_E_ARGUMENT);
        assert_non_null(strstr(fault.what, cases[i].complaint));
    }
}

static enum ferry_error make_rules(void *ctx)
{
    struct network proxy = network_of("10.0.0.0/8");
    const struct server_passive_rule rule = {.network = proxy};
    struct server_rules *made = NULL;
    (void)ctx;
    enum ferry_error error = server_rules_new(&(struct server_rules){.plaintext_allowed = true,
                                                                     .passive_name = "a.test",
                                                                     .passive_rules = &rule,
                                                                     .passive_rule_count = 1,
                                                                     .proxies = &proxy,
                                                                     .proxy_count = 1},
                                              &made, NULL);
    proxy = (struct network){0};
    if (error == FERRY_OK)
        assert_int_equal(made->proxies->bits, 8); /* a copy */
    server_rules_unref(made);
    return error;
}

static void memory_for_rules_may_be_short(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(make_rules, NULL, 10), 4);
}

/* ---- warnings ---- */

static void keep_line(void *ctx, enum log_level level, struct bytes line)
{
    (void)level;
    assert_int_equal(buf_append(ctx, line), FERRY_OK);
}

static void tls_151_what_cannot_be_reached_is_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *at;     /* what is listened on */
        const char *told;   /* passive_address, or none */
        const char *own[2]; /* addresses of this host */
        const char *level;  /* NULL: no warning */
        const char *reason, *address;
    } cases[] = {
        {"192.0.2.1", NULL, {NULL, NULL}, NULL, NULL, NULL},
        {"192.0.2.1", "198.51.100.1", {NULL, NULL}, NULL, NULL, NULL},
        {"127.0.0.1", NULL, {"10.1.2.3", NULL}, NULL, NULL, NULL},
        {"127.0.0.1", "10.1.2.3", {NULL, NULL}, NULL, NULL, NULL},
        {"::1", "10.1.2.3", {NULL, NULL}, NULL, NULL, NULL},
        {"0.0.0.0", "127.0.0.1", {NULL, NULL}, " error ", "no other host", "127.0.0.1"},
        {"192.0.2.1", "127.1.2.3", {NULL, NULL}, " error ", "no other host", "127.1.2.3"},
        {"::", "10.1.2.3", {NULL, NULL}, " notice ", "outside of its network", "10.1.2.3"},
        {"192.0.2.1",
         "172.31.0.1",
         {NULL, NULL},
         " notice ",
         "outside of its network",
         "172.31.0.1"},
        {"192.0.2.1", "172.32.0.1", {NULL, NULL}, NULL, NULL, NULL},
        {"192.0.2.1", "169.254.1.1", {NULL, NULL}, " notice ", "outside of its", "169.254.1.1"},
        {"192.0.2.1", "100.64.0.1", {NULL, NULL}, " notice ", "outside of its", "100.64.0.1"},
        {"10.1.2.3", NULL, {NULL, NULL}, " notice ", "no public IPv4", "10.1.2.3"},
        {"10.1.2.3", "192.0.2.1", {NULL, NULL}, NULL, NULL, NULL},
        {"0.0.0.0", NULL, {"10.1.2.3", NULL}, " notice ", "no public IPv4", "10.1.2.3"},
        {"::", NULL, {"10.1.2.3", NULL}, " notice ", "no public IPv4", "10.1.2.3"},
        {"::", NULL, {"10.1.2.3", "192.0.2.1"}, NULL, NULL, NULL},
        {"::", NULL, {"192.0.2.1", "10.1.2.3"}, NULL, NULL, NULL},
        {"::", NULL, {NULL, NULL}, NULL, NULL, NULL},
        {"2001:db8::1", NULL, {"10.1.2.3", NULL}, NULL, NULL, NULL},
        {"2001:db8::1", "192.0.2.1", {NULL, NULL}, " notice ", "never told", "192.0.2.1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_fini) struct buf line;
        buf_init(&line, 4096);
        const struct log log = {
            .write = keep_line, .ctx = &line, .level = LOG_LEVEL_DEBUG, .clock = &clock_system};
        const struct server_rules rules = {.passive_address = address_of(cases[i].told)};
        struct address at = address_of(cases[i].at);
        set_interfaces(cases[i].own[0], cases[i].own[1]);
        server_reach_warn_address(&log, &rules, &at);
        assert_int_equal(buf_append(&line, bytes_of("", 1)), FERRY_OK);
        const char *said = buf_view(&line).ptr;
        if (!cases[i].level) {
            assert_string_equal(said, "");
            continue;
        }
        char address[80];
        snprintf(address, sizeof(address), "address=%s ", cases[i].address);
        assert_non_null(strstr(said, "passive.warning"));
        assert_non_null(strstr(said, cases[i].level));
        assert_non_null(strstr(said, cases[i].reason));
        assert_non_null(strstr(said, address));
        assert_non_null(strstr(said, "passive_address"));
    }
}

/* TLS-150: a range that cannot be had is told at the start, not by the first PASV. */
static void tls_150_passive_ports_that_cannot_be_had_are_warned_of(void **state)
{
    (void)state;
    struct server_rig rig;
    struct address taken = address_of("127.0.0.1");
    int fd;
    assert_int_equal(socket_listen(&taken, 1, &fd, NULL), FERRY_OK);
    assert_int_equal(socket_local(fd, &taken), FERRY_OK);
    uint16_t port = address_port(&taken);
    struct server_rig_options options = {.rules = {.passive_low = port, .passive_high = port}};
    server_rig_open(&rig, &options);
    assert_true(server_rig_logged(&rig, " error ", "passive.warning", "are taken",
                                  "passive_ports must", NULL));
    server_rig_close(&rig);
    close(fd);

    server_rig_open(&rig, &options);
    assert_false(server_rig_logged(&rig, " error ", "passive.warning", NULL));
    assert_true(server_rig_logged(&rig, " notice ", "few passive ports", "widen", NULL));
    server_rig_close(&rig);

    options.rules.passive_low = 20200;
    options.rules.passive_high = 20263;
    server_rig_open(&rig, &options);
    assert_false(server_rig_logged(&rig, "passive.warning", NULL));
    server_rig_close(&rig);
}

/* ---- active connections and the control connection ---- */

static uint16_t free_port(void)
{
    struct address at = address_of("127.0.0.1");
    int fd;
    assert_int_equal(socket_listen(&at, 1, &fd, NULL), FERRY_OK);
    assert_int_equal(socket_local(fd, &at), FERRY_OK);
    close(fd);
    return address_port(&at);
}

static void ftp_50_active_connections_may_come_from_one_port(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client client;
    uint16_t port = free_port();
    server_rig_open(&rig, &(struct server_rig_options){.rules = {.active_source_port = port}});
    tempdir_write(&rig.dir, "file", "content");
    rig_login(&client, &rig);
    for (int i = 0; i < 3; i++) { /* again and again, whatever is in TIME_WAIT */
        struct rig_data data;
        rig_active(&client, &data);
        rig_expect(&client, 150, "RETR file");
        rig_active_accept(&data);
        assert_int_equal(address_port(stream_peer(data.end.stream)), port);
        rig_data_seal(&data, &client);
        rig_data_end(&data);
        rig_expect_reply(&client, 226);
        rig_data_close(&data);
    }
    rig_close(&client);
    server_rig_close(&rig);
}

static void ftp_50_a_source_port_that_cannot_be_had(void **state)
{
    (void)state;
    struct server_rig rig;
    struct rig_client client;
    struct rig_data data;
    struct address taken = address_of("127.0.0.1");
    int fd;
    assert_int_equal(socket_listen(&taken, 1, &fd, NULL), FERRY_OK);
    assert_int_equal(socket_local(fd, &taken), FERRY_OK);
    server_rig_open(
        &rig, &(struct server_rig_options){.rules = {.active_source_port = address_port(&taken)}});
    rig_login(&client, &rig);
    rig_active(&client, &data);
    rig_expect(&client, 150, "LIST");
    rig_expect_reply(&client, 425);
    rig_assert_text(&client, "connect from 127.0.0.1 port");
    assert_true(server_rig_logged(&rig, "active_source_port must be free", NULL));
    close(data.listener);
    rig_close(&client);
    server_rig_close(&rig);
    close(fd);
}

/* The server's end of a connection, which is in this process as well; -1: there is none. */
static int other_end(const struct stream *stream)
{
    int most = getdtablesize() < 4096 ? getdtablesize() : 4096;
    for (int fd = 0; fd < most; fd++) {
        struct address local, peer;
        if (socket_peer(fd, &peer) == FERRY_OK && socket_local(fd, &local) == FERRY_OK &&
            address_port(&local) == address_port(stream_peer(stream)))
            return fd;
    }
    return -1;
}

static void tls_158_a_session_is_kept_alive(void **state)
{
    (void)state;
    static const struct {
        int level, name, value;
    } options[] = {{SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 60}};
    struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig, NULL);
    rig_login(&client, &rig);
    int fd = other_end(client.control.stream);
    assert_true(fd >= 0);
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        int value = 0;
        socklen_t len = sizeof(value);
        assert_int_equal(getsockopt(fd, options[i].level, options[i].name, &value, &len), 0);
        assert_int_equal(value, options[i].value);
    }
    rig_close(&client);
    server_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_151_inside_networks_are_told_another_address),
        cmocka_unit_test(tls_151_a_name_is_told_as_it_changes),
        cmocka_unit_test(tls_151_a_name_outlives_its_listener),
        cmocka_unit_test(addresses_that_cannot_be_told_are_refused),
        cmocka_unit_test(memory_for_rules_may_be_short),
        cmocka_unit_test(tls_151_what_cannot_be_reached_is_warned_of),
        cmocka_unit_test(tls_150_passive_ports_that_cannot_be_had_are_warned_of),
        cmocka_unit_test(ftp_50_active_connections_may_come_from_one_port),
        cmocka_unit_test(ftp_50_a_source_port_that_cannot_be_had),
        cmocka_unit_test(tls_158_a_session_is_kept_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
