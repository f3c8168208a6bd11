/* The data connection of one transfer: candidates, their check, and the one that takes the slot. */
#include "server/data.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "server/candidate.h"

enum { ARRIVALS_MAX = 8, LISTEN_BACKLOG = 8 };

/* FTP-24: a passive port without a transfer command. */
static const uint64_t UNUSED_NS = 60 * CLOCK_NS_PER_S;

/* How long the rightful client may still come after another's candidate was refused. Nearly all
 * connect before they send the command; only a theft makes anybody wait. */
static const uint64_t GRACE_NS = CLOCK_NS_PER_S / 2;

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

static void data_drop_candidates(struct server_data *data)
{
    for (size_t i = 0; i < CANDIDATES_MAX; i++) {
        struct server_candidate *candidate = &data->candidates[i];
        if (candidate->stream)
            server_linger_take(data->setup.linger, candidate->stream, data->binding);
        candidate->stream = NULL;
    }
}

static bool data_has_candidates(const struct server_data *data)
{
    for (size_t i = 0; i < CANDIDATES_MAX; i++)
        if (data->candidates[i].stream)
            return true;
    return false;
}

static bool data_can_accept(const struct server_data *data)
{
    return data->listener >= 0 || data->dialled >= 0;
}

/* Makes a refusal the reason for a failure to come, and tells the owner of it. */
void server_data_refusal(struct server_data *data, int code, const struct address *peer,
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
    data_drop_candidates(data);
    const struct server_data_events *events = data->setup.events;
    if (data->taken) {
        struct stream *stream = data->taken;
        data->taken = NULL;
        stream_pause(stream, false);
        events->ready(data->setup.ctx, stream, data->binding, data->proof);
        return;
    }
    if (data->code == 0) {
        data->code = DATA_REPLY_NONE;
        fault_set(&data->why, FERRY_E_TIMEOUT, "No data connection came in time");
        fault_advise(&data->why, "the passive ports must be open in every firewall on the way");
    }
    events->failed(data->setup.ctx, data->code, &data->why);
}

/* The slot has its stream: nobody else may come. */
void server_data_take(struct server_data *data, struct stream *stream, enum tls_proof proof)
{
    stream_set_events(stream, NULL, NULL);
    data->taken = stream;
    data->proof = proof;
    data_close_listener(data);
    data_drop_candidates(data);
    if (data->state == DATA_BEGUN)
        loop_task_post(data->tell);
}

/* ---- candidates ---- */

static struct server_candidate *data_free_place(struct server_data *data)
{
    for (size_t i = 0; i < CANDIDATES_MAX; i++)
        if (!data->candidates[i].stream)
            return &data->candidates[i];
    return NULL;
}

/* A connected socket from the right address, which is taken over. */
static void data_admit(struct server_data *data, struct server_candidate *place, int fd,
                       bool foreign)
{
    struct stream *stream = stream_new(data->setup.loop, fd, NULL, NULL);
    if (!stream)
        return;
    if (data->setup.security->level == PROTECTION_CLEAR) {
        stream_pause(stream, true);
        server_data_take(data, stream, TLS_PROOF_NONE);
        return;
    }
    *place = (struct server_candidate){.data = data,
                                       .stream = stream,
                                       .since_ns = loop_now_ns(data->setup.loop),
                                       .foreign = foreign};
    server_candidate_seal(place);
    server_data_arm(data);
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
    return data->setup.security->level == PROTECTION_PRIVATE &&
           server_data_knows(data->setup.rules, other);
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
    struct server_candidate *place = data_free_place(data);
    bool foreign = !address_same_host(peer, data->setup.peer);
    if (foreign && !data_may_be_foreign(data, peer))
        data_foreign(data, peer);
    else if (place)
        data_admit(data, place, fd_take(&owned), foreign);
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
        if (!data_free_place(data)) {
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
            server_data_refusal(data, DATA_REPLY_NONE, data->setup.peer, &fault);
            server_data_arm(data);
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
    server_data_arm(data);
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

/* Active: to another host than the client's. */
static bool data_is_foreign(const struct server_data *data)
{
    return !address_same_host(&data->target, data->setup.peer);
}

static void data_dial_failed(struct server_data *data, const struct fault *cause)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_CONNECT, "Cannot open the data connection: %s", cause->what);
    if (data->setup.rules->active_source_port && cause->os_error == EACCES)
        fault_advise(&fault, "a source port under 1024 needs the capability net_bind_service; "
                             "without active_source_port any port is used");
    else
        fault_advise(&fault, "a client behind NAT or a firewall needs passive mode");
    data_close_listener(data);
    server_data_refusal(data, DATA_REPLY_NONE, &data->target, &fault);
    server_data_arm(data);
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
    data_admit(data, &data->candidates[0], fd_take(&data->dialled), data_is_foreign(data));
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
        return data_can_accept(data) ? data->created_ns + UNUSED_NS : CLOCK_NEVER;

    uint64_t last = data->begun_ns + rules->data_timeout_ns;
    if (data_has_candidates(data)) {
        /* However many try, one transfer waits no longer than this. */
        uint64_t most = last + rules->handshake_timeout_ns;
        uint64_t until = 0;
        for (size_t i = 0; i < CANDIDATES_MAX; i++) {
            const struct server_candidate *candidate = &data->candidates[i];
            uint64_t end = candidate->since_ns + rules->handshake_timeout_ns;
            if (candidate->stream && end > until)
                until = end;
        }
        return until < most ? until : most;
    }
    if (!data_can_accept(data))
        return 0;
    if (data->code && data->refused_ns + GRACE_NS < last)
        return (data->refused_ns > data->begun_ns ? data->refused_ns : data->begun_ns) + GRACE_NS;
    return last;
}

void server_data_arm(struct server_data *data)
{
    loop_timer_at(data->timer, data_deadline(data));
}

static void data_expired(void *ctx)
{
    struct server_data *data = ctx;
    bool handshaking = data_has_candidates(data);
    struct fault fault = {0};
    if (data->state == DATA_WAITING) {
        fault_set(&fault, FERRY_E_TIMEOUT, "The data port was not used within 60 s");
        data->code = DATA_REPLY_NONE;
        data->why = fault;
        data_close_listener(data);
        data_drop_candidates(data);
        return;
    }
    if (handshaking && data->code == 0) {
        fault_set(&fault, FERRY_E_TIMEOUT,
                  "The TLS handshake of the data connection did not end in time");
        data->code = DATA_REPLY_TLS;
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
    *out = data;
    return FERRY_OK;
}

/* The level changed between PASV and the command (TLS-32): what came before it is at the wrong one.
 */
static void data_change_level(struct server_data *data)
{
    bool sealed = data->setup.security->level == PROTECTION_PRIVATE;
    struct stream *stream = data->taken;
    if (!sealed)
        data_drop_candidates(data);
    if (!stream || (stream_tls(stream) != NULL) == sealed)
        return;
    data->taken = NULL;
    if (!sealed) {
        struct fault fault = {0};
        fault_set(&fault, FERRY_E_STATE, "The data connection is sealed, but PROT C is in force");
        server_data_refusal(data, DATA_REPLY_NONE, stream_peer(stream), &fault);
        server_linger_take(data->setup.linger, stream, data->binding);
        return;
    }
    stream_pause(stream, false);
    data->candidates[0] = (struct server_candidate){.data = data, .stream = stream};
    server_candidate_seal(&data->candidates[0]);
}

/* It is known now who is TLS client. Where SSCN came behind PASV, whoever was quick has begun the
 * other way round. */
static void data_settle_role(struct server_data *data)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_STATE, "TLS was begun before SSCN had said by whom");
    if (data->taken && data->tls_client) {
        data->candidates[0] = (struct server_candidate){.data = data, .stream = data->taken};
        data->taken = NULL;
    }
    for (size_t i = 0; i < CANDIDATES_MAX; i++) {
        struct server_candidate *candidate = &data->candidates[i];
        if (candidate->stream && !stream_tls(candidate->stream))
            server_candidate_seal(candidate);
        else if (candidate->stream && data->tls_client)
            server_candidate_refuse(candidate, DATA_REPLY_TLS, &fault);
    }
}

void server_data_begin(struct server_data *data, bool tls_client)
{
    data->state = DATA_BEGUN;
    data->begun_ns = loop_now_ns(data->setup.loop);
    data->tls_client = tls_client && data->setup.security->level == PROTECTION_PRIVATE;
    if (data->setup.security->level == PROTECTION_PRIVATE)
        data_settle_role(data);
    data_change_level(data);
    for (size_t i = 0; i < CANDIDATES_MAX; i++)
        data->candidates[i].since_ns = data->begun_ns;
    if (data->taken)
        loop_task_post(data->tell);
    else if (data->target.len)
        data_dial(data);
    server_data_arm(data);
}

void server_data_free(struct server_data *data)
{
    if (!data)
        return;
    data_close_listener(data);
    data_drop_candidates(data);
    if (data->taken)
        server_linger_take(data->setup.linger, data->taken, data->binding);
    loop_timer_free(data->timer);
    loop_task_free(data->tell);
    server_binding_unref(data->binding);
    alloc_free(data);
}
