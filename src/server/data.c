/* The data connection of one transfer: where it comes from, and what becomes of it in time. */
#include "server/data.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "server/arrivals.h"
#include "server/candidates.h"

enum {
    ARRIVALS_MAX = 8,
    LISTEN_BACKLOG = 8,
    REPLY_TLS_REFUSED = 522,
    REPLY_NO_CONNECTION = 425,
};

/* How long the rightful client may still come after another's candidate was refused. Nearly all
 * connect before they send the command; only a theft makes anybody wait. */
static const uint64_t GRACE_NS = CLOCK_NS_PER_S / 2;

enum data_state {
    DATA_WAITING, /* for the transfer command */
    DATA_BEGUN,   /* for the data connection */
    DATA_TOLD,    /* ready or failed was called */
};

struct server_data {
    struct server_data_setup setup;
    enum data_state state;
    uint64_t created_ns, begun_ns;

    int listener; /* -1: active, or closed */
    struct loop_watch *listener_watch;
    struct server_arrivals arrivals; /* on it */
    struct address target;           /* active */
    int dialled;                     /* a connect under way, or -1 */
    struct loop_watch *dialled_watch;

    struct server_candidates candidates;
    struct stream *taken; /* the slot */
    enum tls_proof proof;

    int code; /* of the last refusal; 0: nobody was refused */
    uint64_t refused_ns;
    struct fault why;

    struct loop_timer *timer;
    struct loop_task *tell;         /* delivers the outcome */
    struct server_binding *binding; /* of the candidates' engines; NULL in clear */
};

static void data_arm(struct server_data *data);

/* ---- the outcome ---- */

static void data_close_listener(struct server_data *data)
{
    loop_watch_free(data->listener_watch);
    data->listener_watch = NULL;
    fd_close(&data->listener);
    server_arrivals_fini(&data->arrivals);
    loop_watch_free(data->dialled_watch);
    data->dialled_watch = NULL;
    fd_close(&data->dialled);
}

static bool data_can_accept(const struct server_data *data)
{
    return data->listener >= 0 || data->dialled >= 0;
}

/* Makes a refusal the reason for a failure to come, and tells the owner of it. */
static void data_refusal(struct server_data *data, int code, const struct address *peer,
                         const struct fault *fault)
{
    data->code = code;
    data->refused_ns = loop_now_ns(data->setup.loop);
    data->why = *fault;
    data->setup.events->refused(data->setup.ctx, peer, fault);
}

static void data_tell(void *ctx)
{
    struct server_data *data = ctx;
    if (data->state != DATA_BEGUN)
        return;
    data->state = DATA_TOLD;
    loop_timer_at(data->timer, CLOCK_NEVER);
    data_close_listener(data);
    server_candidates_drop(&data->candidates);
    const struct server_data_events *events = data->setup.events;
    if (data->taken) {
        struct stream *stream = data->taken;
        data->taken = NULL;
        stream_pause(stream, false);
        events->ready(data->setup.ctx, stream, data->binding, data->proof);
        return;
    }
    if (data->code == 0) {
        data->code = REPLY_NO_CONNECTION;
        fault_set(&data->why, FERRY_E_TIMEOUT, "No data connection came in time");
        fault_advise(&data->why, "the passive ports must be open in every firewall on the way");
    }
    events->failed(data->setup.ctx, data->code, &data->why);
}

/* The slot has its stream: nobody else may come. */
static void data_take(struct server_data *data, struct stream *stream, enum tls_proof proof)
{
    data->taken = stream;
    data->proof = proof;
    data_close_listener(data);
    server_candidates_drop(&data->candidates);
    if (data->state == DATA_BEGUN)
        loop_task_post(data->tell);
}

/* ---- candidates ---- */

static void candidate_proven(void *ctx, struct stream *stream, enum tls_proof proof)
{
    data_take(ctx, stream, proof);
}

static void candidate_refused(void *ctx, int code, const struct fault *fault)
{
    struct server_data *data = ctx;
    data_refusal(data, code, data->setup.peer, fault); /* nobody else was admitted */
    if (data->listener_watch)
        loop_watch_want(data->listener_watch, true, false);
    data_arm(data);
}

static const struct server_candidates_events candidates_events = {
    .proven = candidate_proven,
    .refused = candidate_refused,
};

/* A connected socket from the right address, which is taken over. */
static void data_admit(struct server_data *data, int fd, bool foreign)
{
    struct stream *stream = stream_new(data->setup.loop, fd, NULL, NULL);
    if (!stream)
        return;
    if (data->setup.security->level == PROTECTION_CLEAR) {
        stream_pause(stream, true);
        data_take(data, stream, TLS_PROOF_NONE);
        return;
    }
    server_candidates_admit(&data->candidates, stream, foreign);
    data_arm(data);
}

/* ---- other servers ---- */

bool server_data_knows(const struct server_rules *rules, const struct address *other)
{
    return rules->dialect.fxp &&
           network_list_contains(rules->fxp.networks, rules->fxp.network_count, other);
}

/* In clear nobody could tell who it is (TLS-168). */
static bool data_may_be_foreign(const struct server_data *data, const struct address *other)
{
    return data->setup.servers && data->setup.security->level == PROTECTION_PRIVATE &&
           server_data_knows(data->setup.rules, other);
}

/* Active: to another host than the client's. */
static bool data_is_foreign(const struct server_data *data)
{
    return !address_same_host(&data->target, data->setup.peer);
}

/* ---- passive ---- */

static void data_foreign(struct server_data *data, const struct address *peer)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(peer, text);
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_DENIED, "a data connection came from %s, which is not the client",
              text);
    fault_advise(&fault, "a client behind several addresses needs one for control and data");
    data->setup.events->refused(data->setup.ctx, peer, &fault);
}

/* It is known whose a connection is (SEC-5). */
static void data_arrived(void *ctx, int fd, const struct address *peer,
                         const struct address *reached)
{
    (void)reached;
    CLEANUP(fd_close) int owned = fd;
    struct server_data *data = ctx;
    bool foreign = !address_same_host(peer, data->setup.peer);
    if (foreign && !data_may_be_foreign(data, peer))
        data_foreign(data, peer);
    else if (server_candidates_has_room(&data->candidates))
        data_admit(data, fd_take(&owned), foreign);
}

static void data_arrival_refused(void *ctx, const struct address *proxy, const struct fault *fault)
{
    const struct server_data *data = ctx;
    data->setup.events->refused(data->setup.ctx, proxy, fault);
}

static void data_accept(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct server_data *data = ctx;
    while (data->listener >= 0) {
        if (!server_candidates_has_room(&data->candidates)) {
            loop_watch_want(data->listener_watch, false, false);
            return;
        }
        int fd = -1;
        struct address peer;
        enum ferry_error error = socket_accept(data->listener, &fd, &peer);
        if (error == FERRY_E_STATE)
            return;
        if (error != FERRY_OK) {
            /* No descriptors: to listen on would be called for this connection for ever. */
            struct fault fault = {0};
            fault_set(&fault, error, "No data connection can be accepted now");
            data_close_listener(data);
            data_refusal(data, REPLY_NO_CONNECTION, data->setup.peer, &fault);
            data_arm(data);
            return;
        }
        server_arrivals_take(&data->arrivals, data->setup.rules, fd, &peer);
    }
}

static enum ferry_error data_new(const struct server_data_setup *setup, struct server_data **out);

enum ferry_error server_data_listen(const struct server_data_setup *setup, uint16_t *port,
                                    struct server_data **out, struct fault *fault)
{
    const struct server_rules *rules = setup->rules;
    struct server_data *data = NULL;
    enum ferry_error error = data_new(setup, &data);
    if (error != FERRY_OK)
        return fault_set(fault, error, "no memory for a data connection");

    struct address at = *setup->local;
    address_set_port(&at, 0);
    error = rules->passive_low ? socket_listen_range(&at, rules->passive_low, rules->passive_high,
                                                     &data->listener, fault)
                               : socket_listen(&at, LISTEN_BACKLOG, &data->listener, fault);
    if (error == FERRY_OK)
        error = socket_local(data->listener, &at);
    if (error == FERRY_OK) {
        data->listener_watch = loop_watch_new(setup->loop, data->listener, data_accept, data);
        error = data->listener_watch ? FERRY_OK : FERRY_E_MEMORY;
    }
    if (error != FERRY_OK) {
        server_data_free(data);
        return fault_set(fault, error, "no passive port can be had");
    }
    loop_watch_want(data->listener_watch, true, false);
    data_arm(data);
    *port = address_port(&at);
    *out = data;
    return FERRY_OK;
}

/* ---- active ---- */

enum ferry_error server_data_active(const struct server_data_setup *setup, const struct address *to,
                                    struct server_data **out)
{
    enum ferry_error error = data_new(setup, out);
    if (error == FERRY_OK)
        (*out)->target = *to;
    return error;
}

static void data_dial_failed(struct server_data *data, const struct fault *cause)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_CONNECT, "Cannot open the data connection: %s", cause->what);
    if (cause->os_error == EACCES || cause->os_error == EADDRINUSE)
        fault_advise(&fault, "active_source_port must be free and, under 1024, needs the "
                             "capability net_bind_service; without it any port will do");
    else
        fault_advise(&fault, "a client behind NAT or a firewall needs passive mode");
    data_close_listener(data);
    data_refusal(data, REPLY_NO_CONNECTION, &data->target, &fault);
    data_arm(data);
}

static void data_dialled(void *ctx, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct server_data *data = ctx;
    struct fault fault = {0};
    if (socket_connected(data->dialled, &data->target, &fault) != FERRY_OK) {
        data_dial_failed(data, &fault);
        return;
    }
    loop_watch_free(data->dialled_watch);
    data->dialled_watch = NULL;
    data_admit(data, fd_take(&data->dialled), data_is_foreign(data));
}

static void data_dial(struct server_data *data)
{
    /* FTP-50: from the address that the client knows us by; behind a proxy it may know us by
     * another protocol. */
    struct address from = *data->setup.local;
    address_set_port(&from, data->setup.rules->active_source_port);
    bool fits = from.storage.ss_family == data->target.storage.ss_family;
    struct fault fault = {0};
    if (data_is_foreign(data) && !data_may_be_foreign(data, &data->target)) {
        fault_set(&fault, FERRY_E_DENIED, "another server is only reached under PROT P");
        data_dial_failed(data, &fault);
        return;
    }
    if (socket_connect(&data->target, fits ? &from : NULL, &data->dialled, &fault) != FERRY_OK) {
        data_dial_failed(data, &fault);
        return;
    }
    data->dialled_watch = loop_watch_new(data->setup.loop, data->dialled, data_dialled, data);
    if (data->dialled_watch) {
        loop_watch_want(data->dialled_watch, false, true);
        return;
    }
    fault_set(&fault, FERRY_E_MEMORY, "no memory");
    data_dial_failed(data, &fault);
}

/* ---- deadlines ---- */

/* When to give up on what is awaited now. */
static uint64_t data_deadline(const struct server_data *data)
{
    const struct server_rules *rules = data->setup.rules;
    if (data->state == DATA_TOLD || data->taken)
        return CLOCK_NEVER;
    if (data->state == DATA_WAITING)
        return data_can_accept(data) ? data->created_ns + rules->passive_timeout_ns : CLOCK_NEVER;

    uint64_t last = data->begun_ns + rules->data_timeout_ns;
    if (server_candidates_any(&data->candidates)) {
        /* However many try, one transfer waits no longer than this. */
        uint64_t most = last + rules->handshake_timeout_ns;
        uint64_t until = server_candidates_deadline(&data->candidates);
        return until < most ? until : most;
    }
    if (!data_can_accept(data))
        return 0;
    if (data->code && data->refused_ns + GRACE_NS < last)
        return (data->refused_ns > data->begun_ns ? data->refused_ns : data->begun_ns) + GRACE_NS;
    return last;
}

static void data_arm(struct server_data *data)
{
    loop_timer_at(data->timer, data_deadline(data));
}

static void data_expired(void *ctx)
{
    struct server_data *data = ctx;
    bool handshaking = server_candidates_any(&data->candidates);
    struct fault fault = {0};
    if (data->state == DATA_WAITING) {
        fault_set(&fault, FERRY_E_TIMEOUT, "The data port was not used in time");
        data->code = REPLY_NO_CONNECTION;
        data->why = fault;
        data_close_listener(data);
        server_candidates_drop(&data->candidates);
        return;
    }
    if (handshaking && data->code == 0) {
        fault_set(&fault, FERRY_E_TIMEOUT,
                  "The TLS handshake of the data connection did not end in time");
        data->code = REPLY_TLS_REFUSED;
        data->why = fault;
    }
    data_tell(data);
}

/* ---- life ---- */

static enum ferry_error data_new(const struct server_data_setup *setup, struct server_data **out)
{
    static const struct server_arrivals_events arrival_events = {
        .known = data_arrived,
        .refused = data_arrival_refused,
    };
    struct server_data *data = alloc_zero(sizeof(*data));
    if (!data)
        return FERRY_E_MEMORY;
    data->setup = *setup;
    data->listener = -1;
    data->dialled = -1;
    data->created_ns = loop_now_ns(setup->loop);
    server_arrivals_init(&data->arrivals, setup->loop, ARRIVALS_MAX, &arrival_events, data);
    data->timer = loop_timer_new(setup->loop, data_expired, data);
    data->tell = loop_task_new(setup->loop, data_tell, data);
    /* A binding that nobody has tickets of resumes nothing. */
    bool blank = setup->binding && setup->rules->data_resume == DATA_RESUME_OFF;
    data->binding = blank ? server_binding_new(setup->master) : server_binding_ref(setup->binding);
    if (!data->timer || !data->tell || (setup->binding && !data->binding)) {
        server_data_free(data);
        return FERRY_E_MEMORY;
    }
    const struct server_candidates_setup candidates = {
        .loop = setup->loop,
        .rules = setup->rules,
        .linger = setup->linger,
        .binding = data->binding,
        .host = setup->host,
        .servers = setup->servers,
        .role_unknown = setup->may_be_tls_client,
        .events = &candidates_events,
        .ctx = data,
    };
    server_candidates_init(&data->candidates, &candidates);
    *out = data;
    return FERRY_OK;
}

/* Turns away who has the slot, for `why`. */
static void data_turn_away(struct server_data *data, int code, const char *why)
{
    struct stream *stream = data->taken;
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_STATE, "%s", why);
    data->taken = NULL;
    data_refusal(data, code, data->setup.peer, &fault);
    server_linger_take(data->setup.linger, stream, data->binding);
}

/* What came before the transfer command may be at the wrong level (TLS-32), or have begun TLS the
 * wrong way round. */
static void data_settle(struct server_data *data, bool tls_client)
{
    bool sealed = data->setup.security->level == PROTECTION_PRIVATE;
    if (!sealed)
        server_candidates_drop(&data->candidates);
    server_candidates_begin(&data->candidates, sealed && tls_client);
    struct stream *stream = data->taken;
    if (!stream)
        return;
    if (!stream_tls(stream) && sealed) {
        data->taken = NULL;
        stream_pause(stream, false);
        server_candidates_admit(&data->candidates, stream, false);
    } else if (stream_tls(stream) && !sealed) {
        data_turn_away(data, REPLY_NO_CONNECTION,
                       "The data connection is sealed, but PROT C is in force");
    } else if (stream_tls(stream) && tls_client) {
        data_turn_away(data, REPLY_TLS_REFUSED, "TLS was begun before SSCN said by whom");
    }
}

void server_data_begin(struct server_data *data, bool tls_client)
{
    data->state = DATA_BEGUN;
    data->begun_ns = loop_now_ns(data->setup.loop);
    data_settle(data, tls_client);
    if (data->taken)
        loop_task_post(data->tell);
    else if (data->target.len)
        data_dial(data);
    data_arm(data);
}

void server_data_free(struct server_data *data)
{
    if (!data)
        return;
    data_close_listener(data);
    server_candidates_drop(&data->candidates);
    if (data->taken)
        server_linger_take(data->setup.linger, data->taken, data->binding);
    loop_timer_free(data->timer);
    loop_task_free(data->tell);
    server_binding_unref(data->binding);
    alloc_free(data);
}
