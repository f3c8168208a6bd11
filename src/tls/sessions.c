/* Resumption, the client's side: the sessions that one control connection received. */
#include <openssl/ssl.h>

#include <string.h>

#include "base/alloc.h"
#include "tls/connection.h"
#include "tls/library.h"
#include "tls/resume.h"

/* A server sends two after the handshake and one per transfer; more are not kept. */
enum { KEPT_MAX = 8 };

struct kept {
    SSL_SESSION *session;
    bool used;
};

struct tls_sessions {
    struct kept kept[KEPT_MAX]; /* newest first */
    size_t count;
};

struct tls_sessions *tls_sessions_new(void)
{
    return alloc_zero(sizeof(struct tls_sessions));
}

void tls_sessions_free(struct tls_sessions *sessions)
{
    if (!sessions)
        return;
    for (size_t i = 0; i < sessions->count; i++)
        SSL_SESSION_free(sessions->kept[i].session);
    alloc_free(sessions);
}

unsigned tls_sessions_fresh(const struct tls_sessions *sessions)
{
    unsigned fresh = 0;
    for (size_t i = 0; i < sessions->count; i++)
        fresh += !sessions->kept[i].used;
    return fresh;
}

bool tls_sessions_any(const struct tls_sessions *sessions)
{
    return sessions->count > 0;
}

/* Takes `session`. The used ones are needed no longer, now that there is a fresh one. */
static void add(struct tls_sessions *sessions, SSL_SESSION *session)
{
    struct tls_sessions next = {.kept[0].session = session, .count = 1};
    for (size_t i = 0; i < sessions->count; i++) {
        if (!sessions->kept[i].used && next.count < KEPT_MAX)
            next.kept[next.count++] = sessions->kept[i];
        else
            SSL_SESSION_free(sessions->kept[i].session);
    }
    *sessions = next;
}

/* The newest that was not used, else the newest; it is then used. NULL: there is none. */
static SSL_SESSION *pick(struct tls_sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++) {
        if (!sessions->kept[i].used) {
            sessions->kept[i].used = true;
            return sessions->kept[i].session;
        }
    }
    return sessions->count > 0 ? sessions->kept[0].session : NULL;
}

/* SSL_CTX_sess_set_new_cb; 1: we keep the session. In TLS 1.2 a data connection that did not resume
 * was not bound to the control connection, and neither is its session (TLS-106). */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls_connection *connection = tls_connection_of(ssl);
    if (connection->peers) /* nothing is resumed between servers */
        return 0;
    if (connection->data && SSL_version(ssl) < TLS1_3_VERSION && SSL_session_reused(ssl) == 0)
        return 0;
    add(connection->sessions, session);
    return 1;
}

void tls_sessions_install(SSL_CTX *ssl)
{
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, on_new_session);
}

static void drop_session(SSL_SESSION **session)
{
    SSL_SESSION_free(*session);
}

enum ferry_error tls_sessions_offer(struct tls_connection *connection)
{
    SSL_SESSION *best = connection->data ? pick(connection->sessions) : NULL;
    if (!best)
        return FERRY_OK;
    int version = SSL_SESSION_get_protocol_version(best);
    /* OpenSSL marks what it offers in TLS 1.3 as used and spoils what ends badly: offer a copy. */
    CLEANUP(drop_session) SSL_SESSION *copy = SSL_SESSION_dup(best);
    if (!copy || SSL_set_session(connection->ssl, copy) != 1 ||
        SSL_set_min_proto_version(connection->ssl, version) != 1 ||
        SSL_set_max_proto_version(connection->ssl, version) != 1)
        return library_no_memory(&connection->fault);
    return FERRY_OK;
}
