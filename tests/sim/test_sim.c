/* The whole client against the whole server in one process, through a relay that splits what passes
 * down to single bytes and cuts connections all along their length: what comes out whole is whole,
 * and nothing half has a name (TLS-175, TLS-176, SEC-12, PAIN 3, 9, 15). */
#include <ferry/ferry.h>
#include <ferry/server.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/relay.h"
#include "support/tempdir.h"
#include "tls/mint.h"

enum {
    PASSIVE_PORTS = 16,
    FILE_BYTES = 3000,
    DATA_CUT_STEP = 113, /* primes, so that the cuts fall everywhere in a record */
    CONTROL_CUT_STEP = 257,
    TIMEOUT_MS = 10000,
    DAY_S = 24 * 60 * 60,
};

static const char user[] = "demo";
static const char password[] = "correct horse";

struct world {
    struct tempdir dir; /* server/ is what the server shows, client/ is the client's */
    ferry_server *server;
    pthread_t thread;
    int stop[2];
    uint16_t explicit_port, implicit_port;
    struct relay *explicit_relay;
    struct relay *implicit_relay;
    struct relay *data_relay;
    char content[FILE_BYTES];
};

static struct world world;

static void *serve(void *argument)
{
    struct world *w = argument;
    struct pollfd set[] = {{.fd = ferry_server_fd(w->server), .events = POLLIN},
                           {.fd = w->stop[0], .events = POLLIN}};
    while (!set[1].revents) {
        ferry_server_turn(w->server);
        poll(set, 2, ferry_server_timeout_ms(w->server));
    }
    return NULL;
}

/* The first of PASSIVE_PORTS ports in a row that are free on both addresses; they are relayed at
 * once. */
static uint16_t relay_passive_ports(struct world *w)
{
    uint16_t ports[PASSIVE_PORTS];
    for (unsigned first = 20000 + (unsigned)getpid() % 8192; first < 32000;
         first += PASSIVE_PORTS) {
        for (unsigned i = 0; i < PASSIVE_PORTS; i++)
            ports[i] = (uint16_t)(first + i);
        w->data_relay = relay_start(RELAY_DATA, ports, PASSIVE_PORTS);
        if (w->data_relay)
            return (uint16_t)first;
    }
    fail_msg("no free ports");
    return 0;
}

static void write_pem(const struct world *w, const char *name, const struct buf *pem)
{
    char path[PATH_MAX];
    FILE *file = fopen(tempdir_path(&w->dir, name, path), "w");
    assert_non_null(file);
    fwrite(buf_view(pem).ptr, 1, buf_len(pem), file);
    fclose(file);
}

static void set_certificate(struct world *w)
{
    struct tls_minted ca, leaf;
    struct fault fault = {0};
    int64_t now = time(NULL);
    const char *addresses[] = {RELAY_ADDRESS, NULL};
    struct tls_mint_request request = {.common_name = "sim",
                                       .ip_addresses = addresses,
                                       .not_before_s = now - DAY_S,
                                       .not_after_s = now + DAY_S};
    assert_int_equal(tls_mint_ca("sim CA", now - DAY_S, now + DAY_S, &ca, &fault), FERRY_OK);
    assert_int_equal(tls_mint_leaf(&ca, &request, &leaf, &fault), FERRY_OK);
    write_pem(w, "ca.pem", &ca.certificate_pem);
    struct bytes certificate = buf_view(&leaf.certificate_pem), key = buf_view(&leaf.key_pem);
    assert_int_equal(
        ferry_server_set_certificate(w->server, certificate.ptr, certificate.len, key.ptr, key.len),
        FERRY_OK);
    tls_minted_fini(&ca);
    tls_minted_fini(&leaf);
}

static int start_world(void **state)
{
    struct world *w = &world;
    *state = w;
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof w->content; i++)
        w->content[i] = (char)(i * 31 + i / 256);
    tempdir_make(&w->dir);
    tempdir_mkdir(&w->dir, "server");
    tempdir_mkdir(&w->dir, "client");
    w->server = ferry_server_new();
    assert_non_null(w->server);
    set_certificate(w);
    assert_int_equal(ferry_server_add_account(w->server, user, password,
                                              tempdir_path(&w->dir, "server", path), false),
                     FERRY_OK);
    uint16_t first = relay_passive_ports(w);
    ferry_server_set_passive_ports(w->server, first, (uint16_t)(first + PASSIVE_PORTS - 1));
    assert_int_equal(
        ferry_server_listen(w->server, FERRY_LISTEN_EXPLICIT, "127.0.0.1", 0, &w->explicit_port),
        FERRY_OK);
    assert_int_equal(
        ferry_server_listen(w->server, FERRY_LISTEN_IMPLICIT, "127.0.0.1", 0, &w->implicit_port),
        FERRY_OK);
    assert_int_equal(ferry_server_start(w->server), FERRY_OK);
    w->explicit_relay = relay_start(RELAY_CONTROL, &w->explicit_port, 1);
    w->implicit_relay = relay_start(RELAY_CONTROL, &w->implicit_port, 1);
    assert_non_null(w->explicit_relay);
    assert_non_null(w->implicit_relay);
    assert_int_equal(pipe(w->stop), 0);
    assert_int_equal(pthread_create(&w->thread, NULL, serve, w), 0);
    return 0;
}

static int stop_world(void **state)
{
    struct world *w = *state;
    close(w->stop[1]);
    pthread_join(w->thread, NULL);
    close(w->stop[0]);
    ferry_server_free(w->server);
    relay_stop(w->explicit_relay);
    relay_stop(w->implicit_relay);
    relay_stop(w->data_relay);
    tempdir_remove(&w->dir);
    return 0;
}

/* ---- small deeds ---- */

static void rule(struct world *w, const struct relay_rules *rules)
{
    relay_set_rules(w->explicit_relay, rules);
    relay_set_rules(w->implicit_relay, rules);
    relay_set_rules(w->data_relay, rules);
}

static const struct relay_rules untouched = {.cut_at = RELAY_NEVER};

struct how {
    enum ferry_security security;
    enum ferry_tls_version version;
};

/* A session that is set up, not connected. */
static ferry_session *session_new(const struct world *w, struct how how)
{
    char path[PATH_MAX];
    ferry_session *session = ferry_session_new();
    assert_non_null(session);
    assert_int_equal(ferry_set_security(session, how.security), FERRY_OK);
    assert_int_equal(ferry_set_tls_versions(session, how.version, how.version), FERRY_OK);
    assert_int_equal(ferry_set_login(session, user, password), FERRY_OK);
    assert_int_equal(ferry_set_ca_file(session, tempdir_path(&w->dir, "ca.pem", path)), FERRY_OK);
    ferry_set_timeout_ms(session, TIMEOUT_MS, TIMEOUT_MS, TIMEOUT_MS);
    return session;
}

static enum ferry_error connect_session(const struct world *w, ferry_session *session,
                                        struct how how)
{
    return ferry_connect(session, RELAY_ADDRESS,
                         how.security == FERRY_IMPLICIT ? w->implicit_port : w->explicit_port);
}

static ferry_session *session_open(const struct world *w, struct how how)
{
    ferry_session *session = session_new(w, how);
    enum ferry_error error = connect_session(w, session, how);
    if (error != FERRY_OK)
        fail_msg("%s", ferry_failure_of(session).what);
    return session;
}

static void write_content(const struct world *w, const char *name)
{
    char path[PATH_MAX];
    FILE *file = fopen(tempdir_path(&w->dir, name, path), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(w->content, 1, sizeof w->content, file), sizeof w->content);
    assert_int_equal(fclose(file), 0);
}

static bool is_whole(const struct world *w, const char *name)
{
    char path[PATH_MAX], found[FILE_BYTES + 1];
    FILE *file = fopen(tempdir_path(&w->dir, name, path), "r");
    if (!file)
        return false;
    size_t len = fread(found, 1, sizeof found, file);
    fclose(file);
    return len == sizeof w->content && memcmp(found, w->content, len) == 0;
}

static void forget(const struct world *w, const char *name)
{
    unlinkat(w->dir.fd, name, 0);
}

static bool count_entry(void *ctx, const struct ferry_entry *entry)
{
    (void)entry;
    ++*(size_t *)ctx;
    return true;
}

/* ---- split ---- */

static void tls_107_round_trip_in_pieces(void **state)
{
    struct world *w = *state;
    const struct how hows[] = {{FERRY_EXPLICIT, FERRY_TLS_1_2},
                               {FERRY_EXPLICIT, FERRY_TLS_1_3},
                               {FERRY_IMPLICIT, FERRY_TLS_1_2},
                               {FERRY_IMPLICIT, FERRY_TLS_1_3}};
    const size_t chunks[] = {1, 7, 1000, 0};
    char local[PATH_MAX], back[PATH_MAX];
    write_content(w, "client/whole");
    tempdir_path(&w->dir, "client/whole", local);
    tempdir_path(&w->dir, "client/back", back);
    for (size_t h = 0; h < sizeof hows / sizeof *hows; h++) {
        for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
            rule(w, &(struct relay_rules){.chunk_bytes = chunks[c], .cut_at = RELAY_NEVER});
            ferry_session *session = session_open(w, hows[h]);
            size_t entries = 0;
            assert_int_equal(ferry_put(session, local, "split", 0), FERRY_OK);
            assert_int_equal(ferry_list(session, NULL, count_entry, &entries), FERRY_OK);
            assert_int_equal(entries, 1);
            assert_int_equal(ferry_get(session, "split", back, 0), FERRY_OK);
            assert_true(is_whole(w, "server/split"));
            assert_true(is_whole(w, "client/back"));
            assert_int_equal(ferry_quit(session), FERRY_OK);
            ferry_session_free(session);
            forget(w, "client/back");
            forget(w, "server/split");
        }
    }
}

/* ---- cut ---- */

/* One transfer over one session, as one of the cases below does it; its result. */
typedef enum ferry_error transfer_fn(struct world *w, ferry_session *session);

static enum ferry_error download(struct world *w, ferry_session *session)
{
    char back[PATH_MAX];
    return ferry_get(session, "whole", tempdir_path(&w->dir, "client/cut", back), FERRY_RESUME);
}

static enum ferry_error upload(struct world *w, ferry_session *session)
{
    char local[PATH_MAX];
    return ferry_put(session, tempdir_path(&w->dir, "client/whole", local), "cut", FERRY_RESUME);
}

static enum ferry_error listing(struct world *w, ferry_session *session)
{
    size_t entries = 0;
    (void)w;
    enum ferry_error error = ferry_list(session, "folder", count_entry, &entries);
    assert_int_equal(entries, error == FERRY_OK ? 20 : 0);
    return error;
}

struct cut_case {
    const char *target; /* what must be whole or not there; NULL for a listing */
    transfer_fn *transfer;
    enum relay_kind kind;
    enum relay_way way;
    size_t step;
};

/* Cuts after `at` bytes, then lets the same transfer go on untouched. A cut anywhere fails or
 * leaves everything whole; what is there under its name is always whole. */
static void cut_once(struct world *w, const struct cut_case *c, struct how how, size_t at,
                     bool reset)
{
    struct relay_rules rules = {
        .cut_kind = c->kind, .cut_way = c->way, .cut_at = at, .reset = reset};
    rule(w, &rules);
    ferry_session *session = session_new(w, how);
    enum ferry_error error = connect_session(w, session, how);
    if (error == FERRY_OK)
        error = c->transfer(w, session);
    ferry_session_free(session);
    if (c->target && tempdir_has(&w->dir, c->target)) {
        if (!is_whole(w, c->target))
            fail_msg("cut at %zu: half a file under its name", at);
    } else if (c->target && error == FERRY_OK) {
        fail_msg("cut at %zu: success without a file", at);
    }

    rule(w, &untouched);
    session = session_open(w, how);
    error = c->transfer(w, session);
    if (error != FERRY_OK)
        fail_msg("after a cut at %zu: %s", at, ferry_failure_of(session).what);
    ferry_session_free(session);
    if (c->target) {
        assert_true(is_whole(w, c->target));
        forget(w, c->target);
    }
}

static void cut_everywhere(struct world *w, const struct cut_case *c)
{
    const struct how hows[] = {{FERRY_EXPLICIT, FERRY_TLS_1_2}, {FERRY_EXPLICIT, FERRY_TLS_1_3}};
    for (size_t h = 0; h < sizeof hows / sizeof *hows; h++) {
        rule(w, &untouched);
        ferry_session *session = session_open(w, hows[h]);
        assert_int_equal(c->transfer(w, session), FERRY_OK);
        ferry_session_free(session);
        if (c->target)
            forget(w, c->target);
        struct relay *relay = c->kind == RELAY_DATA ? w->data_relay : w->explicit_relay;
        size_t passed = relay_passed(relay, c->kind, c->way);
        assert_true(passed > 0);
        for (size_t at = 0; at < passed; at += c->step)
            cut_once(w, c, hows[h], at, at / c->step % 2);
    }
}

static void tls_176_download_cut(void **state)
{
    struct world *w = *state;
    write_content(w, "server/whole");
    cut_everywhere(
        w, &(struct cut_case){"client/cut", download, RELAY_DATA, RELAY_TO_CLIENT, DATA_CUT_STEP});
    cut_everywhere(
        w, &(struct cut_case){"client/cut", download, RELAY_DATA, RELAY_TO_SERVER, DATA_CUT_STEP});
    forget(w, "server/whole");
}

static void tls_175_upload_cut(void **state)
{
    struct world *w = *state;
    write_content(w, "client/whole");
    cut_everywhere(
        w, &(struct cut_case){"server/cut", upload, RELAY_DATA, RELAY_TO_SERVER, DATA_CUT_STEP});
    cut_everywhere(
        w, &(struct cut_case){"server/cut", upload, RELAY_DATA, RELAY_TO_CLIENT, DATA_CUT_STEP});
}

static void tls_176_listing_cut(void **state)
{
    struct world *w = *state;
    tempdir_mkdir(&w->dir, "server/folder");
    for (int i = 0; i < 20; i++) {
        char name[64];
        snprintf(name, sizeof name, "server/folder/entry %d", i);
        tempdir_write(&w->dir, name, "x");
    }
    cut_everywhere(w,
                   &(struct cut_case){NULL, listing, RELAY_DATA, RELAY_TO_CLIENT, DATA_CUT_STEP});
}

static void tls_158_control_cut(void **state)
{
    struct world *w = *state;
    write_content(w, "server/whole");
    write_content(w, "client/whole");
    cut_everywhere(w, &(struct cut_case){"client/cut", download, RELAY_CONTROL, RELAY_TO_CLIENT,
                                         CONTROL_CUT_STEP});
    cut_everywhere(w, &(struct cut_case){"client/cut", download, RELAY_CONTROL, RELAY_TO_SERVER,
                                         CONTROL_CUT_STEP});
    cut_everywhere(w, &(struct cut_case){"server/cut", upload, RELAY_CONTROL, RELAY_TO_CLIENT,
                                         CONTROL_CUT_STEP});
    cut_everywhere(w, &(struct cut_case){"server/cut", upload, RELAY_CONTROL, RELAY_TO_SERVER,
                                         CONTROL_CUT_STEP});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_107_round_trip_in_pieces), cmocka_unit_test(tls_176_download_cut),
        cmocka_unit_test(tls_175_upload_cut),           cmocka_unit_test(tls_176_listing_cut),
        cmocka_unit_test(tls_158_control_cut),
    };
    return cmocka_run_group_tests_name("sim", tests, start_world, stop_world);
}
