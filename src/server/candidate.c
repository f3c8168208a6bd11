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
    struct server_data *data = candidate->data;
    enum tls_proof proof = tls_engine_proof(stream_tls(candidate->stream));
    if (proof_suffices(data->setup.rules->data_resume, proof)) {
        struct stream *stream = candidate->stream;
        candidate->stream = NULL;
        server_data_take(data, stream, proof);
        return;
    }
    struct fault fault = {0};
    fault_set(&fault, FERRY_E_TLS, "TLS session reuse required: %s", tls_proof_words(proof));
    fault_advise(&fault, "%s", refusal_advice(proof));
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

void server_candidate_seal(struct server_candidate *candidate)
{
    static const struct stream_events events = {.input = candidate_input,
                                                .sealed = candidate_sealed};
    struct server_data *data = candidate->data;
    struct tls_server_role role = {.binding = server_binding_tls(data->binding), .data = true};
    stream_set_events(candidate->stream, &events, candidate);
    struct tls_engine *engine = NULL;
    enum ferry_error error = tls_engine_new_server(data->setup.rules->tls, &role, &engine);
    if (error == FERRY_OK)
        error = stream_start_tls(candidate->stream, engine);
    if (error == FERRY_OK)
        return;
    struct fault fault = {0};
    fault_set(&fault, error, "TLS cannot be started on the data connection now");
    server_candidate_refuse(candidate, DATA_REPLY_NONE, &fault);
}
