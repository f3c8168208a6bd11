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

static bool proof_suffices(enum data_resume policy, enum tls_proof proof)
{
    /* TLS_PROOF_OTHER comes only where the binding allows others (data_resume_scope = user). */
    return policy != DATA_RESUME_REQUIRE || proof == TLS_PROOF_OWN || proof == TLS_PROOF_OTHER;
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
    enum tls_proof proof = tls_engine_proof(stream_tls(candidate->stream));
    if (proof_suffices(setup->rules->data_resume, proof)) {
        struct stream *stream = candidate->stream;
        candidate->stream = NULL;
        stream_set_events(stream, NULL, NULL);
        setup->events->proven(setup->ctx, stream, proof);
        return;
    }
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_TLS, "TLS session reuse required: %s", tls_proof_words(proof));
    fault_advise(&fault, "%s", refusal_advice(proof));
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

static void candidate_seal(struct server_candidate *candidate)
{
    static const struct stream_events events = {.input = candidate_input,
                                                .sealed = candidate_sealed};
    const struct server_candidates_setup *setup = &candidate->all->setup;
    struct tls_server_role role = {
        .binding = server_binding_tls(setup->binding),
        .data = true,
        .hosts = setup->rules->hosts,
        .host = setup->host,
    };
    stream_set_events(candidate->stream, &events, candidate);
    struct tls_engine *engine = NULL;
    enum ferry_error error = tls_engine_new_server(setup->rules->tls, &role, &engine);
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

void server_candidates_admit(struct server_candidates *candidates, struct stream *stream)
{
    struct server_candidate *candidate = free_place(candidates);
    if (!candidate) {
        candidate = longest_silent(candidates);
        make_way(candidate);
    }
    candidate->stream = stream;
    candidate->order = candidates->admitted++;
    candidate->since_ns = loop_now_ns(candidates->setup.loop);
    candidate_seal(candidate);
}

bool server_candidates_any(const struct server_candidates *candidates)
{
    return server_candidates_deadline(candidates) > 0;
}

void server_candidates_restart(struct server_candidates *candidates, uint64_t now_ns)
{
    for (size_t i = 0; i < SERVER_CANDIDATES_MAX; i++)
        candidates->places[i].since_ns = now_ns;
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
