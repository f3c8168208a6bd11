/* Private keys that another process holds: the requests, and the handshakes that wait for them. */
#include "tls/signer.h"

#include <string.h>

#include <openssl/async.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include "base/alloc.h"
#include "tls/connection.h"
#include "tls/signer_private.h"

enum { JOBS_MAX = 64 }; /* handshakes that may wait at once, of 34 KiB each; the others queue */

struct tls_signer *tls_signer_new(tls_signer_ask_fn *ask, void *ctx)
{
    struct tls_signer *signer = alloc_zero(sizeof(*signer));
    if (!signer)
        return NULL;
    signer->ask = ask;
    signer->ctx = ctx;
    TAILQ_INIT(&signer->waits);
    TAILQ_INIT(&signer->queue);
    if (ASYNC_init_thread(JOBS_MAX, 0) != 1 || !signer_provider_load(signer)) {
        tls_signer_free(signer);
        return NULL;
    }
    return signer;
}

void tls_signer_free(struct tls_signer *signer)
{
    if (!signer)
        return;
    OSSL_PROVIDER_unload(signer->ferry);
    OSSL_PROVIDER_unload(signer->defaults);
    OSSL_LIB_CTX_free(signer->library);
    ASYNC_cleanup_thread();
    ERR_clear_error();
    alloc_free(signer);
}

unsigned tls_signer_waiting(const struct tls_signer *signer)
{
    return signer->waiting;
}

/* ---- requests ---- */

static void wait_begin(struct tls_signer *signer, struct signer_wait *wait)
{
    TAILQ_INSERT_TAIL(&signer->waits, wait, link);
    signer->waiting++;
}

static void wait_end(struct tls_signer *signer, struct signer_wait *wait)
{
    TAILQ_REMOVE(&signer->waits, wait, link);
    signer->waiting--;
    wait->over = true;
}

size_t signer_sign(struct tls_signer *signer, const struct tls_sign_request *request,
                   unsigned char *out, size_t size)
{
    bool may_pause = ASYNC_get_current_job() != NULL;
    struct signer_wait wait = {
        .id = ++signer->last_id,
        .connection = may_pause ? signer->acting : NULL,
        .out = out,
        .size = size,
    };
    struct tls_sign_request numbered = *request;
    numbered.id = wait.id;
    wait_begin(signer, &wait);
    if (!signer->ask(signer->ctx, &numbered) && !wait.over)
        wait_end(signer, &wait);
    while (!wait.over) {
        if (!may_pause || ASYNC_pause_job() != 1) {
            wait_end(signer, &wait);
            break;
        }
    }
    return wait.len;
}

static void wake(struct tls_connection *connection)
{
    if (connection && connection->wake)
        connection->wake(connection->wake_ctx);
}

/* May free the connection. */
static void wait_answer(struct tls_signer *signer, struct signer_wait *wait, struct bytes signature)
{
    struct tls_connection *connection = wait->connection;
    if (signature.len <= wait->size) {
        memcpy(wait->out, signature.len > 0 ? signature.ptr : "", signature.len);
        wait->len = signature.len;
    }
    wait_end(signer, wait);
    if (connection != signer->acting)
        wake(connection);
}

void tls_signer_answer(struct tls_signer *signer, uint64_t id, struct bytes signature)
{
    struct signer_wait *wait;
    TAILQ_FOREACH (wait, &signer->waits, link) {
        if (wait->id == id) {
            wait_answer(signer, wait, signature);
            return;
        }
    }
}

void tls_signer_fail(struct tls_signer *signer)
{
    struct signer_wait *wait;
    while ((wait = TAILQ_FIRST(&signer->waits)))
        wait_answer(signer, wait, bytes_str(NULL));
}

/* ---- handshakes ---- */

static void queue_leave(struct tls_signer *signer, struct tls_connection *connection)
{
    if (connection->queued)
        TAILQ_REMOVE(&signer->queue, connection, queue);
    connection->queued = false;
}

/* A job has come free: the first that waits for one may have it. */
static void queue_next(struct tls_signer *signer)
{
    struct tls_connection *next = TAILQ_FIRST(&signer->queue);
    if (!next)
        return;
    queue_leave(signer, next);
    wake(next);
}

int signer_handshake(struct tls_connection *connection)
{
    struct tls_signer *signer = connection->signer;
    struct tls_connection *outer = signer->acting;
    bool was_paused = connection->paused;
    signer->acting = connection;
    int returned = SSL_do_handshake(connection->ssl);
    signer->acting = outer;
    int error = returned == 1 ? SSL_ERROR_NONE : SSL_get_error(connection->ssl, returned);
    connection->paused = error == SSL_ERROR_WANT_ASYNC;
    if (error == SSL_ERROR_WANT_ASYNC_JOB && !connection->queued) {
        TAILQ_INSERT_TAIL(&signer->queue, connection, queue);
        connection->queued = true;
    }
    if (was_paused && !connection->paused)
        queue_next(signer);
    return returned;
}

void signer_leave(struct tls_connection *connection)
{
    struct tls_signer *signer = connection->signer;
    if (!signer)
        return;
    connection->wake = NULL;
    queue_leave(signer, connection);
    struct signer_wait *wait, *next;
    for (wait = TAILQ_FIRST(&signer->waits); wait; wait = next) {
        next = TAILQ_NEXT(wait, link);
        if (wait->connection == connection)
            wait_answer(signer, wait, bytes_str(NULL));
    }
    /* Freed with a job that pauses, OpenSSL would leak the job: it is to end first. */
    if (connection->paused)
        (void)signer_handshake(connection);
    ERR_clear_error();
}
