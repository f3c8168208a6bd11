/* A connection that may become the data connection: its handshake, and what it must prove. */
#include "server/candidate.h"

#include "tls/engine.h"

void server_candidate_refuse(struct server_candidate *candidate, int code,
                             const struct fault *fault)
{
    struct server_data *data = candidate->data;
    struct stream *stream = candidate->stream;
    candidate->stream = NULL;
    server_data_refusal(data, code, stream_peer(stream), fault);
    server_linger_take(data->setup.linger, stream, data->binding);
    if (data->listener_watch)
        loop_watch_want(data->listener_watch, true, false);
    server_data_arm(data);
}

/* As TLS client the handshake alone has shown that another server is there. */
static bool proof_suffices(const struct server_candidate *candidate, enum tls_proof proof)
{
    const struct server_data *data = candidate->data;
    switch (proof) {
    case TLS_PROOF_PEER:
        return true;
    case TLS_PROOF_OWN:
    case TLS_PROOF_OTHER: /* only where the binding allows others (data_resume_scope = user) */
        return !candidate->foreign;
    case TLS_PROOF_NONE:
    case TLS_PROOF_FOREIGN:
    case TLS_PROOF_STALE:
        return !candidate->foreign && data->setup.rules->data_resume != DATA_RESUME_REQUIRE;
    }
    return false;
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
    struct server_data *data = candidate->data;
    enum tls_proof proof =
        data->tls_client ? TLS_PROOF_PEER : tls_engine_proof(stream_tls(candidate->stream));
    if (proof_suffices(candidate, proof)) {
        struct stream *stream = candidate->stream;
        candidate->stream = NULL;
        server_data_take(data, stream, proof);
        return;
    }
    struct fault fault = {0};
    if (candidate->foreign) {
        fault_set(&fault, FERRY_E_TRUST, "The other server shows no certificate that is known");
        fault_advise(&fault, "name its CA or key in fxp_ca or fxp_pins");
    } else {
        fault_set(&fault, FERRY_E_TLS, "TLS session reuse required: %s", tls_proof_words(proof));
        fault_advise(&fault, "%s", refusal_advice(proof));
    }
    server_candidate_refuse(candidate, DATA_REPLY_TLS, &fault);
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
    server_candidate_refuse(candidate, DATA_REPLY_TLS, &fault);
}

static enum ferry_error make_engine(const struct server_data *data, struct tls_engine **out)
{
    const struct server_rules *rules = data->setup.rules;
    if (data->tls_client) {
        const struct tls_client_role role = {.data = true, .peers = rules->fxp.peers};
        return tls_engine_new_client(rules->fxp.tls, &role, out);
    }
    const struct tls_server_role role = {
        .binding = server_binding_tls(data->binding),
        .data = true,
        .peers = rules->dialect.fxp ? rules->fxp.peers : NULL,
    };
    return tls_engine_new_server(rules->tls, &role, out);
}

void server_candidate_seal(struct server_candidate *candidate)
{
    static const struct stream_events events = {.input = candidate_input,
                                                .sealed = candidate_sealed};
    const struct server_data *data = candidate->data;
    bool waits = data->setup.may_be_tls_client && data->state == DATA_WAITING;
    stream_pause(candidate->stream, waits);
    if (waits)
        return;
    stream_set_events(candidate->stream, &events, candidate);
    struct tls_engine *engine = NULL;
    enum ferry_error error = make_engine(data, &engine);
    if (error == FERRY_OK)
        error = stream_start_tls(candidate->stream, engine);
    if (error == FERRY_OK)
        return;
    struct fault fault = {0};
    fault_set(&fault, error, "TLS cannot be started on the data connection now");
    server_candidate_refuse(candidate, DATA_REPLY_NONE, &fault);
}
