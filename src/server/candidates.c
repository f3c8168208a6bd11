/* The connections that would be the data connection of one transfer. */
#include "server/candidates.h"

#include "tls/engine.h"

enum { REPLY_TLS_REFUSED = 522, REPLY_NO_CONNECTION = 425 };

/* ---- one of them ---- */

static void candidate_refuse(struct server_candidate *candidate, int code,
                             const struct fault *fault)
{
    const struct server_candidates_setup *setup = &candidate->all->setup;
    struct stream *stream = candidate->stream;
    candidate->stream = NULL;
    server_linger_take(setup->linger, stream, setup->binding);
    setup->events->refused(setup->ctx, code, fault);
}

/* As TLS client the handshake alone has shown that another server is there. */
static enum tls_proof proof_of(const struct server_candidate *candidate)
{
    return candidate->all->tls_client ? TLS_PROOF_PEER
                                      : tls_engine_proof(stream_tls(candidate->stream));
}

static bool proof_suffices(const struct server_candidate *candidate, enum tls_proof proof)
{
    switch (proof) {
    case TLS_PROOF_PEER:
        return true;
    case TLS_PROOF_OWN:
    case TLS_PROOF_OTHER: /* only where the binding allows others (data_resume_scope = user) */
        return !candidate->foreign;
    case TLS_PROOF_NONE:
    case TLS_PROOF_FOREIGN:
    case TLS_PROOF_STALE:
        break;
    }
    const struct server_rules *rules = candidate->all->setup.rules;
    return !candidate->foreign && rules->data_resume != DATA_RESUME_REQUIRE;
}

static const char *refusal_advice(enum tls_proof proof)
{
    if (proof == TLS_PROOF_FOREIGN)
        return "the client shares TLS sessions between logins: set data_resume_scope = user, or "
               "data_resume = prefer";
    return "use a client that resumes the control connection's TLS session, or set "
           "data_resume = prefer";
}

static void candidate_sealed(void *ctx)
{
    struct server_candidate *candidate = ctx;
    const struct server_candidates_setup *setup = &candidate->all->setup;
    enum tls_proof proof = proof_of(candidate);
    if (proof_suffices(candidate, proof)) {
        struct stream *stream = candidate->stream;
        candidate->stream = NULL;
        stream_set_events(stream, NULL, NULL);
        setup->events->proven(setup->ctx, stream, proof);
        return;
    }
    struct fault fault = {0};
    if (candidate->foreign) {
        fault_set(&fault, FERRY_E_TRUST, "The other server shows no certificate that is known");
        fault_advise(&fault, "name its CA or its key in fxp_ca or fxp_pins");
    } else {
        fault_set(&fault, FERRY_E_TLS, "TLS session reuse required: %s", tls_proof_words(proof));
        fault_advise(&fault, "%s", refusal_advice(proof));
    }
    candidate_refuse(candidate, REPLY_TLS_REFUSED, &fault);
}

/* Nothing may be read before the handshake is done, so this is the end of the stream. */
static void candidate_input(void *ctx)
{
    struct server_candidate *candidate = ctx;
    struct stream *stream = candidate->stream;
    bool over = stream_end(stream) != STREAM_OPEN || stream_is_broken(stream);
    if (!over || stream_is_sealed(stream))
        return;
    const struct fault *cause = stream_fault(stream);
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_TLS, "The TLS handshake of the data connection failed: %s",
              fault_is_set(cause) ? cause->what : "it was closed before its end");
    candidate_refuse(candidate, REPLY_TLS_REFUSED, &fault);
}

static enum ferry_error make_engine(const struct server_candidates *all, struct tls_engine **out)
{
    const struct server_rules *rules = all->setup.rules;
    if (all->tls_client) {
        const struct tls_client_role role = {.data = true, .peers = rules->fxp.peers};
        return tls_engine_new_client(rules->fxp.tls, &role, out);
    }
    const struct tls_server_role role = {
        .binding = server_binding_tls(all->setup.binding),
        .data = true,
        .hosts = rules->hosts,
        .host = all->setup.host,
        .peers = all->setup.servers ? rules->fxp.peers : NULL,
    };
    return tls_engine_new_server(rules->tls, &role, out);
}

static void candidate_seal(struct server_candidate *candidate)
{
    static const struct stream_events events = {.input = candidate_input,
                                                .sealed = candidate_sealed};
    stream_set_events(candidate->stream, &events, candidate);
    struct tls_engine *engine = NULL;
    enum ferry_error error = make_engine(candidate->all, &engine);
    if (error == FERRY_OK)
        error = stream_start_tls(candidate->stream, engine);
    if (error == FERRY_OK)
        return;
    struct fault fault = {0};
    fault_set(&fault, error, "TLS cannot be started on the data connection now");
    candidate_refuse(candidate, REPLY_NO_CONNECTION, &fault);
}

/* ---- all of them ---- */

void server_candidates_init(struct server_candidates *candidates,
                            const struct server_candidates_setup *setup)
{
    *candidates = (struct server_candidates){.setup = *setup};
    for (size_t i = 0; i < SERVER_CANDIDATES_MAX; i++)
        candidates->places[i].all = candidates;
}

void server_candidates_drop(struct server_candidates *candidates)
{
    for (size_t i = 0; i < SERVER_CANDIDATES_MAX; i++) {
        struct server_candidate *candidate = &candidates->places[i];
        if (candidate->stream)
            server_linger_take(candidates->setup.linger, candidate->stream,
                               candidates->setup.binding);
        candidate->stream = NULL;
    }
}

static struct server_candidate *free_place(struct server_candidates *candidates)
{
    for (size_t i = 0; i < SERVER_CANDIDATES_MAX; i++)
        if (!candidates->places[i].stream)
            return &candidates->places[i];
    return NULL;
}

/* The one that has said nothing for the longest time; NULL: all have begun their handshake. */
static struct server_candidate *longest_silent(struct server_candidates *candidates)
{
    struct server_candidate *found = NULL;
    for (size_t i = 0; i < SERVER_CANDIDATES_MAX; i++) {
        struct server_candidate *candidate = &candidates->places[i];
        bool silent = candidate->stream && !stream_has_received(candidate->stream);
        if (silent && (!found || candidate->order < found->order))
            found = candidate;
    }
    return found;
}

bool server_candidates_has_room(struct server_candidates *candidates)
{
    return free_place(candidates) || longest_silent(candidates);
}

static void make_way(struct server_candidate *candidate)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_TIMEOUT,
              "The data connection said nothing and made way for another one");
    candidate_refuse(candidate, REPLY_NO_CONNECTION, &fault);
}

void server_candidates_admit(struct server_candidates *candidates, struct stream *stream,
                             bool foreign)
{
    struct server_candidate *candidate = free_place(candidates);
    if (!candidate) {
        candidate = longest_silent(candidates);
        make_way(candidate);
    }
    candidate->stream = stream;
    candidate->order = candidates->admitted++;
    candidate->since_ns = loop_now_ns(candidates->setup.loop);
    candidate->foreign = foreign;
    if (candidates->setup.role_unknown && !candidates->begun)
        stream_pause(stream, true);
    else
        candidate_seal(candidate);
}

bool server_candidates_any(const struct server_candidates *candidates)
{
    return server_candidates_deadline(candidates) > 0;
}

static void candidate_begin(struct server_candidate *candidate)
{
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_STATE, "TLS was begun before SSCN said by whom");
    candidate->since_ns = loop_now_ns(candidate->all->setup.loop);
    if (!stream_tls(candidate->stream)) {
        stream_pause(candidate->stream, false);
        candidate_seal(candidate);
    } else if (candidate->all->tls_client) {
        candidate_refuse(candidate, REPLY_TLS_REFUSED, &fault);
    }
}

void server_candidates_begin(struct server_candidates *candidates, bool tls_client)
{
    candidates->begun = true;
    candidates->tls_client = tls_client;
    for (size_t i = 0; i < SERVER_CANDIDATES_MAX; i++)
        if (candidates->places[i].stream)
            candidate_begin(&candidates->places[i]);
}

uint64_t server_candidates_deadline(const struct server_candidates *candidates)
{
    uint64_t until = 0;
    for (size_t i = 0; i < SERVER_CANDIDATES_MAX; i++) {
        const struct server_candidate *candidate = &candidates->places[i];
        uint64_t end = candidate->since_ns + candidates->setup.rules->handshake_timeout_ns;
        if (candidate->stream && end > until)
            until = end;
    }
    return until;
}
