/* A whole server and raw clients on one loop. */
#include "support/server_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ftp/reply.h"
#include "net/socket.h"
#include "net/stream_internal.h"

enum { LOG_MAX_BYTES = 16 * 1024 * 1024 };

/* ---- the server ---- */

static void log_line(void *ctx, enum log_level level, struct bytes line)
{
    (void)level;
    struct server_rig *rig = ctx;
    assert_int_equal(buf_append(&rig->lines, line), FERRY_OK);
    assert_int_equal(buf_append(&rig->lines, BYTES_LIT("\n")), FERRY_OK);
}

static uint16_t listen_on(struct server_rig *rig, const struct server_rules *from,
                          struct server_listener **listener)
{
    struct server_rules *rules = NULL;
    struct address at;
    struct fault fault = {0};
    int fd;
    assert_int_equal(address_parse("127.0.0.1", 0, &at), FERRY_OK);
    assert_int_equal(socket_listen(&at, 64, &fd, &fault), FERRY_OK);
    assert_int_equal(socket_local(fd, &at), FERRY_OK);
    assert_int_equal(server_rules_new(from, &rules, &fault), FERRY_OK);
    assert_int_equal(server_worker_listen(rig->worker, fd, rules, listener, &fault), FERRY_OK);
    server_rules_unref(rules);
    return address_port(&at);
}

static void add_users(struct server_rig *rig, const struct server_rig_options *options)
{
    static const struct {
        const char *name;
        bool read_only;
    } rows[] = {{RIG_USER, false}, {RIG_OTHER_USER, false}, {RIG_READER, true}};
    struct fault fault = {0};
    rig->users = users_new(rig->net.loop);
    assert_non_null(rig->users);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct user_settings settings = {
            .name = rows[i].name,
            .password = RIG_PASSWORD,
            .root = rig->dir.path,
            .read_only = rows[i].read_only,
            .upload_in_place = options->upload_in_place,
            .hide_dotfiles = options->hide_dotfiles,
            .denied_names = options->denied_names,
        };
        assert_int_equal(users_add(rig->users, &settings, &fault), FERRY_OK);
    }
}

/* Other servers are those of the same CA. */
static void add_fxp(const struct server_rig *rig, struct server_rules *rules)
{
    const struct tls_client_settings settings = {
        .certificate_pem = buf_view(&rig->tls.server_leaf.certificate_pem),
        .key_pem = buf_view(&rig->tls.server_leaf.key_pem),
    };
    struct fault fault = {0};
    assert_int_equal(tls_context_new_client(&settings, &rules->fxp.tls, &fault), FERRY_OK);
    assert_int_equal(
        tls_peers_new(buf_view(&rig->tls.ca.certificate_pem), NULL, 0, &rules->fxp.peers, &fault),
        FERRY_OK);
}

void server_rig_open(struct server_rig *rig, const struct server_rig_options *options)
{
    static const struct server_rig_options defaults = {0};
    if (!options)
        options = &defaults;
    *rig = (struct server_rig){0};
    buf_init(&rig->lines, LOG_MAX_BYTES);
    net_kit_open(&rig->net);
    tls_kit_open(&rig->tls,
                 &(struct tls_kit_options){.min = options->version, .max = options->version});
    tempdir_make(&rig->dir);
    add_users(rig, options);
    rig->log = (struct log){
        .write = log_line, .ctx = rig, .level = LOG_LEVEL_DEBUG, .clock = &clock_system};

    struct server_settings settings = options->settings;
    settings.master = rig->tls.master;
    if (!settings.account_ops)
        settings.account_ops = &users_ops;
    settings.accounts = rig->users;
    settings.log = &rig->log;
    struct fault fault = {0};
    assert_int_equal(server_worker_new(rig->net.loop, &settings, &rig->worker, &fault), FERRY_OK);

    struct server_rules rules = options->rules;
    rules.tls = rig->tls.server;
    rules.active_allowed = true;
    rules.keep_cut_uploads = !options->drop_cut_uploads;
    if (rules.login_delay_ns == 0)
        rules.login_delay_ns = CLOCK_NS_PER_MS;
    if (rules.dialect.fxp)
        add_fxp(rig, &rules);
    rules.kind = LISTEN_EXPLICIT;
    rig->port = listen_on(rig, &rules, &rig->listener);
    rules.kind = LISTEN_IMPLICIT;
    rig->implicit_port = listen_on(rig, &rules, NULL);
    rules.kind = LISTEN_EITHER;
    if (!rules.dialect.greet_before_tls)
        rig->either_port = listen_on(rig, &rules, NULL);
    tls_context_unref(rules.fxp.tls);
    tls_peers_unref(rules.fxp.peers);
}

void server_rig_close(struct server_rig *rig)
{
    server_worker_free(rig->worker);
    net_kit_close(&rig->net);
    users_free(rig->users);
    tls_kit_close(&rig->tls);
    tempdir_remove(&rig->dir);
    buf_fini(&rig->lines);
}

static bool line_has_all(struct bytes line, va_list words)
{
    const char *word;
    while ((word = va_arg(words, const char *)))
        if (!memmem(line.ptr, line.len, word, strlen(word)))
            return false;
    return true;
}

bool server_rig_logged(const struct server_rig *rig, ...)
{
    struct bytes rest = buf_view(&rig->lines);
    bool found = false;
    while (rest.len > 0 && !found) {
        va_list words;
        va_start(words, rig);
        found = line_has_all(bytes_cut(&rest, '\n'), words);
        va_end(words);
    }
    return found;
}

/* ---- a control connection ---- */

static int connect_to(uint16_t port, const char *from)
{
    struct address to, source;
    struct fault fault = {0};
    int fd;
    assert_int_equal(address_parse("127.0.0.1", port, &to), FERRY_OK);
    assert_int_equal(address_parse(from ? from : "127.0.0.1", 0, &source), FERRY_OK);
    assert_int_equal(socket_connect(&to, &source, &fd, &fault), FERRY_OK);
    return fd;
}

static void connect_client(struct rig_client *client, struct server_rig *rig, uint16_t port,
                           const char *from)
{
    *client = (struct rig_client){.rig = rig, .sessions = tls_sessions_new()};
    assert_non_null(client->sessions);
    net_end_open(&client->control, &rig->net, connect_to(port, from));
}

void rig_connect_port(struct rig_client *client, struct server_rig *rig, uint16_t port)
{
    connect_client(client, rig, port, NULL);
}

void rig_connect_from(struct rig_client *client, struct server_rig *rig, const char *from)
{
    connect_client(client, rig, rig->port, from);
}

static struct tls_engine *client_engine(struct rig_client *client, struct tls_sessions *sessions,
                                        bool data)
{
    const struct tls_client_role role = {
        .sessions = sessions,
        .data = data,
        .server_name = TLS_KIT_HOST,
        .trust = &client->trust,
    };
    struct tls_engine *engine;
    assert_int_equal(tls_engine_new_client(client->rig->tls.client, &role, &engine), FERRY_OK);
    return engine;
}

void rig_connect(struct rig_client *client, struct server_rig *rig)
{
    rig_connect_port(client, rig, rig->port);
}

void rig_connect_implicit(struct rig_client *client, struct server_rig *rig)
{
    rig_connect_port(client, rig, rig->implicit_port);
    rig_seal(client);
}

void rig_close(struct rig_client *client)
{
    net_end_close(&client->control);
    tls_sessions_free(client->sessions);
}

void rig_seal(struct rig_client *client)
{
    struct net_end *control = &client->control;
    struct tls_engine *engine = client_engine(client, client->sessions, false);
    assert_int_equal(stream_start_tls(control->stream, engine), FERRY_OK);
    NET_UNTIL(&client->rig->net, stream_is_sealed(control->stream));
}

void rig_login_here(struct rig_client *client, const char *user)
{
    rig_expect_reply(client, 220);
    rig_expect(client, 234, "AUTH TLS");
    rig_seal(client);
    rig_expect(client, 331, "USER %s", user);
    rig_expect(client, 230, "PASS " RIG_PASSWORD);
    rig_expect(client, 200, "PBSZ 0");
    rig_expect(client, 200, "PROT P");
    rig_expect(client, 200, "TYPE I");
}

void rig_login_as(struct rig_client *client, struct server_rig *rig, const char *user)
{
    rig_connect(client, rig);
    rig_login_here(client, user);
}

void rig_login_from(struct rig_client *client, struct server_rig *rig, const char *from)
{
    rig_connect_from(client, rig, from);
    rig_login_here(client, RIG_USER);
}

void rig_login(struct rig_client *client, struct server_rig *rig)
{
    rig_login_as(client, rig, RIG_USER);
}

void rig_send(struct rig_client *client, struct bytes bytes)
{
    size_t taken;
    assert_int_equal(stream_write(client->control.stream, bytes, &taken), FERRY_OK);
    assert_int_equal(taken, bytes.len);
}

static void say(struct rig_client *client, const char *format, va_list args) PRINTF_LIKE(2, 0);

static void say(struct rig_client *client, const char *format, va_list args)
{
    int len = vsnprintf(client->line, sizeof(client->line), format, args);
    assert_true(len >= 0 && (size_t)len < sizeof(client->line));
    rig_send(client, bytes_str(client->line));
    rig_send(client, BYTES_LIT("\r\n"));
}

void rig_say(struct rig_client *client, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(client, format, args);
    va_end(args);
}

static bool take_reply(struct rig_client *client, int *code)
{
    struct reply reply;
    size_t used = 0;
    assert_int_equal(reply_parse(buf_view(&client->control.received), &reply, &used), FERRY_OK);
    if (used == 0)
        return false;
    *code = reply.code;
    snprintf(client->text, sizeof(client->text), "%.*s", BYTES_FMT(reply.text));
    buf_consume(&client->control.received, used);
    return true;
}

int rig_reply(struct rig_client *client)
{
    int code = 0;
    net_kit_begin(&client->rig->net);
    while (!take_reply(client, &code)) {
        if (stream_end(client->control.stream) != STREAM_OPEN)
            fail_msg("the control connection ended, a reply was due: %s",
                     stream_fault(client->control.stream)->what);
        net_kit_turn(&client->rig->net);
    }
    return code;
}

void rig_expect_reply(struct rig_client *client, int code)
{
    int got = rig_reply(client);
    if (got != code)
        fail_msg("%d expected, but the reply was %d %s", code, got, client->text);
}

void rig_expect(struct rig_client *client, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(client, format, args);
    va_end(args);
    int got = rig_reply(client);
    if (got != code)
        fail_msg("%s: %d expected, but the reply was %d %s", client->line, code, got, client->text);
}

void rig_assert_text(const struct rig_client *client, const char *part)
{
    if (!strstr(client->text, part))
        fail_msg("\"%s\" is not in the reply: %s", part, client->text);
}

void rig_await_end(struct rig_client *client)
{
    NET_UNTIL(&client->rig->net, stream_end(client->control.stream) != STREAM_OPEN ||
                                     stream_is_broken(client->control.stream));
}

/* ---- data connections ---- */

void rig_data_connect(struct rig_client *client, struct rig_data *data, const char *from)
{
    *data = (struct rig_data){.rig = client->rig, .listener = -1};
    net_end_open(&data->end, &client->rig->net, connect_to(client->data_port, from));
}

void rig_passive(struct rig_client *client, struct rig_data *data)
{
    rig_expect(client, 229, "EPSV");
    unsigned port = 0;
    assert_int_equal(sscanf(strstr(client->text, "(|||"), "(|||%u|)", &port), 1);
    client->data_port = (uint16_t)port;
    rig_data_connect(client, data, NULL);
}

void rig_active(struct rig_client *client, struct rig_data *data)
{
    struct address at;
    struct fault fault = {0};
    *data = (struct rig_data){.rig = client->rig};
    assert_int_equal(address_parse("127.0.0.1", 0, &at), FERRY_OK);
    assert_int_equal(socket_listen(&at, 1, &data->listener, &fault), FERRY_OK);
    assert_int_equal(socket_local(data->listener, &at), FERRY_OK);
    rig_expect(client, 200, "EPRT |1|127.0.0.1|%u|", (unsigned)address_port(&at));
}

void rig_active_accept(struct rig_data *data)
{
    struct address peer;
    int fd = -1;
    net_kit_begin(&data->rig->net);
    while (socket_accept(data->listener, &fd, &peer) != FERRY_OK)
        net_kit_turn(&data->rig->net);
    net_end_open(&data->end, &data->rig->net, fd);
}

void rig_data_start_tls(struct rig_data *data, struct rig_client *owner)
{
    struct tls_engine *engine = client_engine(owner, owner->sessions, true);
    assert_int_equal(stream_start_tls(data->end.stream, engine), FERRY_OK);
}

void rig_data_start_fresh_tls(struct rig_data *data, struct rig_client *owner)
{
    data->fresh = tls_sessions_new();
    assert_non_null(data->fresh);
    struct tls_engine *engine = client_engine(owner, data->fresh, true);
    assert_int_equal(stream_start_tls(data->end.stream, engine), FERRY_OK);
}

void rig_data_seal(struct rig_data *data, struct rig_client *owner)
{
    rig_data_start_tls(data, owner);
    NET_UNTIL(&data->rig->net, stream_is_sealed(data->end.stream));
}

enum stream_end rig_data_end(struct rig_data *data)
{
    NET_UNTIL(&data->rig->net,
              stream_end(data->end.stream) != STREAM_OPEN || stream_is_broken(data->end.stream));
    return stream_end(data->end.stream);
}

void rig_data_send(struct rig_data *data, struct bytes bytes)
{
    net_kit_begin(&data->rig->net);
    while (bytes.len > 0) {
        size_t taken;
        if (stream_write(data->end.stream, bytes, &taken) != FERRY_OK)
            return; /* the server has closed it; its reply says why */
        bytes = bytes_skip(bytes, taken);
        if (bytes.len > 0)
            net_kit_turn(&data->rig->net);
    }
}

void rig_data_finish(struct rig_data *data)
{
    stream_finish(data->end.stream);
    NET_UNTIL(&data->rig->net, data->end.flushes > 0 || stream_is_broken(data->end.stream));
}

void rig_data_fin(struct rig_data *data, struct bytes tail)
{
    NET_UNTIL(&data->rig->net, stream_output(data->end.stream).len == 0);
    int fd = data->end.stream->fd;
    if (tail.len > 0)
        assert_int_equal(send(fd, tail.ptr, tail.len, 0), (ssize_t)tail.len);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

void rig_data_cut(struct rig_data *data)
{
    stream_abort(data->end.stream);
}

void rig_data_close(struct rig_data *data)
{
    net_end_close(&data->end);
    tls_sessions_free(data->fresh);
    if (data->listener >= 0)
        close(data->listener);
}

void rig_upload(struct rig_client *client, const char *command, struct bytes content)
{
    struct rig_data data;
    rig_passive(client, &data);
    rig_expect(client, 150, "%s", command);
    rig_data_seal(&data, client);
    rig_data_send(&data, content);
    rig_data_finish(&data);
    rig_expect_reply(client, 226);
    rig_data_close(&data);
}

void rig_download(struct rig_client *client, const char *command, struct buf *out)
{
    struct rig_data data;
    rig_passive(client, &data);
    rig_expect(client, 150, "%s", command);
    rig_data_seal(&data, client);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(client, 226);
    assert_int_equal(buf_append(out, buf_view(&data.end.received)), FERRY_OK);
    rig_data_close(&data);
}
