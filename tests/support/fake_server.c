/* An FTP server that does what a test tells it. */
#include "support/fake_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_S = 10, LOG_MAX_BYTES = 1 << 20, LINE_MAX = 8192, DAY_S = 86400 };

struct fake_server {
    struct fake fake;
    struct fake_settings settings;
    struct tls_master *master;
    int listener;
    uint16_t port;
    pthread_t thread;
    bool running;
    char line[LINE_MAX];
};

/* ---- certificates ---- */

static void mint(const struct tls_minted *ca, const char *address, int64_t from_s, int64_t to_s,
                 struct tls_minted *out)
{
    const struct tls_mint_request request = {
        .common_name = "fake",
        .ip_addresses = (const char *const[]){address, NULL},
        .not_before_s = from_s,
        .not_after_s = to_s,
    };
    struct fault fault = {0};
    assert_int_equal(tls_mint_leaf(ca, &request, out, &fault), FERRY_OK);
}

void fake_certificates_make(struct fake_certificates *certificates)
{
    struct fault fault = {0};
    int64_t now_s = time(NULL);
    struct tls_minted nobody;
    assert_int_equal(
        tls_mint_ca("fake CA", now_s - 9 * DAY_S, now_s + DAY_S, &certificates->ca, &fault), 0);
    assert_int_equal(tls_mint_ca("nobody", now_s - DAY_S, now_s + DAY_S, &nobody, &fault), 0);
    const struct tls_minted *ca = &certificates->ca;
    mint(ca, "127.0.0.1", now_s - DAY_S, now_s + DAY_S, &certificates->good);
    mint(ca, "127.0.0.1", now_s - DAY_S, now_s + DAY_S, &certificates->other);
    mint(ca, "192.0.2.1", now_s - DAY_S, now_s + DAY_S, &certificates->renamed);
    mint(ca, "127.0.0.1", now_s - 3 * DAY_S, now_s - 2 * DAY_S, &certificates->expired);
    mint(&nobody, "127.0.0.1", now_s - DAY_S, now_s + DAY_S, &certificates->stranger);
    tls_minted_fini(&nobody);
}

void fake_certificates_fini(struct fake_certificates *certificates)
{
    tls_minted_fini(&certificates->ca);
    tls_minted_fini(&certificates->good);
    tls_minted_fini(&certificates->other);
    tls_minted_fini(&certificates->renamed);
    tls_minted_fini(&certificates->expired);
    tls_minted_fini(&certificates->stranger);
}

/* ---- failing ---- */

void fake_fail(struct fake *fake, const char *format, ...)
{
    if (fake->failure[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(fake->failure, sizeof(fake->failure), format, args);
    va_end(args);
}

static bool is_over(const struct fake *fake)
{
    return fake->failure[0] != '\0';
}

/* ---- a wire ---- */

static void set_patience(int fd)
{
    const struct timeval limit = {.tv_sec = PATIENCE_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static void wire_close(struct fake_wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    tls_engine_free(wire->engine);
    *wire = (struct fake_wire){.fd = -1};
}

static bool wire_send_raw(struct fake_wire *wire, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(wire->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes = bytes_skip(bytes, (size_t)sent);
    }
    return true;
}

static bool wire_flush(struct fake_wire *wire)
{
    struct bytes out = tls_engine_output(wire->engine);
    bool sent = wire_send_raw(wire, out);
    tls_engine_wrote(wire->engine, out.len);
    return sent;
}

/* false: the peer is gone. */
static bool wire_send(struct fake_wire *wire, struct bytes bytes)
{
    if (!wire->engine)
        return wire_send_raw(wire, bytes);
    while (bytes.len > 0) {
        size_t taken = 0;
        if (tls_engine_write(wire->engine, bytes, &taken) == TLS_FAILED || !wire_flush(wire))
            return false;
        bytes = bytes_skip(bytes, taken);
    }
    return true;
}

/* Gives the engine what comes next, or the end. */
static void wire_feed(struct fake_wire *wire)
{
    ssize_t got = recv(wire->fd, wire->received, sizeof(wire->received), 0);
    if (got > 0)
        tls_engine_feed(wire->engine, bytes_of(wire->received, (size_t)got));
    else
        tls_engine_eof(wire->engine);
}

/* 0: the end; `*clean` whether by close_notify, or a FIN in clear. */
static size_t wire_receive(struct fake_wire *wire, char *out, size_t size, bool *clean)
{
    *clean = false;
    if (!wire->engine) {
        ssize_t got = recv(wire->fd, out, size, 0);
        *clean = got == 0;
        return got > 0 ? (size_t)got : 0;
    }
    for (;;) {
        size_t got = 0;
        enum tls_status status = tls_engine_read(wire->engine, out, size, &got);
        wire_flush(wire);
        if (status == TLS_DONE)
            return got;
        *clean = status == TLS_CLOSED;
        if (status == TLS_CLOSED || status == TLS_FAILED)
            return 0;
        wire_feed(wire);
    }
}

/* Takes the engine. */
static bool wire_seal(struct fake_wire *wire, struct tls_engine *engine)
{
    wire->engine = engine;
    for (;;) {
        enum tls_status status = tls_engine_handshake(engine);
        bool sent = wire_flush(wire);
        if (status == TLS_DONE || status == TLS_FAILED || !sent)
            return status == TLS_DONE && sent;
        wire_feed(wire);
    }
}

/* ---- the control connection ---- */

void fake_send(struct fake *fake, struct bytes bytes)
{
    if (!is_over(fake) && !wire_send(&fake->control, bytes))
        fake_fail(fake, "send \"%.*s\": the client is gone", BYTES_FMT(bytes));
}

void fake_say(struct fake *fake, const char *format, ...)
{
    char line[LINE_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line) - 2, format, args);
    va_end(args);
    memcpy(line + len, "\r\n", 2);
    fake_send(fake, bytes_of(line, (size_t)len + 2));
}

/* The next byte of the control connection; -1: its end. */
static int next_byte(struct fake *fake)
{
    struct fake_wire *wire = &fake->control;
    if (wire->plain_start == wire->plain_end) {
        bool clean;
        wire->plain_start = 0;
        wire->plain_end = wire_receive(wire, wire->plain, sizeof(wire->plain), &clean);
        if (wire->plain_end == 0)
            return -1;
        if (!wire->engine &&
            buf_append(&fake->in_clear, bytes_of(wire->plain, wire->plain_end)) != FERRY_OK)
            fake_fail(fake, "out of memory");
    }
    return (unsigned char)wire->plain[wire->plain_start++];
}

/* The next line without its end; NULL: the end. */
static const char *next_line(struct fake *fake)
{
    char *line = fake->server->line;
    size_t len = 0;
    for (int byte; (byte = next_byte(fake)) != '\n'; line[len++] = (char)byte) {
        if (byte < 0 || len + 1 >= LINE_MAX)
            return NULL;
    }
    line[len > 0 ? len - 1 : 0] = '\0';
    if (buf_printf(&fake->commands, "%s\n", line) != FERRY_OK)
        fake_fail(fake, "out of memory");
    return line;
}

const char *fake_hear(struct fake *fake, const char *start)
{
    if (is_over(fake))
        return "";
    const char *line = next_line(fake);
    if (line && bytes_starts(bytes_str(line), bytes_str(start)))
        return line + strlen(start);
    fake_fail(fake, "expected \"%s\", heard \"%s\"", start, line ? line : "(the end)");
    return "";
}

void fake_answer(struct fake *fake, const char *start, const char *reply)
{
    fake_hear(fake, start);
    fake_say(fake, "%s", reply);
}

void fake_hear_end(struct fake *fake)
{
    const char *line;
    while (!is_over(fake) && (line = next_line(fake))) {
        if (strcmp(line, "QUIT") == 0)
            fake_say(fake, "221 bye");
    }
}

void fake_reset(struct fake *fake)
{
    setsockopt(fake->control.fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
               sizeof(struct linger));
    wire_close(&fake->control);
}

void fake_pause(unsigned ms)
{
    nanosleep(&(const struct timespec){.tv_nsec = (long)ms * 1000000L}, NULL);
}

static struct tls_engine *make_engine(struct fake *fake, struct tls_context *context,
                                      struct tls_binding *binding, bool data)
{
    struct tls_engine *engine = NULL;
    const struct tls_server_role role = {.binding = binding, .data = data};
    if (tls_engine_new_server(context, &role, &engine) != FERRY_OK)
        fake_fail(fake, "no TLS engine");
    return engine;
}

bool fake_seal(struct fake *fake)
{
    struct tls_engine *engine =
        is_over(fake) ? NULL : make_engine(fake, fake->context, fake->binding, false);
    return engine && wire_seal(&fake->control, engine);
}

void fake_login(struct fake *fake, const char *features)
{
    fake_say(fake, "220 ready");
    fake_answer(fake, "AUTH TLS", "234 go on");
    if (!fake_seal(fake))
        fake_fail(fake, "no handshake on the control connection");
    fake_answer(fake, "USER anna", "331 password?");
    fake_answer(fake, "PASS secret", "230 in");
    fake_answer(fake, "PBSZ 0", "200 PBSZ=0");
    fake_answer(fake, "PROT P", "200 private");
    fake_hear(fake, "FEAT");
    fake_say(fake, "211-Features:");
    struct bytes rest = bytes_str(features);
    while (rest.len > 0) {
        struct bytes feature = bytes_cut(&rest, '\n');
        fake_say(fake, " %.*s", BYTES_FMT(feature));
    }
    fake_say(fake, "211 End");
}

void fake_quit(struct fake *fake)
{
    fake_answer(fake, "QUIT", "221 bye");
    if (!is_over(fake) && next_line(fake))
        fake_fail(fake, "the client went on after QUIT");
}

/* ---- the data connection ---- */

static int listen_on_loopback(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 8) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
        *port = ntohs(address.sin_port);
        set_patience(fd);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

void fake_listen_silently(struct fake *fake)
{
    uint16_t port;
    if (fake->data_listener >= 0)
        close(fake->data_listener);
    fake->data_listener = listen_on_loopback(&port);
    if (fake->data_listener < 0)
        fake_fail(fake, "no listener");
}

uint16_t fake_data_port(const struct fake *fake)
{
    struct sockaddr_in address = {0};
    socklen_t len = sizeof(address);
    getsockname(fake->data_listener, (struct sockaddr *)&address, &len);
    return ntohs(address.sin_port);
}

void fake_listen(struct fake *fake)
{
    fake_hear(fake, "EPSV");
    fake_listen_silently(fake);
    fake_say(fake, "229 here (|||%u|)", (unsigned)fake_data_port(fake));
}

void fake_accept(struct fake *fake)
{
    if (is_over(fake))
        return;
    wire_close(&fake->data);
    fake->data.fd = accept(fake->data_listener, NULL, NULL);
    if (fake->data.fd < 0) {
        fake_fail(fake, "no data connection came");
        return;
    }
    set_patience(fake->data.fd);
    fake->data_connections++;
}

bool fake_seal_data(struct fake *fake)
{
    if (is_over(fake))
        return false;
    struct tls_context *context = fake->data_context ? fake->data_context : fake->context;
    struct tls_binding *binding = fake->data_binding ? fake->data_binding : fake->binding;
    struct tls_engine *engine = make_engine(fake, context, binding, true);
    bool sealed = engine && wire_seal(&fake->data, engine);
    fake->resumed += sealed && tls_engine_facts(engine)->resumed;
    return sealed;
}

void fake_write(struct fake *fake, struct bytes bytes)
{
    if (!is_over(fake) && !wire_send(&fake->data, bytes))
        fake_fail(fake, "the client closed the data connection");
}

void fake_read(struct fake *fake, struct buf *out)
{
    char bytes[4096];
    bool clean = false;
    size_t got;
    while (!is_over(fake) && (got = wire_receive(&fake->data, bytes, sizeof(bytes), &clean)) > 0) {
        if (buf_append(out, bytes_of(bytes, got)) != FERRY_OK)
            fake_fail(fake, "out of memory");
    }
    if (!clean)
        fake_fail(fake, "the upload has no proper end");
}

/* Reads to the client's end, so that closing sends no RST. */
static void drain(int fd)
{
    char bytes[4096];
    shutdown(fd, SHUT_WR);
    while (recv(fd, bytes, sizeof(bytes), 0) > 0)
        continue;
}

void fake_end_data(struct fake *fake, enum fake_end how)
{
    struct fake_wire *wire = &fake->data;
    if (is_over(fake))
        return;
    if (how == FAKE_CLOSED && wire->engine) {
        tls_engine_close(wire->engine);
        wire_flush(wire);
    }
    if (how == FAKE_RST)
        setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                   sizeof(struct linger));
    else
        drain(wire->fd);
    wire_close(wire);
}

void fake_download(struct fake *fake, const char *command, struct bytes bytes, enum fake_end how)
{
    fake_listen(fake);
    fake_answer(fake, command, "150 here it comes");
    fake_accept(fake);
    if (!fake_seal_data(fake))
        fake_fail(fake, "no handshake on the data connection");
    if (bytes.len > 0)
        fake_write(fake, bytes);
    fake_end_data(fake, how);
    fake_say(fake, "226 done");
}

/* ---- the server ---- */

static struct tls_context *make_context(const struct fake_server *server,
                                        const struct tls_minted *leaf)
{
    const struct tls_server_settings settings = {
        .max = server->settings.max,
        .certificate_pem = buf_view(&leaf->certificate_pem),
        .key_pem = buf_view(&leaf->key_pem),
    };
    struct tls_context *context = NULL;
    struct fault fault = {0};
    assert_int_equal(tls_context_new_server(&settings, &context, &fault), FERRY_OK);
    return context;
}

static void *run(void *ctx)
{
    struct fake_server *server = ctx;
    struct fake *fake = &server->fake;
    fake->control.fd = accept(server->listener, NULL, NULL);
    if (fake->control.fd >= 0) {
        set_patience(fake->control.fd);
        server->settings.script(fake);
    } else {
        fake_fail(fake, "nobody came: %s", strerror(errno));
    }
    wire_close(&fake->data);
    wire_close(&fake->control);
    return NULL;
}

struct fake_server *fake_server_start(const struct fake_settings *settings)
{
    struct fake_server *server = calloc(1, sizeof(*server));
    assert_non_null(server);
    const struct fake_certificates *certificates = settings->certificates;
    struct fake *fake = &server->fake;
    server->settings = *settings;
    server->master = tls_master_new();
    *fake = (struct fake){.certificates = certificates, .ctx = settings->ctx, .server = server};
    fake->control.fd = fake->data.fd = fake->data_listener = -1;
    buf_init(&fake->in_clear, LOG_MAX_BYTES);
    buf_init(&fake->commands, LOG_MAX_BYTES);
    fake->context =
        make_context(server, settings->certificate ? settings->certificate : &certificates->good);
    if (settings->data_certificate)
        fake->data_context = make_context(server, settings->data_certificate);
    fake->binding = tls_binding_new(server->master);
    if (settings->forgets_sessions)
        fake->data_binding = tls_binding_new(server->master);
    server->listener = listen_on_loopback(&server->port);
    assert_true(server->listener >= 0);
    server->running = pthread_create(&server->thread, NULL, run, server) == 0;
    assert_true(server->running);
    return server;
}

uint16_t fake_server_port(const struct fake_server *server)
{
    return server->port;
}

const struct fake *fake_server_stop(struct fake_server *server)
{
    if (server->running)
        pthread_join(server->thread, NULL);
    server->running = false;
    assert_string_equal(server->fake.failure, "");
    return &server->fake;
}

void fake_server_free(struct fake_server *server)
{
    struct fake *fake = &server->fake;
    buf_fini(&fake->in_clear);
    buf_fini(&fake->commands);
    tls_context_unref(fake->context);
    tls_context_unref(fake->data_context);
    tls_binding_free(fake->binding);
    tls_binding_free(fake->data_binding);
    tls_master_free(server->master);
    close(server->listener);
    if (fake->data_listener >= 0)
        close(fake->data_listener);
    free(server);
}
