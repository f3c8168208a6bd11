/* One data connection. */
#include "client/data.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "client/remark.h"
#include "ftp/hostport.h"
#include "net/connect.h"
#include "net/socket.h"

enum { COMMAND_MAX_BYTES = 256 }; /* the argument of PORT or EPRT */

struct client_data {
    struct client_session *session;
    enum protection level;
    struct client_data_events events;
    void *ctx;
    struct fault fault;

    struct connect *connect;   /* passive, until connected */
    int listener;              /* active, until accepted; else -1 */
    struct loop_watch *accept; /* of the listener */
    struct stream *stream;
    struct loop_timer *timer;
    bool expected; /* client_data_expect */
    bool opened;
};

static void stop_waiting(struct client_data *data)
{
    connect_free(data->connect);
    data->connect = NULL;
    loop_watch_free(data->accept);
    data->accept = NULL;
    fd_close(&data->listener);
}

void client_data_free(struct client_data *data)
{
    if (!data)
        return;
    stop_waiting(data);
    stream_free(data->stream);
    loop_timer_free(data->timer);
    alloc_free(data);
}

struct stream *client_data_stream(const struct client_data *data)
{
    return data->stream;
}

const struct fault *client_data_fault(const struct client_data *data)
{
    return &data->fault;
}

/* The fault is set: nothing more will come of this connection. */
static void fail(struct client_data *data)
{
    stop_waiting(data);
    stream_free(data->stream);
    data->stream = NULL;
    loop_timer_at(data->timer, CLOCK_NEVER);
    data->events.failed(data->ctx);
}

static void fail_with(struct client_data *data, const struct fault *fault)
{
    if (!fault_is_set(&data->fault))
        data->fault = *fault;
    fail(data);
}

/* ---- the connection ---- */

static void arm(struct client_data *data)
{
    if (data->expected && !data->opened)
        loop_timer_at(data->timer,
                      loop_now_ns(data->session->loop) + CLIENT_HANDSHAKE_SECONDS * CLOCK_NS_PER_S);
}

void client_data_expect(struct client_data *data)
{
    data->expected = true;
    arm(data);
}

static void on_timer(void *ctx)
{
    struct client_data *data = ctx;
    const char *missing =
        data->stream ? "its TLS handshake was not done" : "the server did not connect to us";
    fault_set(&data->fault, FERRY_E_TIMEOUT, "the data connection: %s within %d s", missing,
              CLIENT_HANDSHAKE_SECONDS);
    fault_advise(&data->fault, "a firewall between may stop it");
    fail(data);
}

static void succeed(struct client_data *data)
{
    data->opened = true;
    loop_timer_at(data->timer, CLOCK_NEVER);
    data->events.opened(data->ctx);
}

static void on_sealed(void *ctx)
{
    struct client_data *data = ctx;
    client_remark_tls(data->session, "data", tls_engine_facts(stream_tls(data->stream)));
    succeed(data);
}

/* Before the handshake is done, input is its end. */
static void on_end(void *ctx)
{
    struct client_data *data = ctx;
    if (stream_end(data->stream) == STREAM_OPEN)
        return;
    const struct fault *why = stream_fault(data->stream);
    if (fault_is_set(why))
        data->fault = *why;
    fault_set(&data->fault, FERRY_E_TLS, "the server closed the data connection in its handshake");
    fail(data);
}

/* A new connection, which this function takes. */
static void use(struct client_data *data, int fd)
{
    static const struct stream_events handshake_events = {.input = on_end, .sealed = on_sealed};
    struct client_session *session = data->session;
    data->stream = stream_new(session->loop, fd, &handshake_events, data);
    if (!data->stream) {
        fault_set(&data->fault, FERRY_E_MEMORY, "no memory for a data connection");
        fail(data);
        return;
    }
    if (data->level == PROTECTION_CLEAR) {
        succeed(data);
        return;
    }
    /* Tickets may wait unread on the control connection (TLS-107). */
    client_session_fetch(session);
    const struct tls_client_role role = {
        .sessions = session->tls_sessions,
        .data = true,
        .server_name = session->host,
        .trust = &session->trust,
    };
    struct tls_engine *engine = NULL;
    enum ferry_error error = tls_engine_new_client(session->tls, &role, &engine);
    if (error == FERRY_OK)
        error = stream_start_tls(data->stream, engine);
    if (error != FERRY_OK) {
        fault_set(&data->fault, error, "TLS cannot begin on the data connection");
        fail(data);
        return;
    }
    arm(data);
}

/* ---- passive ---- */

static void on_connected(void *ctx, int fd, const struct address *peer, const struct fault *fault)
{
    (void)peer;
    struct client_data *data = ctx;
    if (fd < 0) {
        fault_set(&data->fault, fault->kind, "the data connection: %s", fault->what);
        fault_advise(&data->fault, "a firewall may not let the server's passive ports through; "
                                   "--active makes the server connect to this machine");
    }
    connect_free(data->connect);
    data->connect = NULL;
    if (fd >= 0)
        use(data, fd);
    else
        fail(data);
}

/* Connects to where the control connection goes, whatever address the server named. */
static void connect_to(struct client_data *data, uint16_t port)
{
    struct client_session *session = data->session;
    struct address to = *stream_peer(session->control);
    address_set_port(&to, port);
    data->connect =
        connect_start_address(session->loop, &to, session->options->connect_ns, on_connected, data);
    if (!data->connect) {
        fault_set(&data->fault, FERRY_E_MEMORY, "no memory for a data connection");
        fail(data);
        return;
    }
    data->events.prepared(data->ctx);
}

static enum address_family family(const struct address *address)
{
    int number = ADDRESS_NONE;
    uint8_t bytes[16];
    uint16_t port;
    address_to_raw(address, &number, bytes, &port);
    return (enum address_family)number;
}

static void remark_foreign(struct client_session *session, const struct hostport *named)
{
    struct address address;
    address_from_raw((int)named->family, named->address, named->port, &address);
    if (address_same_host(&address, stream_peer(session->control)))
        return;
    char text[ADDRESS_TEXT_BYTES];
    address_text(&address, text);
    client_remark(session, '*', "the server names %s; the control connection's address is used",
                  text);
}

/* The port in a 227 or a 229, by the code and not by what was asked (DEV-25). */
static enum ferry_error find_port(struct client_data *data, const struct reply *reply,
                                  uint16_t *port)
{
    if (reply->code == 229)
        return hostport_parse_epsv(reply->text, port);
    struct hostport named;
    enum ferry_error error =
        reply->code == 227 ? hostport_parse_pasv(reply->text, &named) : FERRY_E_PROTOCOL;
    if (error != FERRY_OK)
        return error;
    remark_foreign(data->session, &named);
    *port = named.port;
    return FERRY_OK;
}

static void ask(struct client_data *data, enum verb verb, struct bytes argument,
                client_reply_fn *fn)
{
    struct client_session *session = data->session;
    if (client_session_send(session, verb, argument, fn, data) != FERRY_OK)
        fail_with(data, &session->fault);
}

static void on_passive(void *ctx, const struct reply *reply)
{
    struct client_data *data = ctx;
    struct client_session *session = data->session;
    struct client_peer *peer = &session->peer;
    uint16_t port = 0;
    if (reply && reply_is_ok(reply->code) && find_port(data, reply, &port) == FERRY_OK) {
        connect_to(data, port);
        return;
    }
    bool refused = reply && reply->code / 100 == 5 && !peer->epsv_refused;
    if (refused && family(stream_peer(session->control)) == ADDRESS_V4) {
        peer->epsv_refused = true;
        ask(data, VERB_PASV, (struct bytes){0}, on_passive);
        return;
    }
    if (reply && reply_is_ok(reply->code)) {
        fault_set(&data->fault, FERRY_E_PROTOCOL, "the server's answer to %s names no port",
                  peer->epsv_refused ? "PASV" : "EPSV");
        fault_peer(&data->fault, reply->code, reply->text);
        fail(data);
        return;
    }
    client_session_refuse(session, reply, "open a passive data connection");
    fail_with(data, &session->fault);
}

/* ---- active ---- */

static void on_acceptable(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct client_data *data = ctx;
    int fd = -1;
    struct address peer;
    while (socket_accept(data->listener, &fd, &peer) == FERRY_OK) {
        const struct address *server =
            data->session->control ? stream_peer(data->session->control) : NULL;
        if (server && address_same_host(&peer, server)) {
            stop_waiting(data);
            use(data, fd);
            return;
        }
        char text[ADDRESS_TEXT_BYTES];
        address_text(&peer, text);
        client_remark(data->session, '*', "a connection from %s is turned away", text);
        fd_close(&fd);
    }
}

static void on_active(void *ctx, const struct reply *reply)
{
    struct client_data *data = ctx;
    struct client_session *session = data->session;
    if (reply && reply_is_ok(reply->code)) {
        loop_watch_want(data->accept, true, false);
        data->events.prepared(data->ctx);
        return;
    }
    client_session_refuse(session, reply, "open an active data connection");
    fault_advise(&session->fault, "use passive mode (without --active)");
    fail_with(data, &session->fault);
}

static enum ferry_error listen_here(struct client_data *data, struct hostport *here)
{
    struct client_session *session = data->session;
    struct address at = *stream_local(session->control);
    address_set_port(&at, 0);
    enum ferry_error error = socket_listen(&at, 1, &data->listener, &session->fault);
    if (error != FERRY_OK)
        return error;
    data->accept = loop_watch_new(session->loop, data->listener, on_acceptable, data);
    if (!data->accept)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a data connection");
    error = socket_local(data->listener, &at);
    if (error != FERRY_OK)
        return fault_set(&session->fault, error, "the listener for the server is gone");
    int number = ADDRESS_NONE;
    address_to_raw(&at, &number, here->address, &here->port);
    here->family = (enum address_family)number;
    return FERRY_OK;
}

static enum ferry_error start_active(struct client_data *data)
{
    struct hostport here;
    enum ferry_error error = listen_here(data, &here);
    if (error != FERRY_OK)
        return error;
    CLEANUP(buf_fini) struct buf argument;
    buf_init(&argument, COMMAND_MAX_BYTES);
    bool v4 = here.family == ADDRESS_V4;
    error = v4 ? hostport_format_port(&argument, &here) : hostport_format_eprt(&argument, &here);
    if (error != FERRY_OK)
        return fault_set(&data->session->fault, error, "this machine's address cannot be sent");
    return client_session_send(data->session, v4 ? VERB_PORT : VERB_EPRT, buf_view(&argument),
                               on_active, data);
}

/* ---- both ---- */

enum ferry_error client_data_open(struct client_session *session, enum protection level,
                                  const struct client_data_events *events, void *ctx,
                                  struct client_data **out)
{
    if (!client_session_is_up(session))
        return fault_set(&session->fault, FERRY_E_STATE, "the session is not connected");
    struct client_data *data = alloc_zero(sizeof(*data));
    if (!data)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a data connection");
    *data = (struct client_data){
        .session = session, .level = level, .events = *events, .ctx = ctx, .listener = -1};
    data->timer = loop_timer_new(session->loop, on_timer, data);

    enum ferry_error error = FERRY_E_MEMORY;
    if (!data->timer)
        fault_set(&session->fault, error, "no memory for a data connection");
    else if (session->options->data_mode == FERRY_ACTIVE)
        error = start_active(data);
    else
        error = client_session_send(session, session->peer.epsv_refused ? VERB_PASV : VERB_EPSV,
                                    (struct bytes){0}, on_passive, data);
    if (error != FERRY_OK) {
        client_data_free(data);
        return error;
    }
    *out = data;
    return FERRY_OK;
}
