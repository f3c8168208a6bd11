/* One TLS session as a transformer of bytes. */
#include "tls/engine.h"

#include <assert.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/alloc.h"
#include "tls/connection.h"
#include "tls/failure.h"
#include "tls/library.h"
#include "tls/signer_private.h"

enum {
    /* More than any cipher adds to a record: 22 bytes in TLS 1.3, 29 in TLS 1.2 with AEAD, up to 90
     * with CBC; 256 leaves room for the empty record that TLS 1.0 puts before each. */
    RECORD_OVERHEAD_BYTES = 256,
    RECORD_SEALED_BYTES = TLS_RECORD_MAX_BYTES + RECORD_OVERHEAD_BYTES,
    /* What plaintext may fill of the output: 16 whole records. The rest is for alerts, tickets and
     * KeyUpdate, so that SSL_write never finds less room than it needs. */
    SEALED_MAX_BYTES = 16 * RECORD_SEALED_BYTES,
};
static_assert(SEALED_MAX_BYTES + 8 * 1024 <= TLS_OUTPUT_MAX_BYTES,
              "room for what is not plaintext");

enum phase {
    PHASE_HANDSHAKE,
    PHASE_OPEN,
    PHASE_ENDED,  /* the peer's close_notify came */
    PHASE_FAILED, /* connection.fault says why */
};

struct tls_engine {
    struct tls_connection connection;
    struct tls_context *context;
    struct tls_hosts *hosts; /* or NULL */
    enum phase phase;
    bool seen_first;   /* the first bytes of the peer were looked at */
    bool closing;      /* tls_engine_close was called */
    bool close_wanted; /* and the close_notify is not in the output yet */
    enum tls_proof proof;
    struct tls_facts facts;
};

/* ---- making and freeing ---- */

static void drop_engine(struct tls_engine **engine)
{
    tls_engine_free(*engine);
}

/* What both ends have in common: an SSL between the two halves of `connection.wire`. */
static enum ferry_error engine_new(struct tls_context *context, bool data, struct tls_engine **out)
{
    ERR_clear_error();
    CLEANUP(drop_engine) struct tls_engine *engine = alloc_zero(sizeof(*engine));
    if (!engine)
        return FERRY_E_MEMORY;
    engine->context = tls_context_ref(context);
    struct tls_connection *connection = &engine->connection;
    connection->policy = context->policy;
    connection->server = context->server;
    connection->context = context;
    connection->data = data;
    buf_init(&connection->wire.out, TLS_OUTPUT_MAX_BYTES);

    connection->ssl = SSL_new(context->ssl);
    BIO *bio = connection->ssl ? tls_bio_new(context->bio_method, &connection->wire) : NULL;
    if (!bio)
        return FERRY_E_MEMORY;
    SSL_set_bio(connection->ssl, bio, bio);
    if (SSL_set_app_data(connection->ssl, connection) != 1)
        return FERRY_E_MEMORY;
    *out = engine;
    engine = NULL;
    return FERRY_OK;
}

/* The handshake stops where a signature is due, until the signer has answered. */
static void use_signer(struct tls_engine *engine)
{
    engine->connection.signer = engine->context->signer;
    if (engine->context->signer)
        SSL_set_mode(engine->connection.ssl, SSL_MODE_ASYNC);
}

enum ferry_error tls_engine_new_server(struct tls_context *context,
                                       const struct tls_server_role *role, struct tls_engine **out)
{
    const char *host = role->host && role->host[0] != '\0' ? role->host : NULL;
    if (role->hosts)
        context = tls_hosts_context(role->hosts, host);
    if (!context)
        return FERRY_E_ARGUMENT;
    assert(context->server);
    CLEANUP(drop_engine) struct tls_engine *engine = NULL;
    enum ferry_error error = engine_new(context, role->data, &engine);
    if (error != FERRY_OK)
        return error;
    engine->connection.binding = role->binding;
    engine->hosts = role->hosts ? tls_hosts_ref(role->hosts) : NULL;
    engine->connection.hosts = engine->hosts;
    SSL_set_accept_state(engine->connection.ssl);
    use_signer(engine);
    if (!tls_resume_prepare(&engine->connection) ||
        (engine->hosts && !tls_hosts_fix(&engine->connection, host)))
        return FERRY_E_MEMORY;
    if (role->peers)
        tls_verify_prepare_peers(&engine->connection, role->peers);
    *out = engine;
    engine = NULL;
    return FERRY_OK;
}

static enum ferry_error prepare_client(struct tls_connection *connection,
                                       const struct tls_client_role *role)
{
    if (role->peers) {
        tls_verify_prepare_peers(connection, role->peers);
        return FERRY_OK;
    }
    enum ferry_error error = tls_verify_prepare(connection, role->server_name);
    return error == FERRY_OK ? tls_sessions_offer(connection) : error;
}

enum ferry_error tls_engine_new_client(struct tls_context *context,
                                       const struct tls_client_role *role, struct tls_engine **out)
{
    assert(!context->server);
    CLEANUP(drop_engine) struct tls_engine *engine = NULL;
    enum ferry_error error = engine_new(context, role->data, &engine);
    if (error != FERRY_OK)
        return error;
    engine->connection.sessions = role->sessions;
    engine->connection.trust = role->trust;
    SSL_set_connect_state(engine->connection.ssl);
    use_signer(engine);
    error = prepare_client(&engine->connection, role);
    if (error != FERRY_OK)
        return error;
    *out = engine;
    engine = NULL;
    return FERRY_OK;
}

void tls_engine_free(struct tls_engine *engine)
{
    if (!engine)
        return;
    SSL *ssl = engine->connection.ssl;
    signer_leave(&engine->connection);
    /* Freed without both marks, OpenSSL takes the session for a broken one and forgets it. */
    if (ssl)
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
    ERR_clear_error();
    buf_fini(&engine->connection.wire.out);
    tls_context_unref(engine->context);
    tls_hosts_unref(engine->hosts);
    alloc_free(engine);
}

/* ---- the outcome of a call of OpenSSL ---- */

static enum tls_status enter_failed(struct tls_engine *engine)
{
    assert(fault_is_set(&engine->connection.fault));
    engine->phase = PHASE_FAILED;
    return TLS_FAILED;
}

/* What a call that did not succeed wants or came to. */
static enum tls_status outcome(struct tls_engine *engine, int returned)
{
    switch (SSL_get_error(engine->connection.ssl, returned)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_INPUT;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_OUTPUT;
    case SSL_ERROR_WANT_ASYNC:
    case SSL_ERROR_WANT_ASYNC_JOB:
        return TLS_WANT_SIGNATURE;
    case SSL_ERROR_ZERO_RETURN:
        if (engine->phase == PHASE_HANDSHAKE) {
            fault_set(&engine->connection.fault, FERRY_E_TLS,
                      "the peer ended TLS during the handshake");
            return enter_failed(engine);
        }
        engine->phase = PHASE_ENDED;
        return TLS_CLOSED;
    default:
        failure_explain(&engine->connection, engine->phase == PHASE_HANDSHAKE);
        return enter_failed(engine);
    }
}

/* ---- handshake ---- */

/* OpenSSL is content; are we? */
static enum ferry_error check_handshake(struct tls_engine *engine)
{
    struct tls_connection *connection = &engine->connection;
    enum ferry_error error = tls_connection_check(connection);
    if (error == FERRY_OK && connection->server)
        error = tls_resume_check_client(connection);
    if (connection->server && !connection->data)
        tls_resume_remember(connection);
    if (error == FERRY_OK && !connection->server && !connection->data)
        error = tls_verify_remember(connection);
    return error;
}

static enum tls_status finish_handshake(struct tls_engine *engine)
{
    engine->phase = PHASE_OPEN;
    engine->connection.signer = NULL;
    SSL_clear_mode(engine->connection.ssl, SSL_MODE_ASYNC); /* it slows each record down */
    if (check_handshake(engine) != FERRY_OK) {
        tls_engine_close(engine);
        return enter_failed(engine);
    }
    engine->proof = tls_resume_proof(&engine->connection);
    tls_facts_read(engine->connection.ssl, &engine->facts);
    return TLS_DONE;
}

/* Looks at the peer's first bytes, before OpenSSL answers them with an alert that nobody there
 * reads. */
static bool begins_as_tls(struct tls_engine *engine)
{
    struct bytes in = engine->connection.wire.in;
    if (engine->seen_first || in.len == 0)
        return true;
    engine->seen_first = true;
    return !failure_is_foreign(&engine->connection, in);
}

enum tls_status tls_engine_handshake(struct tls_engine *engine)
{
    if (engine->phase == PHASE_FAILED)
        return TLS_FAILED;
    if (engine->phase != PHASE_HANDSHAKE)
        return TLS_DONE;
    if (!begins_as_tls(engine))
        return enter_failed(engine);
    ERR_clear_error();
    struct tls_connection *connection = &engine->connection;
    int returned =
        connection->signer ? signer_handshake(connection) : SSL_do_handshake(connection->ssl);
    return returned == 1 ? finish_handshake(engine) : outcome(engine, returned);
}

void tls_engine_set_wake(struct tls_engine *engine, void (*wake)(void *ctx), void *ctx)
{
    engine->connection.wake = wake;
    engine->connection.wake_ctx = ctx;
}

/* ---- input ---- */

void tls_engine_feed(struct tls_engine *engine, struct bytes in)
{
    engine->connection.wire.in = in;
}

struct bytes tls_engine_unused(const struct tls_engine *engine)
{
    return engine->connection.wire.in;
}

bool tls_engine_is_inside_record(const struct tls_engine *engine)
{
    const SSL *ssl = engine->connection.ssl;
    return SSL_has_pending(ssl) == 1 || strcmp(SSL_rstate_string(ssl), "RB") == 0; /* its body */
}

void tls_engine_eof(struct tls_engine *engine)
{
    engine->connection.wire.eof = true;
}

enum tls_status tls_engine_read(struct tls_engine *engine, char *out, size_t size, size_t *got)
{
    *got = 0;
    if (engine->phase == PHASE_FAILED)
        return TLS_FAILED;
    if (engine->phase == PHASE_ENDED)
        return TLS_CLOSED;
    assert(engine->phase == PHASE_OPEN);

    enum tls_status status = TLS_DONE;
    while (status == TLS_DONE && *got < size) {
        size_t part = 0;
        ERR_clear_error();
        int returned = SSL_read_ex(engine->connection.ssl, out + *got, size - *got, &part);
        if (returned != 1) {
            status = outcome(engine, returned);
            break;
        }
        *got += part;
        tls_connection_credit(&engine->connection, part);
    }
    /* What came before the end is delivered first; the phase tells the end next time. */
    return *got > 0 ? TLS_DONE : status;
}

/* ---- output ---- */

size_t tls_engine_room(const struct tls_engine *engine)
{
    bool open = engine->phase == PHASE_OPEN || engine->phase == PHASE_ENDED;
    size_t waiting = buf_len(&engine->connection.wire.out);
    if (!open || engine->closing || waiting >= SEALED_MAX_BYTES)
        return 0;
    size_t left = SEALED_MAX_BYTES - waiting;
    size_t whole = left / RECORD_SEALED_BYTES;
    size_t rest = left % RECORD_SEALED_BYTES;
    return whole * TLS_RECORD_MAX_BYTES +
           (rest > RECORD_OVERHEAD_BYTES ? rest - RECORD_OVERHEAD_BYTES : 0);
}

/* Sends what OpenSSL holds back until it is next called, tickets above all: before the room for
 * plaintext is measured. */
static enum tls_status flush_messages(struct tls_engine *engine)
{
    if (!SSL_in_init(engine->connection.ssl))
        return TLS_DONE;
    ERR_clear_error();
    int returned = SSL_do_handshake(engine->connection.ssl);
    return returned == 1 ? TLS_DONE : outcome(engine, returned);
}

/* Seals `part`, for which there is room. */
static enum tls_status seal(struct tls_engine *engine, struct bytes part, size_t *taken)
{
    size_t records = part.len / TLS_RECORD_MAX_BYTES + 1;
    char *space;
    if (buf_reserve(&engine->connection.wire.out, part.len + records * RECORD_OVERHEAD_BYTES,
                    &space) != FERRY_OK) {
        library_no_memory(&engine->connection.fault);
        return enter_failed(engine);
    }
    ERR_clear_error();
    int returned = SSL_write_ex(engine->connection.ssl, part.ptr, part.len, taken);
    return returned == 1 ? TLS_DONE : outcome(engine, returned);
}

enum tls_status tls_engine_write(struct tls_engine *engine, struct bytes in, size_t *taken)
{
    *taken = 0;
    if (engine->phase == PHASE_FAILED)
        return TLS_FAILED;
    if (engine->closing)
        return TLS_CLOSED;
    assert(engine->phase != PHASE_HANDSHAKE);
    if (in.len == 0)
        return TLS_DONE;

    enum tls_status status = flush_messages(engine);
    if (status != TLS_DONE)
        return status;
    struct bytes part = bytes_first(in, tls_engine_room(engine));
    if (part.len == 0)
        return TLS_WANT_OUTPUT;
    status = seal(engine, part, taken);
    if (status != TLS_DONE)
        return status;
    return *taken < in.len ? TLS_WANT_OUTPUT : TLS_DONE;
}

static void send_close(struct tls_engine *engine)
{
    enum tls_status status = flush_messages(engine);
    ERR_clear_error();
    if (status == TLS_DONE && SSL_shutdown(engine->connection.ssl) >= 0)
        engine->close_wanted = false;
    ERR_clear_error();
}

void tls_engine_close(struct tls_engine *engine)
{
    bool open = engine->phase == PHASE_OPEN || engine->phase == PHASE_ENDED;
    if (engine->closing || !open)
        return;
    engine->closing = true;
    engine->close_wanted = true;
    send_close(engine);
}

void tls_engine_refill(struct tls_engine *engine)
{
    if (engine->phase == PHASE_OPEN && engine->connection.server && !engine->connection.data)
        SSL_new_session_ticket(engine->connection.ssl); /* fails in TLS 1.2, where there are none */
}

bool tls_engine_keepalive(struct tls_engine *engine)
{
    if (tls_engine_room(engine) == 0 || engine->facts.version < TLS_VERSION_1_3)
        return false;
    size_t waiting = buf_len(&engine->connection.wire.out);
    tls_engine_refill(engine);
    return flush_messages(engine) == TLS_DONE && buf_len(&engine->connection.wire.out) > waiting;
}

struct bytes tls_engine_output(const struct tls_engine *engine)
{
    return buf_view(&engine->connection.wire.out);
}

void tls_engine_wrote(struct tls_engine *engine, size_t len)
{
    buf_consume(&engine->connection.wire.out, len);
    if (engine->close_wanted && engine->phase != PHASE_FAILED)
        send_close(engine);
}

/* ---- what came of it ---- */

const struct tls_facts *tls_engine_facts(const struct tls_engine *engine)
{
    return &engine->facts;
}

enum ferry_error tls_engine_identity(const struct tls_engine *engine, struct tls_identity *out)
{
    const SSL *ssl = engine->connection.ssl;
    const X509 *shown = engine->connection.server ? SSL_get0_peer_certificate(ssl) : NULL;
    bool open = engine->phase == PHASE_OPEN || engine->phase == PHASE_ENDED;
    if (!open || !shown || SSL_get_verify_result(ssl) != X509_V_OK)
        return FERRY_E_NOT_FOUND;
    return tls_identity_read(shown, out) ? FERRY_OK : FERRY_E_MEMORY;
}

enum tls_proof tls_engine_proof(const struct tls_engine *engine)
{
    return engine->proof;
}

const struct fault *tls_engine_fault(const struct tls_engine *engine)
{
    return &engine->connection.fault;
}
